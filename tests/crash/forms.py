"""Short forms for every change, long forms for a night: `STAVBILL_CRASH=all` takes every point."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

WHOLE = os.environ.get("STAVBILL_CRASH") == "all"


def points(everything: Iterable[int], sample: Sequence[int]) -> list[int]:
    """Return all the numbers in the long form, some of them otherwise."""
    return list(everything) if WHOLE else list(sample)


def is_beyond(number: int, reached: int, *, spread: int = 0) -> bool:
    """Say whether a process may end without having been struck at a point.

    That is so beyond the points that an undisturbed one came to; `spread` is by how many fewer
    another one may come to, because it waits at other times.
    """
    return number > reached - spread


def struck(code: int, number: int, reached: int, *, spread: int = 0) -> tuple[int, ...]:
    """Return the exit codes of a process that was to be struck at a point."""
    return (code, 0) if is_beyond(number, reached, spread=spread) else (code,)
