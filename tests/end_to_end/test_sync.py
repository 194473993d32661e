"""Catching up over real HTTP: what changed since the last time stands in the mirror, cheaply."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from typing_extensions import override

from stavbill.billing.facts import CompanyId, InvoiceState
from stavbill.bitrix.read.changes import Border, Change, ChangesReader
from stavbill.bitrix.read.reader import PortalReader
from stavbill.bitrix.read.shape import PortalShape
from stavbill.operations.parts import Parts
from stavbill.operations.syncing import sync_portal
from stavbill.plan.records import InvoiceRecord
from stavbill.store.mirror import portfolios
from tests.end_to_end.driving import Installation
from tests.end_to_end.people import ask, edit_card, move_invoice
from tests.end_to_end.test_nightly import NIGHT, billed, invoice_of, ours, parts_at

PAID = "DT31_5:P"
# More than the newest page of a list shows.
MANY = 80


class OverlookingChanges(ChangesReader):
    """A portal whose filter by the time of change leaves rows out without a word."""

    def __init__(self, honest: ChangesReader) -> None:
        self.__dict__.update(vars(honest))

    @override
    async def invoices_since(
        self, since: datetime, border: Border
    ) -> AsyncIterator[tuple[Change[InvoiceRecord], ...]]:
        async for chunk in super().invoices_since(since, border):
            yield chunk[::2]


class OverlookingReader(PortalReader):
    """Reads such a portal."""

    def __init__(self, honest: PortalReader) -> None:
        self.__dict__.update(vars(honest))

    @override
    def changes(self, shape: PortalShape) -> ChangesReader:
        return OverlookingChanges(super().changes(shape))


async def caught_up(parts: Parts) -> tuple[str, int]:
    """Catch up; return how, and how many invoices are newer than what was known."""
    report = await sync_portal(parts)
    return str(report["mode"]), int(str(report["invoices"]))


def known(parts: Parts, invoice: dict[str, Any]) -> InvoiceRecord:
    """Return an invoice as the mirror holds it."""
    with parts.store.read() as db:
        company = CompanyId(int(invoice["companyId"]))
        records = portfolios(db, parts.portal, [company])[company]
    return next(one for one in records.invoices if one.issued.invoice == invoice["id"])


def unpaid(place: Installation) -> list[dict[str, Any]]:
    """Return customers' invoices that are not paid yet, ours and others'."""
    invoices = place.sandbox.portal.state.invoices
    return [dict(one) for one in invoices if one["companyId"] and one["stageId"] != PAID]


@asynccontextmanager
async def synced(directory: Path, companies: int = 40) -> AsyncIterator[tuple[Installation, Parts]]:
    """Serve a billed world that was read whole by the first catching up."""
    async with billed(directory, companies) as place, parts_at(place, NIGHT) as parts:
        assert await caught_up(parts) == ("full", 0)
        yield place, parts


async def test_nothing_changed_costs_three_requests(tmp_path: Path) -> None:
    async with synced(tmp_path) as (_, parts):
        report = await sync_portal(parts)
        assert (report["mode"], report["why"]) == ("incremental", "")
        assert (report["invoices"], report["companies"], report["requests"]) == (0, 0, 3)


async def test_a_changed_stage_and_a_changed_sum_are_seen(tmp_path: Path) -> None:
    async with synced(tmp_path) as (place, parts):
        paid, changed = invoice_of(place, 0), invoice_of(place, 1)
        await move_invoice(place, paid["id"], PAID)
        rows = [{"productName": "Другое", "price": 5, "quantity": 1, "taxIncluded": "Y"}]
        given = {"ownerType": "SI", "ownerId": changed["id"], "productRows": rows}
        await ask(place, "crm.item.productrow.set", given)
        title = {"entityTypeId": 31, "id": changed["id"], "fields": {"title": "Другой счёт"}}
        await ask(place, "crm.item.update", title)
        assert await caught_up(parts) == ("incremental", 2)
        assert known(parts, paid).issued.state is InvoiceState.PAID
        assert known(parts, changed).total == 5
        assert known(parts, changed).issued.title == "Другой счёт"
        assert await caught_up(parts) == ("incremental", 0)


async def test_a_changed_card_is_seen(tmp_path: Path) -> None:
    async with synced(tmp_path) as (place, parts):
        company = CompanyId(int(invoice_of(place)["companyId"]))
        await edit_card(place, company, skip=True)
        report = await sync_portal(parts)
        assert (report["mode"], report["companies"]) == ("incremental", 1)
        with parts.store.read() as db:
            records = portfolios(db, parts.portal, [company])[company]
        assert records.company.card.skip
        # What stands beside the card is not forgotten for it.
        assert records.invoices
        assert records.contracts


async def test_more_changes_than_a_page_are_all_seen(tmp_path: Path) -> None:
    async with synced(tmp_path, companies=160) as (place, parts):
        changed = unpaid(place)[:MANY]
        assert len(changed) == MANY
        for invoice in changed:
            await move_invoice(place, invoice["id"], PAID)
        assert await caught_up(parts) == ("incremental", MANY)
        assert {known(parts, one).issued.state for one in changed} == {InvoiceState.PAID}


async def test_a_filter_that_leaves_rows_out_is_not_believed(tmp_path: Path) -> None:
    async with synced(tmp_path, companies=160) as (place, parts):
        changed = unpaid(place)[:MANY]
        for invoice in changed:
            await move_invoice(place, invoice["id"], PAID)
        report = await sync_portal(replace(parts, reader=OverlookingReader(parts.reader)))
        assert (report["mode"], report["why"]) == ("full", "filter_not_believed")
        assert {known(parts, one).issued.state for one in changed} == {InvoiceState.PAID}
        assert await caught_up(parts) == ("incremental", 0)


async def test_a_change_that_became_visible_late_is_seen(tmp_path: Path) -> None:
    """Portal page, «Read»: writes become visible late, and not in the order of their times."""
    async with synced(tmp_path) as (place, parts):
        table = place.sandbox.portal.state.invoices
        newest = max(one["updatedTime"] for one in ours(place))
        late, too_late = invoice_of(place, 0), invoice_of(place, 1)
        for invoice, minutes in ((late, 5), (too_late, 30)):
            moment = newest - timedelta(minutes=minutes)
            changed = table.records[invoice["id"]] | {"stageId": PAID, "updatedTime": moment}
            table.put(invoice["id"], changed)
        report = await sync_portal(parts)
        assert (report["mode"], report["why"], report["invoices"]) == ("incremental", "", 0)
        assert known(parts, late).issued.state is InvoiceState.PAID
        assert known(parts, too_late).issued.state is InvoiceState.LIVE
        assert (await sync_portal(parts, full=True))["mode"] == "full"
        assert known(parts, too_late).issued.state is InvoiceState.PAID
