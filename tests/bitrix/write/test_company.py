"""What goes onto a company and an invoice that stand already: fields, timeline, stage."""

from __future__ import annotations

from datetime import date, timedelta, timezone

import pytest

from stavbill.billing.facts import CompanyId
from stavbill.bitrix.write.fields import CardField, CardFields, FieldKind, FieldsExecutor
from stavbill.bitrix.write.single import SharedBatches
from stavbill.bitrix.write.stages import StageExecutor
from stavbill.bitrix.write.timeline import TimelineExecutor
from stavbill.plan.effects import (
    AddTimeline,
    EffectKey,
    InvoiceStage,
    PutFields,
    PutStage,
    Repeat,
)
from stavbill.plan.order import Order
from stavbill.plan.outcome import Done, Found, Refused, Rejected, Unclear
from tests.bitrix.write.desk import Desk

MOSCOW = timezone(timedelta(hours=3))


def put_stage(company: int, stage: InvoiceStage, invoice: str = "k") -> PutStage:
    return PutStage(
        key=EffectKey(f"stage:{invoice}"),
        company=CompanyId(company),
        invoice=EffectKey(invoice),
        stage=stage,
    )


def timeline(desk: Desk, place: int) -> AddTimeline:
    company = desk.companies[place]
    return AddTimeline(
        key=EffectKey(f"timeline:{company}:2026-12"),
        company=CompanyId(company),
        text="Выставлен счёт за декабрь 2026:\n3 объекта × 350 ₽ = 1 050 ₽",
    )


async def test_fifty_comments_take_one_request(desk: Desk) -> None:
    comments, effects = TimelineExecutor(desk.gateway), [timeline(desk, n) for n in range(50)]
    outcomes = await comments.send([Order(effect) for effect in effects])
    assert all(isinstance(outcome, Done) for outcome in outcomes.values()), outcomes
    assert desk.gateway.requests == 1
    found = await comments.find(effects)
    assert all(seen is not None and seen.complete for seen in found.values())


@pytest.mark.parametrize("fault", ["lost_before", "lost_after", "mid_batch"])
async def test_after_a_lost_answer_each_comment_stands_once(desk: Desk, fault: str) -> None:
    comments, effects = TimelineExecutor(desk.gateway), [timeline(desk, n) for n in range(20)]
    desk.fail_next(fault)
    outcomes = await comments.send([Order(effect) for effect in effects])
    assert all(isinstance(outcome, Unclear) for outcome in outcomes.values())
    found = await comments.find(effects)
    if missing := [Order(effect) for effect in effects if found[effect.key] is None]:
        await comments.send(missing)
    for effect in effects:
        assert len(await desk.comments(effect.company)) == 1


async def test_a_comment_is_found_behind_pages_of_newer_ones(desk: Desk) -> None:
    comments, effect = TimelineExecutor(desk.gateway), timeline(desk, 0)
    outcome = (await comments.send([Order(effect)]))[effect.key]
    assert isinstance(outcome, Done)
    await desk.add_comments(effect.company, 110)
    found = await comments.find([effect])
    assert found == {effect.key: Found(outcome.portal_id or 0, complete=True)}


async def test_fields_arrive_in_the_type_that_the_portal_has(desk: Desk) -> None:
    count = await desk.add_field("SB_COUNT", "integer")
    through = await desk.add_field("SB_THROUGH", "datetime")
    fields = CardFields(
        zone=MOSCOW,
        card_count=CardField(count, FieldKind.INTEGER),
        billed_through=CardField(through, FieldKind.DATETIME),
    )
    company = desk.companies[0]
    effect = PutFields(
        key=EffectKey("fields"),
        company=CompanyId(company),
        card_count=12,
        billed_through=date(2026, 12, 31),
    )
    executor = FieldsExecutor(desk.gateway, fields=fields)
    for _ in range(2):
        assert await executor.send([Order(effect)]) == {effect.key: Done(company)}
    card = await desk.company(company)
    assert str(card[count]) == "12"
    assert str(card[through]).startswith("2026-12-31T23:59:59")


async def test_a_company_that_is_gone_does_not_stop_the_others(desk: Desk) -> None:
    code = await desk.add_field("SB_COUNT", "integer")
    fields = CardFields(zone=MOSCOW, card_count=CardField(code, FieldKind.INTEGER))
    gone, there = (
        PutFields(key=EffectKey(str(company)), company=CompanyId(company), card_count=1)
        for company in (999_999, desk.companies[0])
    )
    executor = FieldsExecutor(desk.gateway, fields=fields)
    outcomes = await executor.send([Order(gone), Order(there)])
    assert isinstance(outcomes[gone.key], Rejected)
    assert outcomes[there.key] == Done(desk.companies[0])


