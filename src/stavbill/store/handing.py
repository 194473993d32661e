"""Handing over: who is at which message, and what came of it.

A message is claimed, then noted to be leaving right before its last byte does. Whoever vanished
before that note has sent nothing; whoever vanished after it leaves a message of which nobody knows,
and which nobody sends again by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, select, update

from stavbill.store.delivery_tables import messages, sending_holds, sendings
from stavbill.store.message_events import note, raise_status, settle_doubt
from stavbill.store.messages import Message, MessageId, Stage, message_of
from stavbill.store.sendings import GOING, SendingId, look_again
from stavbill.store.tables import parked

# Clocks of two machines are never believed to differ by more: each start compares them.
CLOCKS_DIFFER = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of handing over: where the message goes, and when it is looked at again.

    `status` is what is now known of it, with the statuses that it outweighs; None for nothing new.
    `counts` says that the other side refused, so that the attempt counts. `left` says that the last
    byte left: without it only a message that is claimed is moved. `put_off` says that the message
    has been set to wait already, until it showed what became of it.
    """

    message: MessageId
    stage: Stage
    due: datetime
    detail: str
    status: str | None = None
    reference: str | None = None
    counts: bool = True
    left: bool = True
    put_off: bool = False


@dataclass(frozen=True, slots=True)
class WaitingSending:
    """How many messages of a revision one sender may hand over now."""

    sending: SendingId
    sender: str
    messages: int


def waiting_sendings(db: Connection, portal: str, *, at: datetime) -> tuple[WaitingSending, ...]:
    """Return the revisions of which messages may be handed over now, the oldest first."""
    columns = (messages.c.sending, messages.c.sender)
    query = (
        _ready(portal, at)
        .with_only_columns(*columns, func.count().label("messages"))
        .group_by(*columns)
        .order_by(*columns)
    )
    return tuple(
        WaitingSending(SendingId(row.sending), row.sender, row.messages)
        for row in db.execute(query)
    )


def claim_messages(
    db: Connection,
    portal: str,
    *,
    owner: str,
    at: datetime,
    until: datetime,
    limit: int,
    sendings_known: Collection[SendingId],
    but_senders: Collection[str] = (),
) -> tuple[Message, ...]:
    """Claim messages that are due, those of one revision together, and return them."""
    query = (
        _ready(portal, at)
        .with_only_columns(messages.c.message)
        .where(messages.c.sending.in_(sendings_known))
        .order_by(messages.c.sending, messages.c.message)
        .limit(limit)
        .with_for_update(skip_locked=True, of=messages)
    )
    if but_senders:
        query = query.where(messages.c.sender.not_in(but_senders))
    ids = [row.message for row in db.execute(query)]
    rows = db.execute(
        update(messages)
        .where(messages.c.message.in_(ids), messages.c.stage == Stage.WAITING.value)
        .values(
            stage=Stage.CLAIMED.value,
            claim_by=owner,
            claim_until=until,
        )
        .returning(messages)
    )
    return tuple(sorted((message_of(row) for row in rows), key=lambda one: one.message))


def _ready(portal: str, at: datetime) -> Select[Any]:
    return (
        select(messages)
        .join(sendings, sendings.c.sending == messages.c.sending)
        .where(
            messages.c.portal == portal,
            messages.c.stage == Stage.WAITING.value,
            messages.c.due <= at,
            *_may_go(),
        )
    )


def _may_go() -> tuple[ColumnElement[bool], ...]:
    """Return the conditions under which a revision goes out, asked again as its last byte leaves.

    It is wanted, nobody holds it, its company is not parked, and no correction replaced it.
    """
    held = select(sending_holds.c.who).where(
        sending_holds.c.portal == sendings.c.portal,
        sending_holds.c.invoice_key == sendings.c.invoice_key,
    )
    closed = select(parked.c.parking).where(
        parked.c.portal == sendings.c.portal,
        parked.c.company == sendings.c.company,
        parked.c.released.is_(None),
    )
    newer = sendings.alias("newer")
    corrected = select(newer.c.sending).where(
        newer.c.portal == sendings.c.portal,
        newer.c.invoice_key == sendings.c.invoice_key,
        newer.c.revision > sendings.c.revision,
    )
    return (
        sendings.c.state.in_([state.value for state in GOING]),
        ~held.exists(),
        ~closed.exists(),
        ~corrected.exists(),
    )


def note_leaving(
    db: Connection, ids: Collection[MessageId], *, owner: str, at: datetime, until: datetime
) -> frozenset[MessageId]:
    """Note that the last byte of these leaves now; return those that may.

    They are still this owner's, and nothing was decided against them since they were claimed.
    """
    free = select(sendings.c.sending).where(
        sendings.c.sending.in_(select(messages.c.sending).where(messages.c.message.in_(ids))),
        *_may_go(),
    )
    rows = db.execute(
        update(messages)
        .where(
            messages.c.message.in_(ids),
            messages.c.stage == Stage.CLAIMED.value,
            messages.c.claim_by == owner,
            messages.c.sending.in_(free),
        )
        .values(
            stage=Stage.LEAVING.value,
            claim_until=until,
            first_try=func.coalesce(messages.c.first_try, at),
        )
        .returning(messages.c.message)
    )
    return frozenset(MessageId(row.message) for row in rows)


