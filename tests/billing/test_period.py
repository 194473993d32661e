"""Months, the periods of invoices, working days (§3, §7)."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stavbill.billing.period import DayOfMonth, Month, ServicePeriod, next_working_day
from tests.billing.world import TestCalendar

months = st.builds(Month, st.integers(1900, 2200), st.integers(1, 12))


@pytest.mark.parametrize(
    ("first", "number", "name"),
    [
        pytest.param(Month(2022, 3), 1, "Март 2022", id="§7 one month"),
        pytest.param(Month(2022, 3), 3, "Март–Май 2022", id="§7 within a year"),
        pytest.param(Month(2022, 1), 12, "Январь–Декабрь 2022", id="§7 a whole year"),
        pytest.param(Month(2021, 11), 3, "Ноябрь 2021 – Январь 2022", id="§7 across years"),
    ],
)
def test_a_period_is_named_as_titles_write_it(first: Month, number: int, name: str) -> None:
    assert ServicePeriod(first, number).name == name


def test_a_period_is_billed_through_its_last_day() -> None:
    """§3: March 2022 is billed through 31.03.2022."""
    assert ServicePeriod(Month(2022, 3)).billed_through == date(2022, 3, 31)
    assert ServicePeriod(Month(2023, 12), 3).billed_through == date(2024, 2, 29)


@given(months, st.integers(-2000, 2000))
def test_months_add_up(month: Month, step: int) -> None:
    later = month.plus(step)
    assert later.plus(-step) == month
    assert later.index - month.index == step
    assert (later > month) == (step > 0)
    assert Month.of(month.last_day) == Month.of(month.first_day) == month


@given(months, st.integers(1, 40))
def test_a_period_has_each_of_its_months_once(first: Month, number: int) -> None:
    period = ServicePeriod(first, number)
    each = period.each()
    assert len(set(each)) == len(each) == number
    assert (each[0], each[-1]) == (period.first, period.last)
    assert list(each) == sorted(each)


@pytest.mark.parametrize("number", [0, 13, -1])
def test_there_is_no_thirteenth_month(number: int) -> None:
    with pytest.raises(ValueError, match=r"1\.\.12"):
        Month(2022, number)


def test_a_period_is_never_empty() -> None:
    with pytest.raises(ValueError, match="at least one month"):
        ServicePeriod(Month(2022, 1), 0)


def test_the_code_of_a_month_sorts_as_it_does() -> None:
    assert Month(2022, 3).code == "2022-03"


@pytest.mark.parametrize(
    ("wish", "sent"),
    [
        pytest.param(date(2021, 10, 10), date(2021, 10, 11), id="§3 check: Sunday 10.10.2021"),
        pytest.param(date(2021, 7, 10), date(2021, 7, 12), id="§3 check: Saturday 10.07.2021"),
        pytest.param(date(2022, 1, 2), date(2022, 1, 10), id="§3 check: after the holidays"),
        pytest.param(date(2022, 3, 5), date(2022, 3, 5), id="§3 transferred: a working Saturday"),
        pytest.param(date(2021, 9, 10), date(2021, 9, 10), id="§3 a working Friday"),
    ],
)
def test_a_day_off_moves_to_the_next_working_day(wish: date, sent: date) -> None:
    assert next_working_day(wish, TestCalendar()) == sent


@pytest.mark.parametrize(("month", "day"), [(2, 28), (4, 30), (1, 31)])
def test_days_29_to_31_mean_at_most_the_last_day(month: int, day: int) -> None:
    """§3: 29–31 mean at most the month's last day."""
    assert DayOfMonth(31).in_month(Month(2022, month)) == date(2022, month, day)
