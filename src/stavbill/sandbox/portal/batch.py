"""`batch`: up to fifty commands in order, references to earlier results, partial effects.

Source: bitrix24.md §3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from stavbill.sandbox.portal.params import Params, as_list, parse_query
from stavbill.sandbox.portal.wire import Answer, ApiError, Json, Record, php_map

LONGEST = 50
REFERENCE = re.compile(r"\$result((?:\[[^\[\]]*\])+)")
NOT_ALLOWED = ("batch",)


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a batch, its references still unresolved."""

    key: str
    method: str
    params: Record


@dataclass(slots=True)
class Outcome:
    """What a batch has brought so far."""

    result: dict[str, Json] = field(default_factory=dict)
    errors: dict[str, Json] = field(default_factory=dict)
    totals: dict[str, Json] = field(default_factory=dict)
    nexts: dict[str, Json] = field(default_factory=dict)
    times: dict[str, Json] = field(default_factory=dict)

    def add(self, key: str, answer: Answer, time: Record) -> None:
        """Keep a command's answer."""
        self.result[key] = answer.result
        self.times[key] = time
        if answer.total is not None:
            self.totals[key] = answer.total
        if answer.next is not None:
            self.nexts[key] = answer.next

    def fail(self, key: str, refused: ApiError) -> None:
        """Keep a command's refusal; it leaves no time behind."""
        self.errors[key] = refused.body()

    def body(self) -> Record:
        """Return the result; empty maps and maps with keys 0, 1 … are lists."""
        return {
            "result": php_map(self.result.items()),
            "result_error": php_map(self.errors.items()),
            "result_total": php_map(self.totals.items()),
            "result_next": php_map(self.nexts.items()),
            "result_time": php_map(self.times.items()),
        }


def read_commands(params: Params) -> list[Command]:
    """Read `cmd`: an object or a list of `method?query`; the query is percent-encoded."""
    given = params.get("cmd")
    if isinstance(given, list):
        given = {str(place): text for place, text in enumerate(given)}
    if not isinstance(given, dict):
        return []
    out = []
    for key, text in given.items():
        method, _, query = str(text).partition("?")
        out.append(Command(str(key), method.strip(), _params(query)))
    return out


@lru_cache(maxsize=1024)
def _params(query: str) -> Record:
    """Read a command's query, which clients repeat; nobody changes what is returned."""
    return parse_query(query)


def halts(params: Params) -> bool:
    """Say whether the first error stops the batch."""
    return params.get("halt") not in (None, "", 0, "0", False, "false", "N")


def resolved(value: Json, results: Mapping[str, Json]) -> Json:
    """Put earlier results in place of `$result[…]`; what is not there stays as literal text."""
    if isinstance(value, dict):
        return {key: resolved(each, results) for key, each in value.items()}
    if isinstance(value, list):
        return [resolved(each, results) for each in value]
    if not isinstance(value, str) or "$result" not in value:
        return value
    whole = REFERENCE.fullmatch(value)
    if whole is not None:
        found = _look_up(whole.group(1), results)
        return value if found is None else found
    return REFERENCE.sub(lambda match: _as_text(match, results), value)


def _as_text(match: re.Match[str], results: Mapping[str, Json]) -> str:
    found = _look_up(match.group(1), results)
    return match.group(0) if found is None or isinstance(found, (dict, list)) else str(found)


def _look_up(path: str, results: Mapping[str, Json]) -> Json:
    here: Json = dict(results)
    for step in path[1:-1].split("]["):
        if isinstance(here, dict):
            here = here.get(step)
        elif isinstance(here, list) and step.isdecimal() and int(step) < len(as_list(here)):
            here = here[int(step)]
        else:
            return None
    return here
