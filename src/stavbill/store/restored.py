"""When this database was put back: the world may have what it does not remember.

Source: beyond 15; docs/decisions/015-a-restored-copy-waits.md.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from stavbill.store.database import upsert
from stavbill.store.tables import shared_states

_NAME = "restored"
# Keys of what is written name a day or a month: until both are past, the world may have it already.
_ASKED_FOR = timedelta(days=62)


def note_restored(db: Connection, at: datetime) -> None:
    """Note that what the world had was adopted at a time."""
    upsert(db, shared_states, [{"name": _NAME, "text": at.isoformat()}])


def is_restored_lately(db: Connection, at: datetime) -> bool:
    """Say whether the world may have what this database does not remember."""
    known = db.execute(
        select(shared_states.c.text).where(shared_states.c.name == _NAME)
    ).scalar_one_or_none()
    return known is not None and at - datetime.fromisoformat(known) < _ASKED_FOR
