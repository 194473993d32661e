"""The outside world as a pure model: what stands for one company, and what effects make of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import strategies as st

from stavbill.billing.decide import decide
from stavbill.billing.decision import Bill, Decision
from stavbill.billing.facts import (
    Facts,
    InvoiceId,
    InvoiceState,
    IssuedInvoice,
    OwnCompanyId,
)
from stavbill.plan.diff import ADDRESS_TAG, HOLD_TAG, DiffOptions, diff
from stavbill.plan.effects import (
    AddTimeline,
    Effect,
    EffectKey,
    InvoiceStage,
    ItemId,
    ItemText,
    MendTask,
    OpenTask,
    PostMessage,
    PutFields,
    PutInvoice,
    PutMark,
    PutStage,
    TaskId,
    UserId,
)
from stavbill.plan.join import CALL_TAG
from stavbill.plan.keys import format_invoice_key, parse_invoice_key
from stavbill.plan.markup import as_text
from stavbill.plan.records import InvoiceRecord
from stavbill.plan.standing import Standing, StandingItem, StandingTask
from tests.billing.strategies import companies
from tests.billing.world import ME, POLICY, issued

OPTIONS = DiffOptions(due=date(2022, 2, 15), conserved_units=("ДЖОНДИР 6", "МАЗ 1"))
MANAGER = UserId(12)
STATES = {InvoiceStage.PAID: InvoiceState.PAID, InvoiceStage.CANCELLED: InvoiceState.CANCELLED}


def standing(**fields: object) -> Standing:
    """Return a company of which nothing stands but what `fields` say."""
    plain = Standing(
        company=ME,
        title="ООО «Ромашка-Агро»",
        responsible=MANAGER,
        card_count=3,
        has_billed_through_field=True,
    )
    return replace(plain, **fields)  # type: ignore[arg-type]


def task(number: int, tag: str, *items: StandingItem) -> StandingTask:
    """Return an open task with a checklist of this heading and these items."""
    root = StandingItem(ItemId(number * 100), "Чек-лист", done=False, root=True)
    return StandingTask(
        task=TaskId(number), tag=tag, key=None, responsible=MANAGER, items=(root, *items)
    )


def item(number: int, text: str, *, done: bool = False) -> StandingItem:
    """Return a checklist item that is no heading."""
    return StandingItem(ItemId(number), text, done)


def seen_by(known: Facts, now: Standing) -> Facts:
    """Return the facts as a next reading of the outside would give them."""
    card = replace(known.card, card_count=now.card_count)
    return replace(known, card=card, invoices=now.invoices)


def planned(
    known: Facts, now: Standing, on: date, options: DiffOptions = OPTIONS
) -> tuple[Decision, tuple[Effect, ...]]:
    """Return the decision over what stands now, and the effects that are missing."""
    decision = decide(seen_by(known, now), POLICY, on)
    return decision, diff(decision, now, on, options)


def applied(now: Standing, effects: tuple[Effect, ...]) -> Standing:
    """Return what stands once every effect happened exactly once."""
    for effect in effects:
        now = _one(now, effect)
    return now


def _one(now: Standing, effect: Effect) -> Standing:  # noqa: PLR0911  one arm for each kind
    match effect:
        case PutInvoice():
            return _with_invoice(now, effect)
        case PutFields(card_count=count, billed_through=through):
            count = now.card_count if count is None else count
            return replace(now, card_count=count, billed_through=through or now.billed_through)
        case OpenTask():
            return _with_task(now, effect)
        case MendTask():
            return _with_mended(now, effect)
        case AddTimeline(key=key) | PostMessage(key=key):
            return replace(now, settled=now.settled | {key})
        case PutMark():
            return now
        case PutStage(invoice=key, stage=stage):
            invoices = tuple(
                replace(known, state=STATES.get(stage, InvoiceState.LIVE))
                if known.key and format_invoice_key(known.key) == key
                else known
                for known in now.invoices
            )
            return replace(now, invoices=invoices)


def _with_invoice(now: Standing, effect: PutInvoice) -> Standing:
    keys = {format_invoice_key(known.key) for known in now.invoices if known.key}
    assert effect.key not in keys, "an invoice is put once"
    assert parse_invoice_key(effect.key) == effect.draft.key
    number = max((known.invoice for known in now.invoices), default=InvoiceId(0)) + 1
    made = replace(issued(effect.draft, number), state=STATES.get(effect.stage, InvoiceState.LIVE))
    return replace(now, invoices=(*now.invoices, made))


def _with_task(now: Standing, effect: OpenTask) -> Standing:
    taken = [known.task for known in (now.hold_task, now.address_task, now.call_task) if known]
    number = max(taken, default=TaskId(100)) + 1
    opened = _added(task(number, effect.tag), effect.items)
    if effect.tag == HOLD_TAG:
        assert now.hold_task is None, "one open task for all hold reasons"
        return replace(now, hold_task=opened)
    assert effect.tag == ADDRESS_TAG
    assert now.address_task is None, "one open task for all addresses"
    return replace(now, address_task=opened)


def _with_mended(now: Standing, effect: MendTask) -> Standing:
    name = next(
        name
        for name in ("hold_task", "address_task", "call_task")
        if (one := getattr(now, name)) is not None and one.task == effect.task
    )
    known: StandingTask = getattr(now, name)
    texts = {update.item: as_text(update.text) for update in effect.update}
    items = tuple(
        replace(
            one,
            text=texts.get(one.item, one.text),
            done=(one.done or one.item in effect.tick) and one.item not in effect.renew,
        )
        for one in known.items
    )
    mended = None if effect.complete else _added(replace(known, items=items), effect.add)
    return replace(now, **{name: mended})  # type: ignore[arg-type]


def _added(known: StandingTask, texts: tuple[ItemText, ...]) -> StandingTask:
    first = max(one.item for one in known.items) + 1
    new = tuple(item(first + step, as_text(one.text)) for step, one in enumerate(texts))
    return replace(known, items=(*known.items, *new))


def record(
    seen: IssuedInvoice, own_company: int | None = 2, currency: str = "RUB", **fields: object
) -> InvoiceRecord:
    """Return the portal's record of an invoice, its total that of its rows."""
    total = sum((row.price * row.quantity for row in seen.rows), Decimal(0))
    plain = InvoiceRecord(
        company=ME,
        issued=seen,
        external_id=format_invoice_key(seen.key) if seen.key else "",
        own_company=None if own_company is None else OwnCompanyId(own_company),
        currency=currency,
        total=total,
        number=str(seen.invoice),
        stage="DT31_1:N",
        updated="2022-02-10T09:00:00+03:00",
        rows_read=True,
        made_by_us=seen.key is not None,
    )
    return replace(plain, **fields)  # type: ignore[arg-type]


