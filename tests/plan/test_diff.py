"""What is decided against what stands: only what is missing (style §3; portal page, «Written»)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given

from stavbill.billing.facts import (
    FUEL_SENSOR,
    Facts,
    FieldProblem,
    InvoiceState,
    OpenCredit,
    Recipients,
    SeparateInvoices,
)
from stavbill.billing.money import Currency, Money
from stavbill.billing.period import DayOfMonth
from stavbill.plan.diff import (
    ADDRESS_TAG,
    HOLD_TAG,
    NO_OPTIONS,
    PARKED_TAG,
    DiffOptions,
    diff,
    parking_task,
    vanished_invoices,
)
from stavbill.plan.effects import (
    AddTimeline,
    Effect,
    EffectKey,
    InvoiceStage,
    ItemId,
    MendTask,
    OpenTask,
    PutFields,
    PutInvoice,
    PutStage,
    Repeat,
)
from stavbill.plan.item_keys import key_of
from stavbill.plan.join import CALL_TAG
from stavbill.plan.standing import Standing
from tests.billing.strategies import days
from tests.billing.world import PS_LINE, SIM, TENTH, facts, invoice, units
from tests.plan.world import (
    MANAGER,
    OPTIONS,
    applied,
    drafts_put,
    item,
    planned,
    standing,
    task,
    worlds,
)

KEY = "stavbill:21645:subscription:2022-03:1:ps-rf:1"
MARCH_ENDS = date(2022, 3, 31)
HOLD_TASK = task(1, HOLD_TAG, item(5, "Нет договора [no_contract]"), item(6, "Позвонить"))
ADDRESS_TASK = task(2, ADDRESS_TAG, item(7, "Нет почты [no_recipient]"))
NO_ADDRESS = Recipients()


def effects_of(known: Facts, now: Standing | None = None, on: date = TENTH) -> tuple[Effect, ...]:
    return planned(known, now or standing(), on, NO_OPTIONS)[1]


def kinds(effects: tuple[Effect, ...]) -> list[str]:
    return [effect.kind for effect in effects]


def only(effects: tuple[Effect, ...], kind: type[Effect]) -> list[Effect]:
    return [effect for effect in effects if isinstance(effect, kind)]


def test_a_bill_puts_the_invoice_first_and_tells_of_it() -> None:
    """E1: invoice, «billed through», timeline; everything else comes after the invoice."""
    put, fields, timeline = effects_of(facts())
    assert isinstance(put, PutInvoice)
    assert (put.key, put.stage, put.responsible) == (KEY, InvoiceStage.NEW, MANAGER)
    assert put.draft.total.minor == 105000
    assert isinstance(fields, PutFields)
    assert (fields.card_count, fields.billed_through) == (None, MARCH_ENDS)
    assert isinstance(timeline, AddTimeline)
    assert timeline.key == f"timeline:{KEY}"
    assert fields.after == timeline.after == (put.key,)


def test_an_invoice_fully_paid_by_credits_is_put_as_paid() -> None:
    """§8: recorded with total 0 and marked paid."""
    credit = OpenCredit("c1", SIM, Money.of(5000, Currency.RUB), TENTH)
    (put, *_) = effects_of(facts(credits=(credit,)))
    assert isinstance(put, PutInvoice)
    assert put.stage is InvoiceStage.PAID


def test_kinds_with_their_own_invoice_share_one_timeline_entry() -> None:
    effects = effects_of(facts(fees={SIM: "1*50"}, separate=SeparateInvoices(each=True)))
    assert kinds(effects) == ["put_invoice", "put_invoice", "put_fields", "add_timeline"]
    assert effects[3].after == tuple(drafts_put(effects))


@pytest.mark.parametrize(
    ("now", "fields"),
    [
        pytest.param(standing(), (None, MARCH_ENDS), id="portal page: billed through moves on"),
        pytest.param(
            standing(billed_through=MARCH_ENDS), None, id="portal page: only when it differs"
        ),
        pytest.param(
            standing(billed_through=date(2022, 12, 31)), None, id="portal page: never moves back"
        ),
        pytest.param(
            standing(has_billed_through_field=False, card_count=7), (3, None),
            id="§5 the card's count, no field for the date",
        ),
        pytest.param(
            standing(billed_through=date(2022, 1, 31), card_count=None), (3, MARCH_ENDS),
            id="§5 both",
        ),
    ],
)  # fmt: skip
def test_fields_are_written_only_when_they_differ(
    now: Standing, fields: tuple[int | None, date | None] | None
) -> None:
    written = [
        (effect.card_count, effect.billed_through)
        for effect in effects_of(facts(), now)
        if isinstance(effect, PutFields)
    ]
    assert written == ([fields] if fields else [])


def test_a_hold_opens_one_task_with_an_item_for_each_reason() -> None:
    """§9: one open task per company for all its hold reasons."""
    effects = planned(facts("3*490", units(4), contracts=()), standing(), TENTH)[1]
    opened, timeline = effects
    assert isinstance(opened, OpenTask)
    assert (opened.tag, opened.responsible, opened.due) == (HOLD_TAG, MANAGER, OPTIONS.due)
    assert [one.code for one in opened.items] == ["no_contract", "count_mismatch"]
    assert [key_of(one.text) for one in opened.items] == ["no_contract", "count_mismatch"]
    assert not any("[" in one.text for one in opened.items)
    assert isinstance(timeline, AddTimeline)
    assert timeline.after == ()


def test_the_task_is_updated_not_repeated() -> None:
    """§9: items are ticked as reasons go, others are added; people's items stand."""
    mended, _ = effects_of(facts(requisites=()), standing(hold_task=HOLD_TASK))
    assert isinstance(mended, MendTask)
    assert mended.tick == (ItemId(5),)
    assert [one.code for one in mended.add] == ["requisites"]
    assert not mended.complete


