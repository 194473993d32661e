"""What changed lately: the newest page of a list, and everything since a moment, checked.

The documentation shows moments with an offset in filters; some portals read them otherwise, and
then a filter leaves rows out without a word (b24restdocs: crm-item-list.md; its issue 215). So the
newest page, which needs no filter, has to be among what the filter brought, or it is not believed.
Source: portal page, «Read»; Bitrix24 reference 4.1, 4.2 and 11.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import Enum
from typing import Generic, TypeVar

from stavbill.bitrix.batch import Command, Json, Param
from stavbill.bitrix.mapping import PortalMapping
from stavbill.bitrix.read.card import CardReader
from stavbill.bitrix.read.chain import PAGE, BulkReader, ListSpec
from stavbill.bitrix.read.records import invoice_record
from stavbill.bitrix.read.selects import COMPANY_SELECT, INVOICE_SELECT
from stavbill.bitrix.read.shape import PortalShape
from stavbill.bitrix.write.invoice_list import INVOICE_TYPE
from stavbill.bitrix.write.values import id_at, rows_at, text_at
from stavbill.plan.records import CompanyRecord, InvoiceRecord

# A moment whose offset is not understood is off by less than this.
WORST_SHIFT = timedelta(hours=26)
T = TypeVar("T")


class Border(Enum):
    """How a moment is written in a filter: as documented, or without offset and far too early."""

    OFFSET = "offset"
    PLAIN = "plain"

    def text(self, since: datetime) -> str:
        """Return the moment, which is in the portal's own offset, as the filter takes it."""
        if self is Border.OFFSET:
            return since.isoformat()
        return f"{since - WORST_SHIFT:%Y-%m-%d %H:%M:%S}"


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """A row that stands in the portal: its id, when it was changed by the portal's clock.

    `record` None is a row that is no customer's: an invoice without company, an own company.
    """

    id: int
    updated: datetime
    record: T | None


@dataclass(frozen=True, slots=True)
class Newest(Generic[T]):
    """The rows changed last, newest first. `whole` says that the list has no others."""

    changes: tuple[Change[T], ...]
    whole: bool

    def reaches(self, since: datetime) -> bool:
        """Say whether everything changed at or after `since` is among these."""
        return self.whole or (bool(self.changes) and self.changes[-1].updated < since)

    @property
    def latest(self) -> datetime | None:
        """When the newest was changed, None of an empty list."""
        return self.changes[0].updated if self.changes else None


@dataclass(frozen=True, slots=True)
class _List(Generic[T]):
    """One list: how it is asked, and how its rows are read."""

    method: str
    params: Mapping[str, Param]
    path: tuple[str, ...]
    id_key: str
    time_key: str
    read: Callable[[dict[str, Json]], T | None]

    def changes(self, rows: Sequence[dict[str, Json]]) -> tuple[Change[T], ...]:
        """Return the rows whose time can be read."""
        found = []
        for row in rows:
            number, updated = id_at(row, self.id_key), aware(text_at(row, self.time_key))
            if number is not None and updated is not None:
                found.append(Change(number, updated, self.read(row)))
        return tuple(found)


class ChangesReader:
    """Reads what changed lately of one portal; `shape` is asked for beforehand."""

    def __init__(
        self, bulk: BulkReader, mapping: PortalMapping, shape: PortalShape, *, zone: tzinfo
    ) -> None:
        """Read through `bulk`."""
        self._bulk = bulk
        cards = CardReader(mapping, shape.fields)
        own = {int(company.own_company) for company in shape.own_companies}

        def customer(row: dict[str, Json]) -> CompanyRecord | None:
            is_own = text_at(row, "IS_MY_COMPANY") in ("Y", "1") or id_at(row, "ID") in own
            return None if is_own else cards.record(row)

        def invoice(row: dict[str, Json]) -> InvoiceRecord | None:
            return invoice_record(row, shape.meaning, zone, None, shape.me)

        select = list(dict.fromkeys((*COMPANY_SELECT, *cards.codes, "DATE_MODIFY")))
        self._invoices = _List(
            "crm.item.list",
            {"entityTypeId": INVOICE_TYPE, "select": list(INVOICE_SELECT)},
            ("items",),
            "id",
            "updatedTime",
            invoice,
        )
        self._companies = _List(
            "crm.company.list", {"select": select}, (), "ID", "DATE_MODIFY", customer
        )

    async def newest(self) -> tuple[Newest[InvoiceRecord] | None, Newest[CompanyRecord] | None]:
        """Return the invoices and companies that were changed last, in one request.

        None where the portal does not sort by the time of change, or a row does not tell it.
        """
        answer = await self._bulk.ask(
            {"invoices": _newest(self._invoices), "companies": _newest(self._companies)}
        )
        ran = {key: result.value for key, result in answer.ran.items()}
        return (
            _page(self._invoices, ran["invoices"]) if "invoices" in ran else None,
            _page(self._companies, ran["companies"]) if "companies" in ran else None,
        )

    def invoices_since(
        self, since: datetime, border: Border
    ) -> AsyncIterator[tuple[Change[InvoiceRecord], ...]]:
        """Yield the invoices that the portal says were changed at or after `since`, by id."""
        return self._since(self._invoices, since, border)

    def companies_since(
        self, since: datetime, border: Border
    ) -> AsyncIterator[tuple[Change[CompanyRecord], ...]]:
        """Yield the companies that the portal says were changed at or after `since`, by id."""
        return self._since(self._companies, since, border)

    async def _since(
        self, wanted: _List[T], since: datetime, border: Border
    ) -> AsyncIterator[tuple[Change[T], ...]]:
        filters: dict[str, Param] = {f">={wanted.time_key}": border.text(since)}
        spec = ListSpec(
            wanted.method,
            {**wanted.params, "filter": filters},
            path=wanted.path,
            id_key=wanted.id_key,
            id_filter=wanted.id_key,
        )
        async for rows in self._bulk.rows(spec, expected=PAGE):
            yield wanted.changes(rows)


def _newest(wanted: _List[T]) -> Command:
    order: dict[str, Param] = {wanted.time_key: "DESC", wanted.id_key: "DESC"}
    return Command(wanted.method, {**wanted.params, "order": order, "start": -1})


def _page(wanted: _List[T], result: Json) -> Newest[T] | None:
    rows = rows_at(result, *wanted.path)
    changes = wanted.changes(rows)
    in_order = all(
        earlier.updated >= later.updated for earlier, later in itertools.pairwise(changes)
    )
    if len(changes) < len(rows) or not in_order:
        return None
    return Newest(changes, whole=len(rows) < PAGE)


def aware(text: str) -> datetime | None:
    """Return a moment in the offset that it is written with, None when it has none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if found.tzinfo is None else found
