"""What a unit is for billing: its switch, and the marks of conservation among its custom fields.

People type the marks by hand into a field's *name*: «Консервация от 14.01.2022», «Восстановление
01.02.2022». A date that cannot be read never speaks against what the switch shows:
- a deactivated unit whose mark has no readable date is conserved;
- a restoration without a readable date took place if the unit is active, and is an old one if the
  unit is deactivated (it was evidently deactivated again after it).

Source: billing rules §5, §11.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import Enum
from functools import lru_cache

from stavbill.plan.records import UnitState

# Latin letters that look like the Cyrillic ones of the two words: cards and fields bear both.
LOOK_ALIKES = str.maketrans("aceopxkhbmt", "асеорхкнвмт")
CONSERVATION = re.compile(r"\s*консервация\s*от(?![^\W\d_])")
RESTORATION = re.compile(r"\s*восстановление(?![^\W\d_])")
DAY_FIRST = re.compile(r"(?<!\d)(\d{1,2})\s*[./,-]\s*(\d{1,2})\s*[./,-]\s*(\d{4}|\d{2})(?!\d)")
YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")
CENTURY = 2000


class MarkKind(Enum):
    """The two kinds of mark."""

    CONSERVATION = "conservation"
    RESTORATION = "restoration"


@dataclass(frozen=True, slots=True)
class Mark:
    """A custom field's name that is a mark; `on` is None when its date cannot be read."""

    kind: MarkKind
    on: date | None


@lru_cache(maxsize=8192)  # the same names stand on thousands of units
def mark_of(name: str) -> Mark | None:
    """Return the mark that a custom field's name is, None for any other field.

    Case, spaces and Latin look-alikes do not matter; what follows the date does not either.

    Source: billing rules §11.
    """
    text = name.casefold().translate(LOOK_ALIKES)
    if CONSERVATION.match(text):
        return Mark(MarkKind.CONSERVATION, _date_in(text))
    if RESTORATION.match(text):
        return Mark(MarkKind.RESTORATION, _date_in(text))
    return None


def unit_state(field_names: Iterable[str], *, active: bool) -> UnitState:
    """Return what a unit with these custom fields is for billing.

    Of several marks the latest of each kind counts; a restoration on the mark's own day is not
    later than it.

    Source: billing rules §5, §11.
    """
    conserved: date | None = None
    restored: date | None = None
    for name in field_names:
        mark = mark_of(name)
        if mark is None:
            continue
        # Without a readable date: as the module's sentence says.
        if mark.kind is MarkKind.CONSERVATION:
            day = mark.on or (date.min if active else date.max)
            conserved = day if conserved is None else max(conserved, day)
        else:
            day = mark.on or (date.max if active else date.min)
            restored = day if restored is None else max(restored, day)
    marked = conserved is not None and not (restored is not None and restored > conserved)
    if active:
        return UnitState.ACTIVE_STALE_MARK if marked else UnitState.ACTIVE
    return UnitState.CONSERVED if marked else UnitState.UNMARKED


def _date_in(text: str) -> date | None:
    """Return the first date in `text` that exists in the calendar, None without one."""
    for found in YEAR_FIRST.finditer(text):
        year, month, day = (int(part) for part in found.groups())
        if known := _date(year, month, day):
            return known
    for found in DAY_FIRST.finditer(text):
        day, month, year = (int(part) for part in found.groups())
        if known := _date(year if year >= CENTURY else year + CENTURY, month, day):
            return known
    return None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
