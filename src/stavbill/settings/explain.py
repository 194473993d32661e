"""What pydantic found wrong, as Russian lines that name key, value and what is expected."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

EXPECTED = {
    "bool_type": "ожидалось true или false",
    "date_type": "ожидалась дата, например 2026-01-01",
    "date_from_datetime_inexact": "ожидалась дата без времени",
    "decimal_max_places": "ожидалось не больше {decimal_places} знаков после запятой",
    "decimal_parsing": "ожидалось число",
    "decimal_type": "ожидалось число",
    "dict_type": "ожидалась таблица",
    "enum": "ожидалось одно из: {expected}",
    "float_parsing": "ожидалось число",
    "float_type": "ожидалось число",
    "greater_than": "ожидалось число больше {gt}",
    "greater_than_equal": "ожидалось число не меньше {ge}",
    "int_type": "ожидалось целое число",
    "less_than": "ожидалось число меньше {lt}",
    "less_than_equal": "ожидалось число не больше {le}",
    "model_attributes_type": "ожидалась таблица",
    "model_type": "ожидалась таблица",
    "string_pattern_mismatch": "ожидался текст по образцу {pattern}",
    "string_too_short": "ожидался непустой текст",
    "string_type": "ожидался текст в кавычках",
    "tuple_type": "ожидался список",
}
LONGEST = 60
MAY_BE_SECRET = re.compile(r"token|secret|password|url|/rest/|@", re.IGNORECASE)


def explain(error: ValidationError) -> list[str]:
    """Return one line for each thing wrong, in the order of the file's keys.

    Values that may be secrets (addresses, tokens, whatever stands under an unknown key) are not
    repeated.
    """
    return [_line(found) for found in error.errors(include_url=False)]


def _line(found: Mapping[str, Any]) -> str:
    key = _key(found["loc"])
    kind, context = found["type"], found.get("ctx", {})
    if kind == "missing":
        return f"{key}: не задано"
    if kind == "extra_forbidden":
        return f"{key}: такой настройки нет"
    if kind == "value_error":
        expected = str(context.get("error", ""))
        return f"{key}: {expected}" if key else expected
    template = EXPECTED.get(kind)
    # pydantic lists an enumeration's values in English.
    known = {name: str(value).replace(" or ", " или ") for name, value in context.items()}
    expected = template.format_map(known) if template else str(found["msg"])
    return f"{key} = {_shown(key, found['input'])}: {expected}"


def _key(place: tuple[str | int, ...]) -> str:
    """Return a place as people write it: `issuers[1].vat[0].percent`, counted from 1."""
    key = ""
    for part in place:
        if isinstance(part, int):
            key += f"[{part + 1}]"
        elif part != "[key]":
            key += f".{part}" if key else part
    return key


def _shown(key: str, value: object) -> str:
    if isinstance(value, dict | list | tuple):
        return "таблица" if isinstance(value, dict) else "список"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if MAY_BE_SECRET.search(key) or MAY_BE_SECRET.search(text):
        return "(не показано)"
    return f"«{text[:LONGEST]}»"
