"""One search of a Wialon host, page by page, and whether all of it arrived.

A list that is incomplete looks like any other: only the counts betray it. Every page says the
whole's size; it must be the same on each, every page full, and the ids together as many as it
says. Source: Wialon Remote API, core/search_items.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from stavbill.wialon.session import WialonSession
from stavbill.wialon.trouble import incomplete, moved

Item = dict[str, object]

BASICS = 0x1
OWNERS = 0x4
CUSTOM_FIELDS = 0x8
CONNECTIVITY = 0x100


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for: the item type, comma lists of properties and masks, the data flags.

    `what` names the items in Russian for an operator («объекты»).
    """

    kind: str
    properties: str
    masks: str
    flags: int
    what: str


def accounts_search() -> Search:
    """Return the search for every account: a resource with a billing plan of its own."""
    return Search("avl_resource", "rel_is_account", "1", BASICS | OWNERS, "учётные записи")


UNIT_FLAGS = BASICS | OWNERS | CUSTOM_FIELDS | CONNECTIVITY


def units_search() -> Search:
    """Return the search for every unit, with its switch and custom fields."""
    return Search("avl_unit", "sys_name", "*", UNIT_FLAGS, "объекты")


def units_of_accounts_search(accounts: tuple[int, ...]) -> Search:
    """Return the search for the own units of `accounts`.

    `sys_billing_account_guid` holds the account's id, despite its name; `|` separates masks.
    """
    mask = "|".join(str(account) for account in accounts)
    return Search("avl_unit", "sys_billing_account_guid", mask, UNIT_FLAGS, "объекты")


async def pages(
    session: WialonSession, search: Search, seen: set[int]
) -> AsyncIterator[list[Item]]:
    """Yield the found items page by page, ordered by id; nothing is yielded for an empty list.

    `seen`, empty at first, gathers the ids of what is yielded.

    Only an iteration that ends by itself was complete. Raises `ListMovedError` where another
    reading may succeed, `WialonIncompleteError` where the answer has not the documented shape.
    """
    size = session.connection.page_size
    total: int | None = None
    start = 0
    while total is None or start < total:
        answer = await session.call("core/search_items", _params(search, start, size))
        items, count = _items_of(session, search, answer)
        if total is not None and count != total:
            raise moved(
                session.connection,
                f"{search.what}: во время чтения список изменился ({total} → {count})",
            )
        total = count
        due = min(size, total - start)
        if len(items) != due:
            raise moved(
                session.connection,
                f"{search.what} {start}–{start + due - 1}: пришло {len(items)} из {due}",
            )
        seen.update(_ids_of(items))
        if items:
            yield items
        start += size
    if len(seen) != total:
        raise moved(session.connection, f"{search.what}: разных {len(seen)}, заявлено {total}")


async def size_of(session: WialonSession, search: Search) -> tuple[int, list[Item]]:
    """Return how many items there are, and the first two at most."""
    # `to` 0 would mean the whole list.
    answer = await session.call("core/search_items", _params(search, 0, 2))
    items, count = _items_of(session, search, answer)
    return count, items


def _params(search: Search, start: int, size: int) -> dict[str, object]:
    """Return the call's arguments: `to` is inclusive, only the first page searches anew."""
    return {
        "spec": {
            "itemsType": search.kind,
            "propName": search.properties,
            "propValueMask": search.masks,
            "sortType": "sys_id",
        },
        "force": 0 if start else 1,
        "flags": search.flags,
        "from": start,
        "to": start + size - 1,
    }


def _items_of(session: WialonSession, search: Search, answer: object) -> tuple[list[Item], int]:
    if isinstance(answer, dict):
        items, count = answer.get("items"), answer.get("totalItemsCount")
        if isinstance(items, list) and isinstance(count, int) and count >= 0:
            if all(isinstance(item, dict) and type(item.get("id")) is int for item in items):
                return items, count
            raise incomplete(session.connection, f"{search.what}: есть запись без id")
    raise incomplete(session.connection, f"{search.what}: нет items или totalItemsCount")


def _ids_of(items: list[Item]) -> list[int]:
    return [item["id"] for item in items if isinstance(item["id"], int)]
