"""When a customer is reminded of an unpaid invoice: the ladder, and which step is due today.

Only the policy: whether an invoice is a debt, and how much of it, comes with receivables.

Source: delivery page; debt page; beyond 11 and 12.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum


class Audience(Enum):
    """Who is told at a step: the customer by letter, or our manager by a task."""

    CUSTOMER = "customer"
    MANAGER = "manager"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the ladder: `days` after the pay-by date, negative before it."""

    code: str
    days: int
    audience: Audience = Audience.CUSTOMER


@dataclass(frozen=True, slots=True)
class Ladder:
    """The steps in order, and how many days lie between two reminders at least."""

    steps: tuple[Step, ...]
    quiet_days: int = 2

    def __post_init__(self) -> None:
        """Refuse a ladder that goes back or names a step twice."""
        days = [step.days for step in self.steps]
        if days != sorted(set(days)):
            msg = f"the ladder's days must grow: {days}"
            raise ValueError(msg)
        if len({step.code for step in self.steps}) != len(self.steps):
            msg = "every step of the ladder needs a code of its own"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpaid:
    """What the policy must know of one invoice.

    `reached` says that it is known to have been handed over: nobody is reminded of an invoice that
    they never got. `promised` is a promise to pay by that day, until which nobody reminds.
    `reminded` are the codes of the steps that went out, `last` the day of the newest.
    """

    pay_by: date
    reached: bool
    paid: bool = False
    cancelled: bool = False
    promised: date | None = None
    reminded: Collection[str] = ()
    last: date | None = None


def due_step(invoice: Unpaid, ladder: Ladder, on: date) -> Step | None:
    """Return the step that is due on a day, None when none is.

    Of several steps that were missed only the last is due: a customer is never reminded twice in a
    row of what should have come apart. After a kept silence until a promised day the ladder goes
    on where it was.

    Source: delivery page, «Reminders»; beyond 12.
    """
    if invoice.paid or invoice.cancelled or not invoice.reached:
        return None
    if invoice.promised is not None and on <= invoice.promised:
        return None
    if invoice.last is not None and on < invoice.last + timedelta(days=ladder.quiet_days):
        return None
    past = [step for step in ladder.steps if invoice.pay_by + timedelta(days=step.days) <= on]
    if not past or past[-1].code in invoice.reminded:
        return None
    return past[-1]
