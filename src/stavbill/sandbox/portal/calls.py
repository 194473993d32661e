"""The journal of calls: what was asked, what became of it, how often."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from stavbill.sandbox.portal.wire import Json, Record, to_bytes

KEPT = 100_000
SHOWN = 400


@dataclass(frozen=True, slots=True)
class Noted:
    """One call. `request` numbers the HTTP request that carried it; `lost`: its answer was.

    `executed` is True where something may have been changed: a writing method ran, or a batch did.

    `at` is UNIX seconds of the portal's clock; `status` 0 where nothing was answered. A request
    with a batch is one entry of its own, each command another with `in_batch`.
    """

    request: int
    at: float
    method: str
    status: int
    error: str | None = None
    operating: float = 0.0
    executed: bool = False
    lost: bool = False
    late: bool = False
    in_batch: bool = False
    params: Record = field(default_factory=dict)

    def shown(self) -> Record:
        """Return the entry as JSON, parameters shortened."""
        return {
            "request": self.request, "at": self.at, "method": self.method, "status": self.status,
            "error": self.error, "operating": self.operating, "executed": self.executed,
            "lost": self.lost, "late": self.late, "in_batch": self.in_batch,
            "params": to_bytes(self.params)[:SHOWN].decode("utf-8", "replace"),
        }  # fmt: skip


class Calls:
    """The last hundred thousand calls, and counters over all of them."""

    def __init__(self) -> None:
        """Start empty."""
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._noted: deque[Noted] = deque(maxlen=KEPT)
        self.requests = 0
        self.refused_by_rate = 0
        self.refused_by_operating = 0
        self.answers_lost = 0
        self.by_method: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Noted]:
        return iter(self._noted)

    def __len__(self) -> int:
        return len(self._noted)

    def note(self, noted: Noted) -> None:
        """Write a call down and count it."""
        self._noted.append(noted)
        self.by_method[noted.method] += 1
        self.refused_by_rate += noted.error == "QUERY_LIMIT_EXCEEDED"
        self.refused_by_operating += noted.error == "OPERATION_TIME_LIMIT"
        self.answers_lost += noted.lost and not noted.in_batch

    def mark_lost(self, request: int) -> None:
        """Say of a request and its commands that the answer was lost."""
        self.answers_lost += 1
        for place in range(len(self._noted) - 1, max(-1, len(self._noted) - 5000), -1):
            noted = self._noted[place]
            if noted.request == request:
                self._noted[place] = replace(noted, lost=True)
                if not noted.in_batch and noted.method != "batch":
                    return

    def summary(self) -> dict[str, Json]:
        """Return the counters."""
        return {
            "requests": self.requests,
            "refused_503": self.refused_by_rate,
            "refused_429": self.refused_by_operating,
            "answers_lost": self.answers_lost,
            "by_method": dict(sorted(self.by_method.items())),
        }
