"""The VAT rate of a line and the VAT that its total contains.

Source: billing rules §7; beyond 14.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from stavbill.billing.decision import Note
from stavbill.billing.facts import VatWish
from stavbill.billing.money import Money
from stavbill.billing.period import Month
from stavbill.billing.policy import DatedRate, IssuerRule


def rate_on(rates: tuple[DatedRate, ...], day: date) -> Decimal | None:
    """Return the issuer's rate in force on `day` in percent, None when outside VAT then."""
    found: DatedRate | None = None
    for rate in rates:
        if rate.since <= day and (found is None or rate.since > found.since):
            found = rate
    return found.percent if found else None


def line_rate(rule: IssuerRule, wish: VatWish | Decimal, day: date) -> Decimal | None:
    """Return the rate of a line whose service month begins on `day`.

    The card can switch VAT off or name the rate; an issuer outside VAT never charges it.

    Source: billing rules §7.
    """
    regime = rate_on(rule.vat, day)
    if regime is None or wish is VatWish.NO:
        return None
    return wish if isinstance(wish, Decimal) else regime


def vat_included(gross: Money, percent: Decimal | None) -> Money:
    """Return the VAT contained in a line's total, rounded half-up to the kopeck.

    `percent` is the rate in force in the line's service month, not on the invoice's date: an
    invoice over New Year carries both rates. None gives zero.

    Source: billing rules §7; beyond 14.
    """
    return Money(vat_kopecks(gross.minor, percent), gross.currency)


def vat_kopecks(gross: int, percent: Decimal | None) -> int:
    """Return what `vat_included` does, in kopecks of kopecks (§7)."""
    if not percent:
        return 0
    share = int(percent * 100)
    whole = 10_000 + share
    return (2 * gross * share + whole) // (2 * whole)


def vat_warnings(
    rule: IssuerRule, wish: VatWish | Decimal, months: Iterable[Month]
) -> tuple[Note, ...]:
    """Return the warning for a card that wants VAT from an issuer that is outside it (§7).

    The issuer's regime is asked for each of the service months that shall be billed.
    """
    if wish in (VatWish.EMPTY, VatWish.NO, Decimal(0)):
        return ()
    if any(rate_on(rule.vat, month.first_day) is None for month in months):
        return (Note("vat_wanted_issuer_outside", "§7", (("issuer", rule.issuer),)),)
    return ()
