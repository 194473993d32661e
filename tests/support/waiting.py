"""Waiting for something to be so: the one place where tests look at the machine's clock.

Nothing is ever slept away. What does not come is told by a limit so generous that no busy machine
reaches it; it says that something is broken, not that it is slow.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE_S = 300.0
LOOK_S = 0.02
ASK_S = 0.3
# How long a client waits for an answer that never comes. What does come, comes sooner.
SILENCE_S = 3.0


async def until(true: Callable[[], bool]) -> None:
    """Wait until something is so."""

    async def looked() -> bool:
        return true()

    await polled(looked, bool, every_s=LOOK_S)


async def polled(
    ask: Callable[[], Awaitable[T]], enough: Callable[[T], bool], *, every_s: float = ASK_S
) -> T:
    """Ask again and again until the answer is good enough, and return it."""
    deadline = time.monotonic() + PATIENCE_S
    while not enough(answer := await ask()):
        if time.monotonic() > deadline:
            msg = f"what was waited for did not come: {answer}"
            raise TimeoutError(msg)
        await asyncio.sleep(every_s)
    return answer


def wait_until(true: Callable[[], bool], *, every_s: float = LOOK_S) -> None:
    """Wait until something is so, in a thread that may stand still."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > deadline:
            msg = "what was waited for did not come"
            raise TimeoutError(msg)
        time.sleep(every_s)
