"""What was asked of the host, for tests and people: one row for each call, without secrets."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass

KEPT = 100_000


@dataclass(frozen=True, slots=True)
class Call:
    """One request: when (UNIX seconds), what, how it ended, how much came back.

    `error` is None for success, -1 where no API answer left the host. `in_batch` calls travelled
    inside another request.
    """

    at: float
    svc: str
    error: int | None
    items: int = 0
    size: int = 0
    in_batch: bool = False
    params: str = ""


class Journal:
    """The last hundred thousand calls."""

    def __init__(self) -> None:
        """Start empty."""
        self._calls: deque[Call] = deque(maxlen=KEPT)

    def note(self, call: Call) -> None:
        """Write a call down."""
        self._calls.append(call)

    def __iter__(self) -> Iterator[Call]:
        return iter(self._calls)

    def requests(self) -> int:
        """Count the HTTP requests, batches as one."""
        return sum(not call.in_batch for call in self._calls)

    def by_svc(self) -> Counter[str]:
        """Count calls by service, those inside batches included."""
        return Counter(call.svc for call in self._calls)

    def clear(self) -> None:
        """Forget everything."""
        self._calls.clear()
