"""The tariff grammar (§2): what people type, what is refused and where, how it is written back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from stavbill.billing.tariff import (
    EXPECTATIONS,
    NO_FEE,
    PLAIN_STYLE,
    Tariff,
    TariffGroup,
    TariffProblem,
    TariffStyle,
    format_tariff,
    parse_tariff,
)
from tests.billing.strategies import Groups, dirty_tariffs, styled_tariffs


def understood(text: str | None) -> Tariff:
    known = parse_tariff(text)
    assert isinstance(known, Tariff), known
    return known


def sense(text: str | None) -> list[tuple[int | None, int]]:
    return [(group.quantity, group.price) for group in understood(text).groups]


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        pytest.param("4*350|15*100", [(4, 35000), (15, 10000)], id="§2 two groups"),
        pytest.param("0*350", [(0, 35000)], id="§2 quantity zero"),
        pytest.param("3*0", [(3, 0)], id="§2 price zero"),
        pytest.param("3*350,50", [(3, 35050)], id="§2 comma is decimal"),
        pytest.param("3*350.5", [(3, 35050)], id="§2 point is decimal"),
        pytest.param("-*200", [(None, 20000)], id="§2 price remembered"),
        pytest.param("— * 200", [(None, 20000)], id="§2 price remembered, long dash"),
        pytest.param("3х350", [(3, 35000)], id="§2 Cyrillic х"),
        pytest.param("3Х350", [(3, 35000)], id="§2 Cyrillic Х"),
        pytest.param("3x350", [(3, 35000)], id="§2 Latin x"),
        pytest.param("3×350", [(3, 35000)], id="§2 multiplication sign"),
        pytest.param("3·350", [(3, 35000)], id="§2 middle dot"),
        pytest.param(" 3\u00a0* 350 ", [(3, 35000)], id="§2 spaces, no-break too"),
        pytest.param("3*350|", [(3, 35000)], id="§2 trailing bar"),
        pytest.param("3*350||2*100", [(3, 35000), (2, 10000)], id="§2 doubled bar"),
        pytest.param("6*350 6*250", [(6, 35000), (6, 25000)], id="E4 §2 space between groups"),
        pytest.param("3*350, 2*100", [(3, 35000), (2, 10000)], id="§2 comma+space"),
        pytest.param("3*350 , 2*100", [(3, 35000), (2, 10000)], id="§2 space+comma+space"),
        pytest.param("3*350\n2*100", [(3, 35000), (2, 10000)], id="§2 newline"),
        pytest.param("3*350,\r\n2*100", [(3, 35000), (2, 10000)], id="§2 comma, newline"),
        pytest.param("3*350р|2*100 руб", [(3, 35000), (2, 10000)], id="§2 р and руб"),
        pytest.param("3*350 ₽", [(3, 35000)], id="§2 ruble sign"),
        pytest.param("3*350 руб. 2*100р.", [(3, 35000), (2, 10000)], id="§2 руб. with its point"),
        pytest.param("3*1 500,00 ₽", [(3, 150000)], id="§2 thousands separator"),
        pytest.param("3*12\u00a0500", [(3, 1250000)], id="§2 no-break thousands"),
        pytest.param("3*1 500 2*100", [(3, 150000), (2, 10000)], id="§2 thousands, then a group"),
        pytest.param("3*10 500*2", [(3, 1000), (500, 200)], id="§2 three digits of a quantity"),
    ],
)
def test_what_is_understood(text: str, groups: list[tuple[int | None, int]]) -> None:
    assert sense(text) == groups


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        pytest.param("*350", 0, "quantity", id="E12 §2 no quantity"),
        pytest.param("abc", 0, "quantity", id="§2 letters"),
        pytest.param("|3*350", 0, "quantity", id="§2 leading bar"),
        pytest.param("3*", 2, "price", id="§2 no price"),
        pytest.param("3*|2*100", 2, "price", id="§2 no price in the first group"),
        pytest.param("1*3*5", 3, "separator", id="§2 two signs"),
        pytest.param("-350", 1, "times", id="§2 negative quantity"),
        pytest.param("3*-350", 2, "price", id="§2 negative price"),
        pytest.param("350", 3, "times", id="§2 price alone"),
        pytest.param("--", 1, "times", id="§2 two dashes"),
        pytest.param("3*350 100", 5, "thousands", id="§2 350 100 is no price"),
        pytest.param("3*350 5", 5, "thousands", id="§2 350 5 is no price"),
        pytest.param("3*1 50", 3, "thousands", id="§2 two digits after the space"),
        pytest.param("3*1  500", 3, "thousands", id="§2 two spaces inside a price"),
        pytest.param("3*1 500 000", 11, "times", id="§2 millions"),
        pytest.param("3*350,2*100", 7, "separator", id="§2 comma without a space"),
        pytest.param("3*350 ,2*100", 5, "separator", id="§2 space before a comma only"),
        pytest.param("3*350,", 5, "kopecks", id="§2 trailing comma"),
        pytest.param("3*350 , ", 5, "separator", id="§2 trailing comma after a space"),
        pytest.param("3*350.", 5, "kopecks", id="§2 trailing point"),
        pytest.param("3*350,123", 5, "kopecks", id="§2 three decimals"),
        pytest.param("3*350р2*100", 6, "separator", id="§2 nothing between the groups"),
        pytest.param("3*350 в месяц", 6, "quantity", id="§2 words after the price"),
        pytest.param("1 000*350", 2, "times", id="§2 a space inside a quantity"),
        pytest.param("2000000*1", 0, "smaller_number", id="§2 more units than there are"),
        pytest.param("1*999999999", 2, "smaller_number", id="§2 more rubles than there are"),
        pytest.param("99999999*1", 0, "smaller_number", id="§2 eight digits of units"),
        pytest.param("1*100000001", 2, "smaller_number", id="§2 just above the greatest price"),
    ],
)
def test_what_is_not_guessed(text: str, position: int, expected: str) -> None:
    assert parse_tariff(text) == TariffProblem(text, position, expected)
    assert expected in EXPECTATIONS


@pytest.mark.parametrize("text", [None, "", "  ", "\u00a0\n", "-", "—", " – ", "- |"])
def test_no_such_fee(text: str | None) -> None:
    """§2: a dash of any length and an empty field mean «no such fee»."""
    known = understood(text)
    assert known.groups == ()
    assert known.is_no_fee
    assert known.total == known.quantity == 0


def test_a_remembered_price_is_no_fee_and_an_empty_group_is_one() -> None:
    """§2, §11: `-*200` means no fee now; `0*350` is a fee for no unit."""
    assert understood("-*200").is_no_fee
    assert not understood("0*350").is_no_fee
    assert understood("0*350|-*10").billed == ()


def test_groups_of_one_price_are_merged_in_the_order_of_the_field() -> None:
    """§2: two groups with the same price are merged on the invoice."""
    known = understood("2*350|1*100|3*350,00|0*100|-*350")
    assert known.merged == (TariffGroup(5, 35000), TariffGroup(1, 10000))
    assert known.quantity == 6
    assert known.total == 185000


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param("4*350|15*100", "5*350|15*100", id="§2 the manual's own"),
        pytest.param("4х350 руб, 15х100 руб", "5х350 руб, 15х100 руб", id="§2 signs kept"),
        pytest.param("4*350.00\n15*100.50", "5*350.00\n15*100.50", id="§2 kopecks kept"),
        pytest.param("4 * 350 || 15*100 |", "5*350|15*100", id="§2 dirt is not kept"),
        pytest.param("—*200|4*1 500", "—*200|5*1500", id="§2 the dash is kept"),
    ],
)
def test_a_changed_tariff_keeps_the_style_of_its_field(text: str, written: str) -> None:
    known = understood(text)
    groups = tuple(
        replace(group, quantity=5) if group.quantity == 4 else group for group in known.groups
    )
    assert format_tariff(replace(known, groups=groups)) == written


def test_a_tariff_without_groups_is_written_as_its_dash() -> None:
    assert format_tariff(NO_FEE) == "-"
    assert format_tariff(understood("—")) == "—"
    assert understood("—").style == TariffStyle(dash="—")
    assert TariffStyle() == PLAIN_STYLE


@given(styled_tariffs())
def test_parse_after_format_is_the_identity(pair: tuple[str, Groups]) -> None:
    """§2: what is written back is what was there, and means the same."""
    text, groups = pair
    known = understood(text)
    assert known.groups == groups
    assert format_tariff(known) == text
    assert parse_tariff(format_tariff(known)) == known


@given(dirty_tariffs())
def test_dirty_spellings_mean_the_same_groups(pair: tuple[str, Groups]) -> None:
    """§2: everything tolerated, in any mixture; written back it still means the same."""
    text, groups = pair
    known = understood(text)
    assert known.groups == groups
    assert parse_tariff(format_tariff(known)) == known
