"""Parameters of a call: JSON, PHP bracket notation, query strings; names as each method takes them.

Source: bitrix24.md §1.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qsl

import orjson

from stavbill.sandbox.portal.wire import ApiError, Json, Record

FORM = "application/x-www-form-urlencoded"


def parse_query(text: str) -> Record:
    """Read `a[b][0]=1&c=2` as PHP does; lists stay maps with keys 0, 1, 2 until `settled`."""
    out: Record = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        _put(out, _path(name), value)
    return {key: settled(value) for key, value in out.items()}


def _path(name: str) -> list[str]:
    head, bracket, rest = name.partition("[")
    if not bracket or not head:
        return [name]
    parts = [head]
    for part in rest.split("["):
        inner, closing, _ = part.partition("]")
        if not closing:
            return [name]
        parts.append(inner)
    return parts


def _put(out: Record, path: list[str], value: str) -> None:
    here = out
    for place, key in enumerate(path):
        # `a[]=1` takes the next free number.
        name = key if key or place == 0 else str(len(here))
        if place == len(path) - 1:
            here[name] = value
            return
        inner = here.get(name)
        if not isinstance(inner, dict):
            inner = here[name] = {}
        here = inner


def settled(value: Json) -> Json:
    """Make lists of maps whose keys are 0, 1, 2 …, at every depth."""
    if not isinstance(value, dict):
        return value
    inner = {key: settled(item) for key, item in value.items()}
    if inner and all(key == str(place) for place, key in enumerate(inner)):
        return list(inner.values())
    return inner


def read_params(content_type: str, body: bytes, query: str) -> Record:
    """Merge the query string with the body; the body wins.

    A body that is no JSON although it says so is refused with code 100, the only hint of the
    documentation. Source: bitrix24.md §14.
    """
    params = parse_query(query) if query else {}
    if not body:
        return params
    if "json" in content_type:
        try:
            given = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise ApiError(400, "100", "Invalid JSON in the request body") from None
        if isinstance(given, list):
            given = {str(place): item for place, item in enumerate(given)}
        if isinstance(given, dict):
            params |= given
        return params
    return params | parse_query(body.decode("utf-8", "replace"))


class Params:
    """One call's parameters.

    `exact` methods take names as documented and nothing else; the old ones take both letter
    cases, as the samples show. Source: bitrix24.md §1.2.
    """

    def __init__(self, given: Record, *, any_case: bool = False) -> None:
        """Wrap what was sent."""
        self.given = given
        self._any_case = any_case

    def get(self, name: str) -> Json:
        """Return a parameter or None."""
        if name in self.given:
            return self.given[name]
        if self._any_case:
            lowered = name.lower()
            for key, value in self.given.items():
                if key.lower() == lowered:
                    return value
        return None

    def has(self, name: str) -> bool:
        """Say whether the parameter was sent."""
        return self.get(name) is not None

    def needed(self, name: str) -> Json:
        """Return a parameter; its absence is the controller's error 100."""
        value = self.get(name)
        if value is None:
            raise ApiError(400, "100", f"Could not find value for parameter {{{name}}}")
        return value

    def integer(self, name: str) -> int:
        """Return a needed whole number; digits in a string will do."""
        value = self.needed(name)
        found = as_int(value)
        if found is None:
            text = f"Invalid value {{{value}}} to match with parameter {{{name}}}. "
            raise ApiError(400, "100", text + "Should be value of type int.")
        return found

    def optional_integer(self, name: str, default: int) -> int:
        """Return a whole number, `default` where it is absent or none."""
        found = as_int(self.get(name))
        return default if found is None else found

    def mapping(self, name: str) -> Record:
        """Return an object; PHP sends an empty one as a list."""
        value = self.get(name)
        if isinstance(value, list):
            return {str(place): item for place, item in enumerate(value)}
        if isinstance(value, dict):
            return value
        if value in (None, ""):
            return {}
        raise ApiError(400, "", f"Parameter '{name}' must be array.")

    def texts(self, name: str) -> list[str]:
        """Return a list of strings; one string is a list of one."""
        value = self.get(name)
        if value in (None, ""):
            return []
        if isinstance(value, dict):
            value = list(value.values())
        if not isinstance(value, list):
            value = [value]
        return [str(item) for item in value]

    def positional(self, names: Iterable[str]) -> Params:
        """Bind parameters by their order, whatever they are called. Source: bitrix24.md §8.3."""
        return Params(dict(zip(names, self.given.values(), strict=False)))


def as_int(value: Json) -> int | None:
    """Read a whole number of 64 bits, or digits."""
    found: int | None = None
    is_digits = isinstance(value, str) and value.strip().removeprefix("-").isdecimal()
    is_whole = isinstance(value, float) and value.is_integer()
    if is_digits or is_whole or (isinstance(value, int) and not isinstance(value, bool)):
        found = int(value)
    return found if found is not None and abs(found) < 2**63 else None


def as_list(value: Json) -> list[Json]:
    """Read an array, however PHP spelled it."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return list(value.values())
    return [] if value in (None, "") else [value]
