"""Money: exact, one currency, half-up to the kopeck (mission; §7)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stavbill.billing.money import Currency, CurrencyMismatchError, Money

RUB, KZT = Currency.RUB, Currency.KZT


@pytest.mark.parametrize(
    ("amount", "minor"),
    [
        pytest.param("350", 35000, id="whole rubles"),
        pytest.param("0.005", 1, id="§7 half-up"),
        pytest.param("0.0049", 0, id="§7 below the half"),
        pytest.param(Decimal("1050.10"), 105010, id="decimal"),
        pytest.param(2, 200, id="int"),
        pytest.param("-1.005", -101, id="§7 half-up away from zero"),
    ],
)
def test_amounts_become_kopecks(amount: Decimal | int | str, minor: int) -> None:
    assert Money.of(amount, RUB) == Money(minor, RUB)


def test_an_amount_has_two_places() -> None:
    assert str(Money(105000, RUB).amount) == "1050.00"
    assert str(Money(7, RUB).amount) == "0.07"


def test_two_currencies_never_meet() -> None:
    rubles, tenge = Money(100, RUB), Money(100, KZT)
    assert rubles != tenge
    for combine in (Money.__add__, Money.__sub__, Money.__lt__):
        with pytest.raises(CurrencyMismatchError, match="RUB with KZT"):
            combine(rubles, tenge)


@given(st.lists(st.integers(-(10**12), 10**12)))
def test_a_sum_is_exact(kopecks: list[int]) -> None:
    amounts = [Money(minor, RUB) for minor in kopecks]
    total = sum(amounts, Money.zero(RUB))
    assert total.minor == sum(kopecks)
    assert bool(total) == (sum(kopecks) != 0)


def test_arithmetic_within_one_currency() -> None:
    assert Money(35000, RUB) * 3 - Money(5000, RUB) == Money(100000, RUB)
    assert Money(1, RUB) < Money(2, RUB)
    assert not Money.zero(KZT)
