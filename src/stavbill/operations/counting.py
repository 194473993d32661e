"""Counting: every Wialon connection is read once a run, page by page, into a snapshot.

A connection that cannot be read whole holds its own companies and nobody else.
Source: portal page, «Wialon»; billing rules §5.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from stavbill.billing.facts import NotCounted, NotCountedWhy
from stavbill.clock import Clock
from stavbill.errors import WialonError
from stavbill.operations.progress import Progress
from stavbill.operations.surroundings import ConnectionView
from stavbill.store.database import Store
from stavbill.store.mirror import connection_key
from stavbill.store.snapshots import (
    SnapshotId,
    begin_snapshot,
    complete_before,
    complete_snapshot,
    fail_snapshot,
    put_accounts,
    put_units,
)
from stavbill.wialon.connection import Connection
from stavbill.wialon.reader import WialonReader, open_reader
from stavbill.wialon.trouble import WialonIncompleteError


@dataclass(slots=True)
class WialonReading:
    """What all connections gave, by «Где найти» as it is compared, and what it cost."""

    connections: dict[str, ConnectionView]
    requests: int = 0


async def read_wialon(
    store: Store, connections: Mapping[str, Connection], clock: Clock, progress: Progress
) -> WialonReading:
    """Read every connection at the same time; failures are values of their connection."""
    progress.stage("read_wialon", len(connections))
    reading = WialonReading({})
    readings = (
        _one(store, connection, clock, reading, progress) for connection in connections.values()
    )
    await asyncio.gather(*readings)
    return reading


async def _one(
    store: Store,
    connection: Connection,
    clock: Clock,
    reading: WialonReading,
    progress: Progress,
) -> None:
    with store.write() as db:
        snapshot = begin_snapshot(db, connection.name, at=clock.now())
    try:
        async with open_reader(connection, clock) as reader:
            try:
                await _fill(store, snapshot, reader)
            finally:
                reading.requests += reader.requests + 1
        view = _completed(store, connection, snapshot, clock)
    except WialonError as error:
        with store.write() as db:
            fail_snapshot(db, snapshot, detail=str(error), at=clock.now())
        why = NotCountedWhy.UNREACHABLE
        if isinstance(error, WialonIncompleteError):
            why = NotCountedWhy.INCOMPLETE
        view = ConnectionView(snapshot=None, failure=NotCounted(why, str(error)))
    reading.connections[connection_key(connection.name) or ""] = view
    progress.advance()


async def _fill(store: Store, snapshot: SnapshotId, reader: WialonReader) -> None:
    known: set[int] = set()
    async for accounts in reader.accounts():
        known.update(record.account for record in accounts)
        with store.write() as db:
            put_accounts(db, snapshot, accounts)
    async for units in reader.units(known):
        with store.write() as db:
            put_units(db, snapshot, units)


def _completed(
    store: Store, connection: Connection, snapshot: SnapshotId, clock: Clock
) -> ConnectionView:
    with store.write() as db:
        complete_snapshot(db, snapshot, at=clock.now())
    with store.read() as db:
        previous = complete_before(db, connection.name, snapshot)
    return ConnectionView(
        snapshot=snapshot, previous=None if previous is None else previous.snapshot
    )
