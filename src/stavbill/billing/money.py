"""Exact money in one currency, counted in kopecks (tiyn)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum

MINOR_PER_MAJOR = 100


class Currency(Enum):
    """A currency that an invoice may bear, by its ISO 4217 code."""

    RUB = "RUB"
    KZT = "KZT"


class CurrencyMismatchError(ValueError):
    """Two currencies met in one sum; that is always a mistake of the caller."""


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount: `minor` kopecks (tiyn) of `currency`.

    Arithmetic between currencies raises `CurrencyMismatchError`. Negative amounts exist only as
    differences; an invoice line never bears one.

    Source: mission, «Money is exact decimal, never a float».
    """

    minor: int
    currency: Currency

    @classmethod
    def of(cls, amount: Decimal | int | str, currency: Currency) -> Money:
        """Return `amount` rubles (tenge), rounded half-up to the kopeck."""
        minor = (Decimal(amount) * MINOR_PER_MAJOR).quantize(Decimal(1), ROUND_HALF_UP)
        return cls(int(minor), currency)

    @classmethod
    def zero(cls, currency: Currency) -> Money:
        """Return nothing, in `currency`."""
        return cls(0, currency)

    @property
    def amount(self) -> Decimal:
        """The amount in rubles (tenge) with two places: `Decimal("1050.00")`."""
        return Decimal(self.minor).scaleb(-2)

    def __add__(self, other: Money) -> Money:
        """Add within one currency."""
        self._require_same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        """Subtract within one currency."""
        self._require_same(other)
        return Money(self.minor - other.minor, self.currency)

    def __mul__(self, times: int) -> Money:
        """Multiply by a whole number."""
        return Money(self.minor * times, self.currency)

    def __lt__(self, other: Money) -> bool:
        """Compare within one currency."""
        self._require_same(other)
        return self.minor < other.minor

    def __bool__(self) -> bool:
        """Say whether there is anything."""
        return self.minor != 0

    def _require_same(self, other: Money) -> None:
        if self.currency is not other.currency:
            msg = f"cannot combine {self.currency.value} with {other.currency.value}"
            raise CurrencyMismatchError(msg)
