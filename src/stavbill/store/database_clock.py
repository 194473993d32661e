"""The clock of a database that several machines share: one time for all who write to it.

Claims, heartbeats and the times at which something is due are written by one machine and read by
another: with clocks 240 s apart a claim runs out while its holder still sends. Source: beyond 15.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import text

from stavbill.clock import Clock
from stavbill.errors import StoreError
from stavbill.store.database import Store

# The database is asked again so often, and at once when the machine's clock was set.
ASK_AGAIN_S = 60.0
JUMP_S = 1.0


def database_time(store: Store) -> datetime | None:
    """Return the time of the database's own machine; None where it is this process's machine."""
    if store.url.get_backend_name() != "postgresql":
        return None
    with store.read() as db:
        found = db.execute(text("SELECT clock_timestamp()")).scalar_one()
    return found if isinstance(found, datetime) else None


class DatabaseClock:
    """Shows the database's time by this machine's clock and what lies between the two."""

    def __init__(self, store: Store, machine: Clock) -> None:
        """Ask the database once. Raises `StoreError`."""
        self._store = store
        self._machine = machine
        self._ahead = timedelta(0)
        self._asked_at = 0.0
        self._stood = timedelta(0)
        self._ask()

    @property
    def ahead(self) -> timedelta:
        """How far the database's clock is ahead of this machine's."""
        return self._ahead

    def now(self) -> datetime:
        """Return the aware UTC time of day of the database."""
        monotonic = self._machine.monotonic()
        now = self._machine.now()
        jumped = abs((now - _EPOCH) - timedelta(seconds=monotonic) - self._stood)
        if monotonic - self._asked_at >= ASK_AGAIN_S or jumped.total_seconds() > JUMP_S:
            try:
                self._ask()
            except StoreError:
                # Whoever uses the time meets the database's trouble in a moment.
                self._asked_at = monotonic
            now = self._machine.now()
        return now + self._ahead

    def monotonic(self) -> float:
        """Return this machine's seconds that never go back."""
        return self._machine.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._machine.sleep(seconds)

    def _ask(self) -> None:
        before = self._machine.now()
        found = database_time(self._store)
        after = self._machine.now()
        if found is not None:
            self._ahead = found - (before + (after - before) / 2)
        self._asked_at = self._machine.monotonic()
        self._stood = (after - _EPOCH) - timedelta(seconds=self._asked_at)


_EPOCH = datetime.fromisoformat("2026-01-01T00:00:00+00:00")


def shared_clock(store: Store, machine: Clock, *, is_true: bool) -> Clock:
    """Return the time that all processes at a database share.

    A sandbox's clock that runs fast, or shows a day of its own, is told to every process alike.
    """
    if is_true and store.url.get_backend_name() == "postgresql":
        return DatabaseClock(store, machine)
    return machine


def is_shared(clock: Clock) -> bool:
    """Say whether a clock is the database's, so that what others wrote can be compared with it."""
    return isinstance(clock, DatabaseClock)
