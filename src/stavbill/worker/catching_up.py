"""Which runs of the month a slot of its schedule begins: today's, and what was missed before.

A card's sending day belongs to its month. Whoever was down over the last working days of a month
still owes that month's run; a day missed earlier in the month is caught up by its next run.
Source: billing rules §3; operations page, «Missed schedules are caught up once».
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from stavbill.billing.period import Month, WorkingCalendar, next_working_day


def month_missed(due: Sequence[date], today: date, calendar: WorkingCalendar) -> Month | None:
    """Return the month before today's whose run was due on a working day and not begun.

    `due` are the days of the slots that were not begun, in their order. Of several months the last
    one counts: older ones are told by the warning «missed months», never billed back in silence.
    """
    before = [
        Month.of(day)
        for day in due
        if Month.of(day) < Month.of(today) and calendar.is_working_day(day)
    ]
    return before[-1] if before else None


def runs_today(due: Sequence[date], today: date, calendar: WorkingCalendar) -> bool:
    """Say whether a run of today's month begins now.

    On a day off it waits for the next working day, unless that lies in the next month and a working
    day of this one was missed.
    """
    if calendar.is_working_day(today):
        return True
    month = Month.of(today)
    if Month.of(next_working_day(today, calendar)) == month:
        return False
    return any(Month.of(day) == month and calendar.is_working_day(day) for day in due)
