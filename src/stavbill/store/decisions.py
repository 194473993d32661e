"""Decisions with the facts they rest on: stored, reported, and computed again later."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select

from stavbill.billing.decision import Bill, Decision, Hold, Skip
from stavbill.billing.facts import CompanyId, Facts
from stavbill.store import bodies
from stavbill.store.database import upsert
from stavbill.store.runs import RunId
from stavbill.store.tables import decision_reasons, decisions


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDecision:
    """One company's decision in one run; `sums` are kopecks by (issuer, currency)."""

    run: RunId
    company: CompanyId
    facts: Facts
    decision: Decision
    sums: dict[tuple[str, str], int]
    decided: datetime


def put_decisions(
    db: Connection,
    run: RunId,
    chunk: Sequence[tuple[Facts, Decision]],
    *,
    portal: str,
    at: datetime,
) -> None:
    """Keep a chunk of decisions; one decided again in the same run replaces the first."""
    upsert(
        db,
        decisions,
        [
            {
                "run": run,
                "company": decision.company,
                "portal": portal,
                "kind": decision.kind,
                "facts": bodies.FACTS.write(facts),
                "decision": bodies.DECISION.write(decision),
                "sums": json.dumps(_sums(decision), ensure_ascii=False),
                "decided": at,
            }
            for facts, decision in chunk
        ],
    )
    ids = [decision.company for _, decision in chunk]
    db.execute(
        delete(decision_reasons).where(
            decision_reasons.c.run == run, decision_reasons.c.company.in_(ids)
        )
    )
    reasons = [
        {"run": run, "company": decision.company, "reason": reason}
        for _, decision in chunk
        for reason in reason_codes(decision)
    ]
    if reasons:
        db.execute(insert(decision_reasons), reasons)


def reason_codes(decision: Decision) -> tuple[str, ...]:
    """Return the codes by which a decision is counted: the skip's, or every hold reason's."""
    match decision:
        case Skip(reason=reason):
            return (reason.value,)
        case Hold(reasons=reasons):
            return tuple(sorted({reason.kind for reason in reasons}))
        case Bill(held=held):
            return tuple(sorted({reason.kind for reason in held}))


def _sums(decision: Decision) -> list[tuple[str, str, int]]:
    sums: dict[tuple[str, str], int] = {}
    for draft in decision.drafts if isinstance(decision, Bill) else ():
        purse = draft.issuer, draft.currency.value
        sums[purse] = sums.get(purse, 0) + draft.total.minor
    return [(issuer, currency, minor) for (issuer, currency), minor in sorted(sums.items())]


def decision_of(db: Connection, run: RunId, company: CompanyId) -> StoredDecision | None:
    """Return what a run decided about a company."""
    row = db.execute(
        select(decisions).where(decisions.c.run == run, decisions.c.company == company)
    ).one_or_none()
    return None if row is None else _stored(row)


def latest_decision(db: Connection, portal: str, company: CompanyId) -> StoredDecision | None:
    """Return the last decision about a company, of whatever run."""
    row = db.execute(
        select(decisions)
        .where(decisions.c.portal == portal, decisions.c.company == company)
        .order_by(decisions.c.decided.desc(), decisions.c.run.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _stored(row)


def latest_bill(db: Connection, portal: str, company: CompanyId) -> StoredDecision | None:
    """Return the last decision that billed a company, None when none did."""
    row = db.execute(
        select(decisions)
        .where(
            decisions.c.portal == portal,
            decisions.c.company == company,
            decisions.c.kind == "bill",
        )
        .order_by(decisions.c.decided.desc(), decisions.c.run.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _stored(row)


def decisions_after(
    db: Connection, run: RunId, *, after: int = 0, limit: int = 50, kind: str | None = None
) -> tuple[StoredDecision, ...]:
    """Return a run's next decisions, by company, those after `after`; `kind` bill, skip or hold."""
    query = select(decisions).where(decisions.c.run == run, decisions.c.company > after)
    if kind is not None:
        query = query.where(decisions.c.kind == kind)
    rows = db.execute(query.order_by(decisions.c.company).limit(limit))
    return tuple(_stored(row) for row in rows)


def counts_by_kind(db: Connection, run: RunId) -> dict[str, int]:
    """Return how many companies were decided how: bill, skip, hold."""
    rows = db.execute(
        select(decisions.c.kind, func.count().label("companies"))
        .where(decisions.c.run == run)
        .group_by(decisions.c.kind)
        .order_by(decisions.c.kind)
    )
    return {row.kind: row.companies for row in rows}


def counts_by_reason(db: Connection, run: RunId) -> dict[tuple[str, str], int]:
    """Return how many companies have each reason, by (kind, reason); one may have several."""
    rows = db.execute(
        select(decisions.c.kind, decision_reasons.c.reason, func.count().label("companies"))
        .join(
            decision_reasons,
            (decision_reasons.c.run == decisions.c.run)
            & (decision_reasons.c.company == decisions.c.company),
        )
        .where(decisions.c.run == run)
        .group_by(decisions.c.kind, decision_reasons.c.reason)
        .order_by(decisions.c.kind, decision_reasons.c.reason)
    )
    return {(row.kind, row.reason): row.companies for row in rows}


def _stored(row: Row[Any]) -> StoredDecision:
    return StoredDecision(
        run=RunId(row.run),
        company=CompanyId(row.company),
        facts=bodies.FACTS.read(row.facts),
        decision=bodies.DECISION.read(row.decision),
        sums={(issuer, currency): minor for issuer, currency, minor in json.loads(row.sums)},
        decided=row.decided,
    )
