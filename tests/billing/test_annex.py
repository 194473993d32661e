"""A partner's sum among its clients (§6): to the kopeck, or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stavbill.billing.annex import AnnexPrices, AnnexProblem, annex_prices
from stavbill.billing.decision import InvoiceDraft
from stavbill.billing.facts import NestedCount
from stavbill.billing.money import Currency, Money
from tests.billing.test_decide import billed
from tests.billing.world import facts, units

RUB = Currency.RUB


def draft(
    tariff: str, *nested: tuple[int, int], ignored: bool = False, months: int = 1
) -> InvoiceDraft:
    clients = tuple(
        NestedCount(f"Клиент {number}", active, conserved)
        for number, (active, conserved) in enumerate(nested, start=1)
    )
    seen = units(0, nested=clients)
    known = facts(tariff, seen, partner=True, ignore_count=ignored, months=months)
    return billed(known).drafts[0]


@pytest.mark.parametrize(
    ("tariff", "nested", "prices"),
    [
        pytest.param("3*350", [(2, 0), (1, 0)], (350, 350), id="one price"),
        pytest.param("3*350|3*100", [(2, 1), (1, 2)], (350, 100), id="as many conserved as active"),
        pytest.param("12*100", [(0, 5), (0, 7)], (100, 100), id="conserved ones alone"),
    ],
)
def test_clients_cost_what_their_units_cost(
    tariff: str, nested: list[tuple[int, int]], prices: tuple[int, int]
) -> None:
    found = annex_prices(draft(tariff, *nested))
    active, conserved = (Money(price * 100, RUB) for price in prices)
    assert found == AnnexPrices(active, conserved, 1)


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        pytest.param(
            draft("2*350|2*250", (3, 0), (1, 0)), AnnexProblem.SEVERAL_PRICES, id="whose is cheap"
        ),
        pytest.param(
            draft("2*350|2*250|1*100", (4, 1)), AnnexProblem.SEVERAL_PRICES, id="three groups"
        ),
        pytest.param(
            draft("5*350", (3, 0), ignored=True),
            AnnexProblem.COUNT_DIFFERS,
            id="ignored",
        ),
        pytest.param(
            replace(draft("3*350", (3, 0)), lines=()), AnnexProblem.COUNT_DIFFERS, id="no line"
        ),
    ],
)
def test_a_sum_that_belongs_to_no_client_is_shared_out_to_none(
    made: InvoiceDraft, problem: AnnexProblem
) -> None:
    assert annex_prices(made) is problem


@given(
    nested=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=12),
    kopecks=st.integers(10_001, 99_999),
)
def test_the_clients_sums_are_the_lines_to_the_kopeck(
    nested: list[tuple[int, int]], kopecks: int
) -> None:
    active, conserved = (sum(client[place] for client in nested) for place in (0, 1))
    groups = [(active, f"{kopecks / 100:.2f}"), (conserved, "100")]
    tariff = "|".join(f"{quantity}*{price}" for quantity, price in groups if quantity)
    if not tariff:
        return
    made = draft(tariff, *nested)
    prices = annex_prices(made)
    assert isinstance(prices, AnnexPrices)
    assert sum(prices.of(client).minor for client in made.annex) == made.gross.minor
