"""Reading all invoices while people work, and its memory, beside fast-bitrix24's `get_all`.

Each reads the same list in a process of its own while one row is deleted and one is added in
mid-read. Missed is what stood there before and after and was not read. Both processes import the
same things before, which is most of what the shorter peak consists of: `growth` is what reading
itself added. Source: quality page; performance page 2.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from fast_bitrix24 import BitrixAsync

from benchmarks.figures import Figure
from benchmarks.served import Served, served
from stavbill.app.build import open_parts
from stavbill.bitrix.read.selects import INVOICE_SELECT
from stavbill.operations.reading import learn_portal

# 1.6 invoices a company: the promised 100,000 rows are measured with `--full`.
SMALL, FULL = 20_000, 64_000
METHOD, SMART_INVOICE = "crm.item.list", 31
# The pages at which the portal loses its first row and gets a new one.
DELETED_AT, ADDED_AT = 120, 200
SHARE = 0.15
NO_BRAKE = 1_000_000


def figures(*, full: bool = False) -> Iterator[Figure]:
    """Read with both and yield rows missed and peak memory."""
    with served(FULL if full else SMALL) as sandbox:
        sandbox.install(limited=False)
        sandbox.lift_limits()
        missed, peak, grown = _read(sandbox, "ours")
        theirs_missed, theirs_peak, theirs_grown = _read(sandbox, "theirs")
    yield Figure("reading_missed", missed, "rows", 0, at_least=False)
    yield Figure("reading_fast_bitrix24_missed", theirs_missed, "rows", None, at_least=False)
    yield Figure("reading_peak", peak, "MB", None, at_least=False)
    yield Figure("reading_fast_bitrix24_peak", theirs_peak, "MB", None, at_least=False)
    growth = grown / theirs_grown
    yield Figure("reading_growth_ratio", growth, "x_get_all", SHARE, at_least=False)
    # What the interpreter and its libraries take weighs too much in a short list for a limit.
    limit = SHARE if full else None
    yield Figure("reading_peak_ratio", peak / theirs_peak, "x_get_all", limit, at_least=False)


def _read(sandbox: Served, who: str) -> tuple[int, float, float]:
    """Return how many standing rows were missed, the peak memory and its growth in MB."""
    before = _standing(sandbox)
    faults = [
        {"kind": "row_deleted", "methods": [METHOD], "nth": [DELETED_AT]},
        {"kind": "row_added", "methods": [METHOD], "nth": [ADDED_AT]},
    ]
    sandbox.change("faults", faults=faults)
    found = sandbox.folder / f"{who}.json"
    child = (sys.executable, "-m", "benchmarks.reading", who, str(sandbox.config), str(found))
    sandbox.run(*child)
    struck = [fault["struck"] for fault in sandbox.ask("faults")]
    if struck != [1, 1]:
        msg = f"{who}: the faults struck {struck} times, once each was expected"
        raise RuntimeError(msg)
    sandbox.change("faults", faults=[])
    stood = before & _standing(sandbox)
    seen = json.loads(found.read_text())
    grown = seen["peak_mb"] - seen["before_mb"]
    return len(stood - set(seen["ids"])), seen["peak_mb"], grown


def _standing(sandbox: Served) -> set[int]:
    return {int(one["id"]) for one in sandbox.ask("invoices")}


async def _ours(config: Path) -> list[int]:
    async with open_parts(config, os.environ) as parts:
        portal = await learn_portal(parts)
        return [
            int(record.issued.invoice)
            async for chunk in parts.reader.invoices(portal.shape)
            for record in chunk
        ]


async def _theirs() -> list[int]:
    client = BitrixAsync(
        os.environ["STAVBILL_PORTAL_URL"],
        verbose=False,
        request_pool_size=NO_BRAKE,
        requests_per_second=float(NO_BRAKE),
        operating_time_limit=NO_BRAKE,
    )
    wanted = {"entityTypeId": SMART_INVOICE, "select": list(INVOICE_SELECT)}
    return [int(row["id"]) for row in await client.get_all(METHOD, wanted)]


def main() -> None:
    """Be the process that reads: `ours` or `theirs`, the settings, where to leave the ids."""
    who, config, found = sys.argv[1:]
    before = _peak_mb()
    ids = asyncio.run(_ours(Path(config)) if who == "ours" else _theirs())
    used = {"before_mb": before, "peak_mb": _peak_mb()}
    Path(found).write_text(json.dumps({"ids": ids, **used}))


def _peak_mb() -> float:
    """Return this program's own peak; `getrusage` would count what its starter held, too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
