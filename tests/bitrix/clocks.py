"""A clock without real time: sleeping is what makes it go on."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta


class VirtualClock:
    """The earliest sleeper moves the time as soon as nobody else has anything to do."""

    def __init__(self, start: datetime = datetime(2026, 12, 10, 3, 0, tzinfo=UTC)) -> None:
        self._start = start
        self.elapsed = 0.0
        self._due: list[float] = []

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._start.timestamp() + self.elapsed, tz=UTC)

    def monotonic(self) -> float:
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        due = self.elapsed + max(seconds, 0.0)
        self._due.append(due)
        try:
            await asyncio.sleep(0)
            while self.elapsed < due:
                await asyncio.sleep(0)
                if due <= min(self._due):
                    self.elapsed = due
        finally:
            self._due.remove(due)


class AheadClock:
    """Another machine's clock: the same time goes by, and it shows a little more."""

    def __init__(self, clock: VirtualClock, ahead_s: float) -> None:
        self._clock = clock
        self._ahead = timedelta(seconds=ahead_s)

    def now(self) -> datetime:
        return self._clock.now() + self._ahead

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
