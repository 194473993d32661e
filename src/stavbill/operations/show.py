"""A stored plan as a document: every company's decision, and what changed since last month.

Source: beyond 1.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from stavbill.billing.decision import Bill, Decision, Hold
from stavbill.errors import ConfigError
from stavbill.operations.names import issued_invoices, named
from stavbill.operations.parts import Parts
from stavbill.operations.present import Document, decision_document
from stavbill.store.decisions import StoredDecision, decision_of, decisions_after
from stavbill.store.mirror import portfolios
from stavbill.store.runs import Run, RunId, RunKind, last_finished, latest_runs, read_run

ABOUT_MONEY = frozenset({RunKind.MONTH, RunKind.RERUN})
# Between two runs about money lie so many others at most, as a rule.
FEW_OF_MONEY = 50


def show_run(
    parts: Parts, run: str | None, *, held_only: bool, warnings: Collection[str] | None = None
) -> Document:
    """Return a run's totals and its companies, each with the difference to the last real run.

    `warnings` leaves companies with one of these warnings, an empty one those with any. Raises
    `ConfigError` when there is no such run.
    """
    with parts.store.read() as db:
        known = latest_runs(db, parts.portal, limit=1, kind=RunKind.MONTH)
        wanted = RunId(run) if run is not None else (known[0].run if known else None)
        found = read_run(db, wanted) if wanted is not None else None
        if found is None:
            raise ConfigError(_no_run(run))
        previous = last_finished(db, parts.portal, before=found.started)
    companies: list[Document] = []
    after = 0
    while True:
        with parts.store.read() as db:
            chunk = decisions_after(db, found.run, after=after)
        if not chunk:
            break
        after = chunk[-1].company
        shown = [one for one in chunk if _is_shown(one.decision, warnings, held_only=held_only)]
        companies += _rows(parts, shown, previous)
    return {
        "run_id": found.run,
        "on": found.on.isoformat(),
        "state": found.state.value,
        "totals": found.totals,
        "forecast": found.forecast,
        "previous_run": previous.run if previous else None,
        "companies": companies,
    }


def _no_run(run: str | None) -> str:
    if run is not None:
        return f"Запуска {run} нет. Последние: stavbill run list"
    return "Запусков ещё не было. Составьте план: stavbill run plan"


def _is_shown(decision: Decision, warnings: Collection[str] | None, *, held_only: bool) -> bool:
    if held_only and not isinstance(decision, Hold):
        return False
    codes = {note.code for note in decision.warnings}
    return warnings is None or bool(codes & set(warnings) if warnings else codes)


def _rows(parts: Parts, chunk: Sequence[StoredDecision], previous: Run | None) -> list[Document]:
    ids = [one.company for one in chunk]
    with parts.store.read() as db:
        before = {
            company: decision_of(db, previous.run, company) if previous else None for company in ids
        }
        records = portfolios(db, parts.portal, ids)
    rows = [
        decision_document(one.decision)
        | {
            "change": _change(one, before[one.company]),
            "issued": issued_invoices(one.decision, records.get(one.company)),
        }
        for one in chunk
    ]
    return named(parts, rows)


def list_runs(parts: Parts, *, limit: int, everything: bool) -> Document:
    """Return the newest runs, the newest first; without `everything` those about money only."""
    with parts.store.read() as db:
        known = latest_runs(db, parts.portal, limit=limit if everything else limit * FEW_OF_MONEY)
    wanted = [run for run in known if everything or run.kind in ABOUT_MONEY][:limit]
    return {"runs": [_run_row(parts, run) for run in wanted]}


def _run_row(parts: Parts, run: Run) -> Document:
    counts = run.totals.get("counts", {})
    report = run.totals.get("company") or {}
    company = report.get("company") if run.kind is RunKind.RERUN else None
    heading = named(parts, [{"company": company}])[0] if company is not None else {}
    return {
        "run_id": run.run,
        "kind": run.kind.value,
        "on": run.on.isoformat(),
        "state": run.totals.get("state", run.state.value) if run.finished else run.state.value,
        "dry_run": run.dry_run,
        "started": run.started.isoformat(),
        "finished": run.finished.isoformat() if run.finished else None,
        "invoices": counts.get("invoices"),
        "held": counts.get("held"),
        **heading,
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
