"""Sendings: revisions of invoices on their way to customers, and the holds that keep them here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, NewType

from pydantic import TypeAdapter
from sqlalchemy import (
    Connection,
    Row,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)

from stavbill.billing.facts import CompanyId
from stavbill.plan.effects import EffectKey
from stavbill.plan.notices import InvoiceNotice
from stavbill.store.bodies import Body
from stavbill.store.delivery_tables import messages, sendings
from stavbill.store.effects import Intent, Status, intent_of
from stavbill.store.tables import effects

SendingId = NewType("SendingId", int)
NOTICE: Body[InvoiceNotice] = Body(TypeAdapter(InvoiceNotice))


class SendingState(Enum):
    """What is to be done about a revision.

    OPEN: its messages are made, and go out. TOLD: the portal knows that it went out; what is left
    of its messages still goes. NOBODY: nobody it could go to. NO_DOCUMENT: its document cannot be
    made. WITHDRAWN: cancelled, paid or gone before it went out. Recipients of the first three, and
    the document, are looked at again when `due`.
    """

    OPEN = "open"
    TOLD = "told"
    NOBODY = "nobody"
    NO_DOCUMENT = "no_document"
    WITHDRAWN = "withdrawn"


# Due at no time: nothing is to be looked at again.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
GOING = (SendingState.OPEN, SendingState.TOLD)


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
    """A revision as it stands. `told` is when the portal learned that it went out.

    `blame` is the seller whose own papers kept its document from being made when it was last tried.
    """

    sending: SendingId
    pay_link: str | None
    due: datetime
    told: datetime | None
    created: datetime
    blame: str = ""


def lock_sendings(db: Connection) -> None:
    """Let one process at a time make sendings and tell of them: the second sees what the first did.

    SQLite's write transactions do so by themselves. The lock ends with the transaction; whoever
    also needs the journal's takes this one first.
    """
    if db.dialect.name == "postgresql":
        db.execute(text("SELECT pg_advisory_xact_lock(7220312)"))


def settled_invoices(
    db: Connection, portal: str, *, since: datetime, after: int, limit: int
) -> tuple[Intent, ...]:
    """Return invoices that stand in the portal and of which no sending was made, by intent.

    Only those written since `since`: who begins to send does not send what is long past.
    """
    rows = db.execute(
        _unsent(portal)
        .where(effects.c.written_at >= since, effects.c.effect > after)
        .order_by(effects.c.effect)
        .limit(limit)
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


def standing_invoices(db: Connection, portal: str, *, after: int, limit: int) -> tuple[Intent, ...]:
    """Return invoices that stand in the portal, by intent, sent or not."""
    rows = db.execute(
        select(effects)
        .where(
            effects.c.portal == portal,
            effects.c.kind == "put_invoice",
            effects.c.status == Status.DONE.value,
            effects.c.portal_id.is_not(None),
            effects.c.effect > after,
        )
        .order_by(effects.c.effect)
        .limit(limit)
    )
    return tuple(intent_of(row) for row in rows)


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


def add_sending(
    db: Connection, portal: str, new: NewSending, *, at: datetime, due: datetime = NEVER
) -> SendingId:
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
            due=due,
            told=None,
            created=at,
        )
        .returning(sendings.c.sending)
    )
    return SendingId(answer.scalar_one())


def sendings_by_id(db: Connection, ids: Collection[SendingId]) -> dict[SendingId, Sending]:
    """Return revisions by their ids."""
    rows = db.execute(select(sendings).where(sendings.c.sending.in_(ids)))
    return {SendingId(row.sending): sending_of(row) for row in rows}


def due_sendings(
    db: Connection,
    portal: str,
    states: Collection[SendingState],
    *,
    at: datetime,
    limit: int,
) -> tuple[Sending, ...]:
    """Return revisions in some states that are to be looked at again now."""
    rows = db.execute(
        select(sendings)
        .where(
            sendings.c.portal == portal,
            sendings.c.state.in_([state.value for state in states]),
            sendings.c.due <= at,
        )
        .order_by(sendings.c.due, sendings.c.sending)
        .limit(limit)
    )
    return tuple(sending_of(row) for row in rows)


def untold_sendings(
    db: Connection, portal: str, *, sent_before: datetime, limit: int
) -> tuple[Sending, ...]:
    """Return revisions that went out and of which the portal does not know.

    Those of which every message was tried; others once a message went out before `sent_before`.
    """
    of_it = messages.c.sending == sendings.c.sending
    sent = select(messages.c.message).where(of_it, messages.c.sent_at.is_not(None))
    untried = select(messages.c.message).where(
        of_it,
        messages.c.stage.in_(["claimed", "leaving"])
        | ((messages.c.stage == "waiting") & (messages.c.attempts == 0)),
    )
    rows = db.execute(
        select(sendings)
        .where(
            sendings.c.portal == portal,
            sendings.c.state == SendingState.OPEN.value,
            sent.exists(),
            ~untried.exists() | sent.where(messages.c.sent_at < sent_before).exists(),
        )
        .order_by(sendings.c.sending)
        .limit(limit)
    )
    return tuple(sending_of(row) for row in rows)


def revisions_of(db: Connection, portal: str, invoice: EffectKey) -> tuple[Sending, ...]:
    """Return every revision of an invoice, the first one first."""
    rows = db.execute(
        select(sendings)
        .where(sendings.c.portal == portal, sendings.c.invoice_key == invoice)
        .order_by(sendings.c.revision)
    )
    return tuple(sending_of(row) for row in rows)


def log_of(
    db: Connection, portal: str, company: CompanyId | None, *, limit: int
) -> tuple[Sending, ...]:
    """Return the newest revisions, of one company or of all."""
    query = select(sendings).where(sendings.c.portal == portal)
    if company is not None:
        query = query.where(sendings.c.company == company)
    rows = db.execute(query.order_by(sendings.c.sending.desc()).limit(limit))
    return tuple(sending_of(row) for row in rows)


def look_again(db: Connection, ids: Collection[SendingId], *, due: datetime) -> None:
    """Let the recipients of revisions be looked at again at a time."""
    db.execute(update(sendings).where(sendings.c.sending.in_(ids)).values(due=due))


def move_sendings(
    db: Connection,
    ids: Collection[SendingId],
    state: SendingState,
    *,
    due: datetime = NEVER,
    detail: str | None = "",
) -> None:
    """Move revisions to a state, to be looked at again when due; `detail` None leaves it."""
    values: dict[str, object] = {"state": state.value, "due": due}
    if detail is not None:
        values["detail"] = detail
    db.execute(update(sendings).where(sendings.c.sending.in_(ids)).values(**values))


def set_notice(
    db: Connection, sending: SendingId, notice: InvoiceNotice, pay_link: str | None
) -> None:
    """Keep what the letter says, once the portal's number and pay link are known."""
    db.execute(
        update(sendings)
        .where(sendings.c.sending == sending)
        .values(body=NOTICE.write(notice), pay_link=pay_link)
    )


def mark_told(db: Connection, ids: Collection[SendingId], *, at: datetime | None) -> None:
    """Note when the portal, or a person, was told; in the transaction that records the effects."""
    db.execute(update(sendings).where(sendings.c.sending.in_(ids)).values(told=at))


def blame_seller(db: Connection, ids: Collection[SendingId], seller: str) -> None:
    """Note whose papers keep documents from being made; "" when it is not a seller's alone."""
    db.execute(update(sendings).where(sendings.c.sending.in_(ids)).values(blame=seller))


def blamed_sellers(db: Connection, portal: str) -> frozenset[tuple[str, str]]:
    """Return the sellers whose papers keep documents from being made now, with the reasons."""
    states = [SendingState.NO_DOCUMENT.value, SendingState.OPEN.value]
    rows = db.execute(
        select(sendings.c.blame, sendings.c.detail)
        .where(sendings.c.portal == portal, sendings.c.state.in_(states), sendings.c.blame != "")
        .distinct()
    )
    return frozenset((row.blame, row.detail) for row in rows)


def sending_of(row: Row[Any]) -> Sending:
    """Return the revision in a row of `sendings`."""
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
        blame=row.blame,
    )
