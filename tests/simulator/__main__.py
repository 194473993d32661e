"""`python -m tests.simulator --seed N --nights M`: play nights until something must never be.

Seeds from `--seed` on are played, 120 nights each, by as many processes as there are cores: four
months of a worker that wakes every night. `--lively-only` leaves out the nights in which little
happens; 30 of the others are about nine months. A failing seed prints the options that replay it,
is played again with fewer faults, and ends with 1.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from traceback import format_exception

from tests.simulator.inprocess import KilledError
from tests.simulator.options import EVERYTHING, Options, Violated
from tests.simulator.playing import fewer, play

A_SEED, A_LIVELY_SEED = 120, 30


@dataclass(frozen=True, slots=True)
class Passed:
    """A seed's nights ended well: what was done, and how often each fault and actor struck."""

    counts: dict[str, int]
    struck: dict[str, int]


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, and in how many nights; 0 when that is not known."""

    text: str
    nights: int


def main() -> int:
    """Play, print, and say by the exit code whether all was well."""
    words = argparse.ArgumentParser(prog="tests.simulator", description=__doc__)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--nights", type=int, default=300)
    words.add_argument("--companies", type=int, default=50)
    words.add_argument("--faults", default=",".join(EVERYTHING))
    words.add_argument("--often", type=float, default=1.0)
    words.add_argument("--lively-only", action="store_true")
    given = words.parse_args()
    faults = tuple(name for name in given.faults.split(",") if name)
    wanted = Options(
        seed=given.seed,
        nights=given.nights,
        companies=given.companies,
        faults=faults,
        often=given.often,
        lively_only=given.lively_only,
    )
    began, counts, struck = time.monotonic(), Counter[str](), Counter[str]()
    with ProcessPoolExecutor() as pool:
        for options, result in zip(shares(wanted), pool.map(played, shares(wanted)), strict=True):
            if isinstance(result, Failure):
                pool.shutdown(cancel_futures=True)
                print(f"FAILED: {result.text}", flush=True)
                print(f"python -m tests.simulator {options.words}", flush=True)
                less = fewer(options, result.nights, lambda one: isinstance(played(one), Failure))
                print(f"with less: python -m tests.simulator {less.words}", flush=True)
                return 1
            counts.update(result.counts)
            struck.update(result.struck)
    minutes = (time.monotonic() - began) / 60
    for counted in (counts, struck):
        print(", ".join(f"{name} {number}" for name, number in sorted(counted.items())))
    print(f"{counts['nights'] / minutes:.0f} nights a minute, nothing that must never be")
    return 0


def shares(wanted: Options) -> Iterator[Options]:
    """Share many nights out over seeds; few are one seed's."""
    left, seed = wanted.nights, wanted.seed
    share = A_LIVELY_SEED if wanted.lively_only else A_SEED
    while left > 0:
        yield replace(wanted, seed=seed, nights=min(left, share))
        left, seed = left - share, seed + 1


def played(options: Options) -> Passed | Failure:
    """Play a seed; return its counts, or what went wrong: a bug of the simulator's too."""
    try:
        made = play(options)
    except Violated as error:
        return Failure(f"{error}\n{''.join(format_exception(error.__cause__))}", error.nights)
    except (Exception, KilledError) as error:  # noqa: BLE001  whatever it is, the seed is told
        return Failure("".join(format_exception(error)), 0)
    return Passed(dict(made.counts), dict(made.struck))


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Sets of texts are ordered by a hash that Python draws at every start: replays need one.
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.simulator", *sys.argv[1:]])
    sys.exit(main())
