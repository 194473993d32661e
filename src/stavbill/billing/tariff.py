"""The tariff grammar that people type into company cards: read, judged with a place, written back.

Source: billing rules §2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

SPACES = " \t\u00a0\u202f\u2009"
TIMES_SIGNS = "*xXхХ×·"
DASHES = "-—–"
BLANKS = SPACES + "\r\n"
RUBLE_SIGN = re.compile(r"(?:руб|р)\.?|₽", re.IGNORECASE)
DIGITS = re.compile(r"[0-9]+")
MAX_QUANTITY = 1_000_000
MAX_RUBLES = 100_000_000


@dataclass(frozen=True, slots=True)
class TariffGroup:
    """`quantity` units at `price` kopecks a month; `quantity` None is the dash of `-*200`."""

    quantity: int | None
    price: int

    @property
    def total(self) -> int:
        """What the group costs a month, in kopecks; a remembered price costs nothing."""
        return (self.quantity or 0) * self.price


@dataclass(frozen=True, slots=True)
class TariffStyle:
    """How the field writes its signs, so that a changed tariff goes back in its own style.

    `kopecks` says that it writes whole prices with kopecks too: «350,00».
    """

    times: str = "*"
    between: str = "|"
    decimal: str = ","
    dash: str = "-"
    suffix: str = ""
    kopecks: bool = False


PLAIN_STYLE = TariffStyle()


@dataclass(frozen=True, slots=True)
class Tariff:
    """A tariff as understood. No groups means `-`: no such fee.

    Equality looks at the groups and at the style in which they are written back. What follows from
    the groups is worked out once, because many companies share a tariff: `billed` are the groups
    with a quantity above zero, `merged` those of one price added up, in the order of the field
    (§2); `quantity` is the number of units in all groups, `total` what one month costs, in kopecks;
    `is_no_fee` says whether the field means «no such fee»: `-`, or only remembered prices (§11),
    `has_free_units` whether a billed group costs nothing (§7).
    """

    groups: tuple[TariffGroup, ...]
    style: TariffStyle = PLAIN_STYLE
    billed: tuple[TariffGroup, ...] = field(init=False, repr=False, compare=False)
    merged: tuple[TariffGroup, ...] = field(init=False, repr=False, compare=False)
    quantity: int = field(init=False, repr=False, compare=False)
    total: int = field(init=False, repr=False, compare=False)
    is_no_fee: bool = field(init=False, repr=False, compare=False)
    has_free_units: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Work out what follows from the groups."""
        billed = tuple(group for group in self.groups if group.quantity)
        by_price: dict[int, int] = {}
        for group in billed:
            by_price[group.price] = by_price.get(group.price, 0) + (group.quantity or 0)
        merged = tuple(TariffGroup(quantity, price) for price, quantity in by_price.items())
        object.__setattr__(self, "billed", billed)
        object.__setattr__(self, "merged", merged)
        object.__setattr__(self, "quantity", sum(by_price.values()))
        object.__setattr__(self, "total", sum(group.total for group in merged))
        no_fee = all(group.quantity is None for group in self.groups)
        object.__setattr__(self, "is_no_fee", no_fee)
        object.__setattr__(self, "has_free_units", 0 in by_price)


NO_FEE = Tariff(())


@dataclass(frozen=True, slots=True)
class TariffProblem:
    """A tariff text that is not understood: never guessed, never «no fee» (§2, §9).

    `position` counts characters of `text` as it stands on the card, from 0; `expected` is a code
    of `EXPECTATIONS`, put into words by `plan.texts`.
    """

    text: str
    position: int
    expected: str


EXPECTATIONS = frozenset(
    {"quantity", "times", "price", "kopecks", "separator", "thousands", "smaller_number"}
)


@lru_cache(maxsize=16_384)
def parse_tariff(text: str | None) -> Tariff | TariffProblem:
    """Return the tariff that `text` means, or the problem with its place.

    None, blanks and a lone dash give `NO_FEE` (in the field's own dash). Results are remembered by
    text: a portal has few distinct tariffs.

    Source: billing rules §2.
    """
    try:
        return _Reader(text or "").tariff()
    except _Stop as stop:
        return TariffProblem(text or "", stop.position, stop.expected)


def format_tariff(tariff: Tariff) -> str:
    """Return the text of `tariff` in its own style; `parse_tariff` of it is `tariff` again.

    Source: billing rules §2, «writing a tariff back keeps the field's own style».
    """
    style = tariff.style
    if not tariff.groups:
        return style.dash
    return style.between.join(_format_group(group, style) for group in tariff.groups)


def _format_group(group: TariffGroup, style: TariffStyle) -> str:
    quantity = style.dash if group.quantity is None else str(group.quantity)
    rubles, kopecks = divmod(group.price, 100)
    whole = kopecks == 0 and not style.kopecks
    price = str(rubles) if whole else f"{rubles}{style.decimal}{kopecks:02d}"
    return f"{quantity}{style.times}{price}{style.suffix}"


class _Stop(Exception):
    def __init__(self, position: int, expected: str) -> None:
        super().__init__(expected)
        self.position = position
        self.expected = expected


