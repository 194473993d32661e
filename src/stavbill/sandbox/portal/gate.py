"""A gate at the writes: somebody may do something exactly there, or hold the request.

Points are numbered from 1: one before each call that writes, in a batch or alone, and one when all
of a writing request has run and nothing is answered yet. So between two points of a request there
is exactly one write. Off by default; faults strike before it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from stavbill.sandbox.portal.wire import Record

KEPT = 20_000


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
    """Counts the points; a guard decides at each of them, and may take its time."""

    def __init__(self) -> None:
        """Stand open."""
        self.passed: list[Point] = []
        self.held: Point | None = None
        self._guard: Guard | None = None
        self._released: asyncio.Future[Passage] | None = None

    def watch(self, guard: Guard | None) -> None:
        """Count from 1 again and ask `guard` at each point; None opens the gate for good."""
        self.release(Passage.GO)
        self.passed = []
        self._guard = guard

    async def reached(self, request: int, method: str) -> Passage:
        """Say that a writing request stands at a point; return what becomes of it."""
        point = Point(len(self.passed) + 1, request, method)
        if len(self.passed) < KEPT:
            self.passed.append(point)
        return Passage.GO if self._guard is None else await self._guard(point)

    # ---- holding, for those who are outside this process

    def hold(self, number: int) -> None:
        """Hold the request that reaches this point, until it is released."""

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
        """Let the held request go on or drop it; False when none is held."""
        if self._released is None or self._released.done():
            return False
        self._released.set_result(passage)
        return True

    def shown(self) -> Record:
        """Return what passed and what is held, as JSON."""
        return {
            "points": len(self.passed),
            "held": None if self.held is None else self.held.number,
            "what": None if self.held is None else self.held.shown,
        }

    def __iter__(self) -> Iterator[Point]:
        """Give the points that were reached, the first ones of very many."""
        return iter(self.passed)
