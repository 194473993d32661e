"""On which day a company is billed, and which months are then due.

Source: billing rules §3.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

from stavbill.billing.covered import History
from stavbill.billing.decision import CancelledByHand, Note, Overlap
from stavbill.billing.facts import CompanyCard, InvoiceId, Override, ServiceCode
from stavbill.billing.period import (
    DayOfMonth,
    FixedDate,
    Month,
    SendingDay,
    ServicePeriod,
    WorkingCalendar,
    next_working_day,
)
from stavbill.billing.policy import Policy


@dataclass(frozen=True, slots=True)
class SendingDayIs:
    """The day of the run's month on which the company is billed."""

    day: date
    warnings: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class PostponedTo:
    """The card names a date in a later month: the company waits for it."""

    day: date


def sending_day(card: CompanyCard, on: date, policy: Policy) -> SendingDayIs | PostponedTo:
    """Return the sending day of the run's month for this company.

    A day off moves to the next working day; when that would leave the month, to the last working
    day before it, so that the month's billing cannot fall between two months. A date of an earlier
    month is used up: the default day counts, with a warning.

    Source: billing rules §3.
    """
    return _wished(card.sending_day, on, policy.default_sending_day, policy.calendar)


def next_sending_day(on: date, policy: Policy) -> date:
    """Return the first usual sending day after `on`, of cards that wish for no other.

    Source: billing rules §3.
    """
    month = Month.of(on)
    usual = DayOfMonth(policy.default_sending_day)
    days = (_moved(usual.in_month(one), policy.calendar) for one in (month, month.plus(1)))
    return next(day for day in days if day > on)


@lru_cache(maxsize=4096)
def _wished(
    wish: SendingDay | None, on: date, default: int, calendar: WorkingCalendar
) -> SendingDayIs | PostponedTo:
    """Return the sending day by the card's wish; most companies of a run share theirs."""
    month = Month.of(on)
    warnings: tuple[Note, ...] = ()
    if isinstance(wish, FixedDate):
        wished = Month.of(wish.date)
        if wished > month:
            return PostponedTo(wish.date)
        if wished == month:
            return SendingDayIs(_moved(wish.date, calendar))
        warnings = (Note("sending_date_used_up", "§3", (("date", wish.date.isoformat()),)),)
    day = wish if isinstance(wish, DayOfMonth) else DayOfMonth(default)
    return SendingDayIs(_moved(day.in_month(month), calendar), warnings)


def _moved(day: date, calendar: WorkingCalendar) -> date:
    moved = next_working_day(day, calendar)
    if moved.month == day.month:
        return moved
    while not calendar.is_working_day(day):
        day -= timedelta(days=1)
    return day


@dataclass(frozen=True, slots=True)
class PeriodDue:
    """These months shall be billed now; `issue` is the invoice's issue number."""

    period: ServicePeriod
    issue: int
    explanation: tuple[Note, ...]
    warnings: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Covered:
    """The target month is billed already, by these invoices.

    For several months in arrears: `month` is the last covered one, and it was billed this month.
    """

    month: Month
    invoices: tuple[InvoiceId, ...]
    warnings: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class NotPassed:
    """Several months in arrears: they have not all passed yet."""

    period: ServicePeriod


PeriodFinding = PeriodDue | Covered | NotPassed | Overlap | CancelledByHand


def period_due(
    services: tuple[ServiceCode, ...],
    card: CompanyCard,
    history: History,
    on: date,
    override: Override,
) -> PeriodFinding:
    """Return which months an invoice of `services` shall cover on the day `on`, or why none.

    Source: billing rules §3.
    """
    months = card.months or 1
    run_month = Month.of(on)
    if card.previous_month and months > 1:
        last = history.last_covered(services)
        # An invoice of this month moves the last covered month on, and the next span may have
        # passed too: one span a month, or a long pause would be billed at a stroke.
        billed = history.made_in(run_month, services, last) if last else ()
        if last and billed:
            return Covered(last, billed)
        period = ServicePeriod(last.plus(1) if last else run_month.plus(-months), months)
        if period.last >= run_month:
            return NotPassed(period)
    else:
        period = _target(run_month.index + (-1 if card.previous_month else 1), months)
    return _judge(services, period, history, override, prepaid=not card.previous_month)


@lru_cache(maxsize=1024)
def _target(first: int, months: int) -> ServicePeriod:
    return ServicePeriod(Month.from_index(first), months)


def _judge(
    services: tuple[ServiceCode, ...],
    period: ServicePeriod,
    history: History,
    override: Override,
    *,
    prepaid: bool,
) -> PeriodFinding:
    covering = history.live_on(services, period.first)
    if covering:
        missing = set(services) - history.covered_services(services, period.first)
        lacking = tuple(str(service) for service in services if service in missing)
        partial = Note(
            "not_on_invoice", "§3", (("services", lacking), ("month", period.first.code))
        )
        return Covered(period.first, covering, (partial,) if lacking else ())
    months = period.each()
    later = tuple(month for month in months[1:] if history.live_on(services, month))
    if later:
        invoices = {found for month in later for found in history.live_on(services, month)}
        return Overlap(services, later, tuple(sorted(invoices)))
    if history.cancelled and not override.cancelled:
        cancelled = {found for month in months for found in history.cancelled_on(services, month)}
        if cancelled:
            return CancelledByHand(services, tuple(sorted(cancelled)))
    issue = history.next_issue(services, period)
    found = _due(period.first.index, period.months, issue, prepaid=prepaid)
    missed = _missed(services, period, history)
    return replace(found, warnings=missed) if missed else found


@lru_cache(maxsize=1024)
def _due(first: int, months: int, issue: int, *, prepaid: bool) -> PeriodDue:
    """Return what is due, without warnings; most companies of a run share theirs."""
    period = _target(first, months)
    code = "period_prepaid" if prepaid else "period_in_arrears"
    values = (("first", period.first.code), ("months", months))
    return PeriodDue(period, issue, (Note(code, "§3", values),))


def _missed(
    services: tuple[ServiceCode, ...], period: ServicePeriod, history: History
) -> tuple[Note, ...]:
    """Return the warning that months between the last covered one and this period were missed."""
    if history.live_on(services, period.first.plus(-1)):
        return ()
    last = history.last_covered(services, before=period.first)
    if last is None:
        return ()
    missed = period.first.index - last.index - 1
    names = tuple(last.plus(step).code for step in range(1, missed + 1))
    return (Note("missed_months", "§3", (("months", names),)),)
