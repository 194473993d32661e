"""A batch's right to leave: its claim, looked at again at the last moment."""

from __future__ import annotations

from datetime import datetime, timedelta

from stavbill.clock import Clock
from stavbill.journal.ledger import Claimed, Ledger
from stavbill.journal.settings import JournalSettings


class Claim:
    """A batch's right to leave: enough of the claim is left, and no flag is up."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        settings: JournalSettings,
        claimed: Claimed,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._settings = settings
        self._needed = timedelta(seconds=settings.request_timeout_s)
        self._claimed = claimed
        self._until: datetime | None = claimed.until
        self._ends_s = claimed.ends_s

    def may_send(self) -> bool:
        """Say whether the batch may leave now; a claim that runs out is renewed if still ours."""
        if self._until is None or self._ledger.stopped() is not None:
            return False
        if self._left() < self._needed:
            ends_s = self._clock.monotonic() + self._settings.claim_s
            self._until = self._ledger.renew(self._claimed)
            self._ends_s = ends_s
        return self._until is not None

    def is_in_time(self) -> bool:
        """Say whether much of the claim is left: nobody takes it over before its end."""
        return self._until is not None and self._left() >= self._needed / 2

    def _left(self) -> timedelta:
        """Return how much of the claim is left: a clock that is set back prolongs nothing."""
        if self._until is None:
            return timedelta(0)
        by_clock = self._until - self._clock.now()
        return min(by_clock, timedelta(seconds=self._ends_s - self._clock.monotonic()))
