"""Which portal a database works for: what another one has begun in it and not finished.

The engine's queues belong to the database: a worker of one portal would take up the other's work.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from stavbill.store.control import SharedText
from stavbill.store.database import Store
from stavbill.store.effects import UNSETTLED
from stavbill.store.inbox import PostState
from stavbill.store.runs import RunState
from stavbill.store.service_tables import inbox
from stavbill.store.tables import effects, runs
from stavbill.store.workers import living

_NAME = "portal"


def known_portals(db: Connection) -> tuple[str, ...]:
    """Return the portals that any run of this database was about."""
    rows = db.execute(select(runs.c.portal).distinct().order_by(runs.c.portal))
    return tuple(rows.scalars())


def unfinished_elsewhere(db: Connection, portal: str) -> dict[str, str]:
    """Return the other portals with unfinished work, and what of it there is."""
    queries = {
        "сообщений ждёт": select(inbox.c.portal, func.count().label("number")).where(
            inbox.c.state == PostState.NEW.value
        ),
        "запусков идёт": select(runs.c.portal, func.count().label("number")).where(
            runs.c.state == RunState.APPLYING.value
        ),
        "записей не выяснено": select(effects.c.portal, func.count().label("number")).where(
            effects.c.status.in_([status.value for status in UNSETTLED])
        ),
    }
    found: dict[str, list[str]] = {}
    for what, query in queries.items():
        column = query.selected_columns.portal
        for row in db.execute(query.where(column != portal).group_by(column)):
            found.setdefault(row.portal, []).append(f"{what} {row.number}")
    return {other: ", ".join(several) for other, several in found.items()}


def take_for(store: Store, portal: str, *, now: datetime, alive_s: float) -> str | None:
    """Say that the database works for a portal; return another one whose workers still live."""
    with store.read() as db:
        alive = living(db, seen_since=now - timedelta(seconds=alive_s))
    before: list[str] = []

    def take(text: str) -> str:
        before.append(text)
        return text if alive and text else portal

    SharedText(store, _NAME).change(take)
    return before[-1] if alive and before[-1] not in ("", portal) else None
