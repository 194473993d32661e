"""How far effects came that are known by their key: whether somebody was told already."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select

from stavbill.billing.facts import CompanyId
from stavbill.plan.effects import EffectKey
from stavbill.store.effects import Status
from stavbill.store.runs import RunState
from stavbill.store.tables import effects, runs


@dataclass(frozen=True, slots=True)
class Telling:
    """An effect that stands in the store; `portal_id` is known when its object stands."""

    status: Status
    portal_id: int | None
    run_state: RunState

    @property
    def is_open(self) -> bool:
        """Whether it is only planned, and nobody is about to send it."""
        return self.status is Status.PLANNED and self.run_state is not RunState.APPLYING


def tellings(db: Connection, portal: str, keys: Collection[EffectKey]) -> dict[EffectKey, Telling]:
    """Return those of the effects that were ever recorded, by key."""
    rows = db.execute(
        select(effects.c.key, effects.c.status, effects.c.portal_id, runs.c.state)
        .join(runs, runs.c.run == effects.c.run)
        .where(effects.c.portal == portal, effects.c.key.in_(keys))
    )
    return {
        EffectKey(row.key): Telling(Status(row.status), row.portal_id, RunState(row.state))
        for row in rows
    }


@dataclass(frozen=True, slots=True)
class StandingTask:
    """A task that was opened: its effect's key, whose it is, and its id in the portal."""

    name: str
    company: CompanyId
    task: int


def standing_tasks(
    db: Connection, portal: str, companies: Collection[CompanyId], beginning: EffectKey
) -> tuple[StandingTask, ...]:
    """Return the tasks of some companies whose key begins so, closed ones too."""
    rows = db.execute(
        select(effects.c.key, effects.c.company, effects.c.portal_id).where(
            effects.c.portal == portal,
            effects.c.company.in_(companies),
            effects.c.kind == "open_task",
            effects.c.status == Status.DONE.value,
            effects.c.key.startswith(beginning, autoescape=True),
            effects.c.portal_id.is_not(None),
        )
    )
    return tuple(StandingTask(row.key, CompanyId(row.company), row.portal_id) for row in rows)
