"""The difference between what was decided and what stands: the effects that are still missing.

Source: style of the house §3 step 4; portal page, «Written»; billing rules §9.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date

from stavbill.billing.decision import Bill, Decision, Hold, HoldReason, InvoiceDraft, Skip
from stavbill.billing.decision import SkipReason as Why
from stavbill.billing.policy import begins_with, plain
from stavbill.plan.checklists import ChecklistChange, mend, tick_all
from stavbill.plan.effects import (
    AddTimeline,
    Effect,
    EffectKey,
    InvoiceStage,
    ItemText,
    MendTask,
    OpenTask,
    PutFields,
    PutInvoice,
)
from stavbill.plan.item_keys import key_of
from stavbill.plan.keys import PARKING_PREFIX, format_invoice_key
from stavbill.plan.markup import as_text
from stavbill.plan.sentences import (
    address_task_text,
    billed_text,
    call_item_text,
    held_text,
    hold_item_texts,
    hold_task_text,
    invoice_comment,
    parked_task_text,
)
from stavbill.plan.shared_causes import SharedCause, own_reasons
from stavbill.plan.standing import Standing, StandingTask
from stavbill.plan.texts import hold_code

HOLD_TAG = "stavbill-hold"
ADDRESS_TAG = "stavbill-address"
PARKED_TAG = "stavbill-parked"
ADDRESS_CODES = frozenset({"no_recipient", "recipient_unusable"})
# These skips say nothing about the company's hold reasons: nobody looked for them.
UNJUDGED_SKIPS = frozenset({Why.NOT_ITS_DAY, Why.POSTPONED, Why.NOT_PASSED})


@dataclass(frozen=True, slots=True)
class DiffOptions:
    """What the run adds: the day by which tasks shall be done, and names of conserved units.

    `shared` are the causes that the operator is told of once, instead of each company's people.
    """

    due: date | None = None
    conserved_units: tuple[str, ...] = ()
    shared: frozenset[SharedCause] = frozenset()


NO_OPTIONS = DiffOptions()


def diff(
    decision: Decision, standing: Standing, on: date, options: DiffOptions = NO_OPTIONS
) -> tuple[Effect, ...]:
    """Return the effects that make `decision` true, none when it is true already.

    A parked company, and one with effects still in doubt, gets none at all.

    Source: style of the house §3; beyond 3.
    """
    if standing.parked is not None or standing.unsettled:
        return ()
    effects = _effects(decision, standing, on, options)
    return tuple(effect for effect in effects if effect.key not in standing.settled)


def _effects(
    decision: Decision, standing: Standing, on: date, options: DiffOptions
) -> list[Effect]:
    match decision:
        case Bill():
            return _for_bill(decision, standing, on, options)
        case Hold():
            return _for_hold(decision, standing, on, options)
        case Skip(reason=reason):
            if reason in UNJUDGED_SKIPS:
                return []
            return _close(standing.hold_task, standing, on, ())


def vanished_invoices(decision: Decision, standing: Standing) -> tuple[EffectKey, ...]:
    """Return keys of invoices that the journal wrote and the portal no longer holds.

    Billing them again would need a person's word: somebody deleted them.

    Source: beyond 3 (parking).
    """
    if not isinstance(decision, Bill):
        return ()
    keys = (format_invoice_key(draft.key) for draft in decision.drafts)
    return tuple(key for key in keys if key in standing.settled)


def parking_task(standing: Standing, reason: str, due: date) -> OpenTask:
    """Return the one task that tells a person why nothing is written for a parked company.

    Source: beyond 3; style of the house §5 (park, one task).
    """
    mark = hashlib.sha256(reason.encode()).hexdigest()[:10]
    title, description, item = parked_task_text(standing, reason)
    return OpenTask(
        key=EffectKey(f"{PARKING_PREFIX}{standing.company}:{mark}"),
        company=standing.company,
        title=title,
        description=description,
        tag=PARKED_TAG,
        responsible=standing.responsible,
        items=(item,),
        due=due,
    )


def _for_bill(bill: Bill, standing: Standing, on: date, options: DiffOptions) -> list[Effect]:
    invoices = [_put_invoice(draft, bill, standing) for draft in bill.drafts]
    keys = tuple(invoice.key for invoice in invoices)
    effects: list[Effect] = [*invoices]
    through = max(draft.period.billed_through for draft in bill.drafts)
    effects.extend(_fields(standing, bill.card_count, through, on, keys))
    key = EffectKey("timeline:" + "|".join(keys))
    text = billed_text(bill)
    effects.append(AddTimeline(key=key, company=bill.company, text=text, after=keys))
    if bill.held:
        effects.extend(_hold_effects(bill.held, standing, on, options))
    else:
        effects.extend(_close(standing.hold_task, standing, on, keys))
    effects.extend(_address_effects(bill, standing, on, options))
    effects.extend(_call_effects(standing, on, options))
    return effects


def _put_invoice(draft: InvoiceDraft, bill: Bill, standing: Standing) -> PutInvoice:
    return PutInvoice(
        key=format_invoice_key(draft.key),
        company=bill.company,
        draft=draft,
        comment=invoice_comment(draft, bill),
        stage=InvoiceStage.PAID if draft.is_paid_by_credits else InvoiceStage.NEW,
        responsible=standing.responsible,
    )


def _for_hold(hold: Hold, standing: Standing, on: date, options: DiffOptions) -> list[Effect]:
    effects: list[Effect] = [*_fields(standing, hold.card_count, None, on, ())]
    effects.extend(_hold_effects(hold.reasons, standing, on, options))
    effects.extend(_call_effects(standing, on, options))
    return effects


def _fields(
    standing: Standing,
    card_count: int | None,
    through: date | None,
    on: date,
    after: tuple[EffectKey, ...],
) -> list[Effect]:
    """Return the card's fields that differ; «billed through» never moves back (portal page)."""
    count = card_count if card_count != standing.card_count else None
    known = standing.billed_through
    moves_on = through is not None and (known is None or known < through)
    ends = through if standing.has_billed_through_field and moves_on else None
    if count is None and ends is None:
        return []
    key = EffectKey(f"fields:{standing.company}:{on}:{count}:{ends}")
    company = standing.company
    return [PutFields(key=key, company=company, card_count=count, billed_through=ends, after=after)]


