"""Reading of single values in answers: ids, dates, sums, whatever spelling the portal chooses.

Source: Bitrix24 reference 11 (b24restdocs: api-reference/data-types.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from stavbill.bitrix.batch import Json

KOPECK = Decimal("0.01")


def dig(value: Json, *path: str | int) -> Json:
    """Return what stands at `path` in an answer, None where any part is missing."""
    for part in path:
        if isinstance(value, dict) and isinstance(part, str):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value


def id_at(value: Json, *path: str | int) -> int | None:
    """Return the positive id at `path`, written as a number or as text."""
    found = dig(value, *path)
    if isinstance(found, str) and found.isdecimal():
        found = int(found)
    return found if isinstance(found, int) and found > 0 else None


def text_at(value: Json, *path: str | int) -> str:
    """Return the text at `path`, "" where there is none."""
    found = dig(value, *path)
    return "" if found is None or isinstance(found, bool | list | dict) else str(found)


def decimal_at(value: Json, *path: str | int) -> Decimal | None:
    """Return the number at `path`, None where it is empty or no number."""
    text = text_at(value, *path)
    try:
        return Decimal(text) if text else None
    except InvalidOperation:
        return None


def money_at(value: Json, *path: str | int) -> Decimal | None:
    """Return the sum at `path` with two places: the portal computes in binary fractions."""
    found = decimal_at(value, *path)
    return None if found is None else found.quantize(KOPECK)


def date_at(value: Json, *path: str | int) -> date | None:
    """Return the date at `path`.

    A date comes as midnight UTC in the portal's offset: east of Greenwich its first ten characters
    are the date, west of it the date is that in UTC.
    """
    text = text_at(value, *path)
    try:
        moment = datetime.fromisoformat(text)
        offset = moment.utcoffset()
        if offset is None or offset >= timedelta(0):
            return moment.date()
        return moment.astimezone(UTC).date()
    except (ValueError, OverflowError):
        return None


def rows_at(value: Json, *path: str | int) -> Sequence[dict[str, Json]]:
    """Return the list of objects at `path`, empty where there is none."""
    found = dig(value, *path)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
