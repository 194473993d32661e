"""What stops writing (kill switch, read-only mode, a violation), and states shared by processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from sqlalchemy import Connection, bindparam, delete, select, update

from stavbill.store.database import Store, insert_missing, upsert
from stavbill.store.parking import write_audit
from stavbill.store.tables import flags, shared_states


class Flag(Enum):
    """A reason for which nothing is written to a portal."""

    KILL_SWITCH = "kill_switch"
    READ_ONLY = "read_only"
    VIOLATION = "violation"
    OTHER_STORE = "other_store"
    QUARANTINE = "quarantine"


@dataclass(frozen=True, slots=True)
class RaisedFlag:
    """A flag that is up: why, by whom, since when."""

    flag: Flag
    reason: str
    who: str
    since: datetime


def raise_flag(
    db: Connection, portal: str, flag: Flag, *, reason: str, who: str, at: datetime
) -> None:
    """Put a flag up; every process stops before its next batch.

    A violation that stands keeps its first reason and time: whoever finds it again finds the same.
    """
    if flag is Flag.VIOLATION and any(one.flag is flag for one in raised_flags(db, portal)):
        return
    row = {"portal": portal, "flag": flag.value, "reason": reason, "who": who, "since": at}
    upsert(db, flags, [row])
    write_audit(db, portal, who=who, what=f"{flag.value}_on", detail=reason, at=at)


def lower_flag(db: Connection, portal: str, flag: Flag, *, who: str, at: datetime) -> bool:
    """Take a flag down; False when it was not up."""
    answer = db.execute(delete(flags).where(flags.c.portal == portal, flags.c.flag == flag.value))
    if answer.rowcount:
        write_audit(db, portal, who=who, what=f"{flag.value}_off", at=at)
    return answer.rowcount > 0


def raised_flags(db: Connection, portal: str) -> tuple[RaisedFlag, ...]:
    """Return the flags that are up."""
    rows = db.execute(_RAISED, {"wanted": portal})
    return tuple(RaisedFlag(Flag(row.flag), row.reason, row.who, row.since) for row in rows)


class SharedText:
    """A text that several processes read and change, such as the limiter's budget."""

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._name = name

    def read(self) -> str:
        """Return the text as it stands, "" at first."""
        with self._store.read() as db:
            text = db.execute(_TEXT, {"wanted": self._name}).scalar_one_or_none()
        return text or ""

    def change(self, edit: Callable[[str], str]) -> None:
        """Replace the text by `edit(text)` in one short exclusive transaction; "" at first."""
        wanted = {"wanted": self._name}
        with self._store.write() as db:
            text = db.execute(_TEXT_TO_CHANGE, wanted).scalar_one_or_none()
            if text is None:
                insert_missing(db, shared_states, [{"name": self._name, "text": ""}])
                text = db.execute(_TEXT_TO_CHANGE, wanted).scalar_one()
            changed = edit(text)
            if changed != text:
                db.execute(_CHANGE, {**wanted, "changed": changed})


# Asked before and after every request to the portal, so built once.
_TEXT = select(shared_states.c.text).where(shared_states.c.name == bindparam("wanted"))
_TEXT_TO_CHANGE = _TEXT.with_for_update()
_CHANGE = (
    update(shared_states)
    .where(shared_states.c.name == bindparam("wanted"))
    .values(text=bindparam("changed"))
)


# Asked before every request.
_RAISED = select(flags).where(flags.c.portal == bindparam("wanted")).order_by(flags.c.since)
