"""On which day, and which months (§3)."""

from __future__ import annotations

from datetime import date

import pytest

from stavbill.billing.covered import History, history_of
from stavbill.billing.decision import CancelledByHand, Overlap
from stavbill.billing.due import (
    Covered,
    NotPassed,
    PeriodDue,
    PostponedTo,
    SendingDayIs,
    period_due,
    sending_day,
)
from stavbill.billing.facts import (
    FUEL_SENSOR,
    NO_OVERRIDE,
    SUBSCRIPTION,
    InvoiceId,
    InvoiceState,
    IssuedInvoice,
    Override,
)
from stavbill.billing.period import DayOfMonth, FixedDate, Month, SendingDay, ServicePeriod
from tests.billing.world import POLICY, PS_LINE, TENTH, card, invoice

BOTH = (SUBSCRIPTION, FUEL_SENSOR)
EVERY_OVERRIDE = Override(skip=True, sending_day=True, cancelled=True)


@pytest.mark.parametrize(
    ("wish", "on", "day"),
    [
        pytest.param(None, TENTH, TENTH, id="§3 the configured day"),
        pytest.param(None, date(2021, 10, 1), date(2021, 10, 11), id="§3 check: 10.10.2021"),
        pytest.param(None, date(2021, 7, 31), date(2021, 7, 12), id="§3 check: 10.07.2021"),
        pytest.param(None, date(2022, 1, 5), date(2022, 1, 10), id="§3 check: 10.01.2022"),
        pytest.param(DayOfMonth(15), TENTH, date(2022, 2, 15), id="§3 own day of the month"),
        pytest.param(DayOfMonth(31), TENTH, date(2022, 2, 28), id="§3 31 is the last day"),
        pytest.param(DayOfMonth(5), date(2022, 3, 1), date(2022, 3, 5), id="§3 transferred day"),
        pytest.param(DayOfMonth(23), TENTH, date(2022, 2, 24), id="§3 own day off a holiday"),
        pytest.param(
            DayOfMonth(31), date(2022, 7, 1), date(2022, 7, 29), id="§3 never leaves its month"
        ),
        pytest.param(FixedDate(date(2022, 2, 23)), TENTH, date(2022, 2, 24), id="§3 a date, moved"),
    ],
)
def test_the_sending_day(wish: SendingDay | None, on: date, day: date) -> None:
    assert sending_day(card(sending_day=wish), on, POLICY) == SendingDayIs(day)


def test_a_date_in_a_later_month_postpones() -> None:
    """§3: in a later month the company waits."""
    wish = FixedDate(date(2022, 3, 1))
    assert sending_day(card(sending_day=wish), TENTH, POLICY) == PostponedTo(date(2022, 3, 1))


def test_a_date_in_an_earlier_month_is_used_up() -> None:
    """§3: the default day counts, with a warning."""
    found = sending_day(card(sending_day=FixedDate(date(2022, 1, 20))), TENTH, POLICY)
    assert isinstance(found, SendingDayIs)
    assert found.day == TENTH
    assert [note.code for note in found.warnings] == ["sending_date_used_up"]


def told(*invoices: IssuedInvoice) -> History:
    return history_of(invoices, POLICY)


def titled(number: int, months: str, state: InvoiceState = InvoiceState.LIVE,
           created: date = date(2021, 1, 10)) -> IssuedInvoice:  # fmt: skip
    return invoice(number, f"({months})", state=state, created=created)


CANCELLED = InvoiceState.CANCELLED


@pytest.mark.parametrize(
    ("fields", "history", "period"),
    [
        pytest.param({}, told(), ServicePeriod(Month(2022, 3)), id="§3 prepaid: M+1"),
        pytest.param(
            {"previous_month": True}, told(), ServicePeriod(Month(2022, 1)), id="E9 §3 M−1"
        ),
        pytest.param({"months": 3}, told(), ServicePeriod(Month(2022, 3), 3), id="E10 §3 span"),
        pytest.param(
            {"months": 3, "previous_month": True}, told(), ServicePeriod(Month(2021, 11), 3),
            id="§3 in arrears, never billed before: M−N",
        ),
        pytest.param(
            {"months": 3, "previous_month": True}, told(titled(1, "Октябрь 2021")),
            ServicePeriod(Month(2021, 11), 3), id="§3 in arrears, after the last covered month",
        ),
        pytest.param(
            {"months": 2, "previous_month": True}, told(titled(1, "Июнь 2021")),
            ServicePeriod(Month(2021, 7), 2), id="§3 in arrears, a long pause: the next span only",
        ),
        pytest.param(
            {}, told(titled(1, "Март 2021")), ServicePeriod(Month(2022, 3)),
            id="§3 never a silent back-bill",
        ),
        pytest.param(
            {}, told(titled(1, "Апрель 2022")), ServicePeriod(Month(2022, 3)),
            id="§3 a later month alone does not matter",
        ),
    ],
)  # fmt: skip
def test_the_months_due(fields: dict[str, object], history: History, period: ServicePeriod) -> None:
    found = period_due(BOTH, card("3*350", **fields), history, TENTH, NO_OVERRIDE)
    assert isinstance(found, PeriodDue)
    assert (found.period, found.issue) == (period, 1)


