"""Reading the portal into the mirror: everything in bulk, or some companies again.

Source: portal page, «Read»; style of the house §3 step 1.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar

from stavbill.billing.covered import months_in
from stavbill.billing.facts import CompanyCard, CompanyId, InvoiceId, OwnCompanyId
from stavbill.billing.period import MONTHS_PER_YEAR, Month
from stavbill.billing.policy import Policy
from stavbill.bitrix.read.shape import PortalShape
from stavbill.clock import machine_time
from stavbill.journal.journal import Journal
from stavbill.operations.clocks import comparable, require_one_time
from stavbill.operations.names import learn_names
from stavbill.operations.parts import Parts
from stavbill.operations.progress import SILENT, Progress
from stavbill.plan.effects import TaskId
from stavbill.plan.records import InvoiceRecord, OwnCompany, TaskRecord
from stavbill.store.control import SharedText
from stavbill.store.mirror import (
    LinkedRecord,
    ReadingId,
    begin_reading,
    cards_of,
    end_reading,
    forget_companies,
    forget_unseen,
    invoices_lacking_rows,
    last_complete_reading,
    put_companies,
    put_records,
    sweep,
)

LISTS = ("companies", "invoices", "contracts", "requisites", "tasks")
ROWS_CHUNK = 50
SEVERAL = 500
Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class PortalFacts:
    """What the portal is like, and what follows from it: the policy and the journal."""

    shape: PortalShape
    policy: Policy
    journal: Journal


def _require_one_time(parts: Parts) -> None:
    seen = comparable(parts.clock, parts.reader.server_time)
    require_one_time(parts.clock, seen, portal=parts.portal, true_now=machine_time())


async def learn_portal(parts: Parts) -> PortalFacts:
    """Ask what the portal is like; two requests.

    Raises `PortalError` when it cannot be read, a mapped field vanished or a permission is missing,
    `ConfigError` when its clock and ours are too far apart.
    """
    shape = await parts.reader.shape()
    _require_one_time(parts)
    _remember_own(parts, shape.own_companies)
    return PortalFacts(shape, parts.policy_for(shape.own_companies), parts.journal_for(shape))


async def learn_with_company(parts: Parts, company: CompanyId) -> PortalFacts:
    """Ask what the portal is like and read one company into the mirror; two requests.

    Its neighbours (who shares its account, whose partner it is) are those of the last complete
    reading; without any, the whole portal is read once. A company that is gone is forgotten.
    """
    with parts.store.read() as db:
        known = last_complete_reading(db, parts.portal)
    # What somebody writes while the portal answers is written after this picture was taken.
    began = parts.now()
    shape, records = await parts.single.read(company)
    _require_one_time(parts)
    _remember_own(parts, shape.own_companies)
    facts = PortalFacts(shape, parts.policy_for(shape.own_companies), parts.journal_for(shape))
    if known is None:
        await read_portal(parts, facts, (), parts.today())
    with parts.store.write() as db:
        reading = begin_reading(db, parts.portal, whole=False, at=began)
        forget_companies(db, parts.portal, [company])
        if records is not None:
            put_companies(db, parts.portal, reading, [records.company])
            linked: list[LinkedRecord] = [*records.contracts, *records.requisites]
            linked += [*records.invoices, *records.tasks]
            put_records(db, parts.portal, reading, linked)
        end_reading(db, reading, complete=True, rows=1, at=parts.now())
    return facts


async def learn_with_companies(parts: Parts, companies: Sequence[CompanyId]) -> PortalFacts:
    """Read some companies into the mirror as one would be; some ten requests for up to fifty.

    They are put in one transaction: a run that plans meanwhile finds none of them missing.
    """
    with parts.store.read() as db:
        known = last_complete_reading(db, parts.portal)
    facts = await learn_portal(parts)
    if known is None:
        await read_portal(parts, facts, (), parts.today())
        return facts
    reader, shape, began = parts.reader, facts.shape, parts.now()
    cards, invoices, contracts, requisites, tasks = await asyncio.gather(
        _all(reader.companies(shape, companies, expected=0)),
        _all(reader.invoices(shape, companies, expected=0)),
        _all(reader.contracts(shape, companies, expected=0)),
        _all(reader.requisites(shape, companies, expected=0)),
        _all(reader.tasks(companies)),
    )
    linked: list[LinkedRecord] = [*invoices, *contracts, *requisites]
    linked += await with_checklists(parts, tasks)
    with parts.store.write() as db:
        reading = begin_reading(db, parts.portal, whole=False, at=began)
        put_companies(db, parts.portal, reading, cards)
        put_records(db, parts.portal, reading, linked)
        forget_unseen(db, parts.portal, companies, reading)
        end_reading(db, reading, complete=True, rows=len(cards), at=parts.now())
    await read_missing_rows(parts, parts.today())
    return facts


async def _all(chunks: AsyncIterator[Sequence[Record]]) -> list[Record]:
    return [record async for chunk in chunks for record in chunk]


async def read_portal(
    parts: Parts,
    portal: PortalFacts,
    companies: Sequence[int],
    on: date,
    progress: Progress = SILENT,
) -> None:
    """Read the whole portal, or only `companies` again, into the mirror.

    The first reading is always of the whole portal.

    The lists are read at the same time. What a complete reading has not seen is forgotten. Raises
    `PortalError`; then the mirror is as incomplete as the reading, and nothing is decided by it.
    """
    with parts.store.read() as db:
        known = last_complete_reading(db, parts.portal)
    # Without a complete reading nobody knows who shares an account, or whose partner it is.
    only = tuple(CompanyId(company) for company in companies) if known is not None else ()
    progress.stage("read_portal")
    with parts.store.write() as db:
        reading = begin_reading(db, parts.portal, whole=not only, at=parts.now())
        if only:
            forget_companies(db, parts.portal, only)
    complete = False
    rows = 0
    try:
        rows = await _read_lists(parts, portal, reading, only, progress)
        complete = True
    finally:
        with parts.store.write() as db:
            end_reading(db, reading, complete=complete, rows=rows, at=parts.now())
            if complete and not only:
                sweep(db, parts.portal, reading)
    await read_missing_rows(parts, on, progress)
    if not only:
        await learn_names(parts)


async def _read_lists(
    parts: Parts,
    portal: PortalFacts,
    reading: ReadingId,
    only: Sequence[CompanyId],
    progress: Progress,
) -> int:
    reader, shape = parts.reader, portal.shape
    # Some companies have a page or two of everything: 50 would be asked for in vain.
    expected = known_sizes(parts) if not only else dict.fromkeys(LISTS, 0)
    sizes = await _all_or_none(
        _put_cards(
            parts,
            portal,
            reading,
            only,
            expected=expected.get("companies"),
            progress=progress,
        ),
        _put(parts, reading, reader.invoices(shape, only, expected=expected.get("invoices"))),
        _put(parts, reading, reader.contracts(shape, only, expected=expected.get("contracts"))),
        _put(parts, reading, reader.requisites(shape, only, expected=expected.get("requisites"))),
        _put_tasks(parts, reading, only),
    )
    if not only:
        _expect(parts, dict(zip(LISTS, sizes, strict=True)))
    return sum(sizes)


async def _all_or_none(*lists: Coroutine[None, None, int]) -> list[int]:
    """Read lists at the same time; when one fails, the others end before anybody goes on.

    What they still put would belong to a reading that has failed, and the next one, which may
    begin at once, would forget it as something that it has not seen.
    """
    tasks = [asyncio.ensure_future(one) for one in lists]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _put_cards(
    parts: Parts,
    portal: PortalFacts,
    reading: ReadingId,
    only: Sequence[CompanyId],
    *,
    expected: int | None,
    progress: Progress,
) -> int:
    seen = 0
    async for chunk in parts.reader.companies(portal.shape, only, expected=expected):
        with parts.store.write() as db:
            put_companies(db, parts.portal, reading, chunk)
        seen += len(chunk)
        progress.advance(len(chunk))
    return seen


async def _put(
    parts: Parts, reading: ReadingId, chunks: AsyncIterator[Sequence[LinkedRecord]]
) -> int:
    seen = 0
    async for chunk in chunks:
        for start in range(0, len(chunk), SEVERAL):
            with parts.store.write() as db:
                put_records(db, parts.portal, reading, chunk[start : start + SEVERAL])
        seen += len(chunk)
    return seen


async def _put_tasks(parts: Parts, reading: ReadingId, only: Sequence[CompanyId]) -> int:
    """Put our open tasks with their checklists."""
    seen = 0
    async for chunk in parts.reader.tasks(only):
        for start in range(0, len(chunk), SEVERAL):
            some = chunk[start : start + SEVERAL]
            full = await with_checklists(parts, some)
            with parts.store.write() as db:
                put_records(db, parts.portal, reading, full)
        seen += len(chunk)
    return seen


async def with_checklists(parts: Parts, tasks: Sequence[TaskRecord]) -> list[TaskRecord]:
    """Return tasks with the items that stand on them."""
    items = await parts.reader.checklists([TaskId(record.task.task) for record in tasks])
    return [
        replace(record, task=replace(record.task, items=items.get(record.task.task, ())))
        for record in tasks
    ]


async def read_missing_rows(parts: Parts, on: date, progress: Progress = SILENT) -> None:
    """Read the rows of those invoices of others whose rows may decide something on the day `on`.

    Rows tell which service and month an invoice without our key bills (§3).
    """
    progress.stage("read_rows")
    after = 0
    waiting: list[InvoiceRecord] = []
    while True:
        with parts.store.read() as db:
            chunk = invoices_lacking_rows(db, parts.portal, after=after)
            foreign = [record for record in chunk if record.issued.key is None]
            cards = cards_of(db, parts.portal, {record.company for record in foreign})
        if not chunk:
            break
        after = chunk[-1].issued.invoice
        waiting.extend(
            record
            for record in foreign
            if record.company in cards and rows_matter(record, cards[record.company], on)
        )
        while len(waiting) >= ROWS_CHUNK:
            await read_rows_of(parts, waiting[:ROWS_CHUNK])
            progress.advance(ROWS_CHUNK)
            waiting = waiting[ROWS_CHUNK:]
    if waiting:
        await read_rows_of(parts, waiting)


def rows_matter(record: InvoiceRecord, card: CompanyCard, on: date) -> bool:
    """Say whether an invoice's rows may change what is billed on the day `on`.

    They may when it was made in the run's month, when its title names a month that may be billed
    now, or no month at all within the last year; with several months in arrears every invoice
    tells where the next span begins. The title of any other invoice says enough: its months are
    past.
    """
    run_month, made = Month.of(on), Month.of(record.issued.created)
    if made >= run_month or (card.previous_month and (card.months or 1) > 1):
        return True
    titled = months_in(record.issued.title)
    if not titled:
        return made >= run_month.plus(-MONTHS_PER_YEAR)
    if card.previous_month:
        return run_month.plus(-1) in titled
    return max(titled) > run_month


async def read_rows_of(parts: Parts, lacking: Sequence[InvoiceRecord]) -> None:
    """Read the rows of some invoices into the mirror, 50 invoices a request."""
    found = await parts.reader.rows_of([InvoiceId(record.issued.invoice) for record in lacking])
    full = [
        replace(
            record,
            issued=replace(record.issued, rows=found[record.issued.invoice]),
            rows_read=True,
        )
        for record in lacking
    ]
    with parts.store.write() as db:
        reading = begin_reading(db, parts.portal, whole=False, at=parts.now())
        put_records(db, parts.portal, reading, full)
        end_reading(db, reading, complete=True, rows=len(full), at=parts.now())


async def read_invoices(parts: Parts, portal: PortalFacts) -> None:
    """Read all invoices again, to see what the portal holds after a run."""
    with parts.store.write() as db:
        reading = begin_reading(db, parts.portal, whole=False, at=parts.now())
    expected = known_sizes(parts).get("invoices")
    rows = await _put(parts, reading, parts.reader.invoices(portal.shape, expected=expected))
    with parts.store.write() as db:
        end_reading(db, reading, complete=True, rows=rows, at=parts.now())


def stored_policy(parts: Parts) -> Policy:
    """Return the policy for the own companies that were last seen, without asking the portal."""
    known = _load(parts, "own")
    rows = known if isinstance(known, list) else []
    return parts.policy_for(
        [OwnCompany(OwnCompanyId(row["id"]), row["name"], tuple(row["names"])) for row in rows]
    )


def _remember_own(parts: Parts, own: Sequence[OwnCompany]) -> None:
    rows = [
        {"id": one.own_company, "name": one.name, "names": list(one.requisite_names)} for one in own
    ]
    _keep(parts, "own", rows)


def known_sizes(parts: Parts) -> dict[str, int]:
    """Return how many rows each list had at the last complete reading."""
    known = _load(parts, "sizes")
    return {str(name): int(size) for name, size in known.items()} if isinstance(known, dict) else {}


def _expect(parts: Parts, sizes: dict[str, int]) -> None:
    _keep(parts, "sizes", sizes)


def _load(parts: Parts, what: str) -> object:
    text = SharedText(parts.store, f"{what}:{parts.portal}").read()
    return json.loads(text) if text else None


def _keep(parts: Parts, what: str, document: object) -> None:
    text = json.dumps(document, ensure_ascii=False)
    SharedText(parts.store, f"{what}:{parts.portal}").change(lambda _: text)
