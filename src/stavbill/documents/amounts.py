"""Amounts in words, as invoices bear them: the whole part in words, kopecks in figures.

Source: reference on Russian documents 5.1; dependencies page (num2words).
"""

from __future__ import annotations

from decimal import Decimal

from num2words import num2words

from stavbill.billing.money import Money


def in_words(money: Money) -> str:
    """Return «Двадцать две тысячи триста двадцать четыре рубля 00 копеек»."""
    # Two places always: a whole number would be taken as kopecks.
    amount = Decimal(money.minor).scaleb(-2)
    said: str = num2words(
        amount,
        lang="ru",
        to="currency",
        currency=money.currency.value,
        cents=False,
        separator="",
    )
    return said[:1].upper() + said[1:]
