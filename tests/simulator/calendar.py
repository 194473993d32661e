"""The nights of a simulation: every day of the calendar, and on which of them much is going on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from stavbill.sandbox.world.months import last_day, moved_to_working, of, shift

SENDING_DAY = 10
# Day of the month (0 is its last) and how likely much is going on; on the sending day always.
OTHERS = ((1, 0.3), (5, 0.25), (15, 0.3), (20, 0.2), (25, 0.3), (0, 0.3))
DAY_AFTER = 0.4
ONE = timedelta(days=1)


def is_sending_day(day: date) -> bool:
    """Say whether most companies are billed from this day on."""
    return day == moved_to_working(day.replace(day=SENDING_DAY))


@dataclass(frozen=True, slots=True)
class Night:
    """A day and its night; in a `lively` one people work, robots post and faults strike.

    The others are most of a real installation's: little happens, and nothing may come of it.
    """

    day: date
    lively: bool


def nights_from(first: date, rng: Random) -> Iterator[Night]:
    """Yield `first` and every day after it, without an end."""
    lively, day = _lively_from(first, rng), first
    for known in lively:
        while day <= known:
            yield Night(day, lively=day == known)
            day += ONE


def _lively_from(first: date, rng: Random) -> Iterator[date]:
    yield first
    month = of(first)
    while True:
        sending = moved_to_working(date(*month, SENDING_DAY))
        chosen = {sending}
        if rng.random() < DAY_AFTER:
            chosen.add(sending + ONE)
        for number, often in OTHERS:
            if rng.random() < often:
                chosen.add(date(*month, number or last_day(month)))
        yield from sorted(day for day in chosen if day > first)
        month = shift(month, 1)
