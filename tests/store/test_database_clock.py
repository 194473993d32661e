"""Machines whose clocks are apart see one time at a database that they share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from typing_extensions import override

from stavbill.clock import Clock
from stavbill.store.database import Store
from stavbill.store.database_clock import DatabaseClock, database_time, is_shared, shared_clock
from tests.worker.hand_clock import HandClock

APART = timedelta(seconds=240)
SOON = timedelta(seconds=10)


def machine(store: Store, ahead: timedelta) -> HandClock:
    """Return a machine's clock that is set wrong; that of SQLite's machine is anything."""
    return HandClock((database_time(store) or datetime(2026, 12, 10, tzinfo=UTC)) + ahead)


def test_clocks_that_are_apart_show_one_time(store: Store) -> None:
    early, late = machine(store, -APART), machine(store, APART)
    seen = [shared_clock(store, one, is_true=True).now() for one in (early, late)]
    if database_time(store) is None:
        # One machine has one clock.
        assert seen == [early.now(), late.now()]
        return
    assert abs(seen[0] - seen[1]) < SOON


def test_a_sandboxes_clock_is_kept(store: Store) -> None:
    clock: Clock = machine(store, APART)
    assert shared_clock(store, clock, is_true=False) is clock
    assert not is_shared(clock)


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_how_far_the_database_is_ahead_is_known(store: Store) -> None:
    clock = DatabaseClock(store, machine(store, -APART))
    assert abs(clock.ahead - APART) < SOON


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_a_machines_clock_that_is_set_moves_nothing(store: Store) -> None:
    class SetClock(HandClock):
        """Its hands are set; its monotonic seconds are not."""

        @override
        def monotonic(self) -> float:
            return 1000.0

    hands = SetClock((database_time(store) or datetime(2026, 12, 10, tzinfo=UTC)) + APART)
    clock = DatabaseClock(store, hands)
    before = clock.now()
    hands.move(timedelta(hours=-2))
    assert abs(clock.now() - before) < SOON
