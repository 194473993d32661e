"""Sendings: revisions of invoices on their way to customers, and the holds that keep them here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, NewType

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, delete, func, insert, literal_column, select, update

from stavbill.billing.facts import CompanyId
from stavbill.plan.effects import EffectKey
from stavbill.plan.notices import InvoiceNotice
from stavbill.store import bodies
from stavbill.store.bodies import Body
from stavbill.store.database import upsert
from stavbill.store.delivery_tables import sending_holds, sendings
from stavbill.store.effects import Intent, Status, intent_of
from stavbill.store.parking import write_audit
from stavbill.store.tables import effects

SendingId = NewType("SendingId", int)
NOTICE: Body[InvoiceNotice] = Body(TypeAdapter(InvoiceNotice))


class SendingState(Enum):
    """What is to be done about a revision.

    OPEN: its messages are made, and go out. NOBODY: nobody it could go to, looked at again when
    due. NO_DOCUMENT: its document cannot be made, tried again when due. WITHDRAWN: cancelled, paid
    or gone before it went out.
    """

    OPEN = "open"
    NOBODY = "nobody"
    NO_DOCUMENT = "no_document"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSending:
    """A revision that shall reach its customer; `portal_id` is the invoice's id in the portal."""

    company: CompanyId
    invoice: EffectKey
    revision: int
    portal_id: int
    sender: str
    state: SendingState
    notice: InvoiceNotice
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending(NewSending):
    """A revision as it stands. `told` is when the portal learned that it went out."""

    sending: SendingId
    pay_link: str | None
    due: datetime
    told: datetime | None
    created: datetime


@dataclass(frozen=True, slots=True)
class SendingHold:
    """Why a person keeps an invoice from being sent."""

    invoice: EffectKey
    comment: str
    who: str
    since: datetime


def settled_invoices(
    db: Connection, portal: str, *, since: datetime, limit: int
) -> tuple[Intent, ...]:
    """Return invoices that stand in the portal and of which no sending was made, oldest first.

    Only those written since `since`: who begins to send does not send what is long past.
    """
    rows = db.execute(
        _unsent(portal).where(effects.c.written_at >= since).order_by(effects.c.effect).limit(limit)
    )
    return tuple(intent_of(row) for row in rows)


def forgotten_invoices(db: Connection, portal: str, *, before: datetime, since: datetime) -> int:
    """Count invoices without a sending that are too old to be sent by themselves."""
    query = _unsent(portal).where(effects.c.written_at < before, effects.c.written_at >= since)
    counted = query.with_only_columns(effects.c.effect).subquery()
    return db.execute(select(func.count()).select_from(counted)).scalar_one()


def _unsent(portal: str) -> Any:  # noqa: ANN401  a query over whole rows
    made = (
        select(sendings.c.sending)
        .where(sendings.c.portal == effects.c.portal, sendings.c.invoice_key == effects.c.key)
        .exists()
    )
    return select(effects).where(
        effects.c.portal == portal,
        effects.c.kind == literal_column("'put_invoice'"),
        effects.c.status == Status.DONE.value,
        effects.c.portal_id.is_not(None),
        ~made,
    )


def settled_invoice(db: Connection, portal: str, invoice: EffectKey) -> Intent | None:
    """Return an invoice that stands in the portal, by its key; None when there is none."""
    row = db.execute(
        select(effects).where(
            effects.c.portal == portal,
            effects.c.key == invoice,
            effects.c.kind == "put_invoice",
            effects.c.status == Status.DONE.value,
        )
    ).one_or_none()
    return None if row is None else intent_of(row)


def invoice_named(db: Connection, portal: str, name: str) -> EffectKey | None:
    """Return the key of one of our invoices by its key or its id in the portal."""
    query = select(effects.c.key).where(effects.c.portal == portal, effects.c.kind == "put_invoice")
    if name.isdecimal():
        query = query.where(effects.c.portal_id == int(name))
    else:
        query = query.where(effects.c.key == name)
    found = db.execute(query).scalars().first()
    return None if found is None else EffectKey(found)


