"""Holds: invoices that a person keeps from being sent, until somebody releases them.

Source: delivery page («manual with a comment»).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from stavbill.plan.effects import EffectKey
from stavbill.store.database import upsert
from stavbill.store.delivery_tables import sending_holds
from stavbill.store.parking import write_audit


@dataclass(frozen=True, slots=True)
class SendingHold:
    """Why a person keeps an invoice from being sent."""

    invoice: EffectKey
    comment: str
    who: str
    since: datetime


def hold_invoice(
    db: Connection, portal: str, invoice: EffectKey, *, comment: str, who: str, at: datetime
) -> None:
    """Keep an invoice from being sent until somebody releases it; it may not exist yet."""
    row = {
        "portal": portal,
        "invoice_key": invoice,
        "comment": comment,
        "who": who,
        "since": at,
    }
    upsert(db, sending_holds, [row])
    write_audit(db, portal, who=who, what="sending_held", detail=f"{invoice}: {comment}", at=at)


def release_invoice(
    db: Connection, portal: str, invoice: EffectKey, *, who: str, at: datetime
) -> bool:
    """Let an invoice go; False when nobody held it."""
    answer = db.execute(
        delete(sending_holds).where(
            sending_holds.c.portal == portal, sending_holds.c.invoice_key == invoice
        )
    )
    if answer.rowcount:
        write_audit(db, portal, who=who, what="sending_released", detail=invoice, at=at)
    return answer.rowcount > 0


def holds(db: Connection, portal: str) -> tuple[SendingHold, ...]:
    """Return every hold, the oldest first."""
    rows = db.execute(
        select(sending_holds)
        .where(sending_holds.c.portal == portal)
        .order_by(sending_holds.c.since)
    )
    return tuple(
        SendingHold(EffectKey(row.invoice_key), row.comment, row.who, row.since) for row in rows
    )
