"""What may go wrong at the provider: lost answers, refusals, limits, webhooks out of order.

Each fault is drawn from its own seeded sequence or strikes at scripted numbers.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Trouble(StrEnum):
    """What may go wrong; the last three concern the notifications about a message."""

    LOST_BEFORE = "lost_before"
    """The connection breaks; nothing was done."""
    LOST_AFTER = "lost_after"
    """The connection breaks; the message was taken."""
    LATE = "late"
    """The message is taken; the answer comes `seconds` later."""
    ERROR_BEFORE = "error_before"
    """`status` and `text`; nothing was done."""
    ERROR_AFTER = "error_after"
    """`status` and `text`; the message was taken all the same."""
    RATE_LIMIT = "rate_limit"
    """429 Too Many Requests."""
    QUOTA = "quota"
    """466: the month's quota of the tariff is used up."""
    WEBHOOK_LOST = "webhook_lost"
    """A notification is never posted."""
    WEBHOOK_TWICE = "webhook_twice"
    """A notification is posted twice."""
    WEBHOOK_LATE = "webhook_late"
    """A notification is posted `seconds` later, after those that follow it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: what, how often (`rate` 0 to 1) or at which matching occasions (`nth`, from 1).

    `methods` narrows it to these methods, for notifications to these statuses; `times`: so many
    strikes at most.
    """

    kind: Trouble
    rate: float = 1.0
    nth: tuple[int, ...] = ()
    methods: tuple[str, ...] = ()
    times: int | None = None
    seconds: float = 0.0
    status: int = 502
    text: str = "<html><body>502 Bad Gateway</body></html>"


@dataclass(slots=True)
class _Armed:
    fault: Fault
    draw: random.Random
    met: int = 0
    struck: int = 0

    def strikes(self) -> bool:
        self.met += 1
        # Drawn even when scripted: the sequence must not depend on the other conditions.
        drawn = self.draw.random() < self.fault.rate
        if self.fault.times is not None and self.struck >= self.fault.times:
            return False
        if not (self.met in self.fault.nth or (not self.fault.nth and drawn)):
            return False
        self.struck += 1
        return True


class Faults:
    """The faults that are on."""

    def __init__(self) -> None:
        """Start without any."""
        self._armed: list[_Armed] = []

    def switch(self, *faults: Fault, seed: int = 0) -> None:
        """Replace what is on by `faults`; none switches everything off."""
        self._armed = [
            _Armed(fault, random.Random(f"{seed}:{place}:{fault.kind}"))
            for place, fault in enumerate(faults)
        ]

    def on(self) -> tuple[tuple[Fault, int], ...]:
        """Return each fault that is on with the number of its strikes."""
        return tuple((armed.fault, armed.struck) for armed in self._armed)

    def strike(self, kind: Trouble, subject: str) -> Fault | None:
        """Return the fault of this kind that hits a method, or a notification's status, now."""
        found = None
        for armed in self._armed:
            fault = armed.fault
            meant = not fault.methods or subject in fault.methods
            if fault.kind is kind and meant and armed.strikes():
                found = found or fault
        return found


def read_faults(given: Iterable[dict[str, Any]]) -> tuple[Fault, ...]:
    """Read faults from JSON objects with the fields of `Fault`.

    Raises ValueError or TypeError for an unknown kind or field.
    """
    out = []
    for each in given:
        plain = dict(each)
        kind = Trouble(str(plain.pop("kind", "")))
        for name in ("nth", "methods"):
            value = plain.get(name, [])
            if not isinstance(value, (list, tuple)):
                message = f"{name}: a list is expected"
                raise TypeError(message)
            plain[name] = tuple(value)
        out.append(Fault(kind, **plain))
    return tuple(out)
