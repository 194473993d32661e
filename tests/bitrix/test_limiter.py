"""The limiter against the documented bucket and operating time, on a clock without real time."""

from __future__ import annotations

import asyncio
from collections import deque

import pytest

from stavbill.bitrix.batch import Spent
from stavbill.bitrix.budget import Limits
from stavbill.bitrix.limiter import Limiter, MemoryBudgetState
from stavbill.clock import Clock
from tests.bitrix.clocks import AheadClock, VirtualClock

ADD = "crm.item.add"


class LeakyBucket:
    """The portal's counter, which falls once a second by whole requests."""

    def __init__(self, burst: int = 50, drain: int = 2) -> None:
        self._burst, self._drain = burst, drain
        self._level, self._second = 0, 0

    def take(self, at: float) -> bool:
        second = int(at)
        self._level = max(self._level - self._drain * (second - self._second), 0)
        self._second = second
        if self._level >= self._burst:
            return False
        self._level += 1
        return True


class OperatingTime:
    """Seconds of one method in ten baskets of a minute."""

    def __init__(self, limit_s: float = 480.0) -> None:
        self._limit_s = limit_s
        self._baskets: deque[tuple[int, float]] = deque()

    def used(self, at: float) -> float:
        minute = int(at // 60)
        while self._baskets and self._baskets[0][0] <= minute - 10:
            self._baskets.popleft()
        return sum(seconds for _, seconds in self._baskets)

    def run(self, at: float, seconds: float) -> bool:
        if self.used(at) >= self._limit_s:
            return False
        self._baskets.append((int(at // 60), seconds))
        return True


def limiter(
    clock: Clock, limits: Limits | None = None, state: MemoryBudgetState | None = None
) -> Limiter:
    return Limiter(
        limits=limits or Limits(),
        clock=clock,
        state=MemoryBudgetState() if state is None else state,
    )


async def test_six_hundred_requests_fill_the_bucket_and_never_overflow_it() -> None:
    clock, bucket = VirtualClock(), LeakyBucket()
    pace = limiter(clock)

    async def request() -> bool:
        await pace.reserve({})
        return bucket.take(clock.elapsed)

    allowed = await asyncio.gather(*(request() for _ in range(600)))
    assert all(allowed)
    # The floor is (600 - 50) / 2: what the margin costs, and not more.
    assert 275.0 <= clock.elapsed <= 277.0


async def test_two_processes_share_one_bucket() -> None:
    clock, bucket, state = VirtualClock(), LeakyBucket(), MemoryBudgetState()
    processes = [limiter(clock, state=state) for _ in range(2)]

    async def request(number: int) -> bool:
        await processes[number % 2].reserve({})
        return bucket.take(clock.elapsed)

    assert all(await asyncio.gather(*(request(number) for number in range(200))))
    assert clock.elapsed >= 75.0


async def test_a_share_is_left_for_people() -> None:
    clock = VirtualClock()
    pace = limiter(clock, Limits(people_share=0.5))
    for _ in range(124):
        await pace.reserve({})
    assert round(clock.elapsed, 3) == 100.0  # 24 at once, then one a second


async def write_all(
    pace: Limiter, clock: VirtualClock, portal: OperatingTime, cost_s: float
) -> int:
    """Make 6,000 calls in batches of 25, 16 in flight; return how many the portal refused."""
    refused = 0
    batches = iter(range(240))

    async def worker() -> None:
        nonlocal refused
        for _ in batches:
            ticket = await pace.reserve({ADD: 25})
            spent = []
            for _ in range(25):
                await clock.sleep(cost_s)
                refused += not portal.run(clock.elapsed, cost_s)
                spent.append(Spent(cost_s, portal.used(clock.elapsed)))
            pace.settle(ticket, {ADD: spent})

    await asyncio.gather(*(worker() for _ in range(16)))
    return refused


async def test_operating_time_is_learned_and_never_exceeded() -> None:
    clock, portal = VirtualClock(), OperatingTime()
    refused = await write_all(limiter(clock), clock, portal, cost_s=0.2)
    assert refused == 0
    # 1,200 s of work, 480 in ten minutes: two windows must pass.
    assert clock.elapsed <= 1.10 * 1200


async def test_the_seconds_of_others_count_too() -> None:
    clock = VirtualClock()
    pace = limiter(clock)
    ticket = await pace.reserve({ADD: 1})
    pace.settle(ticket, {ADD: [Spent(0.5, operating=455.9)]})
    await pace.reserve({ADD: 1})
    assert clock.elapsed >= 590.0


async def test_a_method_that_must_wait_does_not_hold_up_another() -> None:
    clock = VirtualClock()
    pace = limiter(clock)
    pace.block(ADD, 300.0)

    async def when(method: str) -> float:
        await pace.reserve({method: 1})
        return clock.elapsed

    waited, free = await asyncio.gather(when(ADD), when("crm.company.update"))
    assert free < 1.0
    assert waited >= 300.0


async def test_after_a_refusal_all_the_same_everybody_waits_longer_and_longer() -> None:
    clock, state = VirtualClock(), MemoryBudgetState()
    mine, other = limiter(clock, state=state), limiter(clock, state=state)
    mine.back_off()
    await other.reserve({})
    first = clock.elapsed
    mine.back_off()
    await other.reserve({})
    assert first >= 2.0
    assert clock.elapsed - first >= 4.0


async def test_a_request_that_was_not_executed_gives_its_seconds_back() -> None:
    clock = VirtualClock()
    pace = limiter(clock, Limits(first_guess_s=20.0))
    for _ in range(10):
        pace.release(await pace.reserve({ADD: 20}))
    assert clock.elapsed == 0.0


@pytest.mark.parametrize("apart_s", [0.01, 0.2, 0.9])
async def test_clocks_of_two_machines_may_differ(apart_s: float) -> None:
    """Whoever is behind does not drain again what the other one has drained."""
    clock, bucket, state = VirtualClock(), LeakyBucket(), MemoryBudgetState()
    machines = [limiter(one, state=state) for one in (clock, AheadClock(clock, apart_s))]
    refused = 0
    for number in range(400):
        ticket = await machines[number % 2].reserve({"m": 1})
        refused += not bucket.take(clock.elapsed)
        machines[(number + 1) % 2].settle(ticket, {"m": [Spent(0.01, None)]})
    assert refused == 0
    assert clock.elapsed >= 170.0


async def test_a_clock_that_was_set_back_does_not_stop_the_limiter() -> None:
    clock, state = VirtualClock(), MemoryBudgetState()
    clock.elapsed = 1e6
    ahead = limiter(clock, state=state)
    for _ in range(48):
        await ahead.reserve({ADD: 1})
    clock.elapsed = 0.0
    await limiter(clock, state=state).reserve({ADD: 1})
    assert clock.elapsed < 1.0


async def test_the_forecast_is_the_floor_of_the_limits() -> None:
    pace = limiter(VirtualClock(), Limits(first_guess_s=0.2))
    forecast = pace.forecast(609, {ADD: 6000})
    assert forecast.bucket_s == (609 - 48) / 2
    assert forecast.methods_s == {ADD: 1200.0}
    assert forecast.seconds == 1200.0
