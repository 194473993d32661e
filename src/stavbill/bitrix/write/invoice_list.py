"""All invoices of some companies: the look-up that decides whether a lost write took place.

Source: Bitrix24 reference 1.10, 4.1 and 6.3; performance page §2.
"""

from __future__ import annotations

from collections.abc import Sequence

from stavbill.billing.facts import CompanyId
from stavbill.bitrix.batch import MAX_COMMANDS, Command, CommandFailure, Json, Param, Reference
from stavbill.bitrix.gateway import Gateway
from stavbill.bitrix.write.steps import chunks, raise_failure
from stavbill.bitrix.write.values import id_at, rows_at

INVOICE_TYPE = 31
PAGE = 50
SELECT = ("id", "xmlId", "companyId", "opportunity", "stageId")
_FIRST_DEPTH = 4


async def invoices_of(
    gateway: Gateway, companies: Sequence[CompanyId]
) -> tuple[dict[str, Json], ...]:
    """Return id, key, company, sum and stage of every invoice of `companies`, oldest first.

    Pages by id in chains within a batch: 50 companies a chain, the first round four pages deep,
    each further one twice as deep. Whether the portal filters by `xmlId` is not documented, so
    the companies' invoices are read and the keys compared by the caller.
    """
    groups = dict(enumerate(chunks(sorted(set(companies)), PAGE)))
    last = dict.fromkeys(groups, 0)
    rows: dict[int, dict[str, Json]] = {}
    depth = _FIRST_DEPTH
    while groups:
        for part in chunks(list(groups), MAX_COMMANDS):
            pages = max(min(depth, MAX_COMMANDS // len(part)), 1)
            for group, (found, ended) in (
                await _round(gateway, {g: groups[g] for g in part}, last, pages)
            ).items():
                rows.update(found)
                last[group] = max((last[group], *found))
                if ended:
                    del groups[group]
        depth *= 2
    return tuple(rows[invoice] for invoice in sorted(rows))


async def _round(
    gateway: Gateway,
    groups: dict[int, Sequence[CompanyId]],
    last: dict[int, int],
    pages: int,
) -> dict[int, tuple[dict[int, dict[str, Json]], bool]]:
    """Read the next `pages` pages of each group: rows by id, and whether that was the end."""
    commands: dict[str, Command] = {}
    for group, companies in groups.items():
        after: Param = last[group]
        for page in range(pages):
            commands[f"g{group}p{page}"] = _page(companies, after)
            after = Reference(f"g{group}p{page}", ("items", PAGE - 1, "id"))
    answer = await gateway.batch(commands, halt=False)
    results: dict[int, tuple[dict[int, dict[str, Json]], bool]] = {}
    for group in groups:
        found: dict[int, dict[str, Json]] = {}
        ended = False
        for page in range(pages):
            key = f"g{group}p{page}"
            if key in answer.failed:
                _raise(gateway, answer.failed[key])
            rows = rows_at(answer.ran[key].value, "items")
            found.update({row_id: row for row in rows if (row_id := id_at(row, "id"))})
            # Behind a short page the reference stays unresolved: what follows means nothing.
            if len(rows) < PAGE:
                ended = True
                break
        results[group] = found, ended
    return results


def _raise(gateway: Gateway, failure: CommandFailure) -> None:
    raise_failure(gateway, "crm.item.list", failure)


def _page(companies: Sequence[CompanyId], after: Param) -> Command:
    return Command(
        "crm.item.list",
        {
            "entityTypeId": INVOICE_TYPE,
            "select": SELECT,
            "filter": {"@companyId": list(companies), ">id": after},
            "order": {"id": "ASC"},
            "start": -1,
        },
    )
