"""How many requests a plan needs, and how long the portal's limits make it last.

The arithmetic of the floor: an invoice takes 2 of the 50 commands of a batch (itself and its rows),
a read-back 49 invoices a request, timeline entries and fields 50, a task one and one for each item.
Source: quality page; performance page 1; beyond 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from stavbill.operations.parts import Parts
from stavbill.operations.planned import Planned
from stavbill.operations.present import Document

BATCH = 50
PER_READ_BACK = 49
PER_READ = 2_500
SHAPE = 2
METHODS = {
    "put_invoice": "crm.item.add",
    "put_fields": "crm.company.update",
    "add_timeline": "crm.timeline.comment.add",
    "open_task": "tasks.task.add",
}
ITEMS_A_TASK = 2


def write_requests(effects: dict[str, int]) -> int:
    """Return the least number of requests that write and read back these effects, by kind."""
    invoices = effects.get("put_invoice", 0)
    tasks = effects.get("open_task", 0) * (1 + ITEMS_A_TASK) + 2 * effects.get("mend_task", 0)
    return (
        ceil(2 * invoices / BATCH)
        + ceil(invoices / PER_READ_BACK)
        + ceil(effects.get("add_timeline", 0) / BATCH)
        + ceil(effects.get("put_fields", 0) / BATCH)
        + ceil(effects.get("put_stage", 0) / BATCH)
        + ceil(tasks / BATCH)
    )


def read_requests(sizes: Mapping[str, int], foreign_rows: int = 0) -> int:
    """Return the least number of requests that read lists of these sizes, and rows of invoices.

    Two for the portal's shape, 2,500 rows a request for every list, 50 invoices a request for rows.
    """
    return SHAPE + sum(size // PER_READ + 1 for size in sizes.values()) + ceil(foreign_rows / BATCH)


def forecast_document(parts: Parts, planned: Planned) -> Document:
    """Return the forecast that the operator sees before the first write."""
    requests = write_requests(planned.effects)
    calls = {
        method: planned.effects[kind]
        for kind, method in METHODS.items()
        if planned.effects.get(kind)
    }
    if planned.effects.get("put_invoice"):
        calls["crm.item.productrow.set"] = planned.effects["put_invoice"]
    seen = parts.gateway.limiter.forecast(requests, calls)
    return {
        "requests": requests,
        "seconds": round(seen.seconds, 1),
        "bottleneck": max(seen.methods_s, key=lambda name: seen.methods_s[name], default=None)
        if max(seen.methods_s.values(), default=0.0) > seen.bucket_s
        else "requests",
    }
