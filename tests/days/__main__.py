"""Runs the suite as if today were each of the days; `make test-days`.

`--day 29-february` takes one; everything else goes to pytest: `--day first tests/app -n 2`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.days import DAYS, Day

SITE = Path(__file__).parent / "site"
# What moves the clock was there before pytest, which would have liked to rewrite it.
QUIET = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"


def main() -> int:
    """Run, and say of each day how it ended; 1 when one has failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.days", description=__doc__)
    parser.add_argument("--day", choices=[day.name for day in DAYS], action="append")
    chosen, words = parser.parse_known_args()
    ends = {}
    for day in DAYS:
        if chosen.day is None or day.name in chosen.day:
            _say(f"== {day.name}: {day.moment:%Y-%m-%d %H:%M} UTC, {day.zone}")
            ends[day.name] = _run(day, words or ["-q", "-n", "auto"])
    for name, end in ends.items():
        _say(f"{name:20} {'ok' if end == 0 else f'failed ({end})'}")
    return int(any(ends.values()))


def _run(day: Day, words: list[str]) -> int:
    paths = [str(SITE), *filter(None, [os.environ.get("PYTHONPATH")])]
    env = {
        **os.environ,
        "TZ": day.zone,
        "PYTHONPATH": os.pathsep.join(paths),
        "STAVBILL_TEST_SHIFT_S": str(day.moment.timestamp() - time.time()),
    }
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", QUIET, *words]
    return subprocess.run(command, env=env, check=False).returncode


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
