"""Virtual time: an event loop whose clock jumps to the next timer as soon as nothing else is to do.

Hours of waiting pass at once and always in the same order. Everything that waits by `asyncio` waits
on this clock; whoever waits for a socket or a thread waits in real time and the clock stands.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from typing_extensions import override

T = TypeVar("T")

BEGINNING = datetime(2026, 12, 10, 9, tzinfo=UTC)


class DeadlockError(RuntimeError):
    """Every task waits, and no timer will ever wake any of them."""


class _JumpingSelector(selectors.SelectSelector):
    """Tells the loop at once that nothing happened, and that the time it wanted to wait is over."""

    def __init__(self) -> None:
        super().__init__()
        self.elapsed = 0.0

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise DeadlockError
        self.elapsed += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on virtual time, which starts at 0."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        # A year of seconds leaves no nanoseconds: a timer that is due now must not wait for them.
        self._clock_resolution = 1e-6

    @override
    def time(self) -> float:
        """Return virtual seconds."""
        return self._jumping.elapsed


class VirtualClock:
    """A `stavbill.clock.Clock` on the running loop's virtual time; `skew_s` sets it wrong."""

    def __init__(self, *, skew_s: float = 0.0) -> None:
        self._skew = timedelta(seconds=skew_s)

    def now(self) -> datetime:
        return BEGINNING + timedelta(seconds=self.monotonic()) + self._skew

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, 0.0))


def run_virtually(main: Coroutine[Any, Any, T], *, limit_s: float = 48 * 3600.0) -> T:
    """Run to the end in no time at all; `TimeoutError` after `limit_s` virtual seconds."""

    async def limited() -> T:
        async with asyncio.timeout(limit_s):
            return await main

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(limited())
