"""Counting: every Wialon connection is read once a run, page by page, into a snapshot.

A connection that cannot be read whole holds its own companies and nobody else.
Source: portal page, «Wialon»; billing rules §5.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from stavbill.billing.facts import CompanyCard, NotCounted, NotCountedWhy
from stavbill.clock import Clock
from stavbill.errors import WialonError
from stavbill.operations.progress import Progress
from stavbill.operations.surroundings import ConnectionView
from stavbill.store.counting import accounts_named, descendants
from stavbill.store.database import Store
from stavbill.store.mirror import account_key, connection_key
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
                unclear = await _fill(store, snapshot, reader)
            finally:
                reading.requests += reader.requests + 1
        with store.write() as db:
            complete_snapshot(db, snapshot, at=clock.now())
        view = _view(store, connection, snapshot, unclear)
    except WialonError as error:
        view = _failed(store, snapshot, connection, error, clock)
    reading.connections[connection_key(connection.name) or ""] = view
    progress.advance()


async def _fill(store: Store, snapshot: SnapshotId, reader: WialonReader) -> dict[int, str]:
    """Keep accounts and units; return the accounts whose count cannot be told, and why."""
    unclear: dict[int, str] = {}
    known: set[int] = set()
    async for accounts in reader.accounts():
        known.update(record.account for record in accounts)
        with store.write() as db:
            put_accounts(db, snapshot, accounts)
    async for units in reader.units(known, unclear=unclear):
        with store.write() as db:
            put_units(db, snapshot, units)
    return unclear


def _view(
    store: Store, connection: Connection, snapshot: SnapshotId, unclear: Mapping[int, str]
) -> ConnectionView:
    with store.read() as db:
        previous = complete_before(db, connection.name, snapshot)
    return ConnectionView(
        snapshot=snapshot,
        previous=None if previous is None else previous.snapshot,
        unclear=dict(unclear),
    )


def _failed(
    store: Store, snapshot: SnapshotId, connection: Connection, error: WialonError, clock: Clock
) -> ConnectionView:
    with store.write() as db:
        fail_snapshot(db, snapshot, detail=str(error), at=clock.now())
    why = NotCountedWhy.UNREACHABLE
    if isinstance(error, WialonIncompleteError):
        why = NotCountedWhy.INCOMPLETE
    return ConnectionView(snapshot=None, failure=NotCounted(why, error.what, connection.name))


async def read_accounts(
    store: Store,
    connections: Mapping[str, Connection],
    clock: Clock,
    card: CompanyCard,
) -> WialonReading:
    """Count only the account that one card names, and what lies below it: about four requests.

    The accounts are searched whole, because the tree decides who is a partner's; of the units only
    those of the account's subtree are asked for. The snapshot is for this use alone: it never
    stands for a complete one.
    """
    reading = WialonReading({})
    name = connection_key(card.connection)
    account = account_key(card.account)
    connection = next((c for c in connections.values() if connection_key(c.name) == name), None)
    for other in connections.values():
        key = connection_key(other.name) or ""
        reading.connections[key] = ConnectionView(snapshot=None)
    if connection is None or account is None or name is None:
        return reading
    with store.write() as db:
        snapshot = begin_snapshot(db, connection.name, at=clock.now())
    try:
        async with open_reader(connection, clock) as reader:
            try:
                unclear = await _fill_one(store, snapshot, reader, account)
            finally:
                reading.requests += reader.requests + 1
        reading.connections[name] = _view(store, connection, snapshot, unclear)
    except WialonError as error:
        reading.connections[name] = _failed(store, snapshot, connection, error, clock)
    return reading


async def _fill_one(
    store: Store, snapshot: SnapshotId, reader: WialonReader, account: str
) -> dict[int, str]:
    async for accounts in reader.accounts():
        with store.write() as db:
            put_accounts(db, snapshot, accounts)
    with store.read() as db:
        roots = [one.account for one in accounts_named(db, snapshot, [account]).get(account, ())]
        below = descendants(db, snapshot, roots)
    ids = [*roots, *(one.account for group in below.values() for one in group)]
    unclear: dict[int, str] = {}
    async for units in reader.units_of(ids, unclear=unclear):
        with store.write() as db:
            put_units(db, snapshot, units)
    return unclear
