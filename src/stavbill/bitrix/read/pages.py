"""Lists that are asked for beside other questions, and do not end with their first page.

The first page comes with all the rest, in the same request. More are asked for only where it is
full, so a portal with few templates costs nothing more.
Source: Bitrix24 reference 4 (a page holds 50 rows, `start` says how many to pass over).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from stavbill.bitrix.batch import BatchAnswer, Command, CommandResult, Json
from stavbill.bitrix.write.values import dig, id_at

PAGE = 50
# Where the rows of each list stand in its answer. Stages, fields and funnels come whole.
LISTS: Mapping[str, tuple[str, ...]] = {
    "presets": (),
    "templates": ("templates",),
    "own": (),
    "own_requisites": (),
    "requisites": (),
    "documents": ("documents",),
    "hold_tasks": ("tasks",),
    "address_tasks": ("tasks",),
    "call_tasks": ("tasks",),
}

Ask = Callable[[Mapping[str, Command]], Awaitable[BatchAnswer]]


async def with_all_pages(
    ask: Ask, asked: Mapping[str, Command], answer: BatchAnswer
) -> BatchAnswer:
    """Return an answer whose lists are whole, asking for the pages behind their first ones.

    A list of which a page fails has failed: part of it would be taken for all of it.
    """
    ran, failed = dict(answer.ran), dict(answer.failed)
    rows = {key: _rows(key, ran[key].value) for key in LISTS if key in asked and key in ran}
    waiting = {key for key, page in rows.items() if len(page) >= PAGE}
    whole = set(waiting)
    while waiting:
        more = await ask({key: _from(asked[key], len(rows[key])) for key in waiting})
        failed |= more.failed
        for key in list(waiting):
            page = _rows(key, more.ran[key].value) if key in more.ran else []
            fresh = [row for row in page if _id(row) not in {_id(known) for known in rows[key]}]
            rows[key] += fresh
            # A portal that passes over nothing would give its first page for ever.
            if len(page) < PAGE or not fresh:
                waiting.discard(key)
    for key in whole:
        ran[key] = _joined(key, ran[key], rows[key])
    kept = {key: result for key, result in ran.items() if key not in failed}
    return BatchAnswer(kept, failed, answer.not_run)


def _from(command: Command, start: int) -> Command:
    return Command(command.method, {**command.params, "start": start})


def _rows(key: str, result: Json) -> list[dict[str, Json]]:
    """Return the rows of a list: an array, or an object keyed by id."""
    listed = dig(result, *LISTS[key])
    if isinstance(listed, dict):
        listed = list(listed.values())
    return [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []


def _id(row: dict[str, Json]) -> int | None:
    return id_at(row, "ID") or id_at(row, "id")


def _joined(key: str, first: CommandResult, rows: list[dict[str, Json]]) -> CommandResult:
    value: Json = list[Json](rows)
    for name in reversed(LISTS[key]):
        value = {name: value}
    return replace(first, value=value, has_next=False)
