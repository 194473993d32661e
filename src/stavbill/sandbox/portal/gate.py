"""A gate at the writes: somebody may do something exactly there, or hold the request.

Points are numbered from 1: one before each call that writes, in a batch or alone, and one when all
of a writing request has run and nothing is answered yet. So between two points of a request there
is exactly one write. Off by default; faults strike before it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from stavbill.sandbox.portal.wire import Record


class Passage(StrEnum):
    """What becomes of a request at a point: it goes on, or ends there, nothing being answered."""

    GO = "go"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Point:
    """A place in the traffic: the `method` that would run next, empty when all has run."""

    number: int
    request: int
    method: str

    @property
    def shown(self) -> str:
        """What stands here, for people."""
        return f"before {self.method}" if self.method else "before the answer"


Guard = Callable[[Point], Awaitable[Passage]]


class Gate:
    """Asks a guard at each point; the guard may take its time. Without one nothing is counted."""

    def __init__(self) -> None:
        """Stand open."""
        self.points = 0
        self.held: Point | None = None
        self._guard: Guard | None = None
        self._released: asyncio.Future[Passage] | None = None

    def watch(self, guard: Guard | None) -> None:
        """Count from 1 again and ask `guard` at each point; None opens the gate for good."""
        self.release(Passage.GO)
        self.points = 0
        self._guard = guard

    async def reached(self, request: int, method: str) -> Passage:
        """Say that a writing request stands at a point; return what becomes of it."""
        if self._guard is None:
            return Passage.GO
        self.points += 1
        return await self._guard(Point(self.points, request, method))

    def hold(self, number: int) -> None:
        """Hold the request that reaches the point `number`, until it is released."""

        async def guard(point: Point) -> Passage:
            if point.number != number:
                return Passage.GO
            self.held = point
            self._released = asyncio.get_running_loop().create_future()
            try:
                return await self._released
            finally:
                self.held = self._released = None

        self.watch(guard)

    def release(self, passage: Passage) -> bool:
        """Let the held request go on, or drop it; False when none is held."""
        if self._released is None or self._released.done():
            return False
        self._released.set_result(passage)
        return True

    def shown(self) -> Record:
        """Return how many points were reached and which one is held, as JSON."""
        held = None if self.held is None else {"number": self.held.number, "what": self.held.shown}
        return {"points": self.points, "held": held}
