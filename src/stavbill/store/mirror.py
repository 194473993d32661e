"""The mirror: what the last readings of a portal yielded, kept between reading and deciding.

A reading puts its records in chunks and sweeps at its end what it has not seen; reading one company
again replaces that company's records only. Everything is read back in chunks, in the order of ids.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NewType

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from stavbill.billing.facts import (
    SUBSCRIPTION,
    CompanyCard,
    CompanyId,
    InvoiceId,
    IssuedRow,
)
from stavbill.plan.join import CompanyRecords
from stavbill.plan.records import (
    CompanyRecord,
    ContractRecord,
    InvoiceRecord,
    RequisiteRecord,
    TaskRecord,
)
from stavbill.store import bodies
from stavbill.store.bodies import Body
from stavbill.store.database import Row, upsert
from stavbill.store.tables import companies, readings, records

# Nobody reads a portal for longer: what has not ended by then was killed.
LONGEST_READING = timedelta(hours=6)
ReadingId = NewType("ReadingId", int)
LinkedRecord = InvoiceRecord | ContractRecord | RequisiteRecord | TaskRecord

_INVOICE, _CONTRACT, _REQUISITE, _TASK = "invoice", "contract", "requisite", "task"
_KINDS: Mapping[type[LinkedRecord], str] = {
    InvoiceRecord: _INVOICE,
    ContractRecord: _CONTRACT,
    RequisiteRecord: _REQUISITE,
    TaskRecord: _TASK,
}
LinkedBody = Body[InvoiceRecord] | Body[ContractRecord] | Body[RequisiteRecord] | Body[TaskRecord]
_BODIES: Mapping[str, LinkedBody] = {
    _INVOICE: bodies.INVOICE,
    _CONTRACT: bodies.CONTRACT,
    _REQUISITE: bodies.REQUISITE,
    _TASK: bodies.TASK,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a portal: of everything (`whole`) or of some companies; `rows` it put."""

    reading: ReadingId
    portal: str
    whole: bool
    state: str
    started: datetime
    finished: datetime | None
    rows: int


def begin_reading(db: Connection, portal: str, *, whole: bool, at: datetime) -> ReadingId:
    """Begin a reading; its id marks everything that it puts."""
    answer = db.execute(
        insert(readings)
        .values(portal=portal, whole=whole, state="reading", started=at, rows=0)
        .returning(readings.c.reading)
    )
    return ReadingId(answer.scalar_one())


def end_reading(
    db: Connection, reading: ReadingId, *, complete: bool, rows: int, at: datetime
) -> None:
    """End a reading: complete, or failed (then nothing may be swept or billed by it)."""
    state = "complete" if complete else "failed"
    db.execute(
        update(readings)
        .where(readings.c.reading == reading)
        .values(state=state, finished=at, rows=rows)
    )