def test_the_task_is_completed_when_the_company_passes() -> None:
    """§9: completed by stavbill, after the invoice stands."""
    effects = effects_of(facts(), standing(hold_task=HOLD_TASK))
    (closed,) = only(effects, MendTask)
    assert isinstance(closed, MendTask)
    assert closed.complete
    assert closed.tick == (ItemId(5),)
    assert closed.after == (KEY,)


@pytest.mark.parametrize(
    ("known", "closes"),
    [
        pytest.param(facts(skip=True), True, id="§9 skipped: nothing is asked of a person"),
        pytest.param(facts(invoices=(invoice(1, "(Март 2022)"),)), True, id="§9 covered"),
        pytest.param(facts("-"), True, id="§9 no fee"),
        pytest.param(facts(sending_day=DayOfMonth(20)), False, id="§9 (5) nobody looked"),
    ],
)
def test_a_skip_closes_the_task_when_the_reasons_are_gone(known: Facts, *, closes: bool) -> None:
    now = standing(hold_task=HOLD_TASK, invoices=known.invoices)
    effects = effects_of(known, now)
    assert kinds(effects) == (["mend_task"] if closes else [])
    assert effects_of(known, replace(now, hold_task=None)) == ()


def test_a_kind_that_is_held_keeps_the_task_open_beside_a_bill() -> None:
    """§3: a kind with an invoice of its own is decided by itself."""
    cancelled = invoice(1, "Счёт", ("Абонплата за ДУТы (Март 2022)",), state=InvoiceState.CANCELLED)
    known = facts(fees={FUEL_SENSOR: "1*100"}, separate=SeparateInvoices(each=True))
    effects = effects_of(known, standing(invoices=(cancelled,)))
    assert kinds(effects) == [
        "put_invoice", "put_fields", "add_timeline", "open_task", "add_timeline",
    ]  # fmt: skip
    (opened,) = only(effects, OpenTask)
    assert isinstance(opened, OpenTask)
    assert [one.code for one in opened.items] == ["cancelled_by_hand-fuel"]


def test_every_reason_has_an_item_of_its_own() -> None:
    """§9: an item is known again by its code, whatever a field is called."""
    problems = (
        FieldProblem("Поле", "?", "да или нет"),
        FieldProblem("Card field 2", "?", "да или нет"),
        FieldProblem("Card field 2", "!", "да или нет"),
        FieldProblem("Месяцы", "x", "число", "months"),
    )
    (opened, _) = effects_of(facts(problems=problems))
    assert isinstance(opened, OpenTask)
    codes = [one.code for one in opened.items]
    assert len(set(codes)) == 4
    assert codes[2] == f"{codes[1]}--2"
    assert codes[3] == "field-months"
    after = applied(standing(), (opened,))
    assert effects_of(facts(problems=problems), after)[1:] == ()


def test_an_address_that_cannot_be_used_makes_a_task_of_its_own() -> None:
    """§9: Bill, not sent, and a task «mend the address»."""
    effects = effects_of(facts(recipients=Recipients(unusable=("a@",))))
    (opened,) = only(effects, OpenTask)
    assert isinstance(opened, OpenTask)
    assert opened.tag == ADDRESS_TAG
    assert [one.code for one in opened.items] == ["recipient_unusable", "no_recipient"]


def test_the_address_task_is_mended_and_completed() -> None:
    still = effects_of(facts(recipients=NO_ADDRESS), standing(address_task=ADDRESS_TASK))
    (mended,) = only(still, MendTask)
    assert isinstance(mended, MendTask)
    assert [change.item for change in mended.update] == [ItemId(7)]
    gone = effects_of(facts(), standing(address_task=ADDRESS_TASK))
    (closed,) = only(gone, MendTask)
    assert isinstance(closed, MendTask)
    assert closed.complete


