"""Questions to a snapshot, by chunks of accounts: who holds whom, and how many units.

Source of the questions: billing rules §5, §6 and §11.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection, func, select

from stavbill.billing.facts import Counted, NestedCount
from stavbill.plan.records import AccountRecord, UnitState
from stavbill.store.snapshots import SnapshotId
from stavbill.store.tables import wialon_accounts, wialon_units

T = TypeVar("T")

# Bound parameters in one query; SQLite takes 32,766.
_PART = 5_000


@dataclass(frozen=True, slots=True)
class UnitCounts:
    """An account's own units by state."""

    active: int = 0
    stale: int = 0
    conserved: int = 0
    unmarked: int = 0


NO_UNITS = UnitCounts()


def accounts_named(
    db: Connection, snapshot: SnapshotId, names: Collection[str]
) -> dict[str, tuple[AccountRecord, ...]]:
    """Return the accounts that bear each name exactly; several of one name are ambiguous.

    Names without spaces around; one that no account bears is absent.
    """
    found: dict[str, list[AccountRecord]] = {}
    for part in _parts(names):
        rows = db.execute(
            select(wialon_accounts)
            .where(wialon_accounts.c.snapshot == snapshot, wialon_accounts.c.name.in_(part))
            .order_by(wialon_accounts.c.account)
        )
        for row in rows:
            record = AccountRecord(row.account, row.name, row.parent)
            found.setdefault(row.name, []).append(record)
    return {name: tuple(group) for name, group in found.items()}


def ancestors(
    db: Connection, snapshot: SnapshotId, accounts: Collection[int]
) -> dict[int, tuple[int, ...]]:
    """Return the accounts above each account, the nearest first."""
    parents: dict[int, int | None] = {}
    missing = set(accounts)
    while missing:
        level = missing
        for part in _parts(level):
            rows = db.execute(
                select(wialon_accounts.c.account, wialon_accounts.c.parent).where(
                    wialon_accounts.c.snapshot == snapshot, wialon_accounts.c.account.in_(part)
                )
            )
            parents.update({row.account: row.parent for row in rows})
        for account in level:
            parents.setdefault(account, None)
        above = {parent for account in level if (parent := parents[account]) is not None}
        missing = above - parents.keys()
    return {account: _chain(account, parents) for account in accounts}


def _chain(account: int, parents: Mapping[int, int | None]) -> tuple[int, ...]:
    chain: list[int] = []
    step = parents[account]
    while step is not None and step not in chain and step != account:
        chain.append(step)
        step = parents.get(step)
    return tuple(chain)


def descendants(
    db: Connection, snapshot: SnapshotId, roots: Collection[int]
) -> dict[int, tuple[AccountRecord, ...]]:
    """Return the accounts below each root, at any depth, by name."""
    children: dict[int, list[AccountRecord]] = {}
    seen: set[int] = set()
    level = set(roots)
    while level:
        seen |= level
        below: set[int] = set()
        for part in _parts(level):
            rows = db.execute(
                select(wialon_accounts).where(
                    wialon_accounts.c.snapshot == snapshot, wialon_accounts.c.parent.in_(part)
                )
            )
            for row in rows:
                record = AccountRecord(row.account, row.name, row.parent)
                children.setdefault(row.parent, []).append(record)
                below.add(row.account)
        level = below - seen
    return {root: _below(root, children) for root in roots}


def _below(root: int, children: Mapping[int, list[AccountRecord]]) -> tuple[AccountRecord, ...]:
    found: dict[int, AccountRecord] = {}
    stack = list(children.get(root, ()))
    while stack:
        record = stack.pop()
        if record.account != root and record.account not in found:
            found[record.account] = record
            stack.extend(children.get(record.account, ()))
    return tuple(sorted(found.values(), key=lambda record: (record.name, record.account)))


def own_counts(
    db: Connection, snapshot: SnapshotId, accounts: Collection[int]
) -> dict[int, UnitCounts]:
    """Return the own units of each account by state; an account without units has zeros."""
    counted: dict[int, dict[str, int]] = {account: {} for account in accounts}
    for part in _parts(accounts):
        rows = db.execute(
            select(wialon_units.c.account, wialon_units.c.state, func.count().label("units"))
            .where(wialon_units.c.snapshot == snapshot, wialon_units.c.account.in_(part))
            .group_by(wialon_units.c.account, wialon_units.c.state)
        )
        for row in rows:
            counted[row.account][row.state] = row.units
    return {
        account: UnitCounts(
            active=states.get(UnitState.ACTIVE.value, 0),
            stale=states.get(UnitState.ACTIVE_STALE_MARK.value, 0),
            conserved=states.get(UnitState.CONSERVED.value, 0),
            unmarked=states.get(UnitState.UNMARKED.value, 0),
        )
        for account, states in counted.items()
    }