def _hold_effects(
    reasons: tuple[HoldReason, ...], standing: Standing, on: date, options: DiffOptions
) -> list[Effect]:
    """One open task for all reasons, an item each, and a timeline entry that says why (§9).

    Reasons that many companies share are left out (§11). While there are any, no item is ticked:
    they may hide whether the card is mended.
    """
    known, reasons = len(reasons), own_reasons(reasons, options.shared)
    if not reasons:
        return []
    codes = _item_codes(reasons)
    items = tuple(
        ItemText(code, text) for code, text in zip(codes, hold_item_texts(reasons), strict=True)
    )
    effects: list[Effect] = []
    if standing.hold_task is None:
        title, description = hold_task_text(standing)
        effects.append(
            OpenTask(
                key=EffectKey(f"hold:{standing.company}:{on}"),
                company=standing.company,
                title=title,
                description=description,
                tag=HOLD_TAG,
                responsible=standing.responsible,
                items=items,
                due=options.due,
            )
        )
    else:
        change = mend(standing.hold_task, items, tick=len(reasons) == known)
        effects.extend(_mended(standing.hold_task, change, standing, on))
    told = hashlib.sha256("|".join(sorted(codes)).encode()).hexdigest()[:10]
    key = EffectKey(f"timeline:hold:{standing.company}:{on:%Y-%m}:{told}")
    effects.append(AddTimeline(key=key, company=standing.company, text=held_text(reasons)))
    return effects


def _item_codes(reasons: tuple[HoldReason, ...]) -> list[str]:
    """Return a code for each reason, no two the same: an item is known again by its code."""
    codes: list[str] = []
    for reason in reasons:
        code = _item_code(hold_code(reason))
        again = sum(known == code or known.startswith(f"{code}--") for known in codes)
        codes.append(f"{code}--{again + 1}" if again else code)
    return codes


def _item_code(code: str) -> str:
    """Return `code`, a short hash for a label as people wrote it: what older items bear."""
    if key_of(f"[{code}]") == code:
        return code
    return f"field-{hashlib.sha256(code.encode()).hexdigest()[:8]}"


def _mended(
    task: StandingTask, change: ChecklistChange, standing: Standing, on: date
) -> list[Effect]:
    if change.is_empty:
        return []
    return [
        MendTask(
            key=EffectKey(f"mend:{task.task}:{on}:{change.mark}"),
            company=standing.company,
            task=task.task,
            add=change.add,
            tick=change.tick,
            renew=change.renew,
            update=change.update,
        )
    ]


def _close(
    task: StandingTask | None, standing: Standing, on: date, after: tuple[EffectKey, ...]
) -> list[Effect]:
    """Tick what is open and complete the task: the company passes (§9)."""
    if task is None:
        return []
    return [
        MendTask(
            key=EffectKey(f"close:{task.task}:{on}"),
            company=standing.company,
            task=task.task,
            tick=tick_all(task),
            complete=True,
            after=after,
        )
    ]


def _address_effects(
    bill: Bill, standing: Standing, on: date, options: DiffOptions
) -> list[Effect]:
    """Return the task «mend the address» when the invoice cannot be sent everywhere (§9)."""
    wrong = tuple(note for note in bill.warnings if note.code in ADDRESS_CODES)
    if not wrong:
        return _close(standing.address_task, standing, on, ())
    title, description, items = address_task_text(standing, wrong)
    if standing.address_task is not None:
        change = mend(standing.address_task, items)
        return _mended(standing.address_task, change, standing, on)
    return [
        OpenTask(
            key=EffectKey(f"address:{standing.company}:{on}"),
            company=standing.company,
            title=title,
            description=description,
            tag=ADDRESS_TAG,
            responsible=standing.responsible,
            items=items,
            due=options.due,
        )
    ]


def _call_effects(standing: Standing, on: date, options: DiffOptions) -> list[Effect]:
    """Return the conserved units that the planned call does not list yet (objects page, 6).

    What a person wrote about a unit stands: an item that begins with the unit's name is enough,
    one that begins with a longer name («ДЖОНДИР 60» for «ДЖОНДИР 6») is not.
    """
    task = standing.call_task
    if task is None:
        return []
    known = tuple(plain(as_text(item.text)) for item in task.items)
    add = tuple(
        ItemText(f"unit-{hashlib.sha256(unit.encode()).hexdigest()[:8]}", call_item_text(unit))
        for unit in dict.fromkeys(options.conserved_units)
        if not any(begins_with(text, plain(as_text(unit))) for text in known)
    )
    if not add:
        return []
    mark = hashlib.sha256("|".join(item.code for item in add).encode()).hexdigest()[:10]
    key = EffectKey(f"call:{task.task}:{on}:{mark}")
    return [MendTask(key=key, company=standing.company, task=task.task, add=add)]
