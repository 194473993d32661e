"""A clock that was set back names what it waits for."""

from __future__ import annotations

from datetime import timedelta

from stavbill.store.ahead import Ahead, ahead_of
from stavbill.store.database import Store
from stavbill.store.workers import note_begun
from tests.store.samples import NOON, PORTAL, effects_of
from tests.store.test_intents import begin, record

BACK = timedelta(hours=2)


def test_what_was_written_and_begun_in_the_future_is_named(store: Store) -> None:
    run = begin(store, "run-1")
    record(store, run, *effects_of(1))
    with store.write() as db:
        note_begun(db, PORTAL, "month", NOON)
    with store.read() as db:
        assert ahead_of(db, PORTAL, now=NOON) == ()
        assert ahead_of(db, PORTAL, now=NOON - BACK) == (
            Ahead("run", "run-1", NOON),
            Ahead("schedule", "month", NOON),
        )
        assert ahead_of(db, "other.example", now=NOON - BACK) == ()
