"""The production calendars of Russia and Kazakhstan, transferred days included.

The core gets one of these as its `billing.period.WorkingCalendar`. Dates come from the `holidays`
library, which carries the yearly decrees on transferred days; a year whose decree it does not know
yet is a forecast by the law alone.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import holidays
from typing_extensions import override

SATURDAY = 5
JANUARY_HOLIDAYS_END = 8
LAST_YEAR = 2100


@cache
def _holidays(country: str) -> holidays.HolidayBase:
    return holidays.country_holidays(country)


class NationalWorkdays:
    """The working days of one country, by its ISO code; each day is looked up once.

    `known_through` is the last year whose transferred days are known.
    """

    country: str

    def __init__(self) -> None:
        """Load nothing yet: the library builds a year when it is first asked for."""
        self._days = _holidays(self.country)
        self._answers: dict[date, bool] = {}
        decrees: dict[int, object] = getattr(self._days, "special_public_holidays", {})
        self.known_through: int = max(decrees, default=0)

    @property
    def forecast_years(self) -> frozenset[int]:
        """The years for which the decree on transferred days is not known yet."""
        return frozenset(range(self.known_through + 1, LAST_YEAR + 1))

    def is_working_day(self, day: date) -> bool:
        """Say whether people work on `day`.

        A Saturday that a decree made a working day counts as one; a day off that it moved does
        not. Source: billing rules §3.
        """
        answer = self._answers.get(day)
        if answer is None:
            answer = self._answers[day] = self._look_up(day)
        return answer

    def _look_up(self, day: date) -> bool:
        return bool(self._days.is_working_day(day))


class RussianWorkdays(NationalWorkdays):
    """Russia. In a year without its decree, article 112 of the Labour Code stands alone.

    A holiday other than those of January that falls on a weekend gives the next working day off
    (4.11.2028, a Saturday: Monday 6.11.2028 is off). What a decree may add, nobody knows before it
    is out; the library leaves such years as they are.
    """

    country = "RU"

    @override
    def _look_up(self, day: date) -> bool:
        if not super()._look_up(day):
            return False
        return day.year <= self.known_through or not self._is_day_after_lost_holiday(day)

    def _is_day_after_lost_holiday(self, day: date) -> bool:
        """Say whether a holiday was lost on the weekend days that end the day before `day`."""
        before = day - timedelta(days=1)
        while not super()._look_up(before):
            in_january = before.month == 1 and before.day <= JANUARY_HOLIDAYS_END
            if before in self._days and before.weekday() >= SATURDAY and not in_january:
                return True
            before -= timedelta(days=1)
        return False


class KazakhWorkdays(NationalWorkdays):
    """Kazakhstan. Kurban Ait is an estimate in the years to come."""

    country = "KZ"


def workdays_of(country: str) -> NationalWorkdays:
    """Return the calendar of `country`, "RU" or "KZ"; ValueError for any other."""
    for calendar in (RussianWorkdays, KazakhWorkdays):
        if calendar.country == country:
            return calendar()
    msg = f'no production calendar for country "{country}": expected "RU" or "KZ"'
    raise ValueError(msg)
