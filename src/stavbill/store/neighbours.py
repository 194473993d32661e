"""Companies that meet in one Wialon account: sharers of an account, and partners.

Source of the questions: billing rules §6 and §11.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select, tuple_

from stavbill.billing.facts import CompanyId
from stavbill.store.tables import companies


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What is known of a company beside its body: enough to say whether it counts.

    `connection` and `account` are as compared (`mirror.connection_key`, `mirror.account_key`).
    """

    company: CompanyId
    connection: str
    account: str
    status: str | None
    skip: bool
    partner: bool
    ignore_count: bool
    subscription: str


_COLUMNS = (
    companies.c.company,
    companies.c.connection_key,
    companies.c.account_key,
    companies.c.status,
    companies.c.skip,
    companies.c.partner,
    companies.c.ignore_count,
    companies.c.subscription,
)


def neighbours(
    db: Connection, portal: str, accounts: Collection[tuple[str, str]]
) -> dict[tuple[str, str], tuple[Neighbour, ...]]:
    """Return all companies that name each (connection, account), by key, in the order of ids.

    The asking company is among them; active ones are for the caller to choose.
    """
    if not accounts:
        return {}
    found = db.execute(
        select(*_COLUMNS)
        .where(
            companies.c.portal == portal,
            tuple_(companies.c.connection_key, companies.c.account_key).in_(accounts),
        )
        .order_by(companies.c.company)
    )
    grouped: dict[tuple[str, str], list[Neighbour]] = {}
    for row in found:
        one = _neighbour(row)
        grouped.setdefault((one.connection, one.account), []).append(one)
    return {key: tuple(group) for key, group in grouped.items()}


def partners(db: Connection, portal: str) -> tuple[Neighbour, ...]:
    """Return every company with the partner flag, an account and no skip flag."""
    found = db.execute(
        select(*_COLUMNS)
        .where(
            companies.c.portal == portal,
            companies.c.partner.is_(True),
            companies.c.skip.is_(False),
            companies.c.connection_key.is_not(None),
            companies.c.account_key.is_not(None),
        )
        .order_by(companies.c.company)
    )
    return tuple(_neighbour(row) for row in found)


def _neighbour(row: Row[*tuple[Any, ...]]) -> Neighbour:
    return Neighbour(
        company=CompanyId(row.company),
        connection=row.connection_key,
        account=row.account_key,
        status=row.status,
        skip=row.skip,
        partner=row.partner,
        ignore_count=row.ignore_count,
        subscription=row.subscription,
    )
