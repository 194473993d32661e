"""The stage «Отправлен клиенту»: set only where an invoice still stands where billing put it.

A person moves invoices too, and a bank statement pays them: what stands elsewhere by now has been
moved on, and is left there. Source: delivery page; portal page, «Written».
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from stavbill.billing.facts import InvoiceState
from stavbill.bitrix.read.heads import read_heads
from stavbill.operations.parts import Parts
from stavbill.operations.reading import PortalFacts
from stavbill.plan.effects import InvoiceStage, PutStage
from stavbill.store.effects import Intent, Status, intents_after, settled_ids
from stavbill.store.runs import RunId
from stavbill.store.settling import Settlement, settle

SEVERAL = 2500
MOVED_ON = "счёт уже в другой стадии: она остаётся"
# What certainly is not on its way: of an effect in doubt the portal may be asked any time.
UNSENT = (Status.PLANNED, Status.DOUBT)


async def still_new(parts: Parts, portal: PortalFacts, invoices: Collection[int]) -> frozenset[int]:
    """Return those invoices, by portal id, that stand in the stage that billing gave them.

    Raises `PortalError` when the portal cannot be asked.
    """
    heads = await read_heads(parts.gateway, invoices)
    new = portal.shape.stage_codes(parts.stages).code(InvoiceStage.NEW)
    live = portal.shape.meaning.state(new) is InvoiceState.LIVE
    return frozenset(key for key, head in heads.items() if live and head.stage == new)


async def drop_outrun_stages(parts: Parts, portal: PortalFacts, runs: Sequence[RunId]) -> int:
    """Drop stages that a run was to set before it was killed and that were outrun; return how many.

    Applied hours later they would set a paid invoice back. Raises `PortalError` when the portal
    cannot be asked; then nothing is dropped, and nothing may be applied.
    """
    dropped = 0
    for run in runs:
        after = 0
        while unsent := _unsent(parts, run, after):
            after = int(unsent[-1].intent)
            dropped += await _drop(parts, portal, unsent)
    return dropped


def _unsent(parts: Parts, run: RunId, after: int) -> tuple[Intent, ...]:
    with parts.store.read() as db:
        return intents_after(db, run, after=after, limit=SEVERAL, statuses=UNSENT)


async def _drop(parts: Parts, portal: PortalFacts, unsent: Sequence[Intent]) -> int:
    stages = {one.intent: one for one in unsent if isinstance(one.effect, PutStage)}
    if not stages:
        return 0
    with parts.store.read() as db:
        known = settled_ids(db, list(stages.values()))
    ids = {intent: next(iter(found.values()), 0) for intent, found in known.items()}
    fresh = await still_new(parts, portal, [one for one in ids.values() if one])
    outrun = [one for key, one in stages.items() if ids[key] not in fresh]
    now = parts.now()
    with parts.store.write() as db:
        # One that another process began to send meanwhile has more attempts, and is left to it.
        moved = settle(
            db,
            [
                Settlement(
                    intent=one.intent,
                    status=Status.DROPPED,
                    what="dropped",
                    due=now,
                    detail=MOVED_ON,
                )
                for one in outrun
            ],
            come_from=UNSENT,
            claim=None,
            at=now,
            seen={one.intent: one.attempts for one in outrun},
        )
    return len(moved)
