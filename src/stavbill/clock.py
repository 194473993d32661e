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
    """The machine's clock; for sandboxes only, N times as fast (`scale`) and on a day of theirs.

    Scaled clocks of several processes agree when they share `since`, the true time (Unix seconds)
    at which they all showed it, or at which they showed `start`.
    """

    def __init__(
        self, scale: float = 1.0, since: float | None = None, start: datetime | None = None
    ) -> None:
        """Show `start`, else the true time, now or as if the clock had been set at `since`."""
        self.scale = scale
        lived_s = 0.0 if since is None else max(time.time() - since, 0.0)
        self.is_true = scale == 1.0 and start is None
        self._started = time.time() - lived_s if start is None else start.timestamp()
        self._started_monotonic = time.monotonic() - lived_s

    def now(self) -> datetime:
        """Return the UTC time of day.

        The true one is the wall clock: the other one stands still while a machine is suspended, and
        whoever wakes up must see that its claims have run out.
        """
        if self.is_true:
            return datetime.now(tz=UTC)
        return datetime.fromtimestamp(self._started + self.monotonic(), tz=UTC)

    def monotonic(self) -> float:
        """Return (scaled) seconds since this clock started."""
        return (time.monotonic() - self._started_monotonic) * self.scale

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of this clock."""
        await asyncio.sleep(max(seconds, 0.0) / self.scale)
