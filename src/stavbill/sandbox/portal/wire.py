"""What travels: requests, answers, the error envelope, PHP's habits with arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias

import orjson

# What travels has no type until a field reads it.
Json: TypeAlias = Any
Record: TypeAlias = dict[str, Json]

JSON_TYPE = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer; `dropped` means that the connection breaks and nothing arrives."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    dropped: bool = False


class ApiError(Exception):
    """A refusal as the portal words it. `code` may be empty or the number 0, as documented.

    Source: bitrix24.md §1.5.
    """

    def __init__(self, status: int, code: str | int, text: str) -> None:
        """Refuse with this HTTP status, code and description."""
        super().__init__(f"{status} {code!r} {text}")
        self.code = code
        self.text = text
        self.status = status

    def body(self) -> Record:
        """Return the envelope."""
        return {"error": self.code, "error_description": self.text}


@dataclass(frozen=True, slots=True)
class Answer:
    """A method's result; `total` and `next` stand beside it in the envelope.

    Source: bitrix24.md §1.3.
    """

    result: Json
    total: int | None = None
    next: int | None = None


def php_map(pairs: Iterable[tuple[str, Json]]) -> Json:
    """Serialise a PHP array: empty is `[]`, keys 0, 1, 2 … in order make a list.

    Source: bitrix24.md §3, details 1 and 2.
    """
    given = dict(pairs)
    if all(key == str(place) for place, key in enumerate(given)):
        return list(given.values())
    return given


def number(value: Decimal) -> int | float:
    """Write a sum as PHP does: `350`, `999.99`."""
    is_whole = value == value.to_integral_value() and abs(value) < 2**53
    return int(value) if is_whole else float(value)


def _unusual(value: object) -> int | float:
    if isinstance(value, Decimal):
        return number(value)
    raise TypeError


def to_bytes(value: Json) -> bytes:
    """Serialise an answer's body."""
    return orjson.dumps(value, default=_unusual, option=orjson.OPT_NON_STR_KEYS)


def json_response(body: Json, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(status, {"Content-Type": JSON_TYPE}, to_bytes(body))
