"""A month of 6,000 companies under the portal's limits: requests, refusals and wall time.

The least number of requests is worked out here from what the portal holds, not taken from the
product: 2 for the portal's shape, lists in 2,500 rows a request, the rows of those invoices of
others that decide something 50 a request, 25 invoices with their rows a request, 49 read back a
request, timeline entries, card fields, tasks and checklist items 50 a request, and all invoices
once again after the run. Source: quality page; performance page 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date
from math import ceil
from typing import Any

from benchmarks.figures import Figure
from benchmarks.served import DAY, Served, served
from stavbill.operations.reading import rows_matter
from stavbill.store.mirror import company_ids, portfolios
from stavbill.store.schema import open_store

COMPANIES, SCALE = 6_000, 3.0
PER_LIST, COMMANDS, PER_READ_BACK, SHAPE = 2_500, 50, 49, 2
BURST, PER_SECOND = 50, 2.0
REQUESTS, WALL = 1.10, 1.15
CHUNK = 500
# Written by single commands that nothing forbids to share a batch.
WRITES = ("crm.timeline.comment.add", "crm.company.update")
TASK_WRITES = (
    "tasks.task.add",
    "task.checklistitem.add",
    "task.checklistitem.update",
    "task.checklistitem.complete",
    "task.checklistitem.renew",
    "tasks.task.complete",
)


def figures(companies: int = COMPANIES, scale: float = SCALE) -> Iterator[Figure]:
    """Run the month once and yield its figures."""
    with served(companies, scale=scale) as sandbox:
        sandbox.install()
        before = sandbox.ask("state")
        sandbox.change("clear")
        ended = sandbox.stavbill("run", "month", "--as-of", DAY, "--yes")
        after = sandbox.ask("state")
        foreign = sum(_foreign(sandbox))
    mended = int(ended.document["effects"].get("mend_task", 0))
    least = least_requests(before, after, foreign=foreign, mended=mended)
    seconds = float(ended.document["seconds"])
    used = int(after["requests"])
    imposed = (used - BURST) / PER_SECOND
    yield Figure("month_requests", used, f"requests/{least}", REQUESTS * least, at_least=False)
    yield Figure("month_requests_ratio", used / least, "x_minimum", REQUESTS, at_least=False)
    yield Figure("month_503", after["refused_503"], "refusals", 0, at_least=False)
    yield Figure("month_429", after["refused_429"], "refusals", 0, at_least=False)
    yield Figure("month_wall", seconds, "s_of_the_portal", WALL * imposed, at_least=False)
    yield Figure("month_wall_ratio", seconds / imposed, "x_limiter", WALL, at_least=False)


def least_requests(
    before: Mapping[str, Any], after: Mapping[str, Any], *, foreign: int, mended: int
) -> int:
    """Return how many requests nobody can do without, from the portal's own counts.

    `foreign` invoices of others have rows that matter. A standing task is looked at again right
    before something is added to it: `mended` of them.
    """
    calls = after["by_method"]
    invoices = int(after["invoices"]) - int(before["invoices"])
    lists = ("companies", "invoices", "documents", "requisites")
    reads = sum(_list_requests(int(before[name])) for name in lists)
    standing = 1 + ceil(int(before["tasks"]) / COMMANDS)
    writes: int = ceil(2 * invoices / COMMANDS) + ceil(invoices / PER_READ_BACK)
    writes += ceil(sum(calls.get(method, 0) for method in WRITES) / COMMANDS)
    writes += ceil(sum(calls.get(method, 0) for method in TASK_WRITES) / COMMANDS)
    writes += ceil(mended / COMMANDS)
    check = _list_requests(int(after["invoices"]))
    return SHAPE + reads + standing + ceil(foreign / COMMANDS) + writes + check


def _list_requests(rows: int) -> int:
    """Only a page that is not full tells that a list has ended."""
    return rows // PER_LIST + 1


def _foreign(sandbox: Served) -> Iterator[int]:
    """Yield for each chunk of companies how many invoices of others have rows that matter."""
    portal, on = sandbox.webhook.split("/")[2], date.fromisoformat(DAY)
    with closing(open_store(f"sqlite:///{sandbox.folder / 'stavbill.sqlite3'}")) as store:
        after = 0
        while True:
            with store.read() as db:
                ids = company_ids(db, portal, after=after, limit=CHUNK)
                known = portfolios(db, portal, ids)
            if not ids:
                return
            after = ids[-1]
            yield sum(
                record.issued.key is None and rows_matter(record, one.company.card, on)
                for one in known.values()
                for record in one.invoices
            )
