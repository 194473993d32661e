"""Fields of CRM objects: what may be written, how values are read back in both naming worlds.

Source: bitrix24.md §4.3, §5.4, §11.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from stavbill.sandbox.portal.params import as_int, as_list
from stavbill.sandbox.portal.state import State
from stavbill.sandbox.portal.wire import ApiError, Json, number

NUMBERS = frozenset({"integer", "user", "employee", "crm_id", "enumeration", "crm_company"})
# Beyond these a column of the portal's database would overflow.
BIGGEST = Decimal(10) ** 12
YEARS = range(1900, 2200)
LEADING = re.compile(r"\s*[+-]?\d+")
LINKS = ("crm_id", "crm_company", "user", "employee")
FALSE = (None, "", 0, "0", False, "N", "n", "false", "no")


@dataclass(frozen=True, slots=True)
class Field:
    """One field: where it is stored, what it holds, its names in both worlds."""

    key: str
    kind: str = "string"
    read_only: bool = False
    multiple: bool = False
    user: bool = False
    upper: str = ""
    camel: str = ""
    title: str = ""
    options: tuple[tuple[int, str], ...] = field(default=())


class Dropped(Exception):
    """A value that the portal throws away in silence."""


def is_blank(value: Json) -> bool:
    """Say whether nothing was given; the number 0 is something."""
    return value is None or value is False or (isinstance(value, str) and value == "")


def write_value(state: State, what: Field, value: Json) -> Json:
    """Turn a sent value into the stored one.

    Raises `Dropped` for what is lost in silence, `ApiError` for what is refused.
    """
    if not what.multiple:
        if isinstance(value, list) and what.user and what.kind != "file":
            raise Dropped
        return _write_one(state, what, value)
    if not isinstance(value, (list, dict)):
        if is_blank(value):
            return []
        text = f"Field {what.upper or what.key} is multiple: an array is expected"
        raise ApiError(400, "100", text)
    given = [each for each in as_list(value) if not isinstance(each, (dict, list))]
    if what.kind == "enumeration" and not given:
        # Clearing with an empty array keeps the old values, says the tutorial. §5.4
        raise Dropped
    kept = [_write_one(state, what, each) for each in given]
    return [each for each in kept if each not in (None, "")]


def _write_one(state: State, what: Field, value: Json) -> Json:  # noqa: PLR0911 - by kind
    match what.kind:
        case "integer" | "user" | "employee" | "crm_id" | "enumeration" | "crm_company":
            return _write_integer(what, value)
        case "double":
            return _write_double(value)
        case "char":
            return "Y" if value in ("Y", "y", True, 1, "1") else "N"
        case "boolean":
            return None if value in (None, "") else value not in FALSE
        case "date":
            return _moment_or_drop(state, value, day_only=True)
        case "datetime":
            return _moment_or_drop(state, value, day_only=False)
        case "money":
            return _write_money(state, value)
        case _:
            if isinstance(value, (dict, list)):
                if what.kind == "file":
                    return value
                raise Dropped
            return None if value is None else str(value)


def _write_integer(what: Field, value: Json) -> int | None:
    if is_blank(value):
        return None
    found = as_int(value)
    if found is None:
        raise Dropped
    if what.kind == "enumeration":
        known = {id_ for id_, _ in what.options}
        if found == 0:
            return None
        if known and found not in known:
            raise Dropped
    return None if what.kind in LINKS and found == 0 else found


def _write_double(value: Json) -> Decimal | None:
    if value in (None, ""):
        return None
    found = as_decimal(value)
    if found is None:
        raise Dropped
    return found


def as_decimal(value: Json) -> Decimal | None:
    """Read a number; spaces and a comma are tolerated. Source: bitrix24.md §5.4."""
    try:
        found = Decimal(str(value).replace(" ", "").replace("\xa0", "").replace(",", "."))
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found) < BIGGEST else None


def _write_money(state: State, value: Json) -> str | None:
    amount, _, currency = str(value or "").partition("|")
    if as_decimal(amount) is None:
        return None
    return f"{amount}|{currency or state.base_currency}"


def _moment_or_drop(state: State, value: Json, *, day_only: bool) -> Json:
    if is_blank(value):
        return None
    found = read_moment(state, value)
    if found is None:
        if state.switches.bad_dates == "error":
            text = f"Invalid value of a date: {value}"
            raise ApiError(400, "CRM_FIELD_ERROR_VALUE_NOT_VALID", text)
        raise Dropped
    return found.astimezone(state.zone).date() if day_only else found


def read_moment(state: State, value: Json) -> datetime | None:
    """Read ISO with or without offset, or the portal's short format; no offset is server time.

    Source: bitrix24.md §11.
    """
    text = str(value).strip()
    for layout in ("%d.%m.%Y %H:%M:%S", "%d.%m.%Y"):
        try:
            found = datetime.strptime(text, layout).replace(tzinfo=state.zone)
            break
        except ValueError:
            continue
    else:
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            return None
    if found.year not in YEARS:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=state.zone)).astimezone(UTC)


def read_old(state: State, what: Field, stored: Json) -> Json:
    """Write a value as the old group does: strings nearly everywhere. Source: §5.1, §5.4."""
    if what.multiple:
        if not stored:
            return [] if state.switches.empty_multiple == "list" else False
        return [_one_old(state, what, each) for each in stored]
    if what.user and is_blank(stored) and stored is not False:
        return _empty_old(state, what)
    return _one_old(state, what, stored)


def _empty_old(state: State, what: Field) -> Json:
    match state.switches.old_empty:
        case "null":
            return None
        case "empty":
            return ""
        case _:
            if what.kind == "boolean":
                return _boolean_old(state, on=False)
            return None if what.kind in ("integer", "double", "employee") else ""


def _boolean_old(state: State, *, on: bool) -> Json:
    match state.switches.old_booleans:
        case "yn":
            return "Y" if on else "N"
        case "json":
            return on
        case _:
            return "1" if on else "0"


def _one_old(state: State, what: Field, stored: Json) -> Json:  # noqa: PLR0911 - by kind
    if stored is None:
        return None
    match what.kind:
        case "boolean":
            return _boolean_old(state, on=bool(stored))
        case "enumeration" if state.switches.old_enumerations == "number":
            return stored
        case "date":
            return state.iso_date(stored)
        case "datetime":
            return state.iso(stored)
        case "double":
            return str(number(stored))
        case kind if kind in NUMBERS:
            return str(stored)
        case _:
            return stored


def read_universal(state: State, what: Field, stored: Json) -> Json:
    """Write a value as `crm.item.*` does: numbers, Y/N, ISO. Source: §5.4, §6.3."""
    if what.multiple:
        if not stored:
            return [] if state.switches.empty_multiple == "list" else False
        return [_one_universal(state, what, each) for each in stored]
    return _one_universal(state, what, stored)


def _one_universal(state: State, what: Field, stored: Json) -> Json:
    if stored is None:
        return None
    match what.kind:
        case "boolean":
            return "Y" if stored else "N"
        case "enumeration" if state.switches.universal_enumerations == "string":
            return str(stored)
        case "date":
            return state.iso_date(stored)
        case "datetime":
            return state.iso(stored)
        case _:
            return stored


def comparable(state: State, what: Field, value: Json) -> Json:  # noqa: PLR0911 - by kind
    """Turn a filter's value into what is compared with stored ones; None where it cannot be."""
    if is_blank(value) and what.kind != "boolean":
        return None
    match what.kind:
        case "date":
            found = read_moment(state, value)
            return found.astimezone(state.zone).date() if found else None
        case "datetime":
            return read_moment(state, value)
        case "double":
            return as_decimal(value)
        case "boolean":
            # Filters take 1 and 0, never Y and N. §4.2
            return {"1": True, "0": False, "True": True, "False": False}.get(str(value))
        case kind if kind in NUMBERS:
            return php_int(value)
        case _:
            return str(value).casefold()


def is_readable(state: State, what: Field, value: Json) -> bool:
    """Say whether a filter's value can be read as its field's kind."""
    if is_blank(value):
        return True
    if what.kind in NUMBERS:
        return as_int(value) is not None
    return what.kind not in ("date", "datetime", "double") or (
        comparable(state, what, value) is not None
    )


def php_int(value: Json) -> int:
    """Read a number as PHP casts it: leading digits, or 0 for a text that is none.

    So an unresolved reference in `>ID` brings the first page again. Source: bitrix24.md §3.
    """
    found = as_int(value)
    if found is not None:
        return found
    leading = LEADING.match(str(value))
    return int(leading.group()) if leading else 0


def stored_comparable(stored: Json) -> Json:
    """Return a stored value as `comparable` gives a filter's."""
    return stored.casefold() if isinstance(stored, str) else stored
