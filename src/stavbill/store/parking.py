"""Parked companies (a contradiction that a person must release) and the audit trail."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from stavbill.billing.facts import CompanyId
from stavbill.store.tables import audit, parked


@dataclass(frozen=True, slots=True)
class Parking:
    """Why a company is parked, since when, and by which run."""

    company: CompanyId
    reason: str
    since: datetime
    run: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who did what, when, about which company."""

    at: datetime
    who: str
    what: str
    run: str | None
    company: CompanyId | None
    detail: str


def park(
    db: Connection, portal: str, company: CompanyId, *, reason: str, run: str | None, at: datetime
) -> bool:
    """Park a company; False when it is parked already (the first reason stands)."""
    if parked_reasons(db, portal, [company]):
        return False
    db.execute(
        insert(parked).values(
            portal=portal, company=company, reason=reason, run=run, since=at, released=None
        )
    )
    write_audit(
        db,
        portal,
        who="stavbill",
        what="company_parked",
        run=run,
        company=company,
        detail=reason,
        at=at,
    )
    return True


def release(db: Connection, portal: str, company: CompanyId, *, who: str, at: datetime) -> bool:
    """Release a company by a person's word; False when it was not parked."""
    answer = db.execute(
        update(parked)
        .where(parked.c.portal == portal, parked.c.company == company, parked.c.released.is_(None))
        .values(released=at, released_by=who)
    )
    if answer.rowcount:
        write_audit(db, portal, who=who, what="company_released", company=company, at=at)
    return answer.rowcount > 0


def parked_reasons(
    db: Connection, portal: str, companies: Collection[CompanyId]
) -> dict[CompanyId, str]:
    """Return the reasons of those companies that are parked now."""
    rows = db.execute(
        select(parked.c.company, parked.c.reason)
        .where(
            parked.c.portal == portal,
            parked.c.company.in_(companies),
            parked.c.released.is_(None),
        )
        .order_by(parked.c.parking.desc())
    )
    return {CompanyId(row.company): row.reason for row in rows}


def parked_companies(db: Connection, portal: str) -> tuple[Parking, ...]:
    """Return every company that is parked now, the longest parked first."""
    rows = db.execute(
        select(parked)
        .where(parked.c.portal == portal, parked.c.released.is_(None))
        .order_by(parked.c.since, parked.c.company)
    )
    return tuple(Parking(CompanyId(row.company), row.reason, row.since, row.run) for row in rows)


def write_audit(
    db: Connection,
    portal: str,
    *,
    who: str,
    what: str,
    at: datetime,
    run: str | None = None,
    company: CompanyId | None = None,
    detail: str = "",
) -> None:
    """Append to the audit trail; nothing in it is ever changed."""
    db.execute(
        insert(audit).values(
            portal=portal, at=at, who=who, what=what, run=run, company=company, detail=detail
        )
    )


def audit_of(
    db: Connection, portal: str, *, company: CompanyId | None = None, limit: int = 100
) -> tuple[AuditEntry, ...]:
    """Return the last entries, the newest first, of one company or of all."""
    query = select(audit).where(audit.c.portal == portal)
    if company is not None:
        query = query.where(audit.c.company == company)
    rows = db.execute(query.order_by(audit.c.entry.desc()).limit(limit))
    return tuple(_entry(row) for row in rows)


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(
        at=row.at,
        who=row.who,
        what=row.what,
        run=row.run,
        company=None if row.company is None else CompanyId(row.company),
        detail=row.detail,
    )
