"""A stored plan as a document: every company's decision, and what changed since last month.

Source: beyond 1.
"""

from __future__ import annotations

from stavbill.billing.decision import Bill, Hold
from stavbill.errors import ConfigError
from stavbill.operations.parts import Parts
from stavbill.operations.present import Document, decision_document
from stavbill.store.decisions import StoredDecision, decision_of, decisions_after
from stavbill.store.runs import RunId, RunKind, last_finished, latest_runs, read_run


def show_run(parts: Parts, run: str | None, *, held_only: bool) -> Document:
    """Return a run's totals and its companies, each with the difference to the last real run.

    Raises `ConfigError` when there is no such run.
    """
    with parts.store.read() as db:
        known = latest_runs(db, parts.portal, limit=1, kind=RunKind.MONTH)
        wanted = RunId(run) if run is not None else (known[0].run if known else None)
        found = read_run(db, wanted) if wanted is not None else None
        if found is None:
            msg = "Запусков ещё не было. Составьте план: stavbill run plan"
            raise ConfigError(msg)
        previous = last_finished(db, parts.portal, before=found.started)
    companies: list[Document] = []
    after = 0
    while True:
        with parts.store.read() as db:
            chunk = decisions_after(db, found.run, after=after)
            before = {
                one.company: decision_of(db, previous.run, one.company) if previous else None
                for one in chunk
            }
        if not chunk:
            break
        after = chunk[-1].company
        for one in chunk:
            if held_only and not isinstance(one.decision, Hold):
                continue
            companies.append(
                decision_document(one.decision) | {"change": _change(one, before[one.company])}
            )
    return {
        "run_id": found.run,
        "on": found.on.isoformat(),
        "state": found.state.value,
        "totals": found.totals,
        "forecast": found.forecast,
        "previous_run": previous.run if previous else None,
        "companies": companies,
    }


def _change(now: StoredDecision, before: StoredDecision | None) -> str:
    """Return what changed: new, gone, sum, issuer, address, or nothing."""
    is_billed = isinstance(now.decision, Bill)
    was_billed = before is not None and isinstance(before.decision, Bill)
    if is_billed != was_billed:
        return "new" if is_billed else ("gone" if was_billed else "")
    if before is None or not is_billed:
        return ""
    if now.sums.keys() != before.sums.keys():
        return "issuer"
    if now.sums != before.sums:
        return "sum"
    addresses_now = now.facts.card.recipients
    return "address" if addresses_now != before.facts.card.recipients else ""
