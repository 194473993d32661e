"""What comes next: effects that may be sent now, are due to be asked about, or will be.

The questions are asked all the time, so each is built once for a kind of scope.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Integer,
    Select,
    bindparam,
    func,
    literal,
    select,
    union_all,
)

from stavbill.billing.facts import CompanyId
from stavbill.store.effects import RANKS, Intent, IntentId, Status, intent_of
from stavbill.store.runs import RunId
from stavbill.store.tables import effects


@dataclass(frozen=True, slots=True)
class Scope:
    """Which effects are meant: those of a run, only those of them that are `begun`, one company's.

    Begun ones stand in the portal in part. `witnesses` are the processes whose word is taken that
    a planned effect is not there: only such may be sent.
    """

    run: RunId
    begun: bool = False
    company: CompanyId | None = None
    witnesses: tuple[str, ...] = ()

    def given(self) -> dict[str, object]:
        """Return the values of what `wanted` leaves open."""
        return {"wanted_run": self.run, "wanted_company": self.company}

    def witnessed(self) -> dict[str, object]:
        """Return the values for what may be sent."""
        return self.given() | {"witnesses": list(self.witnesses)}

    @staticmethod
    def wanted(*, for_company: bool) -> list[ColumnElement[bool]]:
        """Return the conditions on `effects` of every status, for a statement that is made once."""
        of_company = [effects.c.company == bindparam("wanted_company")] if for_company else []
        return [effects.c.run == bindparam("wanted_run"), *of_company]


def ready_ranks(db: Connection, scope: Scope, *, at: datetime) -> tuple[int, ...]:
    """Return the ranks of which anything may be sent now, in their order: one look at each."""
    query = _ranks_query(begun=scope.begun, for_company=scope.company is not None)
    return tuple(sorted(db.execute(query, scope.witnessed() | {"now": at}).scalars()))


@cache
def _ranks_query(*, begun: bool, for_company: bool) -> CompoundSelect[int]:
    """Return the question for a kind of scope: it is asked whenever anything may have changed."""
    ready = select(effects.c.effect).where(
        *Scope.wanted(for_company=for_company),
        effects.c.status == Status.PLANNED.value,
        effects.c.waits == 0,
        effects.c.due <= bindparam("now"),
        effects.c.known_by.in_(bindparam("witnesses", expanding=True)),
    )
    if begun:
        ready = ready.where(effects.c.portal_id.is_not(None))
    return union_all(
        *(
            select(literal(rank)).where(ready.where(effects.c.rank == rank).exists())
            for rank in sorted(set(RANKS.values()))
        )
    )


def ready_count(db: Connection, scope: Scope, rank: int, *, at: datetime, limit: int) -> int:
    """Return how many effects of a rank may be sent now, counting up to `limit`."""
    query = _ready_query(begun=scope.begun, for_company=scope.company is not None, count=True)
    given = scope.witnessed() | {"rank": rank, "now": at, "most": limit}
    return int(db.execute(query, given).scalar_one())


def ready_intents(
    db: Connection, scope: Scope, rank: int, *, at: datetime, limit: int
) -> tuple[Intent, ...]:
    """Return the next effects of a rank that may be sent now: due, and waiting for none."""
    query = _ready_query(begun=scope.begun, for_company=scope.company is not None, count=False)
    given = scope.witnessed() | {"rank": rank, "now": at, "most": limit}
    return tuple(intent_of(row) for row in db.execute(query, given))


@cache
def _ready_query(*, begun: bool, for_company: bool, count: bool) -> Select[Any]:
    found = select(effects.c.effect if count else effects).where(
        *Scope.wanted(for_company=for_company),
        effects.c.status == Status.PLANNED.value,
        effects.c.waits == 0,
        effects.c.rank == bindparam("rank"),
        effects.c.due <= bindparam("now"),
        effects.c.known_by.in_(bindparam("witnesses", expanding=True)),
    )
    if begun:
        found = found.where(effects.c.portal_id.is_not(None))
    return _some(found, count=count)


def due_count(
    db: Connection,
    scope: Scope,
    status: Status,
    *,
    at: datetime,
    limit: int,
    but: Collection[IntentId] = (),
) -> int:
    """Return how many effects in a status (DOUBT, WRITTEN) are due, counting up to `limit`."""
    query = _due_query(for_company=scope.company is not None, count=True)
    return int(db.execute(query, _due_given(scope, status, at, limit, but)).scalar_one())


def due_intents(
    db: Connection,
    scope: Scope,
    status: Status,
    *,
    at: datetime,
    limit: int,
    but: Collection[IntentId] = (),
    of: Collection[str] | None = None,
) -> tuple[Intent, ...]:
    """Return effects in a status (DOUBT, WRITTEN) that are due, the longest due first.

    With `of` only those that these processes knew last.
    """
    query = _due_query(for_company=scope.company is not None, count=False)
    given = _due_given(scope, status, at, limit, but)
    if of is not None:
        query = query.where(effects.c.known_by.in_(of))
    rows = db.execute(query, given)
    return tuple(intent_of(row) for row in rows)


def _due_given(
    scope: Scope, status: Status, at: datetime, limit: int, but: Collection[IntentId]
) -> dict[str, object]:
    return scope.given() | {"status": status.value, "now": at, "most": limit, "but": list(but)}


@cache
def _due_query(*, for_company: bool, count: bool) -> Select[Any]:
    found = select(effects.c.effect if count else effects).where(
        *Scope.wanted(for_company=for_company),
        effects.c.status == bindparam("status"),
        effects.c.waits == 0,
        effects.c.due <= bindparam("now"),
        effects.c.effect.not_in(bindparam("but", expanding=True)),
    )
    return _some(found, count=count)


def _some(found: Select[Any], *, count: bool) -> Select[Any]:
    """Return the question for the first of them, or for how many there are up to so many."""
    if count:
        return select(func.count()).select_from(
            found.limit(bindparam("most", type_=Integer)).subquery()
        )
    # As the index is ordered, so that nothing is sorted for the sake of one batch.
    return found.order_by(effects.c.due, effects.c.effect).limit(bindparam("most", type_=Integer))


@dataclass(frozen=True, slots=True)
class Doubts:
    """How many effects one process put in doubt, and when the first and last of them are due."""

    number: int
    first: datetime
    last: datetime


def doubts_by_process(db: Connection, scope: Scope) -> dict[str, Doubts]:
    """Return what is in doubt, by the process that put it there."""
    of_company = [] if scope.company is None else [effects.c.company == scope.company]
    rows = db.execute(
        select(
            effects.c.known_by,
            func.count().label("number"),
            func.min(effects.c.due).label("first"),
            func.max(effects.c.due).label("last"),
        )
        .where(
            effects.c.run == scope.run,
            effects.c.status == Status.DOUBT.value,
            effects.c.waits == 0,
            *of_company,
        )
        .group_by(effects.c.known_by)
    )
    return {row.known_by: Doubts(row.number, row.first, row.last) for row in rows}


@dataclass(frozen=True, slots=True)
class Waiting:
    """When the first and the last of the effects in one status are due."""

    first: datetime
    last: datetime


def waiting(db: Connection, scope: Scope, status: Status) -> Waiting | None:
    """Return when effects in a status are due; of planned ones, those that wait for none."""
    begun = scope.begun and status is Status.PLANNED
    query = _waiting_query(begun=begun, for_company=scope.company is not None)
    first, last = db.execute(query, scope.given() | {"status": status.value}).one()
    return None if first is None else Waiting(first, last)


@cache
def _waiting_query(*, begun: bool, for_company: bool) -> Select[Any]:
    """Return the question for a kind of scope: built once, it is asked all the time."""
    due = select(effects.c.due).where(
        *Scope.wanted(for_company=for_company),
        effects.c.status == bindparam("status"),
        # Whatever was sent waited for none, so one index serves every status.
        effects.c.waits == 0,
    )
    if begun:
        due = due.where(effects.c.portal_id.is_not(None))
    # Ordered rather than min and max: each looks at one end of the index.
    first, last = due.order_by(effects.c.due), due.order_by(effects.c.due.desc())
    return select(first.limit(1).scalar_subquery(), last.limit(1).scalar_subquery())


def first_claim_end(db: Connection, scope: Scope) -> datetime | None:
    """Return when the first claim on an effect being sent ends, None when none is being sent."""
    return db.execute(
        _claim_query(for_company=scope.company is not None), scope.given()
    ).scalar_one_or_none()


@cache
def _claim_query(*, for_company: bool) -> Select[Any]:
    return select(func.min(effects.c.claim_until)).where(
        *Scope.wanted(for_company=for_company), effects.c.status == Status.SENDING.value
    )
