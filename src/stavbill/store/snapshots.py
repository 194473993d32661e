"""Snapshots of Wialon: accounts and units as one reading of a connection showed them.

The last two complete ones of a connection are kept, so that a mismatch can name the units that came
or went, and those of the last hours, which another run may be deciding by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, NewType

from sqlalchemy import Connection, Row, delete, insert, select, update

from stavbill.plan.records import AccountRecord, UnitRecord
from stavbill.store.database import upsert
from stavbill.store.tables import snapshots, wialon_accounts, wialon_units

SnapshotId = NewType("SnapshotId", int)
KEPT = 2
# Nobody decides by a snapshot for longer than this after it was begun.
LONGEST_RUN = timedelta(hours=6)


class SnapshotState(Enum):
    """Whether a snapshot may be counted by: only a complete one."""

    READING = "reading"
    COMPLETE = "complete"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One reading of a connection; `detail` says why it failed."""

    snapshot: SnapshotId
    connection: str
    state: SnapshotState
    detail: str
    started: datetime
    finished: datetime | None


def begin_snapshot(db: Connection, connection: str, *, at: datetime) -> SnapshotId:
    """Begin a snapshot of a connection."""
    answer = db.execute(
        insert(snapshots)
        .values(connection=connection, state=SnapshotState.READING.value, detail="", started=at)
        .returning(snapshots.c.snapshot)
    )
    return SnapshotId(answer.scalar_one())


def put_accounts(db: Connection, snapshot: SnapshotId, page: Sequence[AccountRecord]) -> None:
    """Put a page of accounts."""
    upsert(
        db,
        wialon_accounts,
        [
            {
                "snapshot": snapshot,
                "account": record.account,
                "name": record.name.strip(),
                "parent": record.parent or None,
            }
            for record in page
        ],
    )


def put_units(db: Connection, snapshot: SnapshotId, page: Sequence[UnitRecord]) -> None:
    """Put a page of units."""
    upsert(
        db,
        wialon_units,
        [
            {
                "snapshot": snapshot,
                "account": record.account,
                "unit": record.unit,
                "name": record.name,
                "state": record.state.value,
            }
            for record in page
        ],
    )


def complete_snapshot(db: Connection, snapshot: SnapshotId, *, at: datetime) -> None:
    """Say that the snapshot shows everything, and drop what is older than the one before it.

    What another run may still be writing, or deciding by, stays for some hours.
    """
    _end(db, snapshot, SnapshotState.COMPLETE, "", at)
    connection = db.execute(
        select(snapshots.c.connection).where(snapshots.c.snapshot == snapshot)
    ).scalar_one()
    complete = db.execute(
        select(snapshots.c.snapshot)
        .where(
            snapshots.c.connection == connection,
            snapshots.c.state == SnapshotState.COMPLETE.value,
            snapshots.c.snapshot <= snapshot,
        )
        .order_by(snapshots.c.snapshot.desc())
        .limit(KEPT)
    ).scalars()
    kept = list(complete)
    old = db.execute(
        select(snapshots.c.snapshot).where(
            snapshots.c.connection == connection,
            snapshots.c.snapshot < snapshot,
            snapshots.c.snapshot.not_in(kept),
            snapshots.c.started < at - LONGEST_RUN,
        )
    ).scalars()
    dropped = list(old)
    if dropped:
        _drop(db, dropped)


def fail_snapshot(db: Connection, snapshot: SnapshotId, *, detail: str, at: datetime) -> None:
    """Say that the snapshot must not be counted by, and why; its rows are dropped."""
    _drop_rows(db, [snapshot])
    _end(db, snapshot, SnapshotState.FAILED, detail, at)


def read_snapshot(db: Connection, snapshot: SnapshotId) -> Snapshot | None:
    """Return a snapshot, None when it is not known (any more)."""
    row = db.execute(select(snapshots).where(snapshots.c.snapshot == snapshot)).one_or_none()
    return None if row is None else _snapshot(row)


def last_snapshot(db: Connection, connection: str) -> Snapshot | None:
    """Return the last reading of a connection, whatever became of it."""
    row = db.execute(
        select(snapshots)
        .where(snapshots.c.connection == connection)
        .order_by(snapshots.c.snapshot.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _snapshot(row)


def complete_before(
    db: Connection, connection: str, before: SnapshotId | None = None
) -> Snapshot | None:
    """Return the last complete snapshot of a connection, or the last one before `before`."""
    query = select(snapshots).where(
        snapshots.c.connection == connection,
        snapshots.c.state == SnapshotState.COMPLETE.value,
    )
    if before is not None:
        query = query.where(snapshots.c.snapshot < before)
    row = db.execute(query.order_by(snapshots.c.snapshot.desc()).limit(1)).one_or_none()
    return None if row is None else _snapshot(row)


def _end(
    db: Connection, snapshot: SnapshotId, state: SnapshotState, detail: str, at: datetime
) -> None:
    db.execute(
        update(snapshots)
        .where(snapshots.c.snapshot == snapshot)
        .values(state=state.value, detail=detail, finished=at)
    )


def _drop(db: Connection, old: Sequence[int]) -> None:
    _drop_rows(db, old)
    db.execute(delete(snapshots).where(snapshots.c.snapshot.in_(old)))


def _drop_rows(db: Connection, old: Sequence[int]) -> None:
    for table in (wialon_units, wialon_accounts):
        db.execute(delete(table).where(table.c.snapshot.in_(old)))


def _snapshot(row: Row[Any]) -> Snapshot:
    return Snapshot(
        snapshot=SnapshotId(row.snapshot),
        connection=row.connection,
        state=SnapshotState(row.state),
        detail=row.detail,
        started=row.started,
        finished=row.finished,
    )