class _Reader:
    """Reads one text from left to right; the first thing that does not fit stops it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.times = self.between = self.decimal = self.dash = self.suffix = ""
        self.kopecks = False

    def tariff(self) -> Tariff:
        self._skip(BLANKS)
        if self._ended():
            return NO_FEE
        if self._is_lone_dash():
            return Tariff((), TariffStyle(dash=self.dash))
        groups = [self._group()]
        while self._separator():
            groups.append(self._group())
        return Tariff(tuple(groups), self._style())

    def _style(self) -> TariffStyle:
        return TariffStyle(
            times=self.times or PLAIN_STYLE.times,
            between=self.between or PLAIN_STYLE.between,
            decimal=self.decimal or PLAIN_STYLE.decimal,
            dash=self.dash or PLAIN_STYLE.dash,
            suffix=self.suffix,
            kopecks=self.kopecks,
        )

    def _ended(self) -> bool:
        return self.at >= len(self.text)

    def _peek(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""

    def _skip(self, signs: str) -> int:
        start = self.at
        while self.at < len(self.text) and self.text[self.at] in signs:
            self.at += 1
        return self.at - start

    def _is_lone_dash(self) -> bool:
        start = self.at
        if self._peek() and self._peek() in DASHES:
            dash = self._peek()
            self.at += 1
            self._skip(BLANKS + "|")
            if self._ended():
                self.dash = dash
                return True
        self.at = start
        return False

    def _group(self) -> TariffGroup:
        quantity = self._quantity()
        self._skip(SPACES)
        sign = self._peek()
        if not sign or sign not in TIMES_SIGNS:
            raise _Stop(self.at, "times")
        self.times = self.times or sign
        self.at += 1
        self._skip(SPACES)
        price = self._price()
        self._ruble_sign()
        return TariffGroup(quantity, price)

    def _quantity(self) -> int | None:
        sign = self._peek()
        if sign and sign in DASHES:
            self.dash = self.dash or sign
            self.at += 1
            return None
        start = self.at
        found = DIGITS.match(self.text, self.at)
        if found is None:
            raise _Stop(self.at, "quantity")
        self.at = found.end()
        if len(found.group()) > len(str(MAX_QUANTITY)) or int(found.group()) > MAX_QUANTITY:
            raise _Stop(start, "smaller_number")
        return int(found.group())

    def _price(self) -> int:
        start = self.at
        found = DIGITS.match(self.text, self.at)
        if found is None:
            raise _Stop(self.at, "price")
        self.at = found.end()
        whole = found.group() + self._thousands(len(found.group()))
        kopecks = self._kopecks()
        if len(whole) > len(str(MAX_RUBLES)) or int(whole) > MAX_RUBLES:
            raise _Stop(start, "smaller_number")
        return int(Decimal(f"{whole}.{kopecks or '0'}") * 100)

    def _thousands(self, digits_before: int) -> str:
        """Read « 500» of «1 500»: a blank, three digits, and not the next group's quantity."""
        start = self.at
        blanks = self._skip(SPACES)
        found = DIGITS.match(self.text, self.at)
        if blanks == 0 or found is None or self._is_quantity(found.end()):
            self.at = start
            return ""
        if blanks > 1 or digits_before > 2 or len(found.group()) != 3:  # noqa: PLR2004  §2 counts digits
            raise _Stop(start, "thousands")
        self.at = found.end()
        return found.group()

    def _is_quantity(self, end: int) -> bool:
        after = self.text[end:].lstrip(SPACES)
        return bool(after) and after[0] in TIMES_SIGNS

    def _kopecks(self) -> str:
        mark = self._peek()
        if not mark or mark not in ",.":
            return ""
        found = DIGITS.match(self.text, self.at + 1)
        if found is None:
            if (
                mark == ","
                and self.text[self.at + 1 : self.at + 2].strip() == ""
                and (self.text[self.at + 1 :].strip())
            ):
                return ""
            raise _Stop(self.at, "kopecks")
        if len(found.group()) > 2:  # noqa: PLR2004  a kopeck has two digits
            raise _Stop(self.at, "kopecks")
        self.decimal = self.decimal or mark
        self.kopecks = self.kopecks or int(found.group()) == 0
        self.at = found.end()
        return found.group()

    def _ruble_sign(self) -> None:
        start = self.at
        self._skip(SPACES)
        found = RUBLE_SIGN.match(self.text, self.at)
        if found is None:
            self.at = start
            return
        self.at = found.end()
        self.suffix = self.suffix or self.text[start : self.at]

    def _separator(self) -> bool:
        """Step over what stands between two groups; False at the end of the text."""
        start = self.at
        gap = self._skip(BLANKS)
        comma = self._peek() == ","
        if comma:
            self.at += 1
            gap = self._skip(BLANKS)
        bars = 0
        while not comma and self._skip("|"):
            bars += 1
            self._skip(BLANKS)
        if self._ended() and not comma:
            return False
        if self._ended() or (gap == 0 and bars == 0):
            raise _Stop(start, "separator")
        self.between = self.between or ("|" if bars else ", " if comma else self._gap(start))
        return True

    def _gap(self, start: int) -> str:
        return "\n" if "\n" in self.text[start : self.at] else " "
