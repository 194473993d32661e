"""Records of one company become what the core may know and what stands (style §3 step 2)."""

from __future__ import annotations

from decimal import Decimal

from stavbill.billing.facts import Override
from stavbill.plan.diff import ADDRESS_TAG, HOLD_TAG
from stavbill.plan.effects import EffectKey, ItemId, UserId
from stavbill.plan.join import (
    CALL_TAG,
    CompanyRecords,
    Surroundings,
    facts_of,
    standing_of,
)
from stavbill.plan.records import CompanyRecord, ContractRecord, RequisiteRecord, TaskRecord
from tests.billing.world import AO, ME, PS, facts, invoice, units
from tests.plan.world import item, record, task

KNOWN = facts(invoices=(invoice(1, "(Март 2022)"),), override=Override(skip=True))
COMPANY = CompanyRecord(
    company=ME, title="ООО «Ромашка-Агро»", responsible=UserId(12), card=KNOWN.card
)
RECORDS = CompanyRecords(
    company=COMPANY,
    contracts=(ContractRecord(ME, AO), ContractRecord(ME, PS)),
    requisites=tuple(RequisiteRecord(ME, 1, buyer) for buyer in KNOWN.requisites),
    invoices=tuple(record(seen, total=Decimal(0)) for seen in KNOWN.invoices),
    tasks=(
        TaskRecord(ME, task(9, HOLD_TAG)),
        TaskRecord(ME, task(4, HOLD_TAG, item(41, "x"))),
        TaskRecord(ME, task(5, CALL_TAG)),
        TaskRecord(ME, task(6, "somebody-else")),
    ),
)
AROUND = Surroundings(
    observation=units(3),
    override=Override(skip=True),
    settled=frozenset({EffectKey("timeline:1")}),
    unsettled=True,
    parked="дубль",
)


def test_facts_are_joined_by_id_and_nothing_is_decided() -> None:
    assert facts_of(RECORDS, AROUND) == KNOWN


def test_of_several_tasks_of_a_kind_the_oldest_stands() -> None:
    """§9: one open task per company."""
    now = standing_of(RECORDS, AROUND)
    assert now.hold_task is not None
    assert [one.item for one in now.hold_task.items] == [ItemId(400), ItemId(41)]
    assert now.call_task is not None
    assert now.address_task is None
    assert ADDRESS_TAG != HOLD_TAG


def test_what_the_store_knows_comes_along() -> None:
    now = standing_of(RECORDS, AROUND)
    assert (now.unsettled, now.parked, now.settled) == (True, "дубль", AROUND.settled)
    assert (now.card_count, now.title) == (3, "ООО «Ромашка-Агро»")
