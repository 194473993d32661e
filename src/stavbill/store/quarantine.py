"""A database that is older than the world: what keeps it from writing, and what it forgot.

Source: beyond 15; docs/decisions/015-a-restored-copy-waits.md.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, text, update

from stavbill.plan.effects import EffectKey, PutInvoice
from stavbill.store import bodies
from stavbill.store.control import Flag, lower_flag, raise_flag, raised_flags
from stavbill.store.delivery_tables import messages, metadata, sendings
from stavbill.store.effects import RANKS, Status
from stavbill.store.messages import Stage
from stavbill.store.restored import note_restored
from stavbill.store.runs import RunId
from stavbill.store.tables import effects

# The lost database may have given so many numbers that nobody remembers.
_SKIPPED = 1_000_000
POSSIBLY_SENT = "база восстановлена из копии, письмо могло уйти"
MAY_HAVE_LEFT = (Stage.WAITING.value, Stage.CLAIMED.value, Stage.LEAVING.value)


def quarantine(db: Connection, portal: str, *, reason: str, who: str, at: datetime) -> None:
    """Let nothing be written and no letter leave until somebody adopts what the world has."""
    raise_flag(db, portal, Flag.QUARANTINE, reason=reason, who=who, at=at)


def is_quarantined(db: Connection, portal: str) -> bool:
    """Say whether the database waits for somebody to adopt what the world has."""
    return any(one.flag is Flag.QUARANTINE for one in raised_flags(db, portal))


def end_quarantine(db: Connection, portal: str, *, who: str, at: datetime) -> None:
    """Let the database write again, and never trust its own memory of what it has not written."""
    lower_flag(db, portal, Flag.QUARANTINE, who=who, at=at)
    lower_flag(db, portal, Flag.OTHER_STORE, who=who, at=at)
    note_restored(db, at)


def known_invoices(db: Connection, portal: str, keys: Collection[str]) -> dict[str, PutInvoice]:
    """Return those of some invoices that the database planned or wrote, by key."""
    rows = db.execute(
        select(effects.c.key, effects.c.body).where(
            effects.c.portal == portal, effects.c.key.in_(keys), effects.c.kind == "put_invoice"
        )
    )
    found = {row.key: bodies.EFFECT.read(row.body) for row in rows}
    return {key: one for key, one in found.items() if isinstance(one, PutInvoice)}


def invoices_with_letters(db: Connection, portal: str, keys: Collection[str]) -> frozenset[str]:
    """Return those of some invoices of which a letter has left as far as the database knows."""
    left = [Stage.SENT.value, Stage.UNCLEAR.value, Stage.FAILED.value]
    rows = db.execute(
        select(sendings.c.invoice_key)
        .join(messages, messages.c.sending == sendings.c.sending)
        .where(
            sendings.c.portal == portal,
            sendings.c.invoice_key.in_(keys),
            messages.c.stage.in_(left),
        )
    )
    return frozenset(rows.scalars())


def count_possibly_sent(db: Connection, portal: str) -> int:
    """Count the messages that wait here and may have left from the lost database."""
    return db.execute(
        select(func.count())
        .select_from(messages)
        .where(messages.c.portal == portal, messages.c.stage.in_(MAY_HAVE_LEFT))
    ).scalar_one()


def adopt_invoice(
    db: Connection, portal: str, run: RunId, invoice: PutInvoice, portal_id: int, *, at: datetime
) -> None:
    """Take an invoice over as written, as it stands in the portal."""
    db.execute(
        insert(effects).values(
            key=invoice.key,
            portal=portal,
            run=run,
            company=invoice.company,
            kind=invoice.kind,
            rank=RANKS[invoice.kind],
            body=bodies.EFFECT.write(invoice),
            status=Status.DONE.value,
            waits=0,
            portal_id=portal_id,
            attempts=0,
            written_at=at,
            due=at,
            detail="принят из портала после восстановления базы",
            known_by="",
        )
    )


def doubt_letters(db: Connection, portal: str, *, due: datetime) -> int:
    """Let a person decide about every message that may have left; return how many there are."""
    answer = db.execute(
        update(messages)
        .where(messages.c.portal == portal, messages.c.stage.in_(MAY_HAVE_LEFT))
        .values(
            stage=Stage.UNCLEAR.value,
            claim_by=None,
            claim_until=None,
            told=True,
            due=due,
            detail=POSSIBLY_SENT,
        )
    )
    return int(answer.rowcount)


def note_told(
    db: Connection, portal: str, keys: Collection[EffectKey], *, state: str, at: datetime
) -> None:
    """Note that the portal has been told of invoices: it shows them as sent."""
    db.execute(
        update(sendings)
        .where(
            sendings.c.portal == portal,
            sendings.c.invoice_key.in_(keys),
            sendings.c.told.is_(None),
            sendings.c.state.in_(["open", "nobody", "no_document"]),
        )
        .values(told=at, state=state)
    )


def forget_planned_witness(db: Connection, portal: str) -> None:
    """Take nobody's word for what is planned: the portal is asked by key first."""
    db.execute(
        update(effects)
        .where(effects.c.portal == portal, effects.c.status == Status.PLANNED.value)
        .values(known_by="")
    )


def skip_numbers(db: Connection) -> None:
    """Skip the numbers that the lost database may have given: none of them comes again."""
    for table in metadata.sorted_tables:
        key = list(table.primary_key.columns)
        if len(key) != 1 or key[0].identity is None:
            continue
        name, column = table.name, key[0].name
        if db.dialect.name == "postgresql":
            db.execute(
                text(
                    "SELECT setval(pg_get_serial_sequence(:name, :column), "
                    "nextval(pg_get_serial_sequence(:name, :column)) + :skipped)"
                ),
                {"name": name, "column": column, "skipped": _SKIPPED},
            )
            continue
        words = {"name": name, "skipped": _SKIPPED}
        moved = db.execute(
            text("UPDATE sqlite_sequence SET seq = seq + :skipped WHERE name = :name"), words
        )
        if not moved.rowcount:
            db.execute(
                text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :skipped)"), words
            )
