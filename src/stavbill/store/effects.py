"""Intents: effects as they stand in the store, their statuses, and the questions asked of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, NewType

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Integer,
    Row,
    ScalarSelect,
    Select,
    bindparam,
    func,
    literal,
    select,
    text,
    union_all,
)

from stavbill.billing.facts import CompanyId
from stavbill.plan.effects import Effect, EffectKey, PutStage
from stavbill.store import bodies
from stavbill.store.runs import RunId
from stavbill.store.tables import effect_after, effects, receipts

IntentId = NewType("IntentId", int)

# The order in which kinds are sent: invoices first, then what can wait.
RANKS: dict[str, int] = {
    "put_invoice": 0,
    "put_stage": 1,
    "put_fields": 2,
    "add_timeline": 3,
    "open_task": 4,
    "mend_task": 5,
    "post_message": 6,
}
# Kinds whose effects are states that may be set again at any time (`Repeat.is_state`).
STATES = ("put_fields", "put_stage")


class Status(Enum):
    """How far an effect came. Planned means: certainly not there, or only a part of it."""

    PLANNED = "planned"
    SENDING = "sending"
    DOUBT = "doubt"
    WRITTEN = "written"
    DONE = "done"
    REJECTED = "rejected"
    DIFFERS = "differs"
    DROPPED = "dropped"


UNSETTLED = frozenset({Status.SENDING, Status.DOUBT, Status.WRITTEN})
FAILED = frozenset({Status.REJECTED, Status.DIFFERS, Status.DROPPED})
ENDED = FAILED | {Status.DONE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """An effect with what became of it so far.

    `portal_id` is known when its object, or a first part of it, stands in the portal. Nothing
    happens to it before `due`. `written_at` is when it was first known to be written.
    """

    intent: IntentId
    effect: Effect
    run: RunId
    status: Status
    portal_id: int | None
    attempts: int
    due: datetime
    written_at: datetime | None
    detail: str

    @property
    def key(self) -> EffectKey:
        """The effect's key."""
        return self.effect.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One outcome, as it was learned; receipts are only ever added."""

    key: EffectKey
    company: CompanyId
    what: str
    portal_id: int | None
    detail: str
    at: datetime


def lock_journal(db: Connection) -> None:
    """Let one process at a time change intents, so that none waits for another in a circle.

    SQLite's write transactions do so by themselves. The lock ends with the transaction.
    """
    if db.dialect.name == "postgresql":
        db.execute(text("SELECT pg_advisory_xact_lock(7220311)"))


def waits_of() -> ScalarSelect[int]:
    """Return the subquery that counts how many predecessors of an effect are not done yet."""
    before = effects.alias("before")
    return (
        select(func.count())
        .select_from(effect_after)
        .join(before, before.c.effect == effect_after.c.after)
        .where(effect_after.c.effect == effects.c.effect, before.c.status != Status.DONE.value)
        .scalar_subquery()
    )


def intent_of(row: Row[Any]) -> Intent:
    """Return the intent in a row of `effects`."""
    return Intent(
        intent=IntentId(row.effect),
        effect=bodies.EFFECT.read(row.body),
        run=RunId(row.run),
        status=Status(row.status),
        portal_id=row.portal_id,
        attempts=row.attempts,
        due=row.due,
        written_at=row.written_at,
        detail=row.detail,
    )


@dataclass(frozen=True, slots=True)
class Scope:
    """Which effects are meant: those of a run, only those of them that are `begun`, one company's.

    Begun ones stand in the portal in part.
    """

    run: RunId
    begun: bool = False
    company: CompanyId | None = None

    def given(self) -> dict[str, object]:
        """Return the values of what `wanted` leaves open."""
        return {"wanted_run": self.run, "wanted_company": self.company}

    @staticmethod
    def wanted(*, for_company: bool) -> list[ColumnElement[bool]]:
        """Return the conditions on `effects` of every status, for a statement that is made once."""
        of_company = [effects.c.company == bindparam("wanted_company")] if for_company else []
        return [effects.c.run == bindparam("wanted_run"), *of_company]


def ready_ranks(db: Connection, scope: Scope, *, at: datetime) -> tuple[int, ...]:
    """Return the ranks of which anything may be sent now, in their order: one look at each."""
    query = _ranks_query(begun=scope.begun, for_company=scope.company is not None)
    return tuple(sorted(db.execute(query, scope.given() | {"now": at}).scalars()))


@cache
def _ranks_query(*, begun: bool, for_company: bool) -> CompoundSelect[int]:
    """Return the question for a kind of scope: it is asked whenever anything may have changed."""
    ready = select(effects.c.effect).where(
        *Scope.wanted(for_company=for_company),
        effects.c.status == Status.PLANNED.value,
        effects.c.waits == 0,
        effects.c.due <= bindparam("now"),
    )
    if begun:
        ready = ready.where(effects.c.portal_id.is_not(None))
    return union_all(
        *(
            select(literal(rank)).where(ready.where(effects.c.rank == rank).exists())
            for rank in RANKS.values()
        )
    )


def ready_count(db: Connection, scope: Scope, rank: int, *, at: datetime, limit: int) -> int:
    """Return how many effects of a rank may be sent now, counting up to `limit`."""
    query = _ready_query(begun=scope.begun, for_company=scope.company is not None, count=True)
    given = scope.given() | {"rank": rank, "now": at, "most": limit}
    return int(db.execute(query, given).scalar_one())


def ready_intents(
    db: Connection, scope: Scope, rank: int, *, at: datetime, limit: int
) -> tuple[Intent, ...]:
    """Return the next effects of a rank that may be sent now: due, and waiting for none."""
    query = _ready_query(begun=scope.begun, for_company=scope.company is not None, count=False)
    given = scope.given() | {"rank": rank, "now": at, "most": limit}
    return tuple(intent_of(row) for row in db.execute(query, given))


@cache
def _ready_query(*, begun: bool, for_company: bool, count: bool) -> Select[Any]:
    found = select(effects.c.effect if count else effects).where(
        *Scope.wanted(for_company=for_company),
        effects.c.status == Status.PLANNED.value,
        effects.c.waits == 0,
        effects.c.rank == bindparam("rank"),
        effects.c.due <= bindparam("now"),
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
) -> tuple[Intent, ...]:
    """Return effects in a status (DOUBT, WRITTEN) that are due, the longest due first."""
    query = _due_query(for_company=scope.company is not None, count=False)
    rows = db.execute(query, _due_given(scope, status, at, limit, but))
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


def settled_ids(db: Connection, intents: Sequence[Intent]) -> dict[IntentId, dict[EffectKey, int]]:
    """Return, for each effect, the portal ids of those that it comes after or names, by key."""
    known: dict[IntentId, dict[EffectKey, int]] = {one.intent: {} for one in intents}
    if any(one.effect.after for one in intents):
        rows = db.execute(
            select(effect_after.c.effect, effects.c.key, effects.c.portal_id)
            .join(effects, effects.c.effect == effect_after.c.after)
            .where(effect_after.c.effect.in_(known), effects.c.portal_id.is_not(None))
        )
        for row in rows:
            known[IntentId(row.effect)][EffectKey(row.key)] = row.portal_id
    named = {one.effect.invoice for one in intents if isinstance(one.effect, PutStage)}
    if named:
        portal = select(effects.c.portal).where(effects.c.effect == intents[0].intent)
        rows = db.execute(
            select(effects.c.key, effects.c.portal_id).where(
                effects.c.portal == portal.scalar_subquery(),
                effects.c.key.in_(named),
                effects.c.portal_id.is_not(None),
            )
        )
        ids = {EffectKey(row.key): int(row.portal_id) for row in rows}
        for one in intents:
            if isinstance(one.effect, PutStage) and one.effect.invoice in ids:
                known[one.intent][one.effect.invoice] = ids[one.effect.invoice]
    return known


def counts_by_status(db: Connection, run: RunId) -> dict[Status, int]:
    """Return how many effects of a run stand where; statuses without any are absent."""
    rows = db.execute(
        select(effects.c.status, func.count().label("effects"))
        .where(effects.c.run == run)
        .group_by(effects.c.status)
    )
    return {Status(row.status): row.effects for row in rows}


def counts_by_kind(db: Connection, run: RunId) -> dict[tuple[str, Status], int]:
    """Return how many effects of a run stand where, by (kind, status)."""
    rows = db.execute(
        select(effects.c.kind, effects.c.status, func.count().label("effects"))
        .where(effects.c.run == run)
        .group_by(effects.c.kind, effects.c.status)
        .order_by(effects.c.kind)
    )
    return {(row.kind, Status(row.status)): row.effects for row in rows}


def intents_after(
    db: Connection,
    run: RunId,
    *,
    after: int = 0,
    limit: int = 100,
    statuses: Iterable[Status] = (),
    company: CompanyId | None = None,
) -> tuple[Intent, ...]:
    """Return a run's next effects, those after an id, of some statuses or one company."""
    query = select(effects).where(effects.c.run == run, effects.c.effect > after)
    if wanted := [status.value for status in statuses]:
        query = query.where(effects.c.status.in_(wanted))
    if company is not None:
        query = query.where(effects.c.company == company)
    rows = db.execute(query.order_by(effects.c.effect).limit(limit))
    return tuple(intent_of(row) for row in rows)


def receipts_after(
    db: Connection, run: RunId, *, after: int = 0, limit: int = 100
) -> tuple[tuple[int, Receipt], ...]:
    """Return a run's next receipts with their numbers, those after a number."""
    rows = db.execute(
        select(receipts)
        .where(receipts.c.run == run, receipts.c.receipt > after)
        .order_by(receipts.c.receipt)
        .limit(limit)
    )
    return tuple(
        (
            row.receipt,
            Receipt(
                key=EffectKey(row.key),
                company=CompanyId(row.company),
                what=row.what,
                portal_id=row.portal_id,
                detail=row.detail,
                at=row.at,
            ),
        )
        for row in rows
    )
