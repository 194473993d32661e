"""Short forms for every change, long forms for a night: `STAVBILL_CRASH=all` takes every point."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

WHOLE = os.environ.get("STAVBILL_CRASH") == "all"


def points(everything: Iterable[int], sample: Sequence[int]) -> list[int]:
    """Return all the numbers in the long form, some of them otherwise."""
    return list(everything) if WHOLE else list(sample)


def struck(code: int) -> tuple[int, ...]:
    """Return the exit codes of a process that was struck; beyond the last point none is."""
    return (code, 0) if WHOLE else (code,)
