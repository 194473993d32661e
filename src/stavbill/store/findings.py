"""Findings of the nightly check: open from the night they are first seen until they are gone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, func, insert, select, update

from stavbill.billing.facts import CompanyId
from stavbill.plan.findings import Finding, FindingKind
from stavbill.plan.reconcile_tasks import Numbered
from stavbill.store.database import update_each
from stavbill.store.service_tables import findings

# What becomes of nearly every invoice is counted, never kept: the mirror knows it.
NOT_KEPT = frozenset({FindingKind.PAID})


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFinding:
    """A finding with its number and times; `ended` None as long as it is so."""

    number: int
    finding: Finding
    mended: bool
    first_seen: datetime
    last_seen: datetime
    ended: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is open now for the companies looked at, by company; how many are new, how many gone."""

    standing: Mapping[CompanyId, tuple[Numbered, ...]]
    new: int
    gone: int


def keep_findings(
    db: Connection,
    portal: str,
    companies: Collection[CompanyId],
    found: Sequence[Finding],
    *,
    at: datetime,
) -> Kept:
    """Keep what was found for the companies that were looked at; whatever is no more so, ends.

    The same company, kind and subject is the same finding, whatever its sentence says now. Kept
    again with the same findings, nothing is new.
    """
    wanted = {_place(one): one for one in found if one.kind not in NOT_KEPT}
    known = {_row_place(row): row for row in _open_rows(db, portal, companies)}
    fresh = [one for place, one in wanted.items() if place not in known]
    if fresh:
        db.execute(insert(findings), [_row(portal, one, at) for one in fresh])
    still = [
        {"finding": row.finding, "detail": wanted[place].detail, "last_seen": at}
        for place, row in known.items()
        if place in wanted
    ]
    update_each(db, findings, "finding", still)
    gone = [row.finding for place, row in known.items() if place not in wanted]
    if gone:
        db.execute(update(findings).where(findings.c.finding.in_(gone)).values(ended=at))
    standing: dict[CompanyId, list[Numbered]] = {}
    for row in _open_rows(db, portal, companies):
        standing.setdefault(CompanyId(row.company), []).append(Numbered(row.finding, _finding(row)))
    return Kept(
        standing={company: tuple(some) for company, some in standing.items()},
        new=len(fresh),
        gone=len(gone),
    )


def end_mended(
    db: Connection,
    portal: str,
    company: CompanyId,
    kinds: Collection[FindingKind],
    *,
    at: datetime,
) -> int:
    """End a company's open findings of some kinds, because what they found was mended."""
    answer = db.execute(
        update(findings)
        .where(
            findings.c.portal == portal,
            findings.c.company == company,
            findings.c.kind.in_([kind.value for kind in kinds]),
            findings.c.ended.is_(None),
        )
        .values(mended=True, ended=at)
    )
    return answer.rowcount


def open_findings(
    db: Connection,
    portal: str,
    *,
    limit: int = 500,
    company: CompanyId | None = None,
) -> tuple[StoredFinding, ...]:
    """Return open findings, by company and number, at most `limit`; one company's or all."""
    query = select(findings).where(findings.c.portal == portal, findings.c.ended.is_(None))
    if company is not None:
        query = query.where(findings.c.company == company)
    rows = db.execute(query.order_by(findings.c.company, findings.c.finding).limit(limit))
    return tuple(
        StoredFinding(
            number=row.finding,
            finding=_finding(row),
            mended=row.mended,
            first_seen=row.first_seen,
            last_seen=row.last_seen,
            ended=row.ended,
        )
        for row in rows
    )


def companies_with(
    db: Connection, portal: str, companies: Collection[CompanyId], kind: FindingKind
) -> frozenset[CompanyId]:
    """Return those companies of which a finding of this kind is open."""
    rows = db.execute(
        select(findings.c.company).where(
            findings.c.portal == portal,
            findings.c.ended.is_(None),
            findings.c.company.in_(companies),
            findings.c.kind == kind.value,
        )
    )
    return frozenset(CompanyId(row.company) for row in rows)


def count_open(db: Connection, portal: str) -> dict[FindingKind, int]:
    """Return how many findings of each kind are open."""
    rows = db.execute(
        select(findings.c.kind, func.count().label("findings"))
        .where(findings.c.portal == portal, findings.c.ended.is_(None))
        .group_by(findings.c.kind)
        .order_by(findings.c.kind)
    )
    return {FindingKind(row.kind): row.findings for row in rows}


_Place = tuple[int, str, str]


def _place(one: Finding) -> _Place:
    return int(one.company), one.kind.value, one.subject


def _row_place(row: Row[tuple[object, ...]]) -> _Place:
    return row.company, row.kind, row.subject


def _open_rows(
    db: Connection, portal: str, companies: Collection[CompanyId]
) -> Sequence[Row[tuple[object, ...]]]:
    return db.execute(
        select(findings)
        .where(
            findings.c.portal == portal,
            findings.c.ended.is_(None),
            findings.c.company.in_(companies),
        )
        .order_by(findings.c.finding)
    ).all()


def _row(portal: str, one: Finding, at: datetime) -> dict[str, object]:
    return {
        "portal": portal,
        "company": one.company,
        "kind": one.kind.value,
        "subject": one.subject,
        "detail": one.detail,
        "mended": False,
        "first_seen": at,
        "last_seen": at,
    }


def _finding(row: Row[tuple[object, ...]]) -> Finding:
    return Finding(
        kind=FindingKind(row.kind),
        company=CompanyId(row.company),
        subject=row.subject,
        detail=row.detail,
    )
