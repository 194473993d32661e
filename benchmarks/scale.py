"""A month's run by a worker for ever more companies: requests, memory, time.

The portal's limits are off: what is measured is what the number of companies does to the product,
not to the limiter. Requests may grow no faster than companies, memory not at all. `--full` takes
1,000, 10,000 and 100,000 companies. Source: issue of unattended running, «Numbers».
"""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.served import served
from benchmarks.working import begin_month, seconds_of_steps, wait_for_end, workers

SMALL, FULL = (1_000, 3_000), (1_000, 10_000, 100_000)
# The share of requests that does not depend on the number of companies only shrinks.
LINEAR, FLAT, PEAK_MB = 1.02, 1.2, 300
LONGEST_S = 3600.0


@dataclass(frozen=True, slots=True)
class Month:
    """What a month took: requests to the portal, peak memory of the worker, wall and CPU time."""

    requests: int
    peak_mb: float
    seconds: float
    cpu_s: float


def figures(*, full: bool = False) -> Iterator[Figure]:
    """Run a month of each size by a worker of its own and yield the table's rows."""
    sizes = FULL if full else SMALL
    months = []
    for companies in sizes:
        month = _month(companies)
        months.append(month)
        each = month.requests / companies
        cpu = month.cpu_s / companies * 1000
        yield Figure(f"scale_{companies}_requests", month.requests, "requests", None)
        yield Figure(f"scale_{companies}_requests_each", each, "requests/company", None)
        yield Figure(f"scale_{companies}_peak", month.peak_mb, "MB", PEAK_MB, at_least=False)
        yield Figure(f"scale_{companies}_wall", month.seconds, "s", None)
        yield Figure(f"scale_{companies}_cpu", cpu, "ms/company", None)
    for few, many, small, big in zip(sizes, sizes[1:], months, months[1:], strict=False):
        growth = big.requests / small.requests / (many / few)
        yield Figure(f"scale_{many}_linear", growth, "x_companies", LINEAR, at_least=False)
        flat = big.peak_mb / small.peak_mb
        yield Figure(f"scale_{many}_flat", flat, "x_memory", FLAT, at_least=False)


def _month(companies: int) -> Month:
    # What a process inherits before it becomes another program counts as its peak.
    gc.collect()
    with served(companies) as sandbox:
        sandbox.install(limited=False)
        sandbox.lift_limits()
        with workers(sandbox, 1) as (worker,):
            before = int(sandbox.ask("state")["requests"])
            operation = begin_month(sandbox)
            state = wait_for_end(sandbox, operation, LONGEST_S)
            if state != "SUCCESS":
                msg = f"the month of {companies} companies ended as {state}"
                raise RuntimeError(msg)
            return Month(
                requests=int(sandbox.ask("state")["requests"]) - before,
                peak_mb=_peak_mb(worker.pid),
                seconds=seconds_of_steps(sandbox, operation),
                cpu_s=_cpu_s(worker.pid),
            )


def _peak_mb(process: int) -> float:
    """Return the peak of the resident memory of a process that lives."""
    text = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    found = re.search(r"VmHWM:\s+(\d+) kB", text)
    if found is None:
        msg = f"process {process} has no peak memory"
        raise LookupError(msg)
    return int(found[1]) / 1024


def _cpu_s(process: int) -> float:
    """Return the CPU seconds that a living process has used."""
    text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    user, system = text.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
