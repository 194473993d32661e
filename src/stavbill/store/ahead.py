"""What bears a time that has not come: after a clock was set back, it is waited for.

Nothing that stavbill puts off by itself lies further ahead than `FARTHEST`, and nothing that
happened lies ahead at all. Source: beyond 15.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from stavbill.store.effects import Status
from stavbill.store.service_tables import schedules
from stavbill.store.tables import effects, runs

FARTHEST = timedelta(minutes=20)
# Clocks of several machines may differ by so much.
NOW_IS_ABOUT = timedelta(minutes=1)
_OPEN = (Status.PLANNED, Status.SENDING, Status.DOUBT, Status.WRITTEN)


@dataclass(frozen=True, slots=True)
class Ahead:
    """Something that waits until a moment: a run's effects, or a schedule, by its name."""

    what: str
    name: str
    until: datetime


def ahead_of(db: Connection, portal: str, *, now: datetime) -> tuple[Ahead, ...]:
    """Return what waits for a moment that an honest clock would not have named."""
    latest = func.max(effects.c.due)
    due = db.execute(
        select(effects.c.run, latest.label("until"))
        .join(runs, runs.c.run == effects.c.run)
        .where(
            effects.c.portal == portal,
            effects.c.status.in_([status.value for status in _OPEN]),
            effects.c.due > now + FARTHEST,
        )
        .group_by(effects.c.run)
    )
    written = db.execute(
        select(effects.c.run, func.max(effects.c.written_at).label("until"))
        .where(effects.c.portal == portal, effects.c.written_at > now + NOW_IS_ABOUT)
        .group_by(effects.c.run)
    )
    begun = db.execute(
        select(schedules.c.job, schedules.c.last.label("until")).where(
            schedules.c.portal == portal, schedules.c.last > now + NOW_IS_ABOUT
        )
    )
    found = {("run", row.run): row.until for row in (*written, *due)}
    found |= {("schedule", row.job): row.until for row in begun}
    return tuple(Ahead(what, name, until) for (what, name), until in sorted(found.items()))
