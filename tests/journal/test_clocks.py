"""Two processes whose clocks are minutes apart apply the same run: nothing is sent twice."""

from __future__ import annotations

import asyncio

import pytest

from stavbill.store.database import Store
from stavbill.store.effects import Status, counts_by_status
from stavbill.store.schema import open_store
from tests.journal.scene import RUN, SETTINGS, begin, journal_on, require_end_state
from tests.journal.world import Fate, World
from tests.support.virtual_time import VirtualClock, run_virtually

COMPANIES = 20


@pytest.mark.parametrize("skew_s", [240.0, -240.0, 7200.0])
@pytest.mark.parametrize("fate", [Fate.FINE, Fate.LOST_AFTER, Fate.VERY_LATE])
def test_clocks_that_are_apart_double_nothing(
    store: Store, store_url: str, skew_s: float, fate: Fate
) -> None:
    begin(store, COMPANIES)
    other = open_store(store_url)
    # Requests wait long for their turn, so that claims are held for as long as they may be.
    world = World(VirtualClock(), fates=[fate] * 3, queue_s=[60.0] * 6)

    async def main() -> None:
        first = journal_on(store, world, owner="first").apply(RUN)
        second = journal_on(other, world, owner="second", clock=VirtualClock(skew_s=skew_s)).apply(
            RUN
        )
        await asyncio.gather(first, second)
        await world.calm()

    run_virtually(main())
    other.close()
    require_end_state(store, world, COMPANIES)


def test_a_claim_of_a_clock_that_is_ahead_is_not_waited_for_until_its_end(store: Store) -> None:
    """Its holder died; that it bears a time in two hours says nothing."""
    begin(store, 4)
    world = World(VirtualClock(), queue_s=[9_000.0])

    async def main() -> float:
        loop = asyncio.get_running_loop()
        ahead = journal_on(store, world, owner="ahead", clock=VirtualClock(skew_s=7200.0))
        dying = asyncio.ensure_future(ahead.apply(RUN))
        await VirtualClock().sleep(1)
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        began = loop.time()
        await journal_on(store, world, owner="later").apply(RUN)
        return loop.time() - began

    took_s = run_virtually(main())
    require_end_state(store, world, 4)
    assert took_s < SETTINGS.claim_s + SETTINGS.late_s + SETTINGS.quiet_s + 60.0


def test_a_doubt_of_another_clock_is_left_alone_before_our_own_eyes(store: Store) -> None:
    """Its time is over by a clock that is ahead; the portal executes the request all the same."""
    begin(store, 4)
    world = World(VirtualClock(), fates=[Fate.VERY_LATE])

    async def main() -> None:
        dying = asyncio.ensure_future(journal_on(store, world, owner="first").apply(RUN))
        await VirtualClock().sleep(10.0)
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        ahead = VirtualClock(skew_s=240.0)
        await journal_on(store, world, owner="second", clock=ahead).resume()
        await world.calm()

    run_virtually(main())
    require_end_state(store, world, 4)


def test_a_doubt_that_is_due_for_hours_is_asked_about_at_once(store: Store) -> None:
    """Whoever only lives for moments would never ask about what another process left."""
    begin(store, 4)
    world = World(VirtualClock(), fates=[Fate.LOST_AFTER])

    async def main() -> float:
        dying = asyncio.ensure_future(journal_on(store, world, owner="first").apply(RUN))
        await VirtualClock().sleep(10.0)
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        later = VirtualClock(skew_s=7 * 3600.0)
        began = later.monotonic()
        await journal_on(store, world, owner="second", clock=later).resume()
        return later.monotonic() - began

    took_s = run_virtually(main())
    with store.read() as db:
        counts = counts_by_status(db, RUN)
    assert counts.get(Status.DOUBT, 0) == counts.get(Status.SENDING, 0) == 0
    assert set(world.copies().values()) == {1}
    assert took_s < SETTINGS.quiet_s
