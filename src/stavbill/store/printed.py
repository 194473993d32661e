"""Printed invoices: the record of each revision's document, kept as it was first composed.

A retry, a second recipient and the page behind a link print the same record, without the portal.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from stavbill.store.database import insert_missing
from stavbill.store.delivery_tables import sending_documents
from stavbill.store.sendings import SendingId


def put_printed(db: Connection, bodies: Mapping[SendingId, str], *, at: datetime) -> None:
    """Keep documents as JSON; the one that stands already stays."""
    rows = [{"sending": one, "body": body, "made": at} for one, body in bodies.items()]
    insert_missing(db, sending_documents, rows)


def printed(db: Connection, sendings: Collection[SendingId]) -> dict[SendingId, str]:
    """Return the documents of revisions that have one, as JSON."""
    rows = db.execute(
        select(sending_documents.c.sending, sending_documents.c.body).where(
            sending_documents.c.sending.in_(sendings)
        )
    )
    return {SendingId(row.sending): row.body for row in rows}
