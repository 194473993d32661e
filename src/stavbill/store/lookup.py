"""Whose an invoice or a task is, by the portal's id, and what a company is called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from stavbill.billing.facts import CompanyId
from stavbill.plan.diff import HOLD_TAG
from stavbill.plan.effects import OpenTask, UserId
from stavbill.plan.records import InvoiceRecord, TaskRecord
from stavbill.store import bodies
from stavbill.store.effects import Status
from stavbill.store.tables import companies, effects, records

# Ids in one question.
_MANY = 500


@dataclass(frozen=True, slots=True)
class HoldTask:
    """Whose a task is that tells why a company is held; `written` when we opened it ourselves."""

    company: CompanyId
    written: datetime | None = None


def headings_of(
    db: Connection, portal: str, ids: Sequence[CompanyId]
) -> dict[CompanyId, tuple[str, UserId | None]]:
    """Return title and responsible of companies as last read; one that is not known is absent."""
    found: dict[CompanyId, tuple[str, UserId | None]] = {}
    for start in range(0, len(ids), _MANY):
        rows = db.execute(
            select(companies.c.company, companies.c.body).where(
                companies.c.portal == portal,
                companies.c.company.in_(ids[start : start + _MANY]),
            )
        )
        for row in rows:
            record = bodies.COMPANY.read(row.body)
            found[CompanyId(row.company)] = record.title, record.responsible
    return found


def company_of_invoice(db: Connection, portal: str, invoice: int) -> CompanyId | None:
    """Return the company of an invoice as it was last read, None for one that was not."""
    found = db.execute(
        select(records.c.company)
        .where(records.c.portal == portal, records.c.kind == "invoice", records.c.record == invoice)
        .limit(1)
    ).scalar_one_or_none()
    return None if found is None else CompanyId(found)


def invoice_of(db: Connection, portal: str, invoice: int) -> InvoiceRecord | None:
    """Return an invoice as it was last read, None for one that was not."""
    body = db.execute(
        select(records.c.body)
        .where(records.c.portal == portal, records.c.kind == "invoice", records.c.record == invoice)
        .limit(1)
    ).scalar_one_or_none()
    return None if body is None else bodies.INVOICE.read(body)


def task_of(db: Connection, portal: str, task: int) -> TaskRecord | None:
    """Return a task of ours as it was last read, None for one that was not."""
    text = db.execute(
        select(records.c.body)
        .where(records.c.portal == portal, records.c.kind == "task", records.c.record == task)
        .limit(1)
    ).scalar_one_or_none()
    return None if text is None else bodies.TASK.read(text)


def opened_hold_task(db: Connection, portal: str, task: int) -> HoldTask | None:
    """Return whose hold task this is, as it was read or as we wrote it; None for any other task.

    A run that has just opened it does not read it again: until the next reading only the journal
    knows of it.
    """
    known = task_of(db, portal, task)
    if known is not None and known.task.tag == HOLD_TAG:
        return HoldTask(known.company)
    row = db.execute(
        select(effects.c.company, effects.c.body, effects.c.written_at)
        .where(
            effects.c.portal == portal,
            effects.c.kind == "open_task",
            effects.c.status == Status.DONE.value,
            effects.c.portal_id == task,
        )
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    opened = bodies.EFFECT.read(row.body)
    if not isinstance(opened, OpenTask) or opened.tag != HOLD_TAG:
        return None
    return HoldTask(CompanyId(row.company), row.written_at)
