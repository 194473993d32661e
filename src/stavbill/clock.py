"""The one place that reads the clock; everybody else is handed one."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Time as the project sees it."""

    def now(self) -> datetime:
        """Return the aware UTC time of day."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's clock; `scale` N runs N times as fast, for time-scaled sandboxes only."""

    def __init__(self, scale: float = 1.0) -> None:
        """Start a scaled clock at the true time."""
        self.scale = scale
        self._started = time.time()
        self._started_monotonic = time.monotonic()

    def now(self) -> datetime:
        """Return the (scaled) UTC time of day."""
        return datetime.fromtimestamp(self._started + self.monotonic(), tz=UTC)

    def monotonic(self) -> float:
        """Return (scaled) seconds since this clock started."""
        return (time.monotonic() - self._started_monotonic) * self.scale

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of this clock."""
        await asyncio.sleep(max(seconds, 0.0) / self.scale)
