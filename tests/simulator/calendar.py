"""The days of a simulation: those on which billing has something to do, month after month."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

from stavbill.sandbox.world.months import last_day, moved_to_working, of, shift

SENDING_DAY = 10
# Day of the month (0 is its last) and how likely it is played; the sending day always is.
OTHERS = ((1, 0.3), (5, 0.25), (15, 0.3), (20, 0.2), (25, 0.3), (0, 0.3))
DAY_AFTER = 0.4
ONE = timedelta(days=1)


def is_sending_day(day: date) -> bool:
    """Say whether most companies are billed from this day on."""
    return day == moved_to_working(day.replace(day=SENDING_DAY))


def days_from(first: date, rng: Random) -> Iterator[date]:
    """Yield `first` and the later days that matter, without an end."""
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
