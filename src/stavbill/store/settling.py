"""Settling: what was learned about a chunk of effects, and everything that follows from it.

One transaction moves the effects, wakes or drops those that come after them, parks companies,
consumes credits and writes receipts, so that a crash never leaves half of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from stavbill.billing.facts import CompanyId
from stavbill.plan.effects import NO_COMPANY, PutInvoice
from stavbill.plan.keys import PARKING_PREFIX
from stavbill.store import bodies
from stavbill.store.credits import use_credits
from stavbill.store.database import update_each
from stavbill.store.effects import FAILED, IntentId, Status, lock_journal, waits_of
from stavbill.store.parking import park, parked_reasons
from stavbill.store.tables import effect_after, effects, receipts

_EXISTS = frozenset({Status.WRITTEN, Status.DONE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What was learned about one effect and where it goes.

    `what` names the outcome in receipts; `portal_id` None leaves a known one. `due` is when it is
    looked at again. `parks` says that its company is contradictory: it waits for a person.
    """

    intent: IntentId
    status: Status
    what: str
    due: datetime
    portal_id: int | None = None
    detail: str = ""
    parks: bool = False


def settle(
    db: Connection,
    settlements: Sequence[Settlement],
    *,
    come_from: Collection[Status],
    claim: str | None,
    at: datetime,
    seen: Mapping[IntentId, int] | None = None,
    by: str | None = None,
) -> dict[IntentId, Status]:
    """Move effects on and return where they stand; ones that others moved meanwhile are absent.

    Only effects in one of the statuses `come_from` are moved, and with `claim` only those that
    were claimed under this name last. An effect going back to PLANNED whose company is parked is
    dropped, unless a part of it stands already. `seen` are the attempts that the effects had when
    the portal was asked about them: an answer says nothing of what was sent since. `by` is the
    process that learned it, and knows from now on whether the effects are there.
    """
    lock_journal(db)
    known = _known(db, [one.intent for one in settlements], come_from, claim)
    if seen is not None:
        known = {key: row for key, row in known.items() if row.attempts == seen[key]}
    moved = [one for one in settlements if one.intent in known]
    companies = {CompanyId(known[one.intent].company) for one in moved}
    portals = {row.portal for row in known.values()}
    for one in moved:
        row = known[one.intent]
        if one.parks and row.company != NO_COMPANY:
            reason = f"{row.key}: {one.detail}"
            park(db, row.portal, row.company, reason=reason, run=row.run, at=at)
    closed = {company for portal in portals for company in parked_reasons(db, portal, companies)}
    final = {one.intent: _final(one, known[one.intent], closed) for one in moved}
    _move(db, moved, final, known, at=at, by=by)
    _write_receipts(db, moved, final, known, at)
    _use_credits(db, final, known, at)
    for row in {known[one.intent].run: known[one.intent] for one in moved}.values():
        _drop_parked(db, row, closed, at)
    _wake(db, [one for one, status in final.items() if status is Status.DONE])
    _drop_after(db, [one for one, status in final.items() if status in FAILED], at)
    return final


def _known(
    db: Connection,
    ids: Collection[IntentId],
    come_from: Collection[Status],
    claim: str | None,
) -> dict[IntentId, Row[Any]]:
    query = select(effects).where(
        effects.c.effect.in_(ids),
        effects.c.status.in_([status.value for status in come_from]),
    )
    if claim is not None:
        query = query.where(effects.c.claim_by == claim)
    return {IntentId(row.effect): row for row in db.execute(query)}


def _final(one: Settlement, row: Row[Any], closed: Collection[CompanyId]) -> Status:
    stands_in_part = one.portal_id is not None or row.portal_id is not None
    tells = row.key.startswith(PARKING_PREFIX)
    if one.status is Status.PLANNED and row.company in closed and not (stands_in_part or tells):
        return Status.DROPPED
    return one.status


def _move(
    db: Connection,
    moved: Sequence[Settlement],
    final: dict[IntentId, Status],
    known: dict[IntentId, Row[Any]],
    *,
    at: datetime,
    by: str | None,
) -> None:
    rows = [
        {
            "effect": one.intent,
            "known_by": known[one.intent].known_by if by is None else by,
            "status": final[one.intent].value,
            "portal_id": known[one.intent].portal_id if one.portal_id is None else one.portal_id,
            "written_at": known[one.intent].written_at
            or (at if final[one.intent] in _EXISTS else None),
            "due": one.due,
            "detail": one.detail,
        }
        for one in moved
    ]
    update_each(db, effects, "effect", rows)


def _write_receipts(
    db: Connection,
    moved: Sequence[Settlement],
    final: dict[IntentId, Status],
    known: dict[IntentId, Row[Any]],
    at: datetime,
) -> None:
    rows = [
        {
            "run": known[one.intent].run,
            "key": known[one.intent].key,
            "company": known[one.intent].company,
            "what": one.what if final[one.intent] is one.status else "dropped",
            "portal_id": one.portal_id,
            "detail": one.detail,
            "at": at,
        }
        for one in moved
    ]
    if rows:
        db.execute(insert(receipts), rows)


def _use_credits(
    db: Connection, final: dict[IntentId, Status], known: dict[IntentId, Row[Any]], at: datetime
) -> None:
    for intent, status in final.items():
        row = known[intent]
        if status in _EXISTS and row.kind == "put_invoice":
            effect = bodies.EFFECT.read(row.body)
            if isinstance(effect, PutInvoice):
                use_credits(db, effect.key, effect.draft.credits, at=at)


def _drop_parked(
    db: Connection, row: Row[Any], closed: Collection[CompanyId], at: datetime
) -> None:
    """Drop what a run still planned for parked companies.

    What stands in part goes on, and so does the task that tells a person of the parking.
    """
    if not closed:
        return
    dropped = db.execute(
        update(effects)
        .where(
            effects.c.run == row.run,
            effects.c.portal == row.portal,
            effects.c.company.in_(closed),
            effects.c.status == Status.PLANNED.value,
            effects.c.portal_id.is_(None),
            effects.c.key.not_like(f"{PARKING_PREFIX}%"),
        )
        .values(status=Status.DROPPED.value, detail="компания отложена", due=at)
        .returning(effects.c.effect)
    )
    _drop_after(db, [IntentId(one.effect) for one in dropped], at)


def _wake(db: Connection, done: Collection[IntentId]) -> None:
    """Count again what those wait for that come after effects which are done."""
    if not done:
        return
    woken = select(effect_after.c.effect).where(effect_after.c.after.in_(done))
    db.execute(update(effects).where(effects.c.effect.in_(woken)).values(waits=waits_of()))


def _drop_after(db: Connection, lost: Collection[IntentId], at: datetime) -> None:
    """Drop what comes after effects that will not happen, and what comes after that."""
    level = list(lost)
    while level:
        behind = select(effect_after.c.effect).where(effect_after.c.after.in_(level))
        dropped = db.execute(
            update(effects)
            .where(effects.c.effect.in_(behind), effects.c.status == Status.PLANNED.value)
            .values(status=Status.DROPPED.value, detail="то, после чего, не вышло", due=at)
            .returning(effects.c.effect)
        )
        level = [IntentId(row.effect) for row in dropped]
