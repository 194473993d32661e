"""A database knows who it is, and a copy of it knows no more than it did."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Thread

from stavbill.store.database import Store
from stavbill.store.installation import (
    Installation,
    know_installation,
    note_mark,
    raise_epoch,
    read_installation,
)

NOW = datetime(2026, 12, 10, 6, tzinfo=UTC)
PORTAL = "portal.example"


def test_an_id_is_drawn_once(store: Store) -> None:
    with store.read() as db:
        assert read_installation(db) is None
    first = know_installation(store, at=NOW)
    assert know_installation(store, at=NOW + timedelta(days=1)) == first
    assert (first.epoch, first.lineage, first.token, first.since) == (1, 0, "", NOW)
    assert len(first.id) == 16


def test_two_that_ask_at_once_get_the_same_id(store: Store) -> None:
    found: list[Installation] = []
    threads = [
        Thread(target=lambda: found.append(know_installation(store, at=NOW))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.id for one in found}) == 1


def test_an_epoch_is_raised_above_both(store: Store) -> None:
    know_installation(store, at=NOW)
    later = NOW + timedelta(hours=1)
    with store.write() as db:
        raised = raise_epoch(db, PORTAL, above=6, who="ivan", why="takeover", at=later)
    assert (raised.epoch, raised.since) == (7, later)
    with store.write() as db:
        assert raise_epoch(db, PORTAL, above=2, who="ivan", why="restored", at=later).epoch == 8


def test_the_last_mark_never_goes_back(store: Store) -> None:
    know_installation(store, at=NOW)
    with store.write() as db:
        note_mark(db, lineage=2, token="two")
        note_mark(db, lineage=1, token="one")
    with store.read() as db:
        known = read_installation(db)
    assert known is not None
    assert (known.lineage, known.token) == (2, "two")
