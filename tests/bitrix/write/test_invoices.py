"""Invoices over HTTP: written with their rows, found after every kind of loss, read back."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from stavbill.bitrix.write.invoices import InvoiceExecutor
from stavbill.bitrix.write.stages import StageCodes
from stavbill.plan.effects import EffectKey, InvoiceStage, PutInvoice
from stavbill.plan.order import Order
from stavbill.plan.outcome import Confirmed, Differs, Done, Found, Refused, Rejected, Unclear
from tests.bitrix.write.desk import Desk
from tests.bitrix.write.drafts import draft, line, put_invoice


def executor(desk: Desk) -> InvoiceExecutor:
    return InvoiceExecutor(desk.gateway, stages=desk.stages)


def wanted(desk: Desk, count: int = 25) -> list[PutInvoice]:
    """Invoices of `count` companies; every third bears a credit."""
    return [
        put_invoice(
            company,
            draft(
                company,
                line(credit=40_001 if place % 3 == 0 else 0),
                line(quantity=1, price=12_050, vat=None, name="Диспетчеризация"),
                own_company=desk.own_company,
            ),
        )
        for place, company in enumerate(desk.companies[:count])
    ]


async def settle(desk: Desk, effects: Sequence[PutInvoice]) -> dict[EffectKey, Order]:
    """Do as the journal does: ask first, then send what is missing, until nothing is."""
    invoices = executor(desk)
    found = await invoices.find(effects)
    orders = [
        Order(effect, None if (seen := found[effect.key]) is None else seen.portal_id)
        for effect in effects
        if (seen := found[effect.key]) is None or not seen.complete
    ]
    if orders:
        outcomes = await invoices.send(orders)
        assert all(isinstance(outcome, Done) for outcome in outcomes.values()), outcomes
    found = await invoices.find(effects)
    return {effect.key: Order(effect, found[effect.key].portal_id) for effect in effects}  # type: ignore[union-attr]


async def assert_each_stands_once(desk: Desk, effects: Sequence[PutInvoice]) -> None:
    written = await settle(desk, effects)
    assert set((await executor(desk).read_back(written)).values()) == {Confirmed()}
    keys = [str(row["xmlId"]) for row in await desk.invoices()]
    assert sorted(keys) == sorted(effect.key for effect in effects)


async def test_twenty_five_invoices_with_rows_take_one_request_and_one_to_read_back(
    desk: Desk,
) -> None:
    invoices, effects = executor(desk), wanted(desk)
    orders = [Order(effect) for effect in effects]
    assert sum(invoices.weigh(order) for order in orders) == 50
    outcomes = await invoices.send(orders)
    assert all(isinstance(outcome, Done) for outcome in outcomes.values()), outcomes
    assert desk.gateway.requests == 1
    written = {
        effect.key: Order(effect, outcome.portal_id)
        for effect in effects
        if isinstance(outcome := outcomes[effect.key], Done)
    }
    assert set((await invoices.read_back(written)).values()) == {Confirmed()}
    assert desk.gateway.requests == 2


@pytest.mark.parametrize("fault", ["lost_before", "lost_after", "mid_batch", "internal_after"])
async def test_after_a_lost_answer_each_invoice_stands_once(desk: Desk, fault: str) -> None:
    effects = wanted(desk)
    desk.fail_next(fault)
    outcomes = await executor(desk).send([Order(effect) for effect in effects])
    assert all(isinstance(outcome, Unclear) for outcome in outcomes.values())
    await assert_each_stands_once(desk, effects)


async def test_what_is_executed_late_is_found_once_it_can_no_longer_be_executing(
    desk: Desk,
) -> None:
    effects = wanted(desk, 3)
    desk.fail_next("late")
    outcomes = await executor(desk).send([Order(effect) for effect in effects])
    assert all(isinstance(outcome, Unclear) for outcome in outcomes.values())
    assert set((await executor(desk).find(effects)).values()) == {None}
    await desk.clock.sleep(65.0)
    await assert_each_stands_once(desk, effects)


@pytest.mark.parametrize("fault", ["query_limit", "operation_limit"])
async def test_a_limit_refuses_everybody_and_writes_nothing(desk: Desk, fault: str) -> None:
    effects = wanted(desk, 3)
    desk.fail_next(fault)
    outcomes = await executor(desk).send([Order(effect) for effect in effects])
    assert all(isinstance(outcome, Refused) for outcome in outcomes.values())
    assert await desk.invoices() == []


async def test_rows_alone_are_sent_to_an_invoice_that_stands_without(desk: Desk) -> None:
    invoices, (effect,) = executor(desk), wanted(desk, 1)
    item = await desk.add_invoice(effect.company, str(effect.key))
    assert await invoices.find([effect]) == {effect.key: Found(item, complete=False)}
    assert invoices.weigh(Order(effect, item)) == 1
    assert await invoices.send([Order(effect, item)]) == {effect.key: Done(item)}
    assert len(await desk.invoices()) == 1


async def test_an_unknown_stage_never_counts_as_issued(desk: Desk) -> None:
    codes = {stage: desk.stages.code(stage) for stage in InvoiceStage}
    wrong = StageCodes(codes | {InvoiceStage.NEW: "DT31_99:NOWHERE"})
    effects = wanted(desk, 2)
    outcomes = await InvoiceExecutor(desk.gateway, stages=wrong).send(
        [Order(effect) for effect in effects]
    )
    first, second = (outcomes[effect.key] for effect in effects)
    assert isinstance(first, Rejected)
    assert "stage" in first.reason.casefold()
    assert isinstance(second, Refused)


async def test_an_edit_by_hand_is_named_with_field_wanted_and_found(desk: Desk) -> None:
    effects = wanted(desk, 2)
    written = await settle(desk, effects)
    edited = written[effects[0].key].portal_id
    await desk.edit_invoice(edited or 0, closedate="2027-01-15")
    answers = await executor(desk).read_back(written)
    assert answers[effects[0].key] == Differs(
        f"счёт {edited}, срок оплаты: ожидалось 2026-12-20, найдено 2027-01-15"
    )
    assert answers[effects[1].key] == Confirmed()


async def test_a_field_that_the_portal_dropped_in_silence_is_seen(desk: Desk) -> None:
    (effect,) = wanted(desk, 1)
    bad = put_invoice(effect.company, draft(effect.company, own_company=desk.own_company))
    item = await desk.add_invoice(effect.company, str(effect.key), begindate="not a date")
    await executor(desk).send([Order(bad, item)])
    answer = (await executor(desk).read_back({bad.key: Order(bad, item)}))[bad.key]
    assert isinstance(answer, Differs)
    assert f"счёт {item}" in answer.detail


async def test_two_invoices_with_one_key_are_a_contradiction_and_nothing_is_added(
    desk: Desk,
) -> None:
    invoices, (effect,) = executor(desk), wanted(desk, 1)
    ids = [await desk.add_invoice(effect.company, str(effect.key)) for _ in range(2)]
    assert await invoices.find([effect]) == {effect.key: Found(ids[0], complete=True)}
    answers = await invoices.read_back({effect.key: Order(effect, ids[0])})
    (answer,) = answers.values()
    assert isinstance(answer, Differs)
    assert all(str(item) in answer.detail for item in ids)


async def test_a_key_is_found_behind_many_pages_of_older_invoices(desk: Desk) -> None:
    company = desk.companies[0]
    await desk.add_old_invoices(company, 310)
    (effect,) = wanted(desk, 1)
    await executor(desk).send([Order(effect)])
    found = (await executor(desk).find([effect]))[effect.key]
    assert found is not None
    assert found.complete


async def test_more_rows_than_a_page_holds_are_read_back_to_the_last(desk: Desk) -> None:
    company = desk.companies[0]
    lines = [line(quantity=1, price=100 + place, name=f"Услуга {place}") for place in range(120)]
    effect = put_invoice(company, draft(company, *lines, own_company=desk.own_company))
    written = await settle(desk, [effect])
    assert await executor(desk).read_back(written) == {effect.key: Confirmed()}
