"""`python -m tests.simulator --seed N --nights M`: play nights until something must never be.

Seeds from `--seed` on are played, thirty nights each, by as many processes as there are cores. A
failing one is played again with fewer faults, prints the options that replay it, and ends with 1.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

from tests.simulator.options import EVERYTHING, Options, Violated
from tests.simulator.simulation import fewer, play

A_SEED = 30


def main() -> int:
    """Play, print, and say by the exit code whether all was well."""
    words = argparse.ArgumentParser(prog="tests.simulator", description=__doc__)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--nights", type=int, default=300)
    words.add_argument("--companies", type=int, default=50)
    words.add_argument("--faults", default=",".join(EVERYTHING))
    words.add_argument("--often", type=float, default=1.0)
    given = words.parse_args()
    faults = tuple(name for name in given.faults.split(",") if name)
    wanted = Options(
        seed=given.seed,
        nights=given.nights,
        companies=given.companies,
        faults=faults,
        often=given.often,
    )
    began, counts = time.monotonic(), Counter[str]()
    with ProcessPoolExecutor() as pool:
        for options, result in zip(shares(wanted), pool.map(played, shares(wanted)), strict=True):
            if isinstance(result, str):
                print(f"FAILED: {result}", flush=True)
                pool.shutdown(cancel_futures=True)
                less = fewer(options, lambda some: isinstance(played(some), str))
                print(f"python -m tests.simulator {less.words}", flush=True)
                return 1
            counts.update(result)
    minutes = (time.monotonic() - began) / 60
    print(", ".join(f"{name} {number}" for name, number in sorted(counts.items())))
    print(f"{counts['nights'] / minutes:.0f} nights a minute, nothing that must never be")
    return 0


def shares(wanted: Options) -> Iterator[Options]:
    """Share many nights out over seeds; few are one seed's."""
    left, seed = wanted.nights, wanted.seed
    while left > 0:
        yield replace(wanted, seed=seed, nights=min(left, A_SEED))
        left, seed = left - A_SEED, seed + 1


def played(options: Options) -> dict[str, int] | str:
    """Play a seed; return its counts, or what was violated."""
    try:
        return dict(play(options).counts)
    except (Violated, TimeoutError) as error:
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Sets of texts are ordered by a hash that Python draws at every start: replays need one.
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.simulator", *sys.argv[1:]])
    sys.exit(main())
