"""The fence: the last look before a write leaves, after every wait for the limiter.

A batch may wait minutes for its turn while its claim runs out, or while somebody pulls the kill
switch. Whoever puts requests on the wire asks `may_send` right before it does, and `is_in_time`
once more when the connection stands and the body is about to leave: the process may have been
paused in between. Outside a batch of the journal the answer is yes, unless the process is about to
end.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from stavbill.errors import InterruptedByPersonError

_leaving: list[str] = []
_interrupted: list[str] = []
_fence: ContextVar[Fence | None] = ContextVar("stavbill_fence", default=None)


class Fence(Protocol):
    """A batch's right to leave."""

    def may_send(self) -> bool:
        """Say whether the batch may leave now, after everything was looked up."""
        ...

    def is_in_time(self) -> bool:
        """Say by the clock alone whether nobody can have taken the batch over yet."""
        ...


def may_send() -> bool:
    """Say whether the batch that is being sent by this task may leave now."""
    if _leaving:
        return False
    fence = _fence.get()
    return fence is None or fence.may_send()


def is_in_time() -> bool:
    """Say whether the claim of the batch that is being sent still lasts; asks no store."""
    if _leaving:
        return False
    fence = _fence.get()
    return fence is None or fence.is_in_time()


def close_fence(why: str) -> None:
    """Let no further write leave this process: it is about to end."""
    _leaving[:] = [why]


def open_fence() -> None:
    """Let writes leave again; for processes that do not end after all."""
    _leaving.clear()
    _interrupted.clear()


def interrupt(why: str) -> None:
    """Let no further write leave, and whatever is applied stop once its answers are settled.

    Safe to call in a signal's handler.
    """
    _interrupted[:] = _leaving[:] = [why]


def refuse_interrupted() -> None:
    """Raise `InterruptedByPersonError` when a person has interrupted this process."""
    if _interrupted:
        raise InterruptedByPersonError(*_interrupted)


@contextmanager
def fenced(fence: Fence) -> Iterator[None]:
    """Let `fence` answer for everything that is sent inside, in this task."""
    token = _fence.set(fence)
    try:
        yield
    finally:
        _fence.reset(token)
