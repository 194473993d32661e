"""The sandbox's clocks: one turned by hand, one scaled."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from stavbill.sandbox.clock import ScaledClock, VirtualClock


async def test_sleepers_wake_in_the_order_of_their_moments() -> None:
    clock = VirtualClock(datetime(2026, 12, 10, 6, tzinfo=UTC))
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, *naps: float) -> None:
        for nap in naps:
            await clock.sleep(nap)
            woken.append((name, clock.monotonic()))

    tasks = [asyncio.create_task(sleeper("late", 5)), asyncio.create_task(sleeper("twice", 1, 2))]
    await asyncio.sleep(0)
    assert clock.sleeping() == 2
    await clock.advance(4)
    assert len(woken) == 2
    await clock.advance(1)
    assert woken == [("twice", 1), ("twice", 3), ("late", 5)]
    assert clock.now() == datetime(2026, 12, 10, 6, 0, 5, tzinfo=UTC)
    await asyncio.gather(*tasks)


async def test_virtual_time_stands_still_by_itself() -> None:
    clock = VirtualClock()
    await clock.sleep(0)
    assert clock.monotonic() == 0


async def test_a_scaled_clock_starts_where_it_is_told_and_never_goes_back() -> None:
    start = datetime(2026, 12, 10, 6, tzinfo=UTC)
    clock = ScaledClock(scale=1_000_000.0, start=start)
    before = clock.monotonic()
    await clock.sleep(5)
    assert clock.monotonic() - before >= 5
    assert clock.now() > start
