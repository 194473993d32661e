"""Schedules: what is begun when, in every worker at once, and what was missed, once.

Each slot of a schedule is one workflow whose id bears the slot's time, so several workers that
begin it begin the same one. Source: operations page, «Worker»; engine page, «How it maps».
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from apscheduler.triggers.cron import CronTrigger

from stavbill.clock import Clock
from stavbill.errors import ConfigError
from stavbill.store.database import Store
from stavbill.store.workers import last_begun, note_begun

_STEP = timedelta(microseconds=1)
# What was missed longer ago is not looked for: counting five minutes up over years takes long.
_LOOKS_BACK = timedelta(days=40)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job's name, when it is due in the portal's time zone, and what begins it for a slot."""

    job: str
    trigger: CronTrigger
    begin: Callable[[datetime], str]


def trigger_of(crontab: str, zone: str) -> CronTrigger:
    """Return the trigger of five fields of a crontab (`0 7 * * 1-5`), 0 being Sunday.

    Raises `ConfigError` for a text that is none.
    """
    try:
        return CronTrigger.from_crontab(_named_days(crontab), timezone=zone)
    except ValueError as error:
        msg = f"Расписание «{crontab}»: ожидалось пять полей crontab, например «0 7 * * 1-5»"
        raise ConfigError(msg) from error


def _named_days(crontab: str) -> str:
    """Write the days of the week by name: APScheduler counts them from Monday, crontab not."""
    fields = crontab.split()
    days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    if len(fields) == len(["*", "*", "*", "*", "*"]):
        last = fields[-1]
        fields[-1] = "".join(
            days[int(sign)] if sign.isdigit() and int(sign) < len(days) else sign for sign in last
        )
    return " ".join(fields)


def latest_slot(trigger: CronTrigger, after: datetime, now: datetime) -> datetime | None:
    """Return the last time after `after` and not after `now` at which the trigger is due."""
    slot: datetime | None = None
    due = trigger.get_next_fire_time(None, max(after + _STEP, now - _LOOKS_BACK))
    while due is not None and due <= now:
        slot = due
        due = trigger.get_next_fire_time(due, due + _STEP)
    return slot


def begin_due(store: Store, clock: Clock, portal: str, schedule: Schedule) -> str | None:
    """Begin the schedule's last slot that is due and was not begun; return the workflow's id.

    Several missed slots are one. A schedule that is new begins with its next slot.
    """
    now = clock.now()
    with store.read() as db:
        last = last_begun(db, portal, schedule.job)
    if last is None:
        with store.write() as db:
            note_begun(db, portal, schedule.job, now)
        return None
    slot = latest_slot(schedule.trigger, last, now)
    if slot is None:
        return None
    # Noted after it was begun: whoever dies between the two is followed by one who begins it again,
    # under the same id.
    workflow = schedule.begin(slot)
    with store.write() as db:
        note_begun(db, portal, schedule.job, slot)
    return workflow


def next_times(schedules: Mapping[str, CronTrigger], now: datetime) -> dict[str, datetime | None]:
    """Return when each schedule is due next."""
    return {job: trigger.get_next_fire_time(None, now) for job, trigger in schedules.items()}
