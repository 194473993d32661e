"""Messages of revisions whose card changed: what to look at, what is cancelled, what goes again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, select, update

from stavbill.store.delivery_tables import messages, sendings
from stavbill.store.messages import MessageId, Stage
from stavbill.store.sendings import GOING, Sending, SendingState, sending_of


def lacking_sendings(
    db: Connection, portal: str, *, at: datetime, after: int, limit: int
) -> tuple[Sending, ...]:
    """Return the next revisions, by id, whose recipients are to be looked at now.

    Those that are due, and those of which a message that was refused for now is about to be tried
    again; never one that a correction replaced.
    """
    newer = sendings.alias("newer")
    corrected = select(newer.c.sending).where(
        newer.c.portal == sendings.c.portal,
        newer.c.invoice_key == sendings.c.invoice_key,
        newer.c.revision > sendings.c.revision,
    )
    tried = select(messages.c.sending).where(
        messages.c.portal == portal,
        messages.c.stage == Stage.WAITING.value,
        messages.c.attempts > 0,
        messages.c.due <= at,
    )
    states = [state.value for state in (SendingState.NOBODY, *GOING)]
    rows = db.execute(
        select(sendings)
        .where(
            sendings.c.portal == portal,
            sendings.c.sending > after,
            sendings.c.state.in_(states),
            (sendings.c.due <= at) | sendings.c.sending.in_(tried),
            ~corrected.exists(),
        )
        .order_by(sendings.c.sending)
        .limit(limit)
    )
    return tuple(sending_of(row) for row in rows)


def cancel_waiting(db: Connection, ids: Collection[MessageId], *, detail: str) -> None:
    """Cancel those of some messages that wait; what somebody is at is left to him."""
    db.execute(
        update(messages)
        .where(messages.c.message.in_(ids), messages.c.stage == Stage.WAITING.value)
        .values(stage=Stage.CANCELLED.value, detail=detail)
    )


def revive_messages(db: Connection, ids: Collection[MessageId], *, due: datetime) -> int:
    """Let those of some messages wait again that were cancelled and never left; return how many."""
    answer = db.execute(
        update(messages)
        .where(
            messages.c.message.in_(ids),
            messages.c.stage == Stage.CANCELLED.value,
            messages.c.sent_at.is_(None),
        )
        .values(
            stage=Stage.WAITING.value,
            claim_by=None,
            claim_until=None,
            attempts=0,
            first_try=None,
            due=due,
            detail="",
        )
    )
    return answer.rowcount
