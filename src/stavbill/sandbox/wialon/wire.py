"""Requests, answers and errors as they cross the host's threshold, free of any transport."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

JSON = "application/json"
HTML = "text/html"

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, its query and form already merged into `fields`."""

    path: str
    fields: Mapping[str, str]
    method: str = "POST"
    is_form: bool = True
    remote: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer; `dropped` closes the connection without a word instead."""

    body: bytes
    status: int = 200
    content_type: str = JSON
    dropped: bool = False


class ApiError(Exception):
    """A refusal by the API: `code` of the documented list, sometimes with a reason.

    Source: wialon.md §1.2, §1.8.
    """

    def __init__(self, code: int, reason: str = "") -> None:
        """Name the error by its number."""
        super().__init__(f"error {code} {reason}".strip())
        self.code = code
        self.reason = reason

    def body(self) -> dict[str, Json]:
        """Return the JSON that stands for the error; HTTP says 200 nevertheless."""
        return {"error": self.code} | ({"reason": self.reason} if self.reason else {})


@dataclass(slots=True)
class Params:
    """The arguments of one call; each reader refuses a wrong shape with error 4."""

    values: dict[str, Json] = field(default_factory=dict)

    def integer(self, key: str, *, default: int | None = None) -> int:
        """Return a whole number; hex is accepted as quoted text only, a yes/no as 1 and 0."""
        value = self.values.get(key, default)
        if isinstance(value, bool | int):
            return int(value)
        if isinstance(value, str):
            try:
                return int(value, 0)
            except ValueError:
                pass
        raise ApiError(4, f"{key}: whole number expected")

    def text(self, key: str, *, default: str | None = None) -> str:
        """Return a text; a number is taken for its digits, as the server does."""
        value = self.values.get(key, default)
        if isinstance(value, str):
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        raise ApiError(4, f"{key}: text expected")

    def record(self, key: str) -> Params:
        """Return a nested object."""
        value = self.values.get(key)
        if not isinstance(value, dict):
            raise ApiError(4, f"{key}: object expected")
        return Params(value)

    def ids(self, key: str) -> tuple[int, ...] | int:
        """Return one id, or several when a list was given."""
        value = self.values.get(key)
        if isinstance(value, list):
            return tuple(Params({key: each}).integer(key) for each in value)
        return self.integer(key)