def let_go_of(db: Connection, ids: Collection[SendingId]) -> None:
    """Take claimed messages of revisions from whoever is at them: their last byte does not leave.

    Whoever notes one as leaving at the same time comes before or after this, never beside it.
    """
    db.execute(
        update(messages)
        .where(messages.c.sending.in_(ids), messages.c.stage == Stage.CLAIMED.value)
        .values(stage=Stage.WAITING.value, claim_by=None, claim_until=None)
    )


def settle_messages(
    db: Connection,
    results: Sequence[Result],
    *,
    owner: str,
    at: datetime,
    outweighs: Mapping[str, Collection[str]],
) -> None:
    """Move messages that this owner handed over, one put in doubt meanwhile included."""
    for one in results:
        mine = (
            messages.c.message == one.message,
            messages.c.claim_by == owner,
            messages.c.stage.in_(_movable(one)),
        )
        values: dict[str, object] = {
            "stage": one.stage.value,
            "due": one.due,
            "detail": one.detail,
            "claim_until": None,
        }
        if one.counts:
            values["attempts"] = messages.c.attempts + 1
            values["first_try"] = func.coalesce(messages.c.first_try, at)
        elif one.stage is Stage.WAITING:
            # Nobody refused it yet: the time of giving up has not begun.
            values["first_try"] = case((messages.c.attempts > 0, messages.c.first_try))
        if one.reference is not None:
            values["reference"] = one.reference
        if one.stage is Stage.SENT:
            values["sent_at"] = at
        row = db.execute(
            update(messages)
            .where(*mine)
            .values(**values)
            .returning(messages.c.round, messages.c.sending)
        ).one_or_none()
        if row is None:
            continue
        if one.status is not None:
            raise_status(db, one.message, one.status, outweighs[one.status])
        if one.stage is Stage.UNCLEAR:
            settle_doubt(db, one.message, at=at)
        if one.stage is Stage.FAILED:
            look_again(db, [SendingId(row.sending)], due=at)
        note(
            db,
            one.message,
            row.round,
            kind=one.status or one.stage.value,
            source="channel",
            evidence=f"channel:{row.round}:{at.isoformat()}",
            detail=one.detail,
            at=at,
            seen=at,
        )


def _movable(one: Result) -> list[str]:
    """Return the stages from which a result moves its message.

    What is known from before the last byte says nothing of one that has left: another hand-over of
    this owner's may be in doubt.
    """
    if one.put_off:
        return [Stage.WAITING.value]
    known = [Stage.CLAIMED, Stage.LEAVING, Stage.UNCLEAR] if one.left else [Stage.CLAIMED]
    return [stage.value for stage in known]


def release_vanished(
    db: Connection,
    portal: str,
    *,
    at: datetime,
    ask_at: datetime,
    gone: Collection[str],
    by_clock: bool = True,
) -> tuple[int, int]:
    """Take messages from owners that are `gone` or (`by_clock`) whose claim has ended.

    Whose clock is not everybody's believes the time that a claim bears much later.
    Return how many wait again, and of how many nobody knows whether they left; a person is asked
    about those at `ask_at`.
    """
    latest = at if by_clock else at - CLOCKS_DIFFER
    lost = (messages.c.claim_until < latest) | messages.c.claim_by.in_(gone)
    known = messages.c.portal == portal
    unclear = db.execute(
        update(messages)
        .where(known, messages.c.stage == Stage.LEAVING.value, lost)
        .values(
            stage=Stage.UNCLEAR.value,
            due=ask_at,
            detail="отправитель пропал, не дождавшись ответа",
        )
        .returning(messages.c.message)
    ).all()
    settled = sum(settle_doubt(db, MessageId(row.message), at=at) for row in unclear)
    waiting = db.execute(
        update(messages)
        .where(known, messages.c.stage == Stage.CLAIMED.value, lost)
        .values(stage=Stage.WAITING.value, claim_by=None, claim_until=None, due=at)
    )
    return waiting.rowcount, len(unclear) - settled


def owners(db: Connection, portal: str) -> dict[str, datetime]:
    """Return who claims to be handing something over right now, with the ends of their claims."""
    rows = db.execute(
        select(messages.c.claim_by, func.max(messages.c.claim_until).label("end"))
        .where(
            messages.c.portal == portal,
            messages.c.stage.in_([Stage.CLAIMED.value, Stage.LEAVING.value]),
        )
        .group_by(messages.c.claim_by)
    )
    return {row.claim_by: row.end for row in rows if row.claim_by}


def leaving_of(db: Connection, portal: str, *, beginning: str) -> int:
    """Count messages whose last byte left and whose answer owners of such a name await."""
    query = select(func.count()).where(
        messages.c.portal == portal,
        messages.c.stage == Stage.LEAVING.value,
        messages.c.claim_by.startswith(beginning, autoescape=True),
    )
    return db.execute(query).scalar_one()
