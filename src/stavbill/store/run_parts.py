"""Parts of a run: which companies are planned together, and what each part came to.

Part 0 is what was read before anything was decided; the others are chunks of companies. A part is
planned in the transaction that stores its decisions, so whoever repeats a run finds it done.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from stavbill.billing.facts import CompanyId
from stavbill.store.database import insert_missing, upsert
from stavbill.store.runs import RunId
from stavbill.store.service_tables import run_parts

Document = dict[str, Any]
READING = 0


def put_reading(db: Connection, run: RunId, document: Document, *, at: datetime) -> None:
    """Keep what a run read, for whoever plans its parts."""
    upsert(db, run_parts, [_row(run, READING, document, at)])


def read_reading(db: Connection, run: RunId) -> Document | None:
    """Return what a run read, None when it has not read everything yet."""
    return _body(db, run, READING)


def put_chunks(
    db: Connection, run: RunId, chunks: Sequence[Sequence[CompanyId]], *, first: int, at: datetime
) -> None:
    """Keep chunks of companies, numbered from `first` on; those that are there already stay."""
    rows = [
        _row(run, number, {"companies": list(chunk)}, at)
        for number, chunk in enumerate(chunks, start=first)
    ]
    insert_missing(db, run_parts, rows)


def chunk_count(db: Connection, run: RunId) -> int:
    """Return how many chunks a run has."""
    return db.execute(
        select(func.count())
        .select_from(run_parts)
        .where(run_parts.c.run == run, run_parts.c.number > READING)
    ).scalar_one()


def chunk_of(db: Connection, run: RunId, number: int) -> tuple[tuple[CompanyId, ...], bool]:
    """Return a chunk's companies, and whether it is planned already.

    Raises `LookupError` when the run has no such chunk.
    """
    body = _body(db, run, number)
    if body is None:
        msg = f"run {run} has no chunk {number}"
        raise LookupError(msg)
    return tuple(CompanyId(company) for company in body["companies"]), "planned" in body


def put_planned(
    db: Connection,
    run: RunId,
    number: int,
    companies: Sequence[CompanyId],
    planned: Document,
    *,
    at: datetime,
) -> None:
    """Keep what a chunk came to."""
    body = {"companies": list(companies), "planned": planned}
    upsert(db, run_parts, [_row(run, number, body, at)])


def planned_documents(db: Connection, run: RunId) -> Iterator[Document]:
    """Return what the planned chunks came to, one after the other."""
    rows = db.execute(
        select(run_parts.c.body)
        .where(run_parts.c.run == run, run_parts.c.number > READING)
        .order_by(run_parts.c.number)
    )
    for row in rows:
        body = json.loads(row.body)
        if "planned" in body:
            yield body["planned"]


def planned_chunk(db: Connection, run: RunId, number: int) -> Document | None:
    """Return what one chunk came to, None when it is not planned yet."""
    body = _body(db, run, number)
    return None if body is None else body.get("planned")


def _body(db: Connection, run: RunId, number: int) -> Document | None:
    text = db.execute(
        select(run_parts.c.body).where(run_parts.c.run == run, run_parts.c.number == number)
    ).scalar_one_or_none()
    return None if text is None else dict(json.loads(text))


def _row(run: RunId, number: int, document: Document, at: datetime) -> Document:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return {"run": run, "number": number, "body": text, "at": at}
