"""Workers' heartbeats, the lock under which work is taken over, and what schedules last began."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, or_, select, text, update

from stavbill.store.database import Store, upsert
from stavbill.store.service_tables import schedules, workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One start of a worker; `ended` when it said good-bye or was given up."""

    owner: str
    version: str
    started: datetime
    seen: datetime
    ended: datetime | None = None


def beat(db: Connection, owner: str, *, version: str, at: datetime) -> bool:
    """Say that a worker lives; False when it had been given up, and lives again by this."""
    known = db.execute(select(workers.c.ended).where(workers.c.owner == owner)).one_or_none()
    if known is None:
        row = {"owner": owner, "version": version, "started": at, "seen": at, "ended": None}
        upsert(db, workers, [row])
        return True
    db.execute(update(workers).where(workers.c.owner == owner).values(seen=at, ended=None))
    return known.ended is None


def end_worker(db: Connection, owner: str, *, at: datetime) -> None:
    """Say that a worker has ended, or has to be taken for dead."""
    db.execute(
        update(workers).where(workers.c.owner == owner, workers.c.ended.is_(None)).values(ended=at)
    )


def living(db: Connection, *, seen_since: datetime) -> frozenset[str]:
    """Return the owners that have not ended and were seen since a time."""
    rows = db.execute(
        select(workers.c.owner).where(workers.c.ended.is_(None), workers.c.seen >= seen_since)
    )
    return frozenset(row.owner for row in rows)


def heartbeats(db: Connection) -> dict[str, datetime]:
    """Return when those workers said last that they live that have not ended, by owner."""
    rows = db.execute(select(workers.c.owner, workers.c.seen).where(workers.c.ended.is_(None)))
    return {row.owner: row.seen for row in rows}


def all_workers(db: Connection, *, limit: int = 20) -> tuple[Worker, ...]:
    """Return workers, the last seen first."""
    rows = db.execute(select(workers).order_by(workers.c.seen.desc()).limit(limit))
    return tuple(
        Worker(
            owner=row.owner,
            version=row.version,
            started=row.started,
            seen=row.seen,
            ended=row.ended,
        )
        for row in rows
    )


def last_heartbeat(db: Connection) -> datetime | None:
    """Return when any worker was seen last, None when none ever was or all have ended."""
    return db.execute(
        select(func.max(workers.c.seen)).where(workers.c.ended.is_(None))
    ).scalar_one_or_none()


def forget_workers(db: Connection, *, before: datetime) -> int:
    """Forget workers that ended before a time."""
    gone = delete(workers).where(
        or_(workers.c.ended < before, workers.c.seen < before),
    )
    return db.execute(gone).rowcount


@contextmanager
def taking_over(store: Store) -> Iterator[Connection]:
    """Hold the right to take work over; others wait. Keep it short."""
    with store.write() as db:
        if db.dialect.name == "postgresql":
            db.execute(text("SELECT pg_advisory_xact_lock(7220312)"))
        yield db


def last_begun(db: Connection, portal: str, job: str) -> datetime | None:
    """Return the time of a schedule that was begun last, None when it never was."""
    return db.execute(
        select(schedules.c.last).where(schedules.c.portal == portal, schedules.c.job == job)
    ).scalar_one_or_none()


def note_begun(db: Connection, portal: str, job: str, at: datetime) -> None:
    """Keep the time of a schedule that was begun; never an earlier one than is known."""
    known = last_begun(db, portal, job)
    if known is None or known < at:
        upsert(db, schedules, [{"portal": portal, "job": job, "last": at}])
