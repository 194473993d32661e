"""The sandbox's own time: real, scaled, or turned by hand."""

from __future__ import annotations

import asyncio
import heapq
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Protocol


class SandboxClock(Protocol):
    """Time as the emulated world sees it."""

    def now(self) -> datetime:
        """Return the aware UTC time of day."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of this clock."""
        ...


class ScaledClock:
    """The machine's time; one real second is `scale` seconds here.

    Buckets, operating windows, delays and late executions all run `scale` times faster. `start`
    sets the first `now()`; without it the clock starts at the machine's time of day.
    """

    def __init__(self, scale: float = 1.0, start: datetime | None = None) -> None:
        """Start the clock."""
        self.scale = scale
        self._start = start or datetime.now(tz=UTC)
        self._zero = time.monotonic()

    def now(self) -> datetime:
        """Return the aware UTC time of day."""
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Return seconds since the clock was made."""
        return (time.monotonic() - self._zero) * self.scale

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of this clock."""
        await asyncio.sleep(max(seconds, 0.0) / self.scale)


class VirtualClock:
    """Time that stands still until `advance` turns it; sleepers wake in the order of their time."""

    def __init__(self, start: datetime | None = None) -> None:
        """Stand at `start`, by default the morning of an ordinary sending day."""
        self._start = start or datetime(2026, 12, 10, 6, tzinfo=UTC)
        self._passed_s = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []
        self._numbers = count()

    def now(self) -> datetime:
        """Return the aware UTC time of day."""
        return self._start + timedelta(seconds=self._passed_s)

    def monotonic(self) -> float:
        """Return seconds since the clock was made."""
        return self._passed_s

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was turned by `seconds`."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.Event()
        heapq.heappush(self._sleepers, (self._passed_s + seconds, next(self._numbers), woken))
        await woken.wait()

    def sleeping(self) -> int:
        """Count those who wait."""
        return len(self._sleepers)

    async def advance(self, seconds: float) -> None:
        """Turn the clock by `seconds`, letting each sleeper run at its own moment."""
        until = self._passed_s + seconds
        while self._sleepers and self._sleepers[0][0] <= until:
            self._passed_s, _, woken = heapq.heappop(self._sleepers)
            woken.set()
            # Whoever wakes may go to sleep again before `until`.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        self._passed_s = until
