"""Typed text: what people write into fields, cleaned of what nobody sees, and numbers in it.

One cleaning and one grammar of numbers for every field that people fill in, whatever program they
copied from. Knows no field and no rule.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

# Signs between words in every program's spelling; what stands in the middle of a word is no space.
_SPACES = dict.fromkeys((160, 5760, *range(8192, 8203), 8239, 8287, 12288), " ")
_BREAKS = {0x0085: "\n", 0x2028: "\n", 0x2029: "\n"}
_TRANSLATED = {**_SPACES, **_BREAKS}
_KEPT_CONTROLS = frozenset("\t\n\r")
# Digits as they stand on a keyboard. A space is a separator of thousands only before three digits.
_NUMBER = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>\d{1,3}(?: \d{3})+|\d+)(?:[.,](?P<part>\d+))?", re.ASCII
)
# Longer than any number that a card may mean.
_LONGEST = 15
_MINUS = str.maketrans("−–—", "---")


def clean(text: str) -> str:
    """Return `text` without signs that nobody sees, every kind of space as a plain one, stripped.

    Zero-width signs, soft hyphens, marks of direction, byte order marks and control signs go; line
    breaks and tabs stay. Letters are left alone, whatever they look like.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    composed = unicodedata.normalize("NFC", text.translate(_TRANSLATED))
    seen = (
        sign for sign in composed if sign in _KEPT_CONTROLS or unicodedata.category(sign)[0] != "C"
    )
    return "".join(seen).strip()


def number(text: str) -> Decimal:
    """Return the number that `text` is: `12 000`, `3,00`, `-4.5`; nothing else.

    Raises `ValueError` for words that a decimal parser would take for numbers (`inf`, `1e9`,
    `1_000`), for other digits than 0 to 9, and for more than fifteen digits.
    """
    found = _NUMBER.fullmatch(clean(text).translate(_MINUS))
    if found is None:
        raise ValueError(text)
    whole, part = found["whole"].replace(" ", ""), found["part"] or ""
    if len(whole) + len(part) > _LONGEST:
        raise ValueError(text)
    return Decimal(f"{found['sign']}{whole}.{part or '0'}")


def whole(text: str) -> int:
    """Return a whole number; `3.0` and `3,00` are 3. Raises `ValueError` for anything else."""
    value = number(text)
    if value != value.to_integral_value():
        raise ValueError(text)
    return int(value)
