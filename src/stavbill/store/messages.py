"""Messages as they stand: one revision of an invoice to one recipient, and questions about them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, NewType

from sqlalchemy import Connection, Row, func, select, update

from stavbill.billing.facts import CompanyId
from stavbill.store.database import insert_missing
from stavbill.store.delivery_tables import messages
from stavbill.store.sendings import SendingId

MessageId = NewType("MessageId", int)


class Stage(Enum):
    """How far handing over came.

    WAITING: to be handed over when due. CLAIMED: somebody is at it, and the last byte has not left.
    LEAVING: it may have left. SENT: taken. UNCLEAR: nobody knows; evidence or a person will tell.
    FAILED: refused for good. CANCELLED: not wanted any more.
    """

    WAITING = "waiting"
    CLAIMED = "claimed"
    LEAVING = "leaving"
    SENT = "sent"
    UNCLEAR = "unclear"
    FAILED = "failed"
    CANCELLED = "cancelled"


ON_ITS_WAY = (Stage.WAITING, Stage.CLAIMED, Stage.LEAVING)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """One revision to one recipient; `channel` is `email` or `whatsapp`."""

    sending: SendingId
    company: CompanyId
    channel: str
    recipient: str
    sender: str
    reference: str | None = None
    # What links of this message sign; None of one that was made before there were such names.
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(NewMessage):
    """A message as it stands; `status` is the best that is known of it."""

    message: MessageId
    round: int
    stage: Stage
    status: str
    attempts: int
    first_try: datetime | None
    sent_at: datetime | None
    due: datetime
    told: bool
    detail: str


def add_messages(db: Connection, portal: str, new: Sequence[NewMessage], *, due: datetime) -> None:
    """Add messages to wait; those that stand already are left alone."""
    insert_missing(
        db,
        messages,
        [
            {
                "sending": one.sending,
                "portal": portal,
                "company": one.company,
                "channel": one.channel,
                "recipient": one.recipient,
                "sender": one.sender,
                "round": 1,
                "stage": Stage.WAITING.value,
                "status": "queued",
                "reference": one.reference,
                "link": one.link,
                "attempts": 0,
                "due": due,
                "told": False,
                "detail": "",
            }
            for one in new
        ],
    )


def message_by_reference(db: Connection, portal: str, reference: str) -> Message | None:
    """Return the message that a channel knows by this name."""
    row = db.execute(
        select(messages).where(messages.c.portal == portal, messages.c.reference == reference)
    ).first()
    return None if row is None else message_of(row)


def read_message(db: Connection, message: MessageId) -> Message | None:
    """Return a message by its number."""
    row = db.execute(select(messages).where(messages.c.message == message)).one_or_none()
    return None if row is None else message_of(row)


def message_by_link(db: Connection, portal: str, link: str) -> Message | None:
    """Return the message whose links sign this name."""
    row = db.execute(
        select(messages).where(messages.c.portal == portal, messages.c.link == link)
    ).first()
    return None if row is None else message_of(row)


def messages_of(db: Connection, ids: Collection[SendingId]) -> dict[SendingId, list[Message]]:
    """Return the messages of revisions, in the order in which they were made."""
    rows = db.execute(
        select(messages).where(messages.c.sending.in_(ids)).order_by(messages.c.message)
    )
    found: dict[SendingId, list[Message]] = {one: [] for one in ids}
    for row in rows:
        found[SendingId(row.sending)].append(message_of(row))
    return found


def staged_messages(
    db: Connection, portal: str, stage: Stage, *, limit: int, untold_at: datetime | None = None
) -> tuple[Message, ...]:
    """Return messages in a stage, the oldest first.

    With `untold_at` only those that are due then and of which nobody was told.
    """
    query = select(messages).where(messages.c.portal == portal, messages.c.stage == stage.value)
    if untold_at is not None:
        query = query.where(messages.c.told.is_(False), messages.c.due <= untold_at)
    return tuple(
        message_of(row) for row in db.execute(query.order_by(messages.c.message).limit(limit))
    )


def bounced_untold(db: Connection, portal: str, *, limit: int) -> tuple[Message, ...]:
    """Return messages that were taken and came back, of which nobody was told."""
    rows = db.execute(
        select(messages)
        .where(
            messages.c.portal == portal,
            messages.c.stage == Stage.SENT.value,
            messages.c.status == "bounced",
            messages.c.told.is_(False),
        )
        .order_by(messages.c.message)
        .limit(limit)
    )
    return tuple(message_of(row) for row in rows)


def mark_messages_told(db: Connection, ids: Collection[MessageId]) -> None:
    """Note that a person is told of these in effects of the same transaction."""
    db.execute(update(messages).where(messages.c.message.in_(ids)).values(told=True))


def cancel_messages(db: Connection, ids: Collection[SendingId], *, detail: str) -> None:
    """Cancel what waits of revisions that are not wanted any more."""
    db.execute(
        update(messages)
        .where(
            messages.c.sending.in_(ids),
            messages.c.stage.in_([Stage.WAITING.value, Stage.CLAIMED.value]),
        )
        .values(stage=Stage.CANCELLED.value, detail=detail)
    )


def counts_by_stage(db: Connection, portal: str) -> dict[str, int]:
    """Return how many messages stand in which stage."""
    rows = db.execute(
        select(messages.c.stage, func.count().label("messages"))
        .where(messages.c.portal == portal)
        .group_by(messages.c.stage)
    )
    return {row.stage: row.messages for row in rows}


def message_of(row: Row[Any]) -> Message:
    """Return the message in a row of `messages`."""
    return Message(
        sending=SendingId(row.sending),
        company=CompanyId(row.company),
        channel=row.channel,
        recipient=row.recipient,
        sender=row.sender,
        reference=row.reference,
        link=row.link,
        message=MessageId(row.message),
        round=row.round,
        stage=Stage(row.stage),
        status=row.status,
        attempts=row.attempts,
        first_try=row.first_try,
        sent_at=row.sent_at,
        due=row.due,
        told=row.told,
        detail=row.detail,
    )