def test_a_covered_month_is_never_billed_again() -> None:
    """§3: whoever made the invoice; what it lacks within one invoice is a warning."""
    known = told(invoice(5, "Счёт", (f"{PS_LINE} (Март 2022)",)))
    found = period_due(BOTH, card(), known, TENTH, EVERY_OVERRIDE)
    assert isinstance(found, Covered)
    assert (found.month, found.invoices) == (Month(2022, 3), (InvoiceId(5),))
    assert [note.code for note in found.warnings] == ["not_on_invoice"]
    assert isinstance(period_due((FUEL_SENSOR,), card(), known, TENTH, NO_OVERRIDE), PeriodDue)
    alone = period_due((SUBSCRIPTION,), card(), known, TENTH, NO_OVERRIDE)
    assert isinstance(alone, Covered)
    assert alone.warnings == ()


def test_a_live_invoice_counts_beside_a_cancelled_one() -> None:
    """§3: where a live one stands beside it, the live one counts."""
    known = told(titled(1, "Март 2022", CANCELLED), titled(2, "Март 2022"))
    assert isinstance(period_due(BOTH, card(), known, TENTH, NO_OVERRIDE), Covered)


@pytest.mark.parametrize("months", [1, 3])
def test_a_cancelled_month_holds_until_a_person_forces_it(months: int) -> None:
    """§3: cancelled by hand, only a forced rerun bills it again; also in mid-span."""
    name = "Март 2022" if months == 1 else "Май 2022"
    known = told(titled(4, name, CANCELLED))
    found = period_due(BOTH, card(months=months), known, TENTH, NO_OVERRIDE)
    assert found == CancelledByHand(BOTH, (InvoiceId(4),))
    forced = period_due(BOTH, card(months=months), known, TENTH, Override(cancelled=True))
    assert isinstance(forced, PeriodDue)


def test_a_later_month_of_the_span_overlaps() -> None:
    """§3: some later month of the span already covered is a hold, before a cancelled one."""
    known = told(titled(1, "Май 2022"), titled(2, "Апрель 2022", CANCELLED))
    found = period_due(BOTH, card(months=3), known, TENTH, Override(cancelled=True))
    assert found == Overlap(BOTH, (Month(2022, 5),), (InvoiceId(1),))


@pytest.mark.parametrize(
    ("covered", "missed"),
    [
        pytest.param(("Февраль 2022",), None, id="§3 no gap"),
        pytest.param(("Декабрь 2021",), ("2022-01", "2022-02"), id="§3 a gap before is a warning"),
        pytest.param(("Декабрь 2021", "Февраль 2022"), None, id="§3 the gap just before counts"),
        pytest.param(("Апрель 2022",), None, id="§3 first billed: nothing is missed"),
    ],
)
def test_missed_months_are_a_warning(
    covered: tuple[str, ...], missed: tuple[str, ...] | None
) -> None:
    known = told(*(titled(number, name) for number, name in enumerate(covered)))
    found = period_due(BOTH, card(), known, TENTH, NO_OVERRIDE)
    assert isinstance(found, PeriodDue)
    assert [dict(note.values)["months"] for note in found.warnings] == ([missed] if missed else [])


def test_several_months_in_arrears_wait_until_all_have_passed() -> None:
    """§3: when all of them have passed; until then Skip."""
    fields = card(months=3, previous_month=True)
    known = told(titled(1, "Ноябрь 2021"))
    waits = period_due(BOTH, fields, known, TENTH, NO_OVERRIDE)
    assert waits == NotPassed(ServicePeriod(Month(2021, 12), 3))
    later = period_due(BOTH, fields, known, date(2022, 3, 1), NO_OVERRIDE)
    assert isinstance(later, PeriodDue)
    assert later.period == ServicePeriod(Month(2021, 12), 3)


def test_one_span_in_arrears_a_month() -> None:
    """§3: what was billed this month does not make the next span due on the same day."""
    fields = card(months=2, previous_month=True)
    paused = titled(1, "Июнь 2021")
    billed = titled(2, "Июль–Август 2021", created=TENTH)
    found = period_due(BOTH, fields, told(paused, billed), TENTH, NO_OVERRIDE)
    assert found == Covered(Month(2021, 8), (InvoiceId(2),))
    older = titled(3, "Март 2021", created=TENTH)
    again = period_due(BOTH, fields, told(paused, older), TENTH, NO_OVERRIDE)
    assert isinstance(again, PeriodDue), "a month billed late by hand does not stop the next span"
    after = period_due(BOTH, fields, told(paused, billed), date(2022, 3, 10), NO_OVERRIDE)
    assert isinstance(after, PeriodDue)
    assert after.period == ServicePeriod(Month(2021, 9), 2)
