"""The simulator's speed: nights of 50 companies a minute, all processors at work."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.figures import Figure

NIGHTS, A_MINUTE = 600, 1_000


def figures() -> Iterator[Figure]:
    """Play nights in processes of their own and yield how many a minute."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.simulator", "--seed", "1", "--nights", str(NIGHTS)],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found = re.search(r"(\d+) nights a minute", ended.stdout)
    speed = float(found[1]) if found is not None else 0.0
    yield Figure("simulated_nights", speed, "nights/min", A_MINUTE)
