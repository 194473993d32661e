"""What applying came to: how many effects stand where, and whether anything is still open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from stavbill.store.effects import UNSETTLED, Status
from stavbill.store.runs import RunId


@dataclass(frozen=True, slots=True)
class JournalReport:
    """Effects of a run by status. `settled_at` is when the last open question can be asked."""

    run: RunId
    counts: Mapping[Status, int]
    settled_at: datetime | None = None

    @property
    def unsettled(self) -> int:
        """How many effects are being sent by somebody, in doubt, or not read back yet."""
        return sum(number for status, number in self.counts.items() if status in UNSETTLED)

    @property
    def is_settled(self) -> bool:
        """Say whether nothing is open; planned effects may be left that wait for others."""
        return self.unsettled == 0