def drafts_put(effects: tuple[Effect, ...]) -> list[EffectKey]:
    """Return the keys of the invoices among `effects`."""
    return [effect.key for effect in effects if isinstance(effect, PutInvoice)]


def is_billed(decision: Decision) -> bool:
    """Say whether there is an invoice to write."""
    return isinstance(decision, Bill)


ITEM_TEXTS = (
    "Позвонить директору",
    "Нет договора [no_contract]",
    "Тариф не понят [tariff-subscription]",
    "ДЖОНДИР 6 — в ремонте до 04.03.2022",
    "ДЖОНДИР 60 - в консервации",
    "Нет почты [no_recipient]",
)


@st.composite
def tasks(draw: st.DrawFn, number: int, tag: str) -> StandingTask | None:
    """Return no task, or one with items of ours and of people."""
    if draw(st.booleans()):
        return None
    texts = draw(st.lists(st.sampled_from(ITEM_TEXTS), unique=True, max_size=4))
    items = [
        item(number * 100 + step, text, done=draw(st.booleans()))
        for step, text in enumerate(texts, start=1)
    ]
    return task(number, tag, *items)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Facts, Standing]:
    """Return a company and what stands for it outside."""
    known = draw(companies())
    now = standing(
        card_count=known.card.card_count,
        invoices=known.invoices,
        billed_through=draw(st.sampled_from((None, date(2022, 1, 31), date(2023, 12, 31)))),
        has_billed_through_field=draw(st.booleans()),
        hold_task=draw(tasks(1, HOLD_TAG)),
        address_task=draw(tasks(2, ADDRESS_TAG)),
        call_task=draw(tasks(3, CALL_TAG)),
    )
    return known, now
