"""The production calendar as the billing rules use it (§3): facts from the decrees."""

from __future__ import annotations

from datetime import date

import pytest

from stavbill.billing.period import WorkingCalendar, next_working_day
from stavbill.workdays import KazakhWorkdays, RussianWorkdays, workdays_of

RUSSIA = RussianWorkdays()
KAZAKHSTAN = KazakhWorkdays()


@pytest.mark.parametrize(
    ("day", "working"),
    [
        pytest.param(date(2021, 2, 20), True, id="§3 Saturday made a working day in 2021"),
        pytest.param(date(2021, 2, 22), False, id="§3 Monday that it was moved to"),
        pytest.param(date(2022, 3, 5), True, id="§3 Saturday made a working day in 2022"),
        pytest.param(date(2025, 11, 1), True, id="§3 Saturday made a working day in 2025"),
        pytest.param(date(2025, 11, 3), False, id="§3 Monday off for it"),
        pytest.param(date(2026, 1, 9), False, id="§3 Friday off, moved from 3 January"),
        pytest.param(date(2022, 1, 10), True, id="§3 first working day after the holidays"),
        pytest.param(date(2026, 12, 10), True, id="an ordinary Thursday"),
        pytest.param(date(2026, 12, 31), False, id="§3 New Year's Eve moved from 4 January"),
        pytest.param(date(2022, 5, 10), False, id="§3 moved from 2 January 2022"),
        pytest.param(date(2027, 2, 20), True, id="P3 Saturday made a working day in 2027"),
        pytest.param(date(2027, 2, 22), False, id="P3 Monday that it was moved to"),
        pytest.param(date(2027, 11, 5), False, id="P3 Friday off in November 2027"),
    ],
)
def test_transferred_days_of_russia(day: date, *, working: bool) -> None:
    assert RUSSIA.is_working_day(day) is working


@pytest.mark.parametrize(
    ("day", "sent"),
    [
        pytest.param(date(2021, 10, 10), date(2021, 10, 11), id="Sunday to Monday"),
        pytest.param(date(2021, 7, 10), date(2021, 7, 12), id="Saturday to Monday"),
        pytest.param(date(2022, 1, 10), date(2022, 1, 10), id="stays"),
        pytest.param(date(2022, 4, 10), date(2022, 4, 11), id="Sunday in April"),
        pytest.param(date(2021, 5, 10), date(2021, 5, 11), id="Victory Day on a Sunday moves on"),
    ],
)
def test_a_sending_day_off_moves_to_the_next_working_day(day: date, sent: date) -> None:
    assert next_working_day(day, RUSSIA) == sent


def test_asking_twice_gives_the_same_answer() -> None:
    calendar: WorkingCalendar = RussianWorkdays()
    assert [calendar.is_working_day(date(2024, 4, 27)) for _ in range(2)] == [True, True]


def test_years_without_a_decree_are_forecasts() -> None:
    assert 2026 not in RUSSIA.forecast_years
    assert RUSSIA.known_through + 1 in RUSSIA.forecast_years


@pytest.mark.parametrize(
    ("day", "working"),
    [
        pytest.param(date(2094, 11, 4), False, id="Unity Day, a Thursday"),
        pytest.param(date(2094, 11, 5), True, id="nothing is moved behind a weekday"),
        pytest.param(date(2095, 11, 4), False, id="Unity Day, a Friday"),
        pytest.param(date(2095, 2, 23), False, id="a Wednesday holiday"),
        pytest.param(date(2089, 6, 12), False, id="Russia Day, a Sunday"),
        pytest.param(date(2089, 6, 13), False, id="the Monday after it is off by the law"),
        pytest.param(date(2089, 6, 14), True, id="one day only"),
        pytest.param(date(2089, 1, 10), True, id="January holidays are moved by decree alone"),
    ],
)
def test_a_forecast_year_follows_the_labour_code(day: date, *, working: bool) -> None:
    assert day.year in RUSSIA.forecast_years
    assert RUSSIA.is_working_day(day) is working


def test_kazakhstan_has_days_of_its_own() -> None:
    assert not KAZAKHSTAN.is_working_day(date(2026, 3, 23))
    assert RUSSIA.is_working_day(date(2026, 3, 23))
    assert KAZAKHSTAN.is_working_day(date(2025, 1, 5)), "Sunday worked for Friday 3 January"
    assert KAZAKHSTAN.is_working_day(date(2026, 1, 9))


def test_a_calendar_is_found_by_country() -> None:
    assert workdays_of("KZ").country == "KZ"
    with pytest.raises(ValueError, match='country "XX"'):
        workdays_of("XX")
