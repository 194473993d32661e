"""What is stored comes back equal."""

from __future__ import annotations

import pytest

from stavbill.billing.decision import Decision
from stavbill.billing.facts import Facts
from stavbill.plan.effects import Effect
from stavbill.store import bodies
from stavbill.store.effects import RANKS, STATES
from tests.store.samples import (
    company_record,
    contract_record,
    decision_samples,
    every_effect,
    facts_samples,
    invoice_record,
    requisite_record,
    task_record,
)


@pytest.mark.parametrize("facts", facts_samples(), ids=lambda _: "facts")
def test_facts_come_back_equal(facts: Facts) -> None:
    assert bodies.FACTS.read(bodies.FACTS.write(facts)) == facts


@pytest.mark.parametrize("decision", decision_samples(), ids=lambda one: str(one.kind))
def test_decisions_come_back_equal(decision: Decision) -> None:
    assert bodies.DECISION.read(bodies.DECISION.write(decision)) == decision


@pytest.mark.parametrize("effect", every_effect(), ids=lambda one: str(one.kind))
def test_effects_come_back_equal(effect: Effect) -> None:
    assert bodies.EFFECT.read(bodies.EFFECT.write(effect)) == effect


def test_records_come_back_equal() -> None:
    company, invoice = company_record(1), invoice_record(3, 1)
    assert bodies.COMPANY.read(bodies.COMPANY.write(company)) == company
    assert bodies.INVOICE.read(bodies.INVOICE.write(invoice)) == invoice
    contract, requisite, task = contract_record(5, 1), requisite_record(6, 1), task_record(8, 1)
    assert bodies.CONTRACT.read(bodies.CONTRACT.write(contract)) == contract
    assert bodies.REQUISITE.read(bodies.REQUISITE.write(requisite)) == requisite
    assert bodies.TASK.read(bodies.TASK.write(task)) == task


def test_every_kind_of_effect_has_its_rank_and_says_whether_it_is_a_state() -> None:
    effects = every_effect()
    assert {effect.kind for effect in effects} == set(RANKS)
    assert RANKS["put_invoice"] == 0
    assert {effect.kind for effect in effects if effect.repeat.is_state} == set(STATES)
