"""Rows add up to the draft exactly, credits included."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stavbill.billing.decision import InvoiceLine
from stavbill.bitrix.batch import Json
from stavbill.bitrix.write.rows import compare_rows, rows_of
from tests.bitrix.write.drafts import draft, line


@st.composite
def lines(draw: st.DrawFn) -> InvoiceLine:
    quantity = draw(st.integers(1, 5000))
    price = draw(st.integers(0, 5_000_000))
    vat = draw(st.sampled_from([None, Decimal(0), Decimal(5), Decimal(20), Decimal(22)]))
    return line(quantity, price, draw(st.integers(0, quantity * price)), vat)


@given(st.lists(lines(), min_size=1, max_size=5))
def test_rows_add_up_to_the_draft_and_a_line_takes_three_at_most(
    some: list[InvoiceLine],
) -> None:
    wanted = draft(5, *some)
    rows = rows_of(wanted)
    assert sum(row.price.minor * row.quantity for row in rows) == wanted.total.minor
    assert sum(row.full.minor * row.quantity for row in rows) == wanted.gross.minor
    assert sum(row.quantity for row in rows) == sum(each.quantity for each in some)
    assert len(rows) <= 3 * len(some)
    assert all(row.discount >= 0 for row in rows)


def test_a_credit_makes_some_pieces_free_and_one_cheaper() -> None:
    rows = rows_of(draft(5, line(quantity=5, price=35_000, credit=80_000, vat=None)))
    assert [(row.quantity, row.price.minor, row.discount) for row in rows] == [
        (2, 35_000, Decimal(0)),
        (1, 25_000, Decimal("100.00")),
        (2, 0, Decimal("350.00")),
    ]


def test_a_discount_is_told_without_tax_as_the_portal_counts_it() -> None:
    (row,) = rows_of(draft(5, line(quantity=1, price=122_00, credit=61_00, vat=Decimal(22))))
    assert row.price.amount == Decimal("61.00")
    assert row.discount == Decimal("50.00")


def portal_row(**changed: Json) -> dict[str, Json]:
    row: dict[str, Json] = {
        "productName": "Услуга",
        "price": 350,
        "quantity": 3,
        "taxRate": 22,
        "taxIncluded": "Y",
        "discountSum": 0,
    }
    return row | changed


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        pytest.param({}, None, id="equal"),
        pytest.param({"price": Decimal("350.00000001")}, None, id="a binary fraction"),
        pytest.param({"taxRate": Decimal("22.0")}, None, id="a rate with a place"),
        pytest.param({"price": 340}, "цена", id="price"),
        pytest.param({"quantity": 2}, "количество", id="quantity"),
        pytest.param({"taxRate": None}, "ставка НДС", id="tax lost"),
        pytest.param({"taxIncluded": "N"}, "НДС в цене", id="tax on top"),
        pytest.param({"discountSum": 10}, "скидка", id="discount"),
        pytest.param({"productName": "Другое"}, "название", id="name"),
    ],
)
def test_a_row_that_differs_is_named(changed: dict[str, Json], problem: str | None) -> None:
    wanted = draft(5, line(quantity=3, price=35_000, name="Услуга"))
    found = compare_rows(wanted, [portal_row(**changed)])
    assert (found is None) if problem is None else (problem in (found or ""))


def test_a_missing_row_is_named() -> None:
    assert compare_rows(draft(5, line()), []) == "строк: ожидалось 1, найдено 0"
