"""Approved credits onto invoice lines (§8)."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given

from stavbill.billing.credit import apply_credits
from stavbill.billing.decide import decide
from stavbill.billing.decision import Bill, Note
from stavbill.billing.facts import (
    FUEL_SENSOR,
    SUBSCRIPTION,
    Facts,
    OpenCredit,
    SeparateInvoices,
    ServiceCode,
)
from stavbill.billing.money import Currency, Money
from tests.billing.strategies import companies
from tests.billing.world import POLICY, SIM, TENTH, facts, units

RUB = Currency.RUB


def credit(name: str, service: ServiceCode, rubles: int, day: int = 1) -> OpenCredit:
    return OpenCredit(name, service, Money.of(rubles, RUB), date(2022, 1, day))


def billed(*credits_: OpenCredit, separate: bool = False) -> Bill:
    known = facts(
        "1*450",
        units(1),
        fees={FUEL_SENSOR: "1*100", SIM: "1*50"},
        separate=SeparateInvoices(each=separate),
        credits=credits_,
    )
    decision = decide(known, POLICY, TENTH)
    assert isinstance(decision, Bill)
    return decision


def totals(bill: Bill) -> dict[str, int]:
    return {line.service: line.total.minor // 100 for draft in bill.drafts for line in draft.lines}


@pytest.mark.parametrize(
    ("credits_", "left"),
    [
        pytest.param(
            (credit("c1", FUEL_SENSOR, 200),), (350, 0, 50), id="E11 §8 own service, then others"
        ),
        pytest.param((credit("c1", SIM, 20),), (450, 100, 30), id="§8 a part of a line"),
        pytest.param((credit("c1", SIM, 50),), (450, 100, 0), id="§8 a whole line"),
        pytest.param((credit("c1", SIM, 9000),), (0, 0, 0), id="§8 never below zero"),
        pytest.param(
            (credit("c2", SUBSCRIPTION, 450, 2), credit("c1", SIM, 500, 1)), (0, 0, 0),
            id="§8 oldest first, whatever their order",
        ),
        pytest.param((credit("c1", ServiceCode("old"), 60),), (390, 100, 50), id="§8 no own line"),
        pytest.param((credit("c1", SIM, 0),), (450, 100, 50), id="§8 a used-up credit"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("separate", [False, True])
def test_credits_reduce_line_by_line(
    credits_: tuple[OpenCredit, ...], left: tuple[int, int, int], *, separate: bool
) -> None:
    bill = billed(*credits_, separate=separate)
    expected = dict(zip((SUBSCRIPTION, FUEL_SENSOR, SIM), left, strict=True))
    assert totals(bill) == {str(code): rubles for code, rubles in expected.items()}


def test_the_explanation_shows_before_credit_and_after() -> None:
    """§8: the explanation shows before, credit, after."""
    bill = billed(credit("c1", SIM, 700))
    assert Note(
        "credit_applied",
        "§8",
        (("credit", "c1"), ("before", 70000), ("used", 60000), ("after", 10000),
         ("currency", "RUB")),
    ) in bill.explanation  # fmt: skip
    assert bill.drafts[0].is_paid_by_credits
    assert bill.drafts[0].gross.minor == 60000


def test_the_oldest_credit_is_used_first() -> None:
    bill = billed(credit("young", SIM, 100, 9), credit("old", SIM, 550, 2))
    assert [(use.credit, use.used.minor) for use in bill.drafts[0].credits] == [
        ("old", 55000),
        ("young", 5000),
    ]


def test_a_credit_on_two_invoices_is_told_for_each() -> None:
    bill = billed(credit("c1", SIM, 200), separate=True)
    uses = {draft.key.services: [(use.credit, use.used.minor) for use in draft.credits]
            for draft in bill.drafts}  # fmt: skip
    assert uses == {(SUBSCRIPTION,): [("c1", 15000)], (FUEL_SENSOR,): [], (SIM,): [("c1", 5000)]}


def test_vat_is_of_what_is_left() -> None:
    (draft,) = billed(credit("c1", SUBSCRIPTION, 210)).drafts
    assert draft.lines[0].total.minor == 24000
    assert draft.lines[0].vat.minor == 4000


def test_without_drafts_or_credits_nothing_happens() -> None:
    assert apply_credits([], (credit("c1", SIM, 1),)) == ([], ())


@given(companies())
def test_credits_never_make_a_line_negative_and_never_vanish(known: Facts) -> None:
    """§8: never below zero; used + left = before; nothing of another currency is touched."""
    decision = decide(known, POLICY, TENTH)
    if not isinstance(decision, Bill):
        return
    before = {credit_.credit: credit_.left for credit_ in known.credits}
    used: dict[str, Money] = {}
    for draft in decision.drafts:
        for line in draft.lines:
            assert 0 <= line.credit.minor <= line.gross.minor
        spent = Money(sum(line.credit.minor for line in draft.lines), draft.currency)
        assert spent.minor == sum(use.used.minor for use in draft.credits)
        for use in draft.credits:
            assert use.used.currency is draft.currency
            used[use.credit] = used.get(use.credit, Money.zero(draft.currency)) + use.used
    told = {str(dict(note.values)["credit"]): dict(note.values) for note in decision.explanation
            if note.code == "credit_applied"}  # fmt: skip
    assert set(told) == set(used)
    for name, spent in used.items():
        assert told[name]["before"] == before[name].minor
        assert told[name]["used"] == spent.minor
        assert told[name]["after"] == (before[name] - spent).minor >= 0
