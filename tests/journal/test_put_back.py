"""A database that was put back: what it shows as planned may stand in the portal since."""

from __future__ import annotations

import shutil
from pathlib import Path

from stavbill.store.database import Store
from stavbill.store.schema import open_store
from tests.journal.scene import (
    RECORDER,
    RUN,
    begin,
    fresh_store,
    journal_on,
    require_end_state,
)
from tests.journal.world import World
from tests.support.virtual_time import VirtualClock, run_virtually

COMPANIES = 30
# Four invoices a batch and a read-back, eight states a batch that begins half empty.
WRITES, READS = 8 + 5, 8


def copied(store: Store, to: Path) -> Path:
    """Copy a database whose writers rest."""
    store.engine.dispose()
    shutil.copyfile(str(store.url.database), to)
    return to


async def applied(store: Store, world: World) -> None:
    """Apply as who recorded the plan."""
    await journal_on(store, world, owner=RECORDER, companions=()).apply(RUN)


async def resumed(store: Store, world: World) -> None:
    """Go on as a process that has seen nobody else alive."""
    await journal_on(store, world, owner="later", companions=()).resume()
    await world.calm()


def test_a_copy_made_before_the_run_was_applied_doubles_nothing(tmp_path: Path) -> None:
    with fresh_store() as store:
        begin(store, COMPANIES)
        copy = copied(store, tmp_path / "copy.sqlite3")
        put_back = open_store(f"sqlite:///{copy}")
        world = World(VirtualClock())

        async def main() -> None:
            await applied(store, world)
            before = len(world.batches)
            await resumed(put_back, world)
            # The states are set again; no invoice was sent.
            assert sum(world.batches[before:]) == COMPANIES

        try:
            run_virtually(main())
            require_end_state(put_back, world, COMPANIES)
        finally:
            put_back.close()


def test_whoever_recorded_a_plan_asks_nothing() -> None:
    with fresh_store() as store:
        begin(store, COMPANIES)
        world = World(VirtualClock())
        run_virtually(applied(store, world))
        assert world.requests == WRITES + READS


def test_what_is_not_there_is_sent_by_who_asked() -> None:
    with fresh_store() as store:
        begin(store, COMPANIES)
        world = World(VirtualClock())
        run_virtually(resumed(store, world))
        require_end_state(store, world, COMPANIES)
        # One question for all of them, and not one for each.
        assert world.requests <= WRITES + READS + 2
