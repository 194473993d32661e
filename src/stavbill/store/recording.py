"""Recording a plan: intents stand in the store before anything is sent.

The same key with the same content is the same intent; with another content, once it may have been
sent, it is a contradiction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, insert, or_, select, update

from stavbill.billing.facts import CompanyId
from stavbill.plan.effects import Effect, EffectKey
from stavbill.store import bodies
from stavbill.store.database import update_each
from stavbill.store.effects import FAILED, RANKS, UNSETTLED, Status, lock_journal
from stavbill.store.parking import park
from stavbill.store.restored import is_restored_lately
from stavbill.store.runs import RunId, RunState
from stavbill.store.tables import companies, effect_after, effects, readings, runs

_FAILED = frozenset(status.value for status in FAILED)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A key that was sent with one content and is now wanted with another: nobody may guess."""

    key: EffectKey
    company: CompanyId
    status: Status


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many intents are new (or renewed), how many stood already, and what contradicts."""

    new: int
    same: int
    contradictions: tuple[Contradiction, ...] = ()


def record_effects(
    db: Connection, run: RunId, chunk: Sequence[Effect], *, portal: str, by: str, at: datetime
) -> Recorded:
    """Record the effects of some companies; those of one company belong into one call.

    `by` is the process that records them: it knows that they are not there, no other does.
    An intent that was never sent takes the new content and run, unless its run is being applied;
    fields and stages that are done are planned again. A company with a contradiction is parked and
    none of its effects is recorded. Raises `ValueError` for an effect after one that nobody knows.
    """
    lock_journal(db)
    bodies_now = {effect.key: bodies.EFFECT.write(effect) for effect in chunk}
    standing = _standing(db, portal, list(bodies_now))
    contradictions = tuple(
        Contradiction(effect.key, effect.company, Status(row.status))
        for effect in chunk
        if (row := standing.get(effect.key)) is not None
        and not _may_change(effect, row)
        and row.body != bodies_now[effect.key]
    )
    bad = {one.company for one in contradictions}
    for one in contradictions:
        reason = f"запись {one.key} уже отправлялась с другим содержанием"
        park(db, portal, one.company, reason=reason, run=run, at=at)
    # What a restored database does not remember may stand there: nobody knows that it does not.
    witness = "" if is_restored_lately(db, at) else by
    wanted = [effect for effect in chunk if effect.company not in bad]
    fresh = [e for e in wanted if (row := standing.get(e.key)) is None or _may_change(e, row)]
    rows = {
        e.key: _row(e, bodies_now[e.key], run=run, portal=portal, at=at) | {"known_by": witness}
        for e in fresh
    }
    _write(db, [rows[e.key] for e in fresh if e.key not in standing], rows, standing)
    _link(db, portal, fresh)
    return Recorded(len(fresh), len(wanted) - len(fresh), contradictions)


def _standing(db: Connection, portal: str, keys: Sequence[EffectKey]) -> dict[str, Row[Any]]:
    found = db.execute(
        select(effects, runs.c.state.label("run_state"))
        .join(runs, runs.c.run == effects.c.run)
        .where(effects.c.portal == portal, effects.c.key.in_(keys))
    )
    return {row.key: row for row in found}


def _may_change(effect: Effect, row: Row[Any]) -> bool:
    """Say whether the intent may take a new content: nothing of it is in the portal."""
    match Status(row.status):
        case Status.PLANNED:
            # A run that is being applied keeps what it has: it sends it in a moment.
            return row.portal_id is None and row.run_state != RunState.APPLYING.value
        case Status.REJECTED | Status.DROPPED:
            return row.portal_id is None or effect.repeat.is_state
        case Status.DONE | Status.DIFFERS:
            return effect.repeat.is_state
        case Status.SENDING | Status.DOUBT | Status.WRITTEN:
            return False


def _row(effect: Effect, body: str, *, run: RunId, portal: str, at: datetime) -> dict[str, object]:
    return {
        "key": effect.key,
        "portal": portal,
        "run": run,
        "company": effect.company,
        "kind": effect.kind,
        "rank": RANKS[effect.kind],
        "body": body,
        "status": Status.PLANNED.value,
        "waits": 0,
        "portal_id": None,
        "attempts": 0,
        "due": at,
        "detail": "",
    }


def _write(
    db: Connection,
    new: Sequence[Mapping[str, object]],
    rows: Mapping[EffectKey, Mapping[str, object]],
    standing: Mapping[str, Row[Any]],
) -> None:
    if new:
        db.execute(insert(effects), [dict(row) for row in new])
    again = [
        dict(row) | {"effect": standing[key].effect} for key, row in rows.items() if key in standing
    ]
    if again:
        update_each(db, effects, "effect", again)
        ids = [row["effect"] for row in again]
        db.execute(delete(effect_after).where(effect_after.c.effect.in_(ids)))


def _link(db: Connection, portal: str, fresh: Sequence[Effect]) -> None:
    """Say what comes after what, and how many each still waits for."""
    linked = [effect for effect in fresh if effect.after]
    if not linked:
        return
    keys = {key for effect in linked for key in (effect.key, *effect.after)}
    found = db.execute(
        select(effects.c.key, effects.c.effect, effects.c.status).where(
            effects.c.portal == portal, effects.c.key.in_(keys)
        )
    )
    known = {row.key: row for row in found}
    if missing := keys - known.keys():
        msg = f"effects after ones that were never planned: {sorted(missing)[:5]}"
        raise ValueError(msg)
    links = [
        {"effect": known[effect.key].effect, "after": known[key].effect}
        for effect in linked
        for key in dict.fromkeys(effect.after)
    ]
    db.execute(insert(effect_after), links)
    for effect in linked:
        before = [known[key].status for key in dict.fromkeys(effect.after)]
        waits = sum(status != Status.DONE.value for status in before)
        lost = any(status in _FAILED for status in before)
        values = {"waits": waits}
        change = update(effects).where(effects.c.effect == known[effect.key].effect)
        if lost:
            change = change.values(status=Status.DROPPED.value, detail="то, после чего, не вышло")
        if waits:
            db.execute(change.values(**values))


def touched_since_read(
    db: Connection, portal: str, run: RunId, ids: Collection[CompanyId]
) -> frozenset[CompanyId]:
    """Return companies that another run writes to, or wrote to after they were read.

    What was decided about them rests on an old picture. Everybody who asks and then records does
    so under the same lock, so of two that decided at the same time the second is told.
    """
    lock_journal(db)
    rows = db.execute(
        select(effects.c.company)
        .join(runs, runs.c.run == effects.c.run)
        .join(
            companies,
            (companies.c.portal == effects.c.portal) & (companies.c.company == effects.c.company),
        )
        .join(readings, readings.c.reading == companies.c.reading)
        .where(
            effects.c.portal == portal,
            effects.c.company.in_(ids),
            effects.c.run != run,
            or_(
                effects.c.status.in_([status.value for status in UNSETTLED]),
                and_(
                    effects.c.status == Status.PLANNED.value,
                    runs.c.state == RunState.APPLYING.value,
                ),
                effects.c.written_at >= readings.c.started,
            ),
        )
        .distinct()
    )
    return frozenset(CompanyId(row.company) for row in rows)


def drop_planned(
    db: Connection, run: RunId, *, at: datetime, detail: str, company: CompanyId | None = None
) -> int:
    """Drop what a run plans, for a company or for all; return how many effects.

    What stands in the portal in part is not dropped: it has to be completed.
    """
    lock_journal(db)
    only = [] if company is None else [effects.c.company == company]
    dropped = db.execute(
        update(effects)
        .where(
            effects.c.run == run,
            effects.c.status == Status.PLANNED.value,
            effects.c.portal_id.is_(None),
            *only,
        )
        .values(status=Status.DROPPED.value, detail=detail, due=at)
    )
    return dropped.rowcount
