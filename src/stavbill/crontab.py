"""Crontab line: five fields as cron reads them, checked field by field.

Whatever of the grammar we do not do is refused by name, never read otherwise.
Source: crontab(5); POSIX, crontab.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_PART = re.compile(
    r"(?:(?P<all>\*)|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\d+))?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class _Field:
    """One of the five: its name for people, its least and greatest value, names of values."""

    name: str
    least: int
    greatest: int
    names: Mapping[str, int] = field(default_factory=dict)

    @property
    def most_for_all(self) -> int:
        """The last value of `*`: of weekdays 7 would be Sunday once more."""
        return max(self.names.values(), default=self.greatest)


FIELDS = (
    _Field("минуты", 0, 59),
    _Field("часы", 0, 23),
    _Field("день месяца", 1, 31),
    _Field("месяц", 1, 12, {name: number for number, name in enumerate(MONTHS, start=1)}),
    # 7 is Sunday too.
    _Field("день недели", 0, 7, {name: number for number, name in enumerate(DAYS)}),
)
EXPECTED = "ожидалось пять полей crontab, например «0 7 * * 1-5», или пустая строка (никогда)"


def check_crontab(text: str) -> str:
    """Return a crontab line as it is; "" is never.

    Raises `ValueError` with what is wrong and what is expected, in Russian.
    """
    if text:
        _, _, days, _, weekdays = crontab_values(text)
        if len(days) < FIELDS[2].greatest and len(weekdays) < len(DAYS):
            # Cron would take either day, others both: nobody is to guess.
            msg = f"«{text}»: день месяца и день недели вместе не поддерживаются, оставьте один"
            raise ValueError(msg)
    return text


def crontab_values(text: str) -> tuple[tuple[int, ...], ...]:
    """Return the values of minute, hour, day, month and weekday; of weekdays 0 is Sunday.

    Raises `ValueError` for anything else than five fields of numbers, names, ranges, lists, steps.
    """
    parts = text.split()
    if len(parts) != len(FIELDS):
        raise ValueError(EXPECTED)
    found = [
        tuple(sorted(set(_values(part, known)))) for part, known in zip(parts, FIELDS, strict=True)
    ]
    found[-1] = tuple(sorted({day % len(DAYS) for day in found[-1]}))
    return tuple(found)


def _values(text: str, known: _Field) -> Iterator[int]:
    for part in text.lower().split(","):
        read = _PART.fullmatch(part)
        if read is None:
            raise ValueError(_wrong(text, known))
        if read["all"]:
            first, last = known.least, known.most_for_all
        else:
            first = _value(read["first"], known, text)
            last = first if read["last"] is None else _value(read["last"], known, text)
        step = 1 if read["step"] is None else int(read["step"])
        alone = not read["all"] and read["last"] is None
        if step < 1 or last < first or (alone and read["step"] is not None):
            raise ValueError(_wrong(text, known))
        yield from range(first, last + 1, step)


def _value(text: str, known: _Field, whole: str) -> int:
    value = int(text) if text.isdecimal() else known.names.get(text, -1)
    if not known.least <= value <= known.greatest:
        raise ValueError(_wrong(whole, known))
    return value


def _wrong(text: str, known: _Field) -> str:
    named = f" или {', '.join(known.names)}" if known.names else ""
    return (
        f"{known.name} «{text}»: ожидались числа от {known.least} до {known.greatest}{named}: "
        "одно, список через запятую, промежуток 1-5, шаг */2 или 1-9/2"
    )
