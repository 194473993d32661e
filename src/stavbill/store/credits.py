"""Approved credits and their consumption: what is left is what was granted less what was used.

Source: billing rules §8.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, func, select

from stavbill.billing.decision import CreditUse
from stavbill.billing.facts import CompanyId, OpenCredit, ServiceCode
from stavbill.billing.money import Currency, Money
from stavbill.store.database import insert_missing, upsert
from stavbill.store.tables import credit_uses, granted_credits


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantedCredit:
    """A credit as it was approved, whole."""

    credit: str
    company: CompanyId
    service: ServiceCode
    granted: Money
    approved: date


def put_credits(db: Connection, portal: str, chunk: Sequence[GrantedCredit]) -> None:
    """Keep credits, replacing those with the same id."""
    upsert(
        db,
        granted_credits,
        [
            {
                "credit": one.credit,
                "portal": portal,
                "company": one.company,
                "service": one.service,
                "currency": one.granted.currency.value,
                "granted": one.granted.minor,
                "approved": one.approved,
            }
            for one in chunk
        ],
    )


def open_credits(
    db: Connection, portal: str, companies: Collection[CompanyId]
) -> dict[CompanyId, tuple[OpenCredit, ...]]:
    """Return what is left of each company's credits, the oldest first; used up ones are absent."""
    used = (
        select(credit_uses.c.credit, func.sum(credit_uses.c.used).label("used"))
        .group_by(credit_uses.c.credit)
        .subquery()
    )
    rows = db.execute(
        select(granted_credits, func.coalesce(used.c.used, 0).label("used"))
        .outerjoin(used, used.c.credit == granted_credits.c.credit)
        .where(granted_credits.c.portal == portal, granted_credits.c.company.in_(companies))
        .order_by(granted_credits.c.approved, granted_credits.c.credit)
    )
    found: dict[CompanyId, list[OpenCredit]] = {}
    for row in rows:
        left = row.granted - int(row.used)
        if left > 0:
            found.setdefault(CompanyId(row.company), []).append(
                OpenCredit(
                    credit=row.credit,
                    service=ServiceCode(row.service),
                    left=Money(left, Currency(row.currency)),
                    approved=row.approved,
                )
            )
    return {company: tuple(group) for company, group in found.items()}


def use_credits(
    db: Connection, invoice_key: str, uses: Sequence[CreditUse], *, at: datetime
) -> None:
    """Consume credits by an invoice that exists; saying so twice consumes once."""
    insert_missing(
        db,
        credit_uses,
        [
            {"credit": use.credit, "invoice_key": invoice_key, "used": use.used.minor, "at": at}
            for use in uses
        ],
    )
