"""Service months, the periods that invoices cover, and the working day on which they are sent."""

from __future__ import annotations

import calendar
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Protocol

MONTHS_PER_YEAR = 12
SHORTEST_MONTH = 28
MONTH_NAMES = (
    "Январь",
    "Февраль",
    "Март",
    "Апрель",
    "Май",
    "Июнь",
    "Июль",
    "Август",
    "Сентябрь",
    "Октябрь",
    "Ноябрь",
    "Декабрь",
)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month, the unit of billing (mission, «Words»)."""

    year: int
    number: int

    def __post_init__(self) -> None:
        """Refuse a thirteenth month."""
        if not 1 <= self.number <= MONTHS_PER_YEAR:
            msg = f"month must be 1..12, not {self.number}"
            raise ValueError(msg)

    @classmethod
    def of(cls, day: date) -> Month:
        """Return the month that holds `day`."""
        return cls.from_index(day.year * MONTHS_PER_YEAR + day.month - 1)

    @property
    def index(self) -> int:
        """Months since year 0, for arithmetic."""
        return self.year * MONTHS_PER_YEAR + self.number - 1

    @classmethod
    def from_index(cls, index: int) -> Month:
        """Return the month with this `index`."""
        return _month(index)

    def plus(self, months: int) -> Month:
        """Return the month `months` later (earlier when negative)."""
        return Month.from_index(self.index + months)

    @property
    def first_day(self) -> date:
        """The month's first day."""
        return date(self.year, self.number, 1)

    @property
    def last_day(self) -> date:
        """The month's last day."""
        return date(self.year, self.number, calendar.monthrange(self.year, self.number)[1])

    @property
    def name(self) -> str:
        """The month as invoices write it: «Март 2022» (billing rules §7)."""
        return f"{MONTH_NAMES[self.number - 1]} {self.year}"

    @property
    def code(self) -> str:
        """The machine form 2022-03, as keys bear it."""
        return f"{self.year:04d}-{self.number:02d}"


@lru_cache(maxsize=4096)
def _month(index: int) -> Month:
    return Month(index // MONTHS_PER_YEAR, index % MONTHS_PER_YEAR + 1)


@dataclass(frozen=True, slots=True, order=True)
class ServicePeriod:
    """`months` whole calendar months from `first` (billing rules §3)."""

    first: Month
    months: int = 1

    def __post_init__(self) -> None:
        """Refuse an empty period."""
        if self.months < 1:
            msg = f"a service period has at least one month, not {self.months}"
            raise ValueError(msg)

    @property
    def last(self) -> Month:
        """The last month covered."""
        return self.first.plus(self.months - 1)

    def each(self) -> tuple[Month, ...]:
        """Return every month covered, in order."""
        if self.months == 1:
            return (self.first,)
        return tuple(self.first.plus(step) for step in range(self.months))

    @property
    def billed_through(self) -> date:
        """The last day covered, inclusive («обслуживание до»)."""
        return self.last.last_day

    @property
    def name(self) -> str:
        """The period as titles write it.

        «Март 2022», within a year «Март–Май 2022» (no spaces around the dash), across years
        «Ноябрь 2021 – Январь 2022» (spaces around it). Source: billing rules §7.
        """
        if self.months == 1:
            return self.first.name
        if self.first.year == self.last.year:
            return f"{MONTH_NAMES[self.first.number - 1]}–{self.last.name}"
        return f"{self.first.name} – {self.last.name}"


class WorkingCalendar(Hashable, Protocol):
    """The production calendar of a country, passed in by whoever owns one.

    It never changes what it said: answers are remembered, by calendar and day.
    """

    def is_working_day(self, day: date) -> bool:
        """Say whether people work on `day`, transferred days included."""
        ...


@lru_cache(maxsize=4096)
def next_working_day(day: date, working: WorkingCalendar) -> date:
    """Return `day`, or the first working day after it; a month asks for few days, many times.

    Source: billing rules §3 («moves to the next working day»).
    """
    while not working.is_working_day(day):
        day += timedelta(days=1)
    return day


@dataclass(frozen=True, slots=True)
class DayOfMonth:
    """An own sending day on the card: 29–31 mean at most the month's last day (§3)."""

    day: int

    def in_month(self, month: Month) -> date:
        """Return that day of `month`, cut to its length."""
        day = self.day if self.day <= SHORTEST_MONTH else min(self.day, month.last_day.day)
        return date(month.year, month.number, day)


@dataclass(frozen=True, slots=True)
class FixedDate:
    """An own sending date on the card: counts in its own month only (§3)."""

    date: date


SendingDay = DayOfMonth | FixedDate
