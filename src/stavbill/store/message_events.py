"""What was learned of messages: an append-only log, and the status that it comes to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from stavbill.store.database import insert_missing
from stavbill.store.delivery_tables import message_events, messages
from stavbill.store.messages import MessageId, Stage
from stavbill.store.parking import write_audit
from stavbill.store.sendings import SendingId, look_again

# Statuses that only a message has which was taken.
SHOWS_TAKEN = ("sent", "bounced", "delivered", "opened", "clicked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Something learned about a message; `key` is the same for the same thing learned twice.

    `status` outweighs the statuses in `outweighs`. `shows_taken` settles a message of which nobody
    knew whether it was taken.
    """

    status: str
    outweighs: Collection[str]
    shows_taken: bool
    source: str
    key: str
    detail: str
    at: datetime


def learn(
    db: Connection,
    message: MessageId,
    evidence: Evidence,
    *,
    seen: datetime,
    reference: str | None = None,
) -> bool:
    """Add what was learned about a message; False when it was known already.

    Evidence that the message was taken also settles one of which nobody knew; `reference` is the
    channel's name of it, where that was learned too.
    """
    row = db.execute(select(messages).where(messages.c.message == message)).one_or_none()
    if row is None:
        return False
    before = _count_events(db, message)
    note(
        db,
        message,
        row.round,
        kind=evidence.status,
        source=evidence.source,
        evidence=evidence.key,
        detail=evidence.detail,
        at=evidence.at,
        seen=seen,
    )
    if _count_events(db, message) == before:
        return False
    raise_status(db, message, evidence.status, evidence.outweighs)
    if evidence.status == "bounced":
        # The card may name another address by now.
        look_again(db, [SendingId(row.sending)], due=seen)
    if reference is not None:
        db.execute(
            update(messages).where(messages.c.message == message).values(reference=reference)
        )
    if evidence.shows_taken and row.stage == Stage.UNCLEAR.value:
        db.execute(
            update(messages)
            .where(messages.c.message == message, messages.c.stage == Stage.UNCLEAR.value)
            .values(stage=Stage.SENT.value, sent_at=evidence.at, detail=evidence.detail)
        )
    elif evidence.detail:
        db.execute(
            update(messages)
            .where(messages.c.message == message, messages.c.status == evidence.status)
            .values(detail=evidence.detail)
        )
    return True


def settle_doubt(db: Connection, message: MessageId, *, at: datetime) -> bool:
    """Settle a message whose answer is lost by what was learned while it was awaited.

    False when nothing that is known of this round shows that it was taken.
    """
    answer = db.execute(
        update(messages)
        .where(
            messages.c.message == message,
            messages.c.stage == Stage.UNCLEAR.value,
            messages.c.status.in_(SHOWS_TAKEN),
        )
        .values(stage=Stage.SENT.value, sent_at=func.coalesce(messages.c.first_try, at), detail="")
    )
    return answer.rowcount > 0


def _count_events(db: Connection, message: MessageId) -> int:
    return db.execute(
        select(func.count()).select_from(message_events).where(message_events.c.message == message)
    ).scalar_one()


def note(db: Connection, message: MessageId, round_: int, **words: object) -> None:
    """Add to the log; the same evidence twice is one row."""
    insert_missing(db, message_events, [{"message": message, "round": round_, **words}])


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageEvent:
    """One thing learned; `at` is when it happened, `source` who said so."""

    kind: str
    source: str
    detail: str
    round: int
    at: datetime


def events_of(db: Connection, message: MessageId) -> tuple[MessageEvent, ...]:
    """Return everything learned about a message, in the order in which it was learned."""
    rows = db.execute(
        select(message_events)
        .where(message_events.c.message == message)
        .order_by(message_events.c.event)
    )
    return tuple(
        MessageEvent(
            kind=row.kind, source=row.source, detail=row.detail, round=row.round, at=row.at
        )
        for row in rows
    )


def raise_status(
    db: Connection, message: MessageId, status: str, outweighs: Collection[str]
) -> None:
    """Let a status stand where one stands that it outweighs; it never moves back."""
    db.execute(
        update(messages)
        .where(messages.c.message == message, messages.c.status.in_(outweighs))
        .values(status=status)
    )


def send_again(
    db: Connection, message: MessageId, reference: str | None, *, who: str, at: datetime
) -> bool:
    """Let a message wait again by a person's word, as another round; False when it may not.

    Only one that failed, came back or is unclear; `reference` is the new round's name.
    """
    row = db.execute(
        update(messages)
        .where(
            messages.c.message == message,
            messages.c.stage.in_([Stage.FAILED.value, Stage.UNCLEAR.value])
            | ((messages.c.stage == Stage.SENT.value) & (messages.c.status == "bounced")),
        )
        .values(
            stage=Stage.WAITING.value,
            status="queued",
            round=messages.c.round + 1,
            reference=reference,
            first_try=None,
            sent_at=None,
            claim_by=None,
            due=at,
            told=False,
            detail="",
        )
        .returning(messages.c.portal, messages.c.company, messages.c.round)
    ).one_or_none()
    if row is None:
        return False
    words = {"kind": "send_again", "source": "person", "evidence": f"person:{row.round}"}
    note(db, message, row.round, **words, detail=who, at=at, seen=at)
    write_audit(
        db,
        row.portal,
        who=who,
        what="message_sent_again",
        company=row.company,
        detail=str(message),
        at=at,
    )
    return True
