"""The fence: the last look before a write leaves, after every wait for the limiter.

A batch may wait minutes for its turn while its claim runs out, or while somebody pulls the kill
switch. Whoever puts requests on the wire asks `may_send` right before it does; outside a batch of
the journal the answer is yes, unless the process is about to end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_leaving: list[str] = []
_fence: ContextVar[Callable[[], bool] | None] = ContextVar("stavbill_fence", default=None)


def may_send() -> bool:
    """Say whether the batch that is being sent by this task may leave now."""
    if _leaving:
        return False
    fence = _fence.get()
    return fence is None or fence()


def close_fence(why: str) -> None:
    """Let no further write leave this process: it is about to end."""
    _leaving[:] = [why]


def open_fence() -> None:
    """Let writes leave again; for processes that do not end after all."""
    _leaving.clear()


@contextmanager
def fenced(fence: Callable[[], bool]) -> Iterator[None]:
    """Let `fence` answer for everything that is sent inside, in this task."""
    token = _fence.set(fence)
    try:
        yield
    finally:
        _fence.reset(token)
