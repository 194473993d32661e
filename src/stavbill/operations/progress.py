"""How an operation tells how far it is; doors show it, tests ignore it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Hears of stages and steps. `stage` names what begins (a code, not a sentence)."""

    def stage(self, code: str, total: int | None = None) -> None:
        """Hear that a stage begins, of `total` steps when that is known."""
        ...

    def advance(self, steps: int = 1) -> None:
        """Hear that some steps of the stage are done."""
        ...

    def forecast(self, requests: int, seconds: float) -> None:
        """Hear before the first write how many requests it will take, and how long."""
        ...


class Silent:
    """Nobody looks."""

    def stage(self, code: str, total: int | None = None) -> None:
        """Say nothing."""

    def advance(self, steps: int = 1) -> None:
        """Say nothing."""

    def forecast(self, requests: int, seconds: float) -> None:
        """Say nothing."""


SILENT = Silent()
