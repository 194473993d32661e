"""Intents: effects as they stand in the store, their statuses, and the questions asked of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, NewType

from sqlalchemy import (
    Connection,
    Row,
    ScalarSelect,
    func,
    select,
    text,
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
    # One command each: they fill their batches together.
    "put_stage": 1,
    "put_fields": 1,
    "add_timeline": 1,
    "open_task": 4,
    "mend_task": 5,
    "post_message": 6,
    "put_mark": 7,
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
