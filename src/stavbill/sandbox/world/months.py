"""Months as (year, month), their Russian names and brackets, and Russia's working days."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import holidays

Month = tuple[int, int]
NAMES = (
    "Январь", "Февраль", "Март", "Апрель", "Май", "Июнь", "Июль", "Август", "Сентябрь", "Октябрь",
    "Ноябрь", "Декабрь",
)  # fmt: skip


def of(day: date) -> Month:
    """Return the month of a day."""
    return (day.year, day.month)


def shift(month: Month, by: int) -> Month:
    """Return the month so many later, or earlier."""
    number = month[0] * 12 + month[1] - 1 + by
    return (number // 12, number % 12 + 1)


def between(first: Month, last: Month) -> int:
    """Return how many months `last` is after `first`."""
    return (last[0] - first[0]) * 12 + last[1] - first[1]


def span(first: Month, count: int) -> tuple[Month, ...]:
    """Return so many months from the first."""
    return tuple(shift(first, step) for step in range(count))


def bracket(first: Month, count: int = 1) -> str:
    """Return «(Март 2022)», «(Март–Май 2022)» or «(Ноябрь 2021 – Январь 2022)»."""
    last = shift(first, count - 1)
    name, end = NAMES[first[1] - 1], NAMES[last[1] - 1]
    if count == 1:
        return f"({name} {first[0]})"
    if first[0] == last[0]:
        return f"({name}–{end} {first[0]})"
    return f"({name} {first[0]} – {end} {last[0]})"


@cache
def _russia(year: int) -> holidays.HolidayBase:
    return holidays.country_holidays("RU", years=(year, year + 1))


def is_working(day: date) -> bool:
    """Say whether Russia works that day, transferred days included."""
    return _russia(day.year).is_working_day(day)


def moved_to_working(day: date) -> date:
    """Return the day itself, or the next working one."""
    while not is_working(day):
        day += timedelta(days=1)
    return day


def last_day(month: Month) -> int:
    """Return the number of days in a month."""
    following = shift(month, 1)
    return (date(*following, 1) - timedelta(days=1)).day
