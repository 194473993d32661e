"""What Wialon and the neighbours say about a chunk of companies.

Everything is asked of the store: snapshots of complete Wialon readings and the mirror of cards.
Source: billing rules §5, §6, §11.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from stavbill.billing.facts import (
    CompanyCard,
    CompanyId,
    Counted,
    NotCounted,
    NotCountedWhy,
    Observation,
    Sharer,
)
from stavbill.billing.policy import Policy
from stavbill.plan.records import UnitState
from stavbill.store.counting import accounts_named, ancestors, descendants, observe, unit_names
from stavbill.store.mirror import account_key, connection_key
from stavbill.store.neighbours import Neighbour, neighbours, partners
from stavbill.store.snapshots import SnapshotId

NO_ANSWER = NotCounted(NotCountedWhy.UNREACHABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionView:
    """What one connection's reading of this run gave: a complete snapshot, or why there is none.

    `previous` is the complete snapshot before it, for names of units that came or went. `unclear`
    are accounts with a unit of which the host does not say whether it is active.
    """

    snapshot: SnapshotId | None
    previous: SnapshotId | None = None
    failure: NotCounted = NO_ANSWER
    unclear: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """What is known of one company's account and of those who meet in it."""

    observation: Observation
    sharers: tuple[Sharer, ...] = ()
    partner_above: CompanyId | None = None
    conserved_units: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PartnerIndex:
    """Billed partners by connection and account id: whoever's account lies below is theirs."""

    by_account: Mapping[tuple[str, int], CompanyId]


def index_partners(
    db: Connection, portal: str, connections: Mapping[str, ConnectionView], policy: Policy
) -> PartnerIndex:
    """Return where billed partners (active, not skipped) have their accounts (§6)."""
    names: dict[str, dict[str, CompanyId]] = {}
    for partner in partners(db, portal):
        if partner.status in policy.active_statuses:
            names.setdefault(partner.connection, {}).setdefault(partner.account, partner.company)
    found: dict[tuple[str, int], CompanyId] = {}
    for connection, accounts in names.items():
        view = connections.get(connection)
        if view is None or view.snapshot is None:
            continue
        for name, records in accounts_named(db, view.snapshot, list(accounts)).items():
            for record in records:
                found[connection, record.account] = accounts[name]
    return PartnerIndex(found)


def look_around(
    db: Connection,
    portal: str,
    cards: Sequence[CompanyCard],
    *,
    connections: Mapping[str, ConnectionView],
    index: PartnerIndex,
    policy: Policy,
) -> dict[CompanyId, AccountView]:
    """Return for each card what Wialon shows and who else names the same account.

    `connections` is by «Где найти» as `mirror.connection_key` compares it.
    """
    sharers = _sharers(db, portal, cards, policy)
    views: dict[CompanyId, AccountView] = {}
    by_connection: dict[str, list[CompanyCard]] = {}
    for card in cards:
        problem = _without_reading(card, connections)
        if problem is not None:
            views[card.company] = AccountView(
                observation=problem, sharers=sharers.get(card.company, ())
            )
        else:
            by_connection.setdefault(connection_key(card.connection) or "", []).append(card)
    for connection, some in by_connection.items():
        view = connections[connection]
        if view.snapshot is not None:
            views |= _observed(
                db, connection, view, view.snapshot, some, index=index, sharers=sharers
            )
    return views


def _without_reading(
    card: CompanyCard, connections: Mapping[str, ConnectionView]
) -> NotCounted | None:
    """Return why a card's account cannot be looked up at all, None when it can."""
    connection = connection_key(card.connection)
    if account_key(card.account) is None:
        return NotCounted(NotCountedWhy.ACCOUNT_EMPTY)
    if connection is None or connection not in connections:
        return NotCounted(NotCountedWhy.CONNECTION_UNKNOWN, card.connection or "")
    view = connections[connection]
    return None if view.snapshot is not None else view.failure


def _observed(
    db: Connection,
    connection: str,
    view: ConnectionView,
    snapshot: SnapshotId,
    cards: Sequence[CompanyCard],
    *,
    index: PartnerIndex,
    sharers: Mapping[CompanyId, tuple[Sharer, ...]],
) -> dict[CompanyId, AccountView]:
    named = accounts_named(db, snapshot, {account_key(card.account) or "" for card in cards})
    accounts: dict[CompanyId, int] = {}
    views: dict[CompanyId, AccountView] = {}
    for card in cards:
        name = account_key(card.account) or ""
        records = named.get(name, ())
        if len(records) == 1:
            accounts[card.company] = records[0].account
        else:
            detail = name if not records else f"{name}: несколько учётных записей с этим именем"
            missing = NotCounted(NotCountedWhy.ACCOUNT_MISSING, detail)
            views[card.company] = AccountView(observation=missing)
    ids = set(accounts.values())
    partner_accounts = {accounts[c.company] for c in cards if c.partner and c.company in accounts}
    seen = observe(db, snapshot, ids, partners=partner_accounts, previous=view.previous)
    above = ancestors(db, snapshot, ids)
    conserved = unit_names(db, snapshot, ids, UnitState.CONSERVED)
    below = descendants(db, snapshot, partner_accounts) if view.unclear else {}
    for card in cards:
        account = accounts.get(card.company)
        if account is None:
            continue
        views[card.company] = AccountView(
            observation=_clear(
                seen[account], view, (account, *(one.account for one in below.get(account, ())))
            ),
            sharers=sharers.get(card.company, ()),
            partner_above=_outermost(connection, above[account], index),
            conserved_units=conserved.get(account, ()),
        )
    return views


def _clear(seen: Counted, view: ConnectionView, accounts: Sequence[int]) -> Observation:
    """Return the count, unless one of the accounts that it covers cannot be counted."""
    for account in accounts:
        if account in view.unclear:
            return NotCounted(NotCountedWhy.INCOMPLETE, view.unclear[account])
    return seen


def _outermost(connection: str, above: Sequence[int], index: PartnerIndex) -> CompanyId | None:
    """Return the billed partner farthest up the chain of accounts (§6)."""
    found = [index.by_account.get((connection, account)) for account in above]
    return next((company for company in reversed(found) if company is not None), None)


def _sharers(
    db: Connection, portal: str, cards: Sequence[CompanyCard], policy: Policy
) -> dict[CompanyId, tuple[Sharer, ...]]:
    """Return the other active, not skipped companies that name each card's account (§11)."""
    keys = {}
    for card in cards:
        connection, account = connection_key(card.connection), account_key(card.account)
        if connection is not None and account is not None:
            keys[card.company] = (connection, account)
    groups = neighbours(db, portal, set(keys.values()))
    return {
        company: tuple(
            Sharer(other.company, other.subscription)
            for other in groups.get(key, ())
            if other.company != company and _counts(other, policy)
        )
        for company, key in keys.items()
    }


def _counts(other: Neighbour, policy: Policy) -> bool:
    return other.status in policy.active_statuses and not other.skip
