"""A clock that stands until it is moved by hand."""

from __future__ import annotations

from datetime import datetime, timedelta


class HandClock:
    """A `stavbill.clock.Clock` that shows what it was told."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def move(self, by: timedelta) -> None:
        """Let time pass."""
        self._now += by

    def now(self) -> datetime:
        """Return the time of day."""
        return self._now

    def monotonic(self) -> float:
        """Return seconds."""
        return self._now.timestamp()

    async def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self.move(timedelta(seconds=seconds))