def add_sending(db: Connection, portal: str, new: NewSending, *, at: datetime) -> SendingId:
    """Add a revision; the same revision twice is refused by the database."""
    answer = db.execute(
        insert(sendings)
        .values(
            portal=portal,
            company=new.company,
            invoice_key=new.invoice,
            revision=new.revision,
            portal_id=new.portal_id,
            sender=new.sender,
            state=new.state.value,
            body=NOTICE.write(new.notice),
            pay_link=None,
            detail=new.detail,
            due=at,
            told=None,
            created=at,
        )
        .returning(sendings.c.sending)
    )
    return SendingId(answer.scalar_one())


def sendings_by_id(db: Connection, ids: Collection[SendingId]) -> dict[SendingId, Sending]:
    """Return revisions by their ids."""
    rows = db.execute(select(sendings).where(sendings.c.sending.in_(ids)))
    return {SendingId(row.sending): _sending(row) for row in rows}


def due_sendings(
    db: Connection, portal: str, state: SendingState, *, at: datetime, limit: int
) -> tuple[Sending, ...]:
    """Return revisions in a state that are to be looked at now."""
    rows = db.execute(
        select(sendings)
        .where(
            sendings.c.portal == portal,
            sendings.c.state == state.value,
            sendings.c.due <= at,
        )
        .order_by(sendings.c.due, sendings.c.sending)
        .limit(limit)
    )
    return tuple(_sending(row) for row in rows)


def revisions_of(db: Connection, portal: str, invoice: EffectKey) -> tuple[Sending, ...]:
    """Return every revision of an invoice, the first one first."""
    rows = db.execute(
        select(sendings)
        .where(sendings.c.portal == portal, sendings.c.invoice_key == invoice)
        .order_by(sendings.c.revision)
    )
    return tuple(_sending(row) for row in rows)


def move_sendings(
    db: Connection,
    ids: Collection[SendingId],
    state: SendingState,
    *,
    due: datetime,
    detail: str = "",
) -> None:
    """Move revisions to a state, to be looked at when due."""
    db.execute(
        update(sendings)
        .where(sendings.c.sending.in_(ids))
        .values(state=state.value, due=due, detail=detail)
    )


def set_notice(
    db: Connection, sending: SendingId, notice: InvoiceNotice, pay_link: str | None
) -> None:
    """Keep what the letter says, once the portal's number and pay link are known."""
    db.execute(
        update(sendings)
        .where(sendings.c.sending == sending)
        .values(body=NOTICE.write(notice), pay_link=pay_link)
    )


def mark_told(db: Connection, ids: Collection[SendingId], *, at: datetime) -> None:
    """Note that the portal learns of these in effects of the same transaction."""
    db.execute(update(sendings).where(sendings.c.sending.in_(ids)).values(told=at))


# -------------------------------------------------------------------------------------- holds
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


def _sending(row: Row[Any]) -> Sending:
    return Sending(
        sending=SendingId(row.sending),
        company=CompanyId(row.company),
        invoice=EffectKey(row.invoice_key),
        revision=row.revision,
        portal_id=row.portal_id,
        sender=row.sender,
        state=SendingState(row.state),
        notice=NOTICE.read(row.body),
        detail=row.detail,
        pay_link=row.pay_link,
        due=row.due,
        told=row.told,
        created=row.created,
    )


__all__ = [
    "NOTICE",
    "NewSending",
    "Sending",
    "SendingHold",
    "SendingId",
    "SendingState",
    "add_sending",
    "bodies",
    "due_sendings",
    "forgotten_invoices",
    "hold_invoice",
    "holds",
    "invoice_named",
    "mark_told",
    "move_sendings",
    "release_invoice",
    "revisions_of",
    "sendings_by_id",
    "set_notice",
    "settled_invoice",
    "settled_invoices",
]
