"""Peak memory of the product's process for a whole month: reading, deciding, writing.

The portal's limits are off, so that nothing but the number of companies decides. Two sizes, tenfold
apart: what is kept for each company shows as the ratio. `--full` measures the promised sizes.
Source: quality page; performance page 2.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator

from benchmarks.figures import Figure
from benchmarks.served import DAY, Ended, served

SMALL, FULL = (2_000, 20_000), (10_000, 100_000)
PEAK_MB, FLAT = 300, 1.2


def figures(*, full: bool = False) -> Iterator[Figure]:
    """Run a month of each size in a process of its own and yield its peak resident memory."""
    peaks: list[float] = []
    for companies in FULL if full else SMALL:
        ended = _month(companies)
        peaks.append(ended.peak_mb)
        each = ended.cpu_s / companies * 1000
        yield Figure(f"memory_{companies}", ended.peak_mb, "MB", PEAK_MB, at_least=False)
        yield Figure(f"memory_{companies}_cpu", each, "ms/company", None, at_least=False)
    yield Figure("memory_flat", peaks[1] / peaks[0], "ratio", FLAT, at_least=False)


def _month(companies: int) -> Ended:
    # What a process inherits before it becomes another program counts as its peak.
    gc.collect()
    with served(companies) as sandbox:
        sandbox.install(limited=False)
        sandbox.lift_limits()
        return sandbox.stavbill("run", "month", "--as-of", DAY, "--yes")
