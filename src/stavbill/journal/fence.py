"""The fence: the last look before a write leaves, after every wait for the limiter.

A batch may wait minutes for its turn while its claim runs out, or while somebody pulls the kill
switch. Whoever puts requests on the wire asks `may_send` right before it does; outside a batch of
the journal the answer is yes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_fence: ContextVar[Callable[[], bool] | None] = ContextVar("stavbill_fence", default=None)


def may_send() -> bool:
    """Say whether the batch that is being sent by this task may leave now."""
    fence = _fence.get()
    return fence is None or fence()


@contextmanager
def fenced(fence: Callable[[], bool]) -> Iterator[None]:
    """Let `fence` answer for everything that is sent inside, in this task."""
    token = _fence.set(fence)
    try:
        yield
    finally:
        _fence.reset(token)