@pytest.mark.parametrize(
    ("texts", "added"),
    [
        pytest.param((), ["ДЖОНДИР 6 - в консервации"], id="portal page: an item on the call"),
        pytest.param(("ДЖОНДИР 6 — в ремонте",), [], id="what a person wrote stands"),
        pytest.param(("джондир  6",), [], id="case and spaces do not matter"),
        pytest.param(
            ("ДЖОНДИР 60 - в консервации",), ["ДЖОНДИР 6 - в консервации"], id="a longer name"
        ),
    ],
)
def test_conserved_units_stand_on_the_planned_call(
    texts: tuple[str, ...], added: list[str]
) -> None:
    items = (item(30 + number, text) for number, text in enumerate(texts))
    now = standing(call_task=task(3, CALL_TAG, *items))
    options = DiffOptions(conserved_units=("ДЖОНДИР 6", "ДЖОНДИР 6"))
    _, effects = planned(facts(contracts=()), now, TENTH, options)
    mended = [effect for effect in effects if isinstance(effect, MendTask)]
    assert [one.text for effect in mended for one in effect.add] == added


@pytest.mark.parametrize(
    "now",
    [
        pytest.param(standing(parked="дубль"), id="beyond 3: a parked company"),
        pytest.param(standing(unsettled=True), id="style §3: a company in doubt waits"),
    ],
)
def test_nothing_is_written_for_a_company_that_waits(now: Standing) -> None:
    assert effects_of(facts(), now) == ()
    assert effects_of(facts(contracts=()), now) == ()


def test_a_vanished_invoice_is_named_and_not_written_again() -> None:
    """Beyond 3: somebody deleted what the journal wrote."""
    now = standing(settled=frozenset({EffectKey(KEY)}))
    decision, effects = planned(facts(), now, TENTH)
    assert vanished_invoices(decision, now) == (KEY,)
    assert drafts_put(effects) == []
    assert vanished_invoices(decision, standing()) == ()
    held, _ = planned(facts(contracts=()), now, TENTH)
    assert vanished_invoices(held, now) == ()


def test_a_parked_company_gets_one_task() -> None:
    """Beyond 3: parked with its reason until a person releases it."""
    one = parking_task(standing(), "две копии", date(2022, 2, 15))
    assert one.tag == PARKED_TAG
    assert "две копии" in one.description
    assert [known.text for known in one.items] == ["Разобраться: две копии"]
    assert one == parking_task(standing(), "две копии", date(2022, 2, 15))
    assert one.key != parking_task(standing(), "другое", date(2022, 2, 15)).key


def test_every_effect_says_how_it_may_be_repeated() -> None:
    """Style §3: a new effect is not finished without its `Repeat`."""
    for effect in (PutInvoice, PutFields, OpenTask, MendTask, AddTimeline, PutStage):
        assert isinstance(effect.repeat, Repeat)


# --------------------------------------------------------------------------------- properties


@given(worlds(), days)
def test_a_plan_applied_leaves_nothing_to_plan(world: tuple[Facts, Standing], on: date) -> None:
    """Beyond 1: planning again acts only on the difference."""
    known, now = world
    _, effects = planned(known, now, on)
    _, again = planned(known, applied(now, effects), on)
    assert again == ()


@given(worlds(), days)
def test_half_a_plan_applied_leaves_the_other_half(world: tuple[Facts, Standing], on: date) -> None:
    """Whatever stopped the run between two effects of a hold, the next plan finishes it."""
    known, now = world
    decision, effects = planned(known, now, on)
    if drafts_put(effects):
        return
    for done in range(len(effects)):
        half = applied(now, effects[:done])
        _, rest = planned(known, half, on)
        assert rest == effects[done:], decision


@given(worlds(), days)
def test_keys_are_unique_and_effects_come_after_known_ones(
    world: tuple[Facts, Standing], on: date
) -> None:
    """Style §3: effects name each other by business key; one key, one state."""
    known, now = world
    _, effects = planned(known, now, on)
    keys = [effect.key for effect in effects]
    assert len(keys) == len(set(keys))
    for place, effect in enumerate(effects):
        assert set(effect.after) <= set(keys[:place])
        assert effect.company == known.card.company


@given(worlds(), days)
def test_the_same_world_gives_the_same_plan(world: tuple[Facts, Standing], on: date) -> None:
    known, now = world
    decision, effects = planned(known, now, on)
    assert diff(decision, now, on, OPTIONS) == effects
    shuffled = replace(now, invoices=now.invoices[::-1])
    assert planned(known, shuffled, on) == (decision, effects)


def test_our_wording_is_what_the_world_writes() -> None:
    """The model's invoices bear the rows of the draft."""
    _, effects = planned(facts(), standing(), TENTH)
    made = applied(standing(), effects).invoices[0]
    assert [row.name for row in made.rows] == [f"{PS_LINE} (Март 2022)"]
