"""Runs: what was begun, how far it came, what it came to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any, NewType

from sqlalchemy import ColumnElement, Connection, Row, bindparam, insert, select, update

from stavbill.store.tables import runs

RunId = NewType("RunId", str)
Document = dict[str, Any]


class RunKind(Enum):
    """What was asked for."""

    MONTH = "month"
    RERUN = "rerun"
    NIGHTLY = "nightly"
    DELIVERY = "delivery"
    REPORT = "report"
    MARK = "mark"
    RESTORED = "restored"


class RunState(Enum):
    """How far a run came."""

    READING = "reading"
    PLANNED = "planned"
    WAITING_APPROVAL = "waiting_approval"
    APPLYING = "applying"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


_ENDED = (RunState.DONE.value, RunState.STOPPED.value, RunState.FAILED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run. `on` is the day it bills as of; `totals` and `forecast` are JSON documents."""

    run: RunId
    portal: str
    kind: RunKind
    on: date
    state: RunState
    dry_run: bool
    started: datetime
    finished: datetime | None = None
    requests: int = 0
    totals: Document
    forecast: Document
    detail: str = ""


def start_run(
    db: Connection, run: RunId, *, portal: str, kind: RunKind, on: date, dry_run: bool, at: datetime
) -> None:
    """Begin a run, in state READING."""
    db.execute(
        insert(runs).values(
            run=run,
            portal=portal,
            kind=kind.value,
            on_date=on,
            state=RunState.READING.value,
            dry_run=dry_run,
            totals="{}",
            forecast="{}",
            requests=0,
            detail="",
            started=at,
        )
    )


def set_state(
    db: Connection, run: RunId, state: RunState, *, at: datetime, detail: str = ""
) -> bool:
    """Move a run on; DONE, STOPPED and FAILED also end it at `at`.

    A stopped run stays stopped, whatever a step says that is still in the middle of it: False then.
    """
    finished = at if state.value in _ENDED else None
    moved = db.execute(
        update(runs)
        .where(runs.c.run == run, runs.c.state != RunState.STOPPED.value)
        .values(state=state.value, finished=finished, detail=detail)
    )
    return bool(moved.rowcount)


def take_up_again(db: Connection, run: RunId, state: RunState) -> None:
    """Let a run that was stopped go on from a state."""
    db.execute(
        update(runs)
        .where(runs.c.run == run, runs.c.state == RunState.STOPPED.value)
        .values(state=state.value, finished=None, detail="")
    )


def set_totals(db: Connection, run: RunId, totals: Document) -> None:
    """Keep what the run comes to."""
    text = json.dumps(totals, ensure_ascii=False, sort_keys=True)
    db.execute(update(runs).where(runs.c.run == run).values(totals=text))


def set_forecast(db: Connection, run: RunId, forecast: Document) -> None:
    """Keep what was forecast before the run."""
    text = json.dumps(forecast, ensure_ascii=False, sort_keys=True)
    db.execute(update(runs).where(runs.c.run == run).values(forecast=text))


def add_requests(db: Connection, run: RunId, requests: int) -> None:
    """Count further HTTP requests."""
    db.execute(update(runs).where(runs.c.run == run).values(requests=runs.c.requests + requests))


def read_run(db: Connection, run: RunId) -> Run | None:
    """Return a run, None when it is not known."""
    row = db.execute(_RUN, {"wanted": run}).one_or_none()
    return None if row is None else _run(row)


_RUN = select(runs).where(runs.c.run == bindparam("wanted"))


def latest_runs(
    db: Connection, portal: str, limit: int = 20, *, kind: RunKind | None = None
) -> tuple[Run, ...]:
    """Return the runs of a portal, the newest first; all, or those of one kind."""
    of_kind = [] if kind is None else [runs.c.kind == kind.value]
    rows = db.execute(
        select(runs)
        .where(runs.c.portal == portal, *of_kind)
        .order_by(runs.c.started.desc(), runs.c.run.desc())
        .limit(limit)
    )
    return tuple(_run(row) for row in rows)


def _really_done(portal: str, kind: RunKind) -> tuple[ColumnElement[bool], ...]:
    return (
        runs.c.portal == portal,
        runs.c.kind == kind.value,
        runs.c.state == RunState.DONE.value,
        runs.c.dry_run.is_(False),
    )


def finished_since(
    db: Connection, portal: str, since: datetime, *, kind: RunKind
) -> tuple[Run, ...]:
    """Return the real (not dry) runs of a kind that were done at or after a time, newest first."""
    rows = db.execute(
        select(runs)
        .where(*_really_done(portal, kind), runs.c.finished >= since)
        .order_by(runs.c.started.desc(), runs.c.run.desc())
    )
    return tuple(_run(row) for row in rows)


def last_finished(
    db: Connection, portal: str, *, before: datetime, kind: RunKind = RunKind.MONTH
) -> Run | None:
    """Return the last real (not dry) run of a portal that was done before a time."""
    row = db.execute(
        select(runs)
        .where(*_really_done(portal, kind), runs.c.started < before)
        .order_by(runs.c.started.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _run(row)


def unfinished_runs(db: Connection, portal: str) -> tuple[Run, ...]:
    """Return the runs that stand in APPLYING: running now, or killed in the middle; oldest first.

    Applying one of them again is harmless, whether its process lives or not.
    """
    rows = db.execute(
        select(runs)
        .where(runs.c.portal == portal, runs.c.state == RunState.APPLYING.value)
        .order_by(runs.c.started)
    )
    return tuple(_run(row) for row in rows)


def _run(row: Row[Any]) -> Run:
    return Run(
        run=RunId(row.run),
        portal=row.portal,
        kind=RunKind(row.kind),
        on=row.on_date,
        state=RunState(row.state),
        dry_run=row.dry_run,
        started=row.started,
        finished=row.finished,
        requests=row.requests,
        totals=json.loads(row.totals),
        forecast=json.loads(row.forecast),
        detail=row.detail,
    )
