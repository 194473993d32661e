"""Ctrl+C during a command: nothing more leaves, answers on their way are settled, then it ends.

What is left stands planned in the store; the same command goes on with it. Source: operations page,
«Safety».
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

from stavbill.errors import InterruptedByPersonError, StavbillError
from stavbill.journal.fence import interrupt, open_fence
from stavbill.operations.parts import Parts
from stavbill.store.effects import Status, counts_by_status
from stavbill.store.runs import unfinished_runs

# A request takes no longer than this; so often nothing may be on its way before the end.
FAREWELL_S = 80.0
POLL_S, QUIET_POLLS = 0.05, 5
INTERRUPTED = "Прервано."

Result = TypeVar("Result")


async def until_interrupted(parts: Parts, work: Callable[[Parts], Awaitable[Result]]) -> Result:
    """Do `work`; a first Ctrl+C lets it end in order, a second one at once.

    Raises `InterruptedByPersonError` with what was written by then, and what to type.
    """
    task = asyncio.ensure_future(work(parts))
    told = asyncio.Event()
    ending = asyncio.ensure_future(_end(parts, task, told))
    with _heard(asyncio.get_running_loop(), told):
        try:
            return await task
        except (asyncio.CancelledError, StavbillError) as ended:
            if not told.is_set():
                raise
            raise InterruptedByPersonError(_written(parts)) from ended
        finally:
            ending.cancel()
            open_fence()


async def _end(parts: Parts, task: asyncio.Future[Result], told: asyncio.Event) -> None:
    """Cancel the task once nothing of it is on its way any more."""
    await told.wait()
    deadline, quiet = parts.clock.monotonic() + FAREWELL_S, 0
    while quiet < QUIET_POLLS and parts.clock.monotonic() < deadline:
        await asyncio.sleep(POLL_S)
        quiet = 0 if parts.gateway.in_flight else quiet + 1
    task.cancel()


@contextmanager
def _heard(loop: asyncio.AbstractEventLoop, told: asyncio.Event) -> Iterator[None]:
    """Hear Ctrl+C in the main thread; elsewhere there are no signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def hear(_number: int, _frame: FrameType | None) -> None:
        if told.is_set():
            raise KeyboardInterrupt
        # At once, for whoever does not come back to the loop for a while.
        interrupt(INTERRUPTED)
        loop.call_soon_threadsafe(told.set)

    before = signal.signal(signal.SIGINT, hear)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _written(parts: Parts) -> str:
    """Return how far the writing came, and what to do."""
    done = total = 0
    with parts.store.read() as db:
        for run in unfinished_runs(db, parts.portal):
            counts = counts_by_status(db, run.run)
            done += counts.get(Status.DONE, 0)
            total += sum(counts.values()) - counts.get(Status.DROPPED, 0)
    if not total:
        return f"{INTERRUPTED} В портал ничего не записано; начать снова: та же команда."
    return f"{INTERRUPTED} Записано {done} из {total}; продолжить: та же команда."