def unit_names(
    db: Connection, snapshot: SnapshotId, accounts: Collection[int], state: UnitState
) -> dict[int, tuple[str, ...]]:
    """Return the names of each account's units in a state, sorted; accounts without are absent."""
    names: dict[int, list[str]] = {}
    for part in _parts(accounts):
        rows = db.execute(
            select(wialon_units.c.account, wialon_units.c.name).where(
                wialon_units.c.snapshot == snapshot,
                wialon_units.c.account.in_(part),
                wialon_units.c.state == state.value,
            )
        )
        for row in rows:
            names.setdefault(row.account, []).append(row.name)
    return {account: tuple(sorted(found)) for account, found in names.items()}


def observe(
    db: Connection,
    snapshot: SnapshotId,
    accounts: Collection[int],
    *,
    partners: Collection[int] = (),
    previous: SnapshotId | None = None,
) -> dict[int, Counted]:
    """Return what a complete snapshot shows of each account: own units, and accounts below it.

    `came` and `went` are against the `previous` complete snapshot, None without one; for the
    accounts in `partners` they cover the whole subtree.
    """
    below = descendants(db, snapshot, accounts)
    every = set(accounts) | {nested.account for group in below.values() for nested in group}
    counts = own_counts(db, snapshot, every)
    stale = unit_names(db, snapshot, accounts, UnitState.ACTIVE_STALE_MARK)
    moved: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    if previous is not None:
        below_then = descendants(db, previous, [a for a in accounts if a in partners])
        own_now = _units(db, snapshot, every)
        own_then = _units(
            db,
            previous,
            {*accounts, *(nested.account for group in below_then.values() for nested in group)},
        )
        for account in accounts:
            now, then = {account}, {account}
            if account in partners:
                now |= {nested.account for nested in below[account]}
                then |= {nested.account for nested in below_then[account]}
            moved[account] = _moved(_merged(own_then, then), _merged(own_now, now))
    return {
        account: Counted(
            active=counts[account].active + counts[account].stale,
            conserved=counts[account].conserved,
            unmarked=counts[account].unmarked,
            stale_marks=stale.get(account, ()),
            nested=tuple(_nested(record, counts) for record in below[account]),
            came=moved[account][0] if account in moved else None,
            went=moved[account][1] if account in moved else None,
        )
        for account in accounts
    }


def _nested(record: AccountRecord, counts: Mapping[int, UnitCounts]) -> NestedCount:
    own = counts[record.account]
    return NestedCount(record.name, active=own.active + own.stale, conserved=own.conserved)


def _units(
    db: Connection, snapshot: SnapshotId, accounts: Collection[int]
) -> dict[int, dict[int, str]]:
    """Return the names of each account's own units that count; an account without is absent."""
    units: dict[int, dict[int, str]] = {}
    for part in _parts(accounts):
        rows = db.execute(
            select(wialon_units.c.account, wialon_units.c.unit, wialon_units.c.name).where(
                wialon_units.c.snapshot == snapshot,
                wialon_units.c.account.in_(part),
                # A deactivated unit without the mark does not count, so it has gone.
                wialon_units.c.state != UnitState.UNMARKED.value,
            )
        )
        for account, unit, name in rows:
            units.setdefault(account, {})[unit] = name
    return units


def _merged(units: Mapping[int, Mapping[int, str]], accounts: Iterable[int]) -> dict[int, str]:
    return {unit: name for one in accounts for unit, name in units.get(one, {}).items()}


def _moved(
    then: Mapping[int, str], now: Mapping[int, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    came = sorted(now[unit] for unit in now.keys() - then.keys())
    went = sorted(then[unit] for unit in then.keys() - now.keys())
    return tuple(came), tuple(went)


def _parts(values: Iterable[T]) -> Iterator[list[T]]:
    every = list(values)
    for start in range(0, len(every), _PART):
        yield every[start : start + _PART]
