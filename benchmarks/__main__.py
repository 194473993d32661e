"""`python -m benchmarks [NAME …] [--full]`: every figure, or those of the named benchmarks.

Prints one line for each figure, `name value unit limit ok|short`, always all of them, and ends
with 0: a figure that falls short is news, not an error.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
import time
from collections.abc import Iterable

from benchmarks.figures import Figure

NAMES = (
    "core",
    "month",
    "lost",
    "memory",
    "rerun",
    "reading",
    "engine",
    "scale",
    "webhooks",
    "simulator",
    "documents",
    "mail",
)
SIZED = frozenset({"memory", "reading", "scale", "documents"})


def main() -> None:
    """Measure and print."""
    words = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    words.add_argument("names", nargs="*", choices=[*NAMES, []], metavar="NAME", help=str(NAMES))
    words.add_argument(
        "--full",
        action="store_true",
        help="the promised sizes of memory, reading, scale and documents",
    )
    given = words.parse_args()
    names = given.names or NAMES
    if len(names) == 1:
        for figure in _figures(names[0], full=given.full):
            print(figure.line, flush=True)
        return
    more = ("--full",) if given.full else ()
    for name in names:
        began = time.monotonic()
        # A process for each: what one benchmark holds would count in the next one's peak memory.
        ended = subprocess.run([sys.executable, "-m", "benchmarks", name, *more], check=False)
        if ended.returncode != 0:
            print(f"{name} 0 figures >=1 short", flush=True)
        print(f"# {name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def _figures(name: str, *, full: bool) -> Iterable[Figure]:
    module = importlib.import_module(f"benchmarks.{name}")
    found: Iterable[Figure] = module.figures(full=full) if name in SIZED else module.figures()
    return found


if __name__ == "__main__":
    main()