def last_complete_reading(db: Connection, portal: str) -> Reading | None:
    """Return the last complete reading of the whole portal."""
    row = db.execute(
        select(readings)
        .where(
            readings.c.portal == portal,
            readings.c.whole.is_(True),
            readings.c.state == "complete",
        )
        .order_by(readings.c.reading.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else Reading(**row._mapping)  # noqa: SLF001  its public name


def put_companies(
    db: Connection,
    portal: str,
    reading: ReadingId,
    chunk: Sequence[CompanyRecord],
    *,
    card_only: bool = False,
) -> None:
    """Put a chunk of companies, replacing what was known of them.

    With `card_only` a known company keeps the reading that it was last read whole by: what else is
    known of it is as old as before.
    """
    rows = [_company_row(portal, reading, record) for record in chunk]
    upsert(db, companies, rows, keep=("reading",) if card_only else ())


def _company_row(portal: str, reading: ReadingId, record: CompanyRecord) -> Row:
    card = record.card
    return {
        "portal": portal,
        "company": record.company,
        "reading": reading,
        "status": card.status,
        "skip": card.skip,
        "partner": card.partner,
        "ignore_count": card.ignore_count,
        "connection_key": connection_key(card.connection),
        "account_key": account_key(card.account),
        "subscription": card.fees.get(SUBSCRIPTION, ""),
        "body": bodies.COMPANY.write(record),
    }


def connection_key(connection: str | None) -> str | None:
    """Return «Где найти» as it is compared: case and spaces around ignored, empty is None."""
    return (connection or "").strip().casefold() or None


def account_key(account: str | None) -> str | None:
    """Return a Wialon account's name as it is compared: spaces around ignored, empty is None."""
    return (account or "").strip() or None


def put_records(
    db: Connection, portal: str, reading: ReadingId, chunk: Sequence[LinkedRecord]
) -> None:
    """Put a chunk of invoices, contracts, requisites or tasks, kinds mixed as they come.

    An invoice whose rows were not asked for keeps the rows known before when the portal says that
    it has not changed since (`updated`) and its sum is the same; `invoices_lacking_rows` then does
    not name it.
    """
    known = _known_rows(db, portal, [r for r in chunk if isinstance(r, InvoiceRecord)])
    rows = []
    for record in chunk:
        full = record
        if isinstance(record, InvoiceRecord) and record.issued.invoice in known:
            lines = known[record.issued.invoice]
            full = replace(record, issued=replace(record.issued, rows=lines), rows_read=True)
        rows.append(_record_row(portal, reading, full))
    upsert(db, records, rows)


def _known_rows(
    db: Connection, portal: str, chunk: Sequence[InvoiceRecord]
) -> dict[InvoiceId, tuple[IssuedRow, ...]]:
    wanted = {
        r.issued.invoice: (r.updated, r.total) for r in chunk if not r.rows_read and r.updated
    }
    if not wanted:
        return {}
    found = db.execute(
        select(records.c.record, records.c.updated, records.c.body).where(
            records.c.portal == portal,
            records.c.kind == _INVOICE,
            records.c.record.in_(wanted),
            records.c.rows_read.is_(True),
        )
    )
    known = {
        InvoiceId(row.record): bodies.INVOICE.read(row.body)
        for row in found
        if wanted[row.record][0] == row.updated
    }
    # Whether new rows move the portal's time of change is not documented; they do move the sum.
    return {
        invoice: record.issued.rows
        for invoice, record in known.items()
        if wanted[invoice][1] == record.total
    }


def _record_row(portal: str, reading: ReadingId, record: LinkedRecord) -> Row:
    row: dict[str, object] = {
        "portal": portal,
        "company": record.company,
        "kind": _KINDS[type(record)],
        "reading": reading,
        "external_id": None,
        "updated": None,
        "rows_read": None,
    }
    match record:
        case InvoiceRecord():
            return row | {
                "record": record.issued.invoice,
                "external_id": record.external_id or None,
                "updated": record.updated,
                "rows_read": record.rows_read,
                "body": bodies.INVOICE.write(record),
            }
        case ContractRecord():
            return row | {
                "record": record.contract.document,
                "body": bodies.CONTRACT.write(record),
            }
        case RequisiteRecord():
            return row | {"record": record.requisite, "body": bodies.REQUISITE.write(record)}
        case TaskRecord():
            return row | {"record": record.task.task, "body": bodies.TASK.write(record)}


def sweep(db: Connection, portal: str, reading: ReadingId) -> None:
    """Forget what a complete reading of the whole portal has not seen.

    What another reading saw meanwhile stays: two runs may read at the same time. A reading that
    was begun hours ago and has not ended is one that was killed.
    """
    began = db.execute(select(readings.c.started).where(readings.c.reading == reading)).scalar_one()
    beside = select(readings.c.reading).where(
        readings.c.portal == portal,
        readings.c.reading != reading,
        readings.c.started >= began - LONGEST_READING,
        or_(readings.c.finished.is_(None), readings.c.finished >= began),
    )
    for table in (companies, records):
        unseen = (table.c.reading < reading, table.c.reading.not_in(beside))
        db.execute(delete(table).where(table.c.portal == portal, *unseen))


def forget_invoices(
    db: Connection, portal: str, ids: Collection[InvoiceId], stand: Mapping[InvoiceId, CompanyId]
) -> int:
    """Forget some invoices but where they `stand` now; return how many records that were."""
    found = db.execute(
        select(records.c.record, records.c.company).where(
            records.c.portal == portal, records.c.kind == _INVOICE, records.c.record.in_(ids)
        )
    ).all()
    stale = [row for row in found if stand.get(InvoiceId(row.record)) != row.company]
    for row in stale:
        db.execute(
            delete(records).where(
                records.c.portal == portal,
                records.c.kind == _INVOICE,
                records.c.record == row.record,
                records.c.company == row.company,
            )
        )
    return len(stale)


def forget_companies(db: Connection, portal: str, ids: Collection[CompanyId]) -> None:
    """Forget some companies with all their records, before they are put again from a re-reading.

    Rows of unchanged invoices are then read again too. A company deleted in the portal is
    forgotten by this alone.
    """
    for table in (companies, records):
        db.execute(delete(table).where(table.c.portal == portal, table.c.company.in_(ids)))


def forget_unseen(
    db: Connection, portal: str, ids: Collection[CompanyId], reading: ReadingId
) -> None:
    """Forget of some companies what the reading that has just put them again has not seen."""
    for table in (companies, records):
        gone = (table.c.company.in_(ids), table.c.reading != reading)
        db.execute(delete(table).where(table.c.portal == portal, *gone))


def invoices_lacking_rows(
    db: Connection, portal: str, *, after: int = 0, limit: int = 500
) -> tuple[InvoiceRecord, ...]:
    """Return invoices whose rows are not known, by id, those after `after`."""
    found = db.execute(
        select(records.c.body)
        .where(
            records.c.portal == portal,
            records.c.kind == _INVOICE,
            records.c.rows_read.is_(False),
            records.c.record > after,
        )
        .order_by(records.c.record)
        .limit(limit)
    )
    return tuple(bodies.INVOICE.read(row.body) for row in found)


def company_ids(
    db: Connection, portal: str, *, after: int = 0, limit: int = 50
) -> tuple[CompanyId, ...]:
    """Return the next companies' ids, those after `after`, in order."""
    found = db.execute(
        select(companies.c.company)
        .where(companies.c.portal == portal, companies.c.company > after)
        .order_by(companies.c.company)
        .limit(limit)
    )
    return tuple(CompanyId(row.company) for row in found)


def company_count(db: Connection, portal: str) -> int:
    """Return how many companies are known."""
    return db.execute(
        select(func.count()).select_from(companies).where(companies.c.portal == portal)
    ).scalar_one()


def portfolios(
    db: Connection, portal: str, ids: Collection[CompanyId]
) -> dict[CompanyId, CompanyRecords]:
    """Return everything known of a chunk of companies, by two queries.

    A company that is not known is absent. Records stand in the order of their ids.
    """
    found = db.execute(
        select(companies.c.company, companies.c.body)
        .where(companies.c.portal == portal, companies.c.company.in_(ids))
        .order_by(companies.c.company)
    )
    linked: dict[int, list[LinkedRecord]] = {}
    for record in _linked_records(db, portal, ids):
        linked.setdefault(record.company, []).append(record)
    return {
        CompanyId(row.company): _portfolio(
            bodies.COMPANY.read(row.body), linked.get(row.company, [])
        )
        for row in found.all()
    }


def cards_of(
    db: Connection, portal: str, ids: Collection[CompanyId]
) -> dict[CompanyId, CompanyCard]:
    """Return the cards of some companies alone; one that is not known is absent."""
    found = db.execute(
        select(companies.c.company, companies.c.body).where(
            companies.c.portal == portal, companies.c.company.in_(ids)
        )
    )
    return {CompanyId(row.company): bodies.COMPANY.read(row.body).card for row in found}


def _linked_records(
    db: Connection, portal: str, ids: Collection[CompanyId]
) -> Iterator[LinkedRecord]:
    found = db.execute(
        select(records.c.kind, records.c.body)
        .where(records.c.portal == portal, records.c.company.in_(ids))
        .order_by(records.c.company, records.c.kind, records.c.record)
    )
    for row in found:
        yield _BODIES[row.kind].read(row.body)


def _portfolio(company: CompanyRecord, linked: Sequence[LinkedRecord]) -> CompanyRecords:
    return CompanyRecords(
        company=company,
        contracts=tuple(r for r in linked if isinstance(r, ContractRecord)),
        requisites=tuple(r for r in linked if isinstance(r, RequisiteRecord)),
        invoices=tuple(r for r in linked if isinstance(r, InvoiceRecord)),
        tasks=tuple(r for r in linked if isinstance(r, TaskRecord)),
    )
