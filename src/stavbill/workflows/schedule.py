"""Schedules: what is begun when, in every worker at once, and what was missed, once.

Each slot of a schedule is one workflow whose id bears the slot's time, so several workers that
begin it begin the same one. Source: operations page, «Worker»; engine page, «How it maps».
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apscheduler.triggers.cron import CronTrigger

from stavbill.clock import Clock
from stavbill.crontab import DAYS, check_crontab, crontab_values
from stavbill.errors import ConfigError
from stavbill.store.database import Store
from stavbill.store.workers import last_begun, note_begun

_STEP = timedelta(microseconds=1)
# What was missed longer ago is not looked for: counting five minutes up over years takes long.
_LOOKS_BACK = timedelta(days=40)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job's name, when it is due in the portal's time zone, and what begins it.

    `begin` gets the slots that are due and were not begun, in their order; it returns the
    workflow's id, or None to be asked again soon.
    """

    job: str
    trigger: CronTrigger
    begin: Callable[[Sequence[datetime]], str | None]


def trigger_of(crontab: str, zone: str) -> CronTrigger:
    """Return the trigger of five fields of a crontab (`0 7 * * 1-5`), 0 and 7 being Sunday.

    Raises `ConfigError` for a text that is none.
    """
    try:
        minutes, hours, days, months, weekdays = crontab_values(check_crontab(crontab))
    except ValueError as error:
        msg = f"Расписание «{crontab}»: {error}"
        raise ConfigError(msg) from error
    return CronTrigger(
        minute=_listed(minutes),
        hour=_listed(hours),
        day=_listed(days),
        month=_listed(months),
        # APScheduler counts weekdays from Monday, crontab from Sunday: names are the same in both.
        day_of_week=",".join(DAYS[day] for day in weekdays),
        timezone=zone,
    )


def _listed(values: Sequence[int]) -> str:
    return ",".join(str(value) for value in values)


def slots_due(trigger: CronTrigger, after: datetime, now: datetime) -> list[datetime]:
    """Return the times after `after` and not after `now` at which the trigger is due."""
    slots: list[datetime] = []
    due = trigger.get_next_fire_time(None, max(after + _STEP, now - _LOOKS_BACK))
    while due is not None and due <= now:
        slots.append(due)
        due = trigger.get_next_fire_time(due, due + _STEP)
    return slots


def begin_due(store: Store, clock: Clock, portal: str, schedule: Schedule) -> str | None:
    """Begin what the schedule's slots that are due and were not begun ask for; return its id.

    Several missed slots are one. A schedule that is new begins with its next slot.
    """
    now = clock.now()
    with store.read() as db:
        last = last_begun(db, portal, schedule.job)
    if last is None:
        with store.write() as db:
            note_begun(db, portal, schedule.job, now)
        return None
    slots = slots_due(schedule.trigger, last, now)
    if not slots:
        return None
    # Noted after it was begun: whoever dies between the two is followed by one who begins it again,
    # under the same id.
    workflow = schedule.begin(slots)
    if workflow is None:
        return None
    with store.write() as db:
        note_begun(db, portal, schedule.job, slots[-1])
    return workflow


def next_times(schedules: Mapping[str, CronTrigger], now: datetime) -> dict[str, datetime | None]:
    """Return when each schedule is due next."""
    return {job: trigger.get_next_fire_time(None, now) for job, trigger in schedules.items()}
