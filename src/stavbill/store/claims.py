"""Claims: who is sending an effect, and until when nobody else may touch it.

A claim's name is its owner's, with a number behind it: no two claims bear the same one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, tuple_, update

from stavbill.billing.facts import CompanyId
from stavbill.store.effects import IntentId, Status, lock_journal, waits_of
from stavbill.store.next_effects import Scope
from stavbill.store.runs import RunId
from stavbill.store.tables import effects

UNWITNESSED = "записан другим процессом: портал спрошен по ключу"


def claim(
    db: Connection, seen: Mapping[IntentId, int], *, name: str, at: datetime, until: datetime
) -> frozenset[IntentId]:
    """Claim planned effects and return those that were still free: they are being sent now.

    `seen` are the attempts that they had when they were read: what was sent since may stand in the
    portal in part, of which its reader knows nothing.
    """
    lock_journal(db)
    answer = db.execute(
        update(effects)
        .where(
            effects.c.effect.in_(list(seen)),
            tuple_(effects.c.effect, effects.c.attempts).in_(list(seen.items())),
            effects.c.status == Status.PLANNED.value,
            effects.c.waits == 0,
            effects.c.due <= at,
        )
        .values(
            status=Status.SENDING.value,
            claim_by=name,
            claim_until=until,
            sent_at=at,
            attempts=effects.c.attempts + 1,
        )
        .returning(effects.c.effect)
    )
    return frozenset(IntentId(row.effect) for row in answer)


def renew_claim(
    db: Connection, ids: Collection[IntentId], *, name: str, at: datetime, until: datetime
) -> bool:
    """Prolong a claim right before sending; False, and nothing changed, when any of it is lost."""
    lock_journal(db)
    held = (
        effects.c.effect.in_(ids),
        effects.c.status == Status.SENDING.value,
        effects.c.claim_by == name,
    )
    mine = db.execute(select(func.count()).select_from(effects).where(*held)).scalar_one()
    if mine != len(ids):
        return False
    db.execute(update(effects).where(*held).values(claim_until=until, sent_at=at))
    return True


def expire_claims(
    db: Connection, *, portal: str, by: str, at: datetime, late: timedelta, quiet: timedelta
) -> int:
    """Put effects in doubt whose sender is gone; return how many.

    That is sure when the claim has ended and so has the longest time (`late`) that the portal may
    still be executing it. The portal is asked `quiet` after the claim's end.
    """
    lock_journal(db)
    rows = db.execute(
        select(effects.c.effect, effects.c.claim_until).where(
            effects.c.portal == portal,
            effects.c.status == Status.SENDING.value,
            effects.c.claim_until <= at - late,
        )
    ).all()
    for row in rows:
        db.execute(
            update(effects)
            .where(effects.c.effect == row.effect)
            .values(
                status=Status.DOUBT.value,
                due=max(at, row.claim_until + quiet),
                detail="отправитель пропал, не дождавшись ответа",
                known_by=by,
            )
        )
    return len(rows)


def reopen_begun(db: Connection, portal: str, company: CompanyId, *, at: datetime) -> int:
    """Put a company's invoices in doubt of which only a first part stands; return how many.

    For a company that a person released: the portal is asked for them, and what is missing sent.
    """
    lock_journal(db)
    answer = db.execute(
        update(effects)
        .where(
            effects.c.portal == portal,
            effects.c.company == company,
            effects.c.kind == "put_invoice",
            effects.c.status == Status.REJECTED.value,
            effects.c.portal_id.is_not(None),
        )
        .values(status=Status.DOUBT.value, due=at, detail="отпущен человеком: дописывается")
    )
    return int(answer.rowcount)


def claim_ends(db: Connection, portal: str) -> dict[str, datetime]:
    """Return the claims under which something is being sent to a portal, with their ends."""
    rows = db.execute(
        select(effects.c.claim_by, func.max(effects.c.claim_until).label("end"))
        .where(effects.c.portal == portal, effects.c.status == Status.SENDING.value)
        .group_by(effects.c.claim_by)
    )
    return {row.claim_by: row.end for row in rows if row.claim_by}


def release_dead(
    db: Connection,
    *,
    portal: str,
    owners: Collection[str],
    by: str,
    at: datetime,
    quiet: timedelta,
) -> int:
    """Put in doubt what senders that are certainly gone were sending; return how many.

    Nobody sends these any more, so the end of the claim need not be awaited: the portal is asked
    `quiet` after now. The request left before that, though perhaps long after the claim was made.
    A sender that lives after all finds its claim lost, and refuses.
    """
    lock_journal(db)
    rows = db.execute(
        select(effects.c.effect, effects.c.claim_until).where(
            effects.c.portal == portal,
            effects.c.status == Status.SENDING.value,
            effects.c.claim_by.in_(owners),
        )
    ).all()
    for row in rows:
        db.execute(
            update(effects)
            .where(effects.c.effect == row.effect)
            .values(
                status=Status.DOUBT.value,
                due=max(at, min(at, row.claim_until) + quiet),
                detail="отправитель завершён, не дождавшись ответа",
                known_by=by,
            )
        )
    return len(rows)


def doubt_unwitnessed(db: Connection, scope: Scope, *, at: datetime, by: str, limit: int) -> int:
    """Put in doubt what processes planned whose word is not taken; return how many.

    A database that was put back shows as planned what stands in the portal since. The portal is
    asked `by` the process that doubts; what is not there is planned again by it.
    """
    lock_journal(db)
    of_company = [] if scope.company is None else [effects.c.company == scope.company]
    begun = [effects.c.portal_id.is_not(None)] if scope.begun else []
    some = (
        select(effects.c.effect)
        .where(
            effects.c.run == scope.run,
            effects.c.status == Status.PLANNED.value,
            effects.c.waits == 0,
            effects.c.due <= at,
            effects.c.known_by.not_in(scope.witnesses),
            *of_company,
            *begun,
        )
        .order_by(effects.c.rank, effects.c.due, effects.c.effect)
        .limit(limit)
    )
    answer = db.execute(
        update(effects)
        .where(effects.c.effect.in_(some.scalar_subquery()))
        .values(status=Status.DOUBT.value, due=at, detail=UNWITNESSED, known_by=by)
    )
    return int(answer.rowcount)


def has_unwitnessed(db: Connection, scope: Scope) -> bool:
    """Say whether a run plans effects that nobody knows to be missing whose word is taken."""
    of_company = [] if scope.company is None else [effects.c.company == scope.company]
    found = db.execute(
        select(effects.c.effect)
        .where(
            effects.c.run == scope.run,
            effects.c.status == Status.PLANNED.value,
            effects.c.known_by.not_in(scope.witnesses),
            *of_company,
        )
        .limit(1)
    ).first()
    return found is not None


def refresh_waits(db: Connection, run: RunId) -> None:
    """Count again how many predecessors the run's waiting effects wait for."""
    lock_journal(db)
    db.execute(
        update(effects)
        .where(
            effects.c.run == run,
            effects.c.status == Status.PLANNED.value,
            effects.c.waits > 0,
        )
        .values(waits=waits_of())
    )
