"""What stands in the way of writing: flags of the whole portal, and companies that are parked.

`status`, `check` and `check --nightly` tell it in the same words and with the same exit code.
Source: operations page, «Safety»; beyond 2 and 3.
"""

from __future__ import annotations

from stavbill.operations.names import named
from stavbill.operations.parts import Parts
from stavbill.operations.present import Document
from stavbill.store.ahead import ahead_of
from stavbill.store.control import Flag, raised_flags
from stavbill.store.parking import parked_companies
from stavbill.store.runs import RunKind, RunState, latest_runs


def standing_document(parts: Parts) -> Document:
    """Return `flags` that stop writing, `parked` companies, and whether a violation is standing.

    `ahead` is what waits for a moment that only a clock which was set back makes it wait for,
    `waiting` the month's run that waits for a person's word.
    """
    with parts.store.read() as db:
        up, parked = raised_flags(db, parts.portal), parked_companies(db, parts.portal)
        ahead = ahead_of(db, parts.portal, now=parts.now())
        newest = latest_runs(db, parts.portal, limit=1, kind=RunKind.MONTH)
    waits = [run for run in newest if run.state is RunState.WAITING_APPROVAL]
    rows = [
        {"company": int(one.company), "reason": one.reason, "since": one.since.isoformat()}
        for one in parked
    ]
    flags = [
        {
            "flag": one.flag.value,
            "reason": one.reason,
            "who": one.who,
            "since": one.since.isoformat(timespec="seconds"),
        }
        for one in up
    ]
    return {
        "stopped": bool(up),
        "violation": any(one.flag is Flag.VIOLATION for one in up),
        "flags": flags,
        "parked": named(parts, rows),
        "ahead": [
            {"what": one.what, "name": one.name, "until": one.until.isoformat(timespec="seconds")}
            for one in ahead
        ],
        "time_zone": str(parts.zone),
        "waiting": [
            {"run_id": run.run, "on": run.on.isoformat(), "gate": run.totals.get("gate", {})}
            for run in waits
        ],
    }
