"""Whose an invoice or a task is, by the portal's id: for events that name nothing else."""

from __future__ import annotations

from sqlalchemy import Connection, select

from stavbill.billing.facts import CompanyId
from stavbill.plan.records import InvoiceRecord, TaskRecord
from stavbill.store import bodies
from stavbill.store.tables import records


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
