"""Patience: how long nothing but failures may come back, and how long to wait between them."""

from __future__ import annotations

from stavbill.errors import PortalError

_LONGEST_S = 60.0


class Patience:
    """Counts failures since the last progress; `monotonic` times are handed in."""

    def __init__(self, *, patience_s: float, retry_s: float, monotonic: float) -> None:
        self._patience_s = patience_s
        self._retry_s = retry_s
        self._since = monotonic
        self._failures = 0
        self._failed_at = monotonic - retry_s

    def progressed(self, monotonic: float) -> None:
        """Something came further."""
        self._since = monotonic
        self._failures = 0

    def failed(self, monotonic: float, reason: str) -> PortalError | None:
        """Something failed; the error to stop with when that has gone on for too long."""
        if self._failures == 0:
            # Waiting for the limiter is no failure: only what failed counts, from its first time.
            self._since = monotonic
        # Sixteen batches that fail together are one failure.
        if monotonic - self._failed_at >= self._retry_s:
            self._failures += 1
            self._failed_at = monotonic
        if monotonic - self._since < self._patience_s:
            return None
        minutes = round((monotonic - self._since) / 60)
        return PortalError(
            f"Портал {minutes} мин. не выполняет ничего: {reason}. Записано то, что "
            "подтверждено; остальное продолжит следующий запуск: stavbill run month"
        )

    @property
    def wait_s(self) -> float:
        """How long to wait before what failed is tried again."""
        return min(self._retry_s * 2.0 ** min(self._failures, 10), _LONGEST_S)
