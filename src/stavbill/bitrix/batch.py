"""Commands of a batch: their encoding on the way out, the sorting of answers on the way back.

Source: Bitrix24 reference 1.2 and 3 (b24restdocs: how-to-call-rest-api/batch.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias
from urllib.parse import quote

from typing_extensions import override

from stavbill.bitrix.failures import CallUnclearError
from stavbill.plan.markup import as_text

MAX_COMMANDS = 50
REFERENCE = "$result["
# What these methods write is read as BBCode where people see it, and so are fields of this name.
_SHOWN_METHODS = ("task.", "tasks.", "crm.timeline.", "crm.activity.", "im.", "imbot.", "log.")
_SHOWN_FIELDS = {"comment", "comments"}

Json: TypeAlias = bool | int | Decimal | str | list["Json"] | dict[str, "Json"] | None


@dataclass(frozen=True, slots=True)
class Reference:
    """A value that the portal takes from the result of an earlier command of the same batch."""

    key: str
    path: tuple[str | int, ...]

    @override
    def __str__(self) -> str:
        """Write it as the portal resolves it: `$result[add][item][id]`."""
        return "$result" + "".join(f"[{part}]" for part in (self.key, *self.path))


class Markup(str):
    """A text of our own making: the portal may read markup in it. Any other text is just text."""

    __slots__ = ()


Param: TypeAlias = (
    int | Decimal | str | Reference | Sequence["Param"] | Mapping[str, "Param"] | None
)


@dataclass(frozen=True, slots=True)
class Command:
    """One method call; parameters keep their order, which positional methods depend on."""

    method: str
    params: Mapping[str, Param] = field(default_factory=dict)

    def encode(self) -> str:
        """Return `method?query` in bracket notation, every value percent-encoded.

        None is left out: a query has no null. An empty list or mapping leaves no trace either.
        A text that people will read in a place that knows BBCode says no markup, unless it is
        `Markup`.
        """
        shown = self.method.startswith(_SHOWN_METHODS)
        query = "&".join(_pairs("", self.params, shown=shown))
        return f"{self.method}?{query}" if query else self.method


def _pairs(prefix: str, params: Mapping[str, Param], *, shown: bool) -> Iterator[str]:
    for name, value in params.items():
        key = f"{prefix}[{_quote(name)}]" if prefix else _quote(name)
        yield from _pair(key, value, shown=shown or name.casefold() in _SHOWN_FIELDS)


def _pair(key: str, value: Param, *, shown: bool) -> Iterator[str]:
    match value:
        case None:
            return
        case Reference():
            # Left bare as the documentation writes it; its characters mean nothing in a query.
            yield f"{key}={value}"
        case str():
            text = as_text(value) if shown and not isinstance(value, Markup) else str(value)
            # A text that people typed must never be resolved as a reference to another's result.
            yield f"{key}={_quote(text.replace(REFERENCE, '$ result['))}"
        case Decimal():
            yield f"{key}={value:f}"
        case int():
            yield f"{key}={int(value)}"
        case Mapping():
            yield from _pairs(key, value, shown=shown)
        case Sequence():
            for place, item in enumerate(value):
                yield from _pair(f"{key}[{place}]", item, shown=shown)


def _quote(text: str) -> str:
    return quote(text, safe="")


@dataclass(frozen=True, slots=True)
class Spent:
    """What a command cost the portal, from its `time`: None where the portal does not say.

    `seconds` is its own duration, `operating` the method's sum over ten minutes, `reset_in_s` the
    seconds until a part of that sum is released, by the portal's own clock.
    """

    seconds: float | None = None
    operating: float | None = None
    reset_in_s: float | None = None


NOT_SAID = Spent()


@dataclass(frozen=True, slots=True)
class CommandResult:
    """A command that ran. `has_next` says that the portal announced a further page."""

    value: Json
    total: int | None = None
    has_next: bool = False
    spent: Spent = NOT_SAID


@dataclass(frozen=True, slots=True)
class CommandFailure:
    """A command that the portal answered with an error; `code` may be empty."""

    code: str
    description: str


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """Every command stands in exactly one of the three."""

    ran: Mapping[str, CommandResult]
    failed: Mapping[str, CommandFailure]
    not_run: frozenset[str]


def spent_of(time: Json) -> Spent:
    """Return what a `time` object says; self-hosted portals and old clouds say less."""
    if not isinstance(time, dict):
        return NOT_SAID
    finish, reset = _number(time.get("finish")), _number(time.get("operating_reset_at"))
    return Spent(
        seconds=_number(time.get("duration")),
        operating=_number(time.get("operating")),
        # The difference of two of the portal's own times: its clock need not agree with ours.
        reset_in_s=max(reset - finish, 0.0) if reset is not None and finish is not None else None,
    )


def _number(value: Json) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return float(value)


def code_of(error: Json) -> str:
    """Return an error code as text: it may be empty, a number, or an object (REST 3.0)."""
    if isinstance(error, dict):
        return str(error.get("code") or "")
    return "" if error is None else str(error)


def sort_answer(keys: Sequence[str], result: Json, *, halt: bool) -> BatchAnswer:
    """Sort the `result` of a batch by the keys that were sent.

    Raises `CallUnclearError` when the shape is not a batch's. A key in neither map was not run
    when `halt` was asked for; without it, silence about a command is an unreadable answer.
    """
    if not isinstance(result, dict):
        msg = "ответ на batch не разобран: нет result"
        raise CallUnclearError(msg)
    results, errors = _map(result.get("result")), _map(result.get("result_error"))
    totals, nexts = _map(result.get("result_total")), _map(result.get("result_next"))
    times = _map(result.get("result_time"))
    ran, failed, not_run = {}, {}, set()
    for key in keys:
        if key in errors:
            failed[key] = _failure(errors[key])
        elif key in results:
            total = totals.get(key)
            ran[key] = CommandResult(
                value=results[key],
                total=total if isinstance(total, int) else None,
                has_next=key in nexts,
                spent=spent_of(times.get(key)),
            )
        else:
            not_run.add(key)
    if not_run and not (halt and failed):
        msg = f"ответ на batch не разобран: нет сведений о {len(not_run)} из {len(keys)} команд"
        raise CallUnclearError(msg)
    return BatchAnswer(ran, failed, frozenset(not_run))


def _map(value: Json) -> dict[str, Json]:
    """Return a map of the answer: an empty one is written `[]` by the portal."""
    if isinstance(value, dict):
        return value
    if value in (None, []):
        return {}
    msg = "ответ на batch не разобран: вместо объекта пришёл список"
    raise CallUnclearError(msg)


def _failure(error: Json) -> CommandFailure:
    if not isinstance(error, dict):
        return CommandFailure("", str(error))
    return CommandFailure(code_of(error.get("error")), str(error.get("error_description") or ""))
