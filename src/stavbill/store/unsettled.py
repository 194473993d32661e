"""What is settled and what is not, by company and by run: asked before anything is decided."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, func, or_, select

from stavbill.billing.facts import CompanyId
from stavbill.plan.effects import EffectKey
from stavbill.store.effects import STATES, UNSETTLED, Status
from stavbill.store.runs import RunId, RunState
from stavbill.store.tables import effects, runs

# People work in the portal meanwhile: a plan that lay about for so long is decided again.
PLAN_LASTS = timedelta(hours=6)
# A long run is not an old one as long as it sends something.
IDLE = timedelta(minutes=30)


def settled_keys(
    db: Connection, portal: str, companies: Collection[CompanyId]
) -> dict[CompanyId, frozenset[EffectKey]]:
    """Return the keys that are known to be done, by company.

    Fields and stages are not among them: they are states, and may have to be set again.
    """
    rows = db.execute(
        select(effects.c.company, effects.c.key).where(
            effects.c.portal == portal,
            effects.c.company.in_(companies),
            effects.c.status == Status.DONE.value,
            effects.c.kind.not_in(STATES),
        )
    )
    keys: dict[CompanyId, set[EffectKey]] = {}
    for row in rows:
        keys.setdefault(CompanyId(row.company), set()).add(EffectKey(row.key))
    return {company: frozenset(found) for company, found in keys.items()}


def unsettled_companies(
    db: Connection, portal: str, companies: Collection[CompanyId]
) -> frozenset[CompanyId]:
    """Return those companies for which an effect is being sent, in doubt, or not read back yet."""
    rows = db.execute(
        select(effects.c.company)
        .where(
            effects.c.portal == portal,
            effects.c.company.in_(companies),
            effects.c.status.in_([status.value for status in UNSETTLED]),
        )
        .distinct()
    )
    return frozenset(CompanyId(row.company) for row in rows)


def unsettled_runs(db: Connection, portal: str) -> tuple[RunId, ...]:
    """Return the runs with effects being sent, in doubt or not read back yet, the oldest first."""
    rows = db.execute(
        select(effects.c.run, func.min(effects.c.effect).label("first"))
        .where(
            effects.c.portal == portal,
            effects.c.status.in_([status.value for status in UNSETTLED]),
        )
        .group_by(effects.c.run)
        .order_by(func.min(effects.c.effect))
    )
    return tuple(RunId(row.run) for row in rows)


def open_runs_of(db: Connection, portal: str, company: CompanyId) -> tuple[RunId, ...]:
    """Return the runs that write to a company, the oldest first.

    They have unsettled effects for it, or planned ones while they are being applied.
    """
    rows = db.execute(
        select(effects.c.run, func.min(effects.c.effect).label("first"))
        .join(runs, runs.c.run == effects.c.run)
        .where(
            effects.c.portal == portal,
            effects.c.company == company,
            or_(
                effects.c.status.in_([status.value for status in UNSETTLED]),
                and_(
                    effects.c.status == Status.PLANNED.value,
                    runs.c.state == RunState.APPLYING.value,
                ),
            ),
        )
        .group_by(effects.c.run)
        .order_by(func.min(effects.c.effect))
    )
    return tuple(RunId(row.run) for row in rows)


def is_stale(db: Connection, run: RunId, *, at: datetime) -> bool:
    """Say whether what a run plans has to be decided again: it is old, and nobody sends it."""
    started = db.execute(select(runs.c.started).where(runs.c.run == run)).scalar_one_or_none()
    if started is None or at - started <= PLAN_LASTS:
        return False
    sent = db.execute(
        select(func.max(effects.c.sent_at)).where(effects.c.run == run)
    ).scalar_one_or_none()
    return sent is None or at - sent > IDLE
