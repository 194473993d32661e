"""The VAT of a line: dated rates, the card's wish, half-up to the kopeck (§7; beyond 14)."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stavbill.billing.facts import VatWish
from stavbill.billing.money import Currency, Money
from stavbill.billing.period import Month
from stavbill.billing.policy import DatedRate, IssuerRule
from stavbill.billing.vat import line_rate, rate_on, vat_included, vat_warnings
from tests.billing.world import RULES

AUTOTRACKER, KZ, MATVEEV = RULES
OLD, NEW = date(2025, 12, 1), date(2026, 1, 1)


@pytest.mark.parametrize(
    ("rule", "wish", "day", "rate"),
    [
        pytest.param(AUTOTRACKER, VatWish.EMPTY, OLD, Decimal(20), id="§7 20 % until 31.12.2025"),
        pytest.param(AUTOTRACKER, VatWish.EMPTY, NEW, Decimal(22), id="§7 22 % from 01.01.2026"),
        pytest.param(AUTOTRACKER, VatWish.YES, NEW, Decimal(22), id="§7 yes follows the issuer"),
        pytest.param(AUTOTRACKER, VatWish.NO, NEW, None, id="§7 the card switches VAT off"),
        pytest.param(AUTOTRACKER, Decimal(5), NEW, Decimal(5), id="§7 the card names the rate"),
        pytest.param(MATVEEV, VatWish.YES, NEW, None, id="§7 outside VAT: never"),
        pytest.param(MATVEEV, Decimal(20), NEW, None, id="§7 outside VAT: no rate either"),
        pytest.param(AUTOTRACKER, VatWish.EMPTY, date(2018, 1, 1), None, id="§7 before any rate"),
    ],
)
def test_the_rate_of_a_line(
    rule: IssuerRule, wish: VatWish | Decimal, day: date, rate: Decimal | None
) -> None:
    assert line_rate(rule, wish, day) == rate


def test_the_order_of_dated_rates_does_not_matter() -> None:
    rates = (DatedRate(NEW, Decimal(22)), DatedRate(OLD, Decimal(20)))
    assert rate_on(rates, date(2026, 5, 1)) == rate_on(rates[::-1], date(2026, 5, 1)) == 22


@pytest.mark.parametrize(
    ("gross", "percent", "vat"),
    [
        pytest.param(105000, Decimal(20), 17500, id="E1 20 % of 1050.00"),
        pytest.param(3, Decimal(20), 1, id="§7 half a kopeck up"),
        pytest.param(122, Decimal(22), 22, id="§7 22 %"),
        pytest.param(100, Decimal("7.5"), 7, id="§7 a rate with a decimal"),
        pytest.param(100, Decimal(0), 0, id="§7 rate zero"),
        pytest.param(100, None, 0, id="§7 without VAT"),
    ],
)
def test_vat_is_contained_in_the_price(gross: int, percent: Decimal | None, vat: int) -> None:
    assert vat_included(Money(gross, Currency.RUB), percent).minor == vat


@given(st.integers(0, 10**12), st.sampled_from((5, 7, 12, 16, 20, 22)))
def test_vat_is_rounded_half_up(gross: int, percent: int) -> None:
    """§7: rounded half-up to the kopeck per line."""
    exact = Decimal(gross * percent) / Decimal(100 + percent)
    found = vat_included(Money(gross, Currency.RUB), Decimal(percent)).minor
    assert found == int(exact.quantize(Decimal(1), ROUND_HALF_UP))


@pytest.mark.parametrize(
    ("rule", "wish", "warns"),
    [
        pytest.param(MATVEEV, VatWish.YES, True, id="§7 a yes there is a warning"),
        pytest.param(MATVEEV, Decimal(5), True, id="§7 so is a rate"),
        pytest.param(MATVEEV, VatWish.NO, False, id="§7 a no is not"),
        pytest.param(MATVEEV, VatWish.EMPTY, False, id="§7 empty is not"),
        pytest.param(AUTOTRACKER, VatWish.YES, False, id="§7 the issuer charges it"),
        pytest.param(KZ, Decimal(16), False, id="§7 KZ charges it"),
    ],
)
def test_a_wish_that_cannot_be_granted(
    rule: IssuerRule, wish: VatWish | Decimal, *, warns: bool
) -> None:
    assert bool(vat_warnings(rule, wish, [Month(2026, 1)])) is warns


def test_the_service_month_decides_about_the_wish() -> None:
    """Beyond 14: VAT by the service month, also for the warning."""
    rule = AUTOTRACKER
    assert vat_warnings(rule, VatWish.YES, [Month(2018, 12), Month(2019, 1)])
    assert not vat_warnings(rule, VatWish.YES, [Month(2019, 1)])
    assert not vat_warnings(rule, VatWish.YES, [])
