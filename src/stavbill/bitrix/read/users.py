"""Employees of the portal, page by page.

Source: Bitrix24 reference 9.7 (b24restdocs: api-reference/user/user-get.md).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from stavbill.bitrix.batch import Command, Json, Param
from stavbill.bitrix.read.chain import MOST_PAGES, PAGE, BulkReader
from stavbill.bitrix.write.values import id_at, rows_at, text_at
from stavbill.errors import PortalError
from stavbill.plan.effects import UserId
from stavbill.plan.records import PortalUser

DISMISSED = (False, "N", "0", 0)


async def users(bulk: BulkReader, only: Sequence[UserId] = ()) -> AsyncIterator[list[PortalUser]]:
    """Yield the users `only`, else all, in the order of their ids; one chunk for a request.

    Pages go by offset: this method takes a sorting of its own, which the chain of ids does not
    know, and users are dismissed, never deleted, so that no row moves to an earlier page. Bots and
    integrators are not among them. Raises `PortalError`.
    """
    first = await bulk.ask({"p0": _page(only, 0)})
    for failure in first.failed.values():
        said = f"{failure.code} {failure.description}".strip()
        msg = f"портал не показывает сотрудников (user.get): {said}. Дайте вебхуку право user"
        raise PortalError(msg, failure.code)
    page = first.ran["p0"]
    yield _records(page.value)
    total = page.total or 0
    offsets = range(PAGE, total, PAGE)
    for start in range(0, len(offsets), MOST_PAGES):
        some = offsets[start : start + MOST_PAGES]
        answers = await bulk.batch({f"p{offset}": _page(only, offset) for offset in some})
        yield [record for offset in some for record in _records(answers[f"p{offset}"])]


def _page(only: Sequence[UserId], offset: int) -> Command:
    params: dict[str, Param] = {"sort": "ID", "order": "ASC", "start": offset}
    if only:
        params["FILTER"] = {"@ID": list(only)}
    return Command("user.get", params)


def _records(result: Json) -> list[PortalUser]:
    return [record for row in rows_at(result) if (record := portal_user(row)) is not None]


def portal_user(row: dict[str, Json]) -> PortalUser | None:
    """Return a user, named as people write it: surname first; None for a row without an id."""
    user = id_at(row, "ID")
    if user is None:
        return None
    parts = ("LAST_NAME", "NAME", "SECOND_NAME")
    name = " ".join(text for part in parts if (text := text_at(row, part).strip()))
    return PortalUser(UserId(user), name, row.get("ACTIVE") not in DISMISSED)
