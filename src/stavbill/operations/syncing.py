"""Catching up with the portal: what changed since the last time, into the mirror.

Deletions, documents and requisites are not seen by it: a full reading (every run, the nightly
check, `--full`) sees them. Source: portal page, «Read» («incremental where possible»).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from stavbill.billing.facts import CompanyId, InvoiceId
from stavbill.bitrix.read.changes import Border, Change, Newest, aware
from stavbill.operations.parts import Parts
from stavbill.operations.present import Document
from stavbill.operations.progress import SILENT, Progress
from stavbill.operations.reading import PortalFacts, learn_portal, read_missing_rows, read_portal
from stavbill.plan.records import CompanyRecord, InvoiceRecord
from stavbill.store.control import SharedText
from stavbill.store.mirror import (
    begin_reading,
    end_reading,
    forget_companies,
    forget_invoices,
    last_complete_reading,
    put_companies,
    put_records,
)

# Writes become visible late, and not in the order of their times.
OVERLAP = timedelta(minutes=10)
# After this without a full reading, deletions and documents have been overlooked for too long.
FULL_AFTER = timedelta(days=7)
T = TypeVar("T")


class NotBelievedError(Exception):
    """The portal's filter left out what its newest page shows: the list has to be read whole."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Up to which change each list was read, by the portal's clock; None when never."""

    invoices: datetime | None = None
    companies: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Source(Generic[T]):
    """One list: its newest page, how the rest is asked for, and where its rows go."""

    newest: Newest[T]
    since: Callable[[datetime, Border], AsyncIterator[Sequence[Change[T]]]]
    put: Callable[[Sequence[Change[T]]], None]


async def sync_portal(parts: Parts, progress: Progress = SILENT, *, full: bool = False) -> Document:
    """Bring the mirror up to date; three requests when nothing changed.

    Everything is read (`mode` full) when that is asked for, at first, after a week without a full
    reading, and when the portal's lists cannot be asked by the time of change. `invoices` and
    `companies` count what changed since the last time. Raises `PortalError`; then the next time
    begins where this one did.
    """
    began, requests = parts.clock.monotonic(), _requests(parts)
    portal = await learn_portal(parts)
    # Asked for before anything is read: whatever changes meanwhile is newer, and read next time.
    invoices, companies = await parts.reader.changes(portal.shape).newest()
    counted: dict[str, int] = {}
    why = "asked" if full else _why_full(parts, invoices, companies)
    if not why and invoices is not None and companies is not None:
        try:
            counted = await _catch_up(parts, portal, invoices, companies)
        except NotBelievedError:
            why = "filter_not_believed"
    if why:
        await read_portal(parts, portal, (), parts.today(), progress)
    else:
        await read_missing_rows(parts, parts.today(), progress)
    _keep_marks(parts, invoices, companies)
    return {
        "mode": "full" if why else "incremental",
        "why": why,
        "invoices": counted.get("invoices", 0),
        "companies": counted.get("companies", 0),
        "requests": _requests(parts) - requests,
        "seconds": round(parts.clock.monotonic() - began, 1),
    }


def _requests(parts: Parts) -> int:
    return parts.gateway.requests + parts.reader.requests


def _why_full(
    parts: Parts, invoices: Newest[InvoiceRecord] | None, companies: Newest[CompanyRecord] | None
) -> str:
    """Return why everything has to be read, "" when what changed is enough."""
    with parts.store.read() as db:
        last = last_complete_reading(db, parts.portal)
    marks = _marks(parts)
    if last is None or (marks.invoices is None and marks.companies is None):
        return "first"
    if parts.now() - last.started > FULL_AFTER:
        return "long_ago"
    return "not_sorted" if invoices is None or companies is None else ""


async def _catch_up(
    parts: Parts,
    portal: PortalFacts,
    invoices: Newest[InvoiceRecord],
    companies: Newest[CompanyRecord],
) -> dict[str, int]:
    """Put what changed since the marks; return how many rows of each list."""
    changes, marks = parts.reader.changes(portal.shape), _marks(parts)
    with parts.store.write() as db:
        reading = begin_reading(db, parts.portal, whole=False, at=parts.now())

    def put_cards(rows: Sequence[Change[CompanyRecord]]) -> None:
        with parts.store.write() as db:
            gone = [CompanyId(row.id) for row in rows if row.record is None]
            forget_companies(db, parts.portal, gone)
            records = [row.record for row in rows if row.record is not None]
            put_companies(db, parts.portal, reading, records, card_only=True)

    def put_invoices(rows: Sequence[Change[InvoiceRecord]]) -> None:
        with parts.store.write() as db:
            records = [row.record for row in rows if row.record is not None]
            put_records(db, parts.portal, reading, records)
            stand = {record.issued.invoice: record.company for record in records}
            forget_invoices(db, parts.portal, [InvoiceId(row.id) for row in rows], stand)

    counted, complete = {"companies": 0, "invoices": 0}, False
    try:
        counted["companies"] = await _one_list(
            _Source(companies, changes.companies_since, put_cards), marks.companies
        )
        counted["invoices"] = await _one_list(
            _Source(invoices, changes.invoices_since, put_invoices), marks.invoices
        )
        complete = True
    finally:
        with parts.store.write() as db:
            rows = sum(counted.values())
            end_reading(db, reading, complete=complete, rows=rows, at=parts.now())
    return counted


async def _one_list(source: _Source[T], mark: datetime | None) -> int:
    """Put everything changed since `mark` and a little before; return how much is newer than it.

    Raises `NotBelievedError` when the portal's filter does not bring it.
    """
    newest = source.newest
    if newest.latest is None:
        return 0
    if mark is None:
        if not newest.whole:
            raise NotBelievedError
        source.put(newest.changes)
        return len(newest.changes)
    # In the portal's own offset: who does not read the offset reads the same moment.
    since = (mark - OVERLAP).astimezone(newest.latest.tzinfo)
    if newest.reaches(since):
        rows = [row for row in newest.changes if row.updated >= since]
        source.put(rows)
        return sum(row.updated > mark for row in rows)
    for border in Border:
        seen: set[int] = set()
        newer = 0
        async for chunk in source.since(since, border):
            source.put(chunk)
            seen.update(row.id for row in chunk if row.updated >= since)
            newer += sum(row.updated > mark for row in chunk)
        if all(row.id in seen for row in newest.changes if row.updated >= since):
            return newer
    raise NotBelievedError


# -------------------------------------------------------------------------------------- marks
def _shared(parts: Parts) -> SharedText:
    return SharedText(parts.store, f"sync:{parts.portal}")


def _marks(parts: Parts) -> Marks:
    texts: list[str] = []

    def look(text: str) -> str:
        texts.append(text)
        return text

    _shared(parts).change(look)
    known = json.loads(texts[0]) if texts[0] else {}
    return Marks(aware(known.get("invoices") or ""), aware(known.get("companies") or ""))


def _keep_marks(
    parts: Parts, invoices: Newest[InvoiceRecord] | None, companies: Newest[CompanyRecord] | None
) -> None:
    """Move the marks on, never back: two may catch up at the same time."""

    def on(text: str) -> str:
        known = json.loads(text) if text else {}
        for name, newest in (("invoices", invoices), ("companies", companies)):
            latest = newest.latest if newest is not None else None
            old = aware(known.get(name) or "")
            if latest is not None and (old is None or old < latest):
                known[name] = latest.isoformat()
        return json.dumps(known)

    _shared(parts).change(on)