async def test_a_value_without_a_field_is_told(desk: Desk) -> None:
    executor = FieldsExecutor(desk.gateway, fields=CardFields(zone=MOSCOW))
    effect = PutFields(key=EffectKey("f"), company=CompanyId(desk.companies[0]), card_count=1)
    outcome = (await executor.send([Order(effect)]))[effect.key]
    assert isinstance(outcome, Rejected)
    assert desk.gateway.requests == 0


async def test_a_stage_is_set_and_an_unknown_invoice_told(desk: Desk) -> None:
    company = desk.companies[0]
    item = await desk.add_invoice(company, "k")
    executor = StageExecutor(desk.gateway, stages=desk.stages)
    effect = put_stage(company, InvoiceStage.CANCELLED)
    order = Order(effect, settled_ids={EffectKey("k"): item})
    assert await executor.send([order]) == {effect.key: Done(item)}
    (invoice,) = await desk.invoices()
    assert invoice["stageId"] == desk.stages.code(InvoiceStage.CANCELLED)
    assert isinstance((await executor.send([Order(effect)]))[effect.key], Rejected)


@pytest.mark.parametrize(
    ("stands", "again"),
    [
        pytest.param(InvoiceStage.NEW, True, id="where billing put it"),
        pytest.param(InvoiceStage.SENT, False, id="as was wanted"),
        pytest.param(InvoiceStage.PAID, False, id="paid meanwhile"),
        pytest.param(InvoiceStage.CANCELLED, False, id="cancelled meanwhile"),
    ],
)
async def test_a_stage_in_doubt_is_set_again_only_where_nobody_went_further(
    desk: Desk, stands: InvoiceStage, *, again: bool
) -> None:
    company = desk.companies[0]
    item = await desk.add_invoice(company, "k", stageId=desk.stages.code(stands))
    executor = StageExecutor(desk.gateway, stages=desk.stages)
    effect = put_stage(company, InvoiceStage.SENT)
    assert effect.repeat is not Repeat.HARMLESS
    found = await executor.find([effect])
    assert found == {effect.key: None if again else Found(item, complete=True)}


async def test_a_limit_refuses_fields_and_says_so(desk: Desk) -> None:
    desk.fail_next("query_limit")
    comments, effect = TimelineExecutor(desk.gateway), timeline(desk, 0)
    outcome = (await comments.send([Order(effect)]))[effect.key]
    assert isinstance(outcome, Refused)
    assert await desk.comments(effect.company) == []


async def test_kinds_of_one_command_share_a_batch_and_each_gets_its_own_outcome(
    desk: Desk,
) -> None:
    company = desk.companies[0]
    item = await desk.add_invoice(company, "k")
    code = await desk.add_field("SB_COUNT", "integer")
    fields = CardFields(zone=MOSCOW, card_count=CardField(code, FieldKind.INTEGER))
    executor = SharedBatches(
        desk.gateway,
        (
            StageExecutor(desk.gateway, stages=desk.stages),
            FieldsExecutor(desk.gateway, fields=fields),
            TimelineExecutor(desk.gateway),
        ),
    )
    stage = put_stage(company, InvoiceStage.SENT)
    lost = put_stage(company, InvoiceStage.SENT, invoice="unknown")
    count = PutFields(key=EffectKey("count"), company=CompanyId(company), card_count=3)
    entry, before = timeline(desk, 0), desk.gateway.requests
    orders = [
        Order(stage, settled_ids={EffectKey("k"): item}), Order(lost), Order(count), Order(entry)
    ]  # fmt: skip
    outcomes = await executor.send(orders)
    assert desk.gateway.requests == before + 1
    assert isinstance(outcomes[lost.key], Rejected)
    assert outcomes[stage.key] == Done(item)
    assert outcomes[count.key] == Done(company)
    added = outcomes[entry.key]
    assert isinstance(added, Done)
    found = await executor.find([stage, count, entry])
    assert found[stage.key] == Found(item, complete=True)
    assert found[count.key] is None
    assert found[entry.key] == Found(added.portal_id or 0, complete=True)
