"""The forced rerun of one company: how many requests it takes, everything written included.

A dry run of the month has read the portal, as every night does. Then companies that shall be
billed and companies that shall be held are run alone; the dearest of each kind counts.
Source: quality page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing

from benchmarks.figures import Figure
from benchmarks.served import DAY, Served, served
from stavbill.store.decisions import decisions_after
from stavbill.store.runs import RunId
from stavbill.store.schema import open_store

COMPANIES, OF_A_KIND = 300, 4
KINDS = ("bill", "hold")
REQUESTS = 10


def figures() -> Iterator[Figure]:
    """Run some companies alone and yield the requests of the dearest."""
    with served(COMPANIES) as sandbox:
        sandbox.install(limited=False)
        sandbox.lift_limits()
        month = sandbox.stavbill("run", "month", "--as-of", DAY, "--dry-run")
        for kind, companies in _some(sandbox, RunId(month.document["run_id"])).items():
            portal, wialon = zip(*(_rerun(sandbox, company) for company in companies), strict=True)
            name = f"rerun_{kind}"
            yield Figure(f"{name}_portal", max(portal), "requests", REQUESTS, at_least=False)
            yield Figure(f"{name}_wialon", max(wialon), "requests", None, at_least=False)


def _some(sandbox: Served, run: RunId) -> dict[str, list[int]]:
    """Return the first companies of each kind of decision."""
    found: dict[str, list[int]] = defaultdict(list)
    after = 0
    with closing(open_store(f"sqlite:///{sandbox.folder / 'stavbill.sqlite3'}")) as store:
        while True:
            with store.read() as db:
                chunk = decisions_after(db, run, after=after)
            if not chunk:
                return {kind: found[kind][:OF_A_KIND] for kind in KINDS}
            after = chunk[-1].company
            for one in chunk:
                found[one.decision.kind].append(int(one.company))


def _rerun(sandbox: Served, company: int) -> tuple[int, int]:
    """Run one company and return its requests: the portal's own count, and Wialon's."""
    sandbox.change("clear")
    ended = sandbox.stavbill("company", "rerun", str(company), "--as-of", DAY)
    wialon = int(ended.document["requests_detail"]["wialon"])
    return int(sandbox.ask("state")["requests"]), wialon
