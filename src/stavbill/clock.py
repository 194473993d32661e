"""The one place that reads the clock; everybody else is handed one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Protocol

# Two looks at clocks this close to each other are one.
_ONE_MOMENT_S = 0.001


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


def machine_time() -> datetime:
    """Return the machine's own time of day, whatever clock a sandbox told us to show."""
    return datetime.now(tz=UTC)


def _one_moment() -> tuple[float, float]:
    """Return wall time and monotonic time of one moment, in seconds.

    A process may be put aside between two looks, and at many times the pace a moment is minutes.
    """
    while True:
        before = time.monotonic()
        wall = time.time()
        if time.monotonic() - before < _ONE_MOMENT_S:
            return wall, before


class Observer:
    """What stands unchanged before this process's eyes, by its own monotonic clock.

    Another machine's clock may be wrong by minutes: how long ago something was written there is
    not told by the time that it bears, but by how long it has been seen so.
    """

    def __init__(self, clock: Clock) -> None:
        """Begin to look; nothing has been seen yet."""
        self._clock = clock
        self._seen: dict[str, tuple[object, float]] = {}

    def unchanged_s(self, name: str, value: object) -> float:
        """Look at a named value: for how many seconds it has been seen so, 0 at first."""
        now = self._clock.monotonic()
        known = self._seen.get(name)
        if known is None or known[0] != value:
            self._seen[name] = value, now
            return 0.0
        return now - known[1]

    def is_new(self, name: str, value: object) -> bool:
        """Say whether a named value was not there, or was another, at the last look."""
        known = self._seen.get(name)
        return known is None or known[0] != value

    def forget_all_but(self, names: Collection[str], *, of: str) -> None:
        """Forget what is not there any more of those whose names begin with `of`."""
        for name in self._seen.keys() - set(names):
            if name.startswith(of):
                del self._seen[name]


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
        wall, monotonic = _one_moment()
        lived_s = 0.0 if since is None else max(wall - since, 0.0)
        self.is_true = scale == 1.0 and start is None
        self._started = wall - lived_s if start is None else start.timestamp()
        self._started_monotonic = monotonic - lived_s

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
