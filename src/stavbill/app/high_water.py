"""How far this installation has come, kept outside its database: a copy put back is behind it.

A file beside the database (of PostgreSQL: beside the settings) names the installation, its epoch
and its last rows. A database that has not come so far is a copy: it is put in quarantine.

Source: beyond 15; docs/decisions/015-a-restored-copy-waits.md.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select

from stavbill.files import write_file
from stavbill.log import get_logger
from stavbill.settings import Settings
from stavbill.store.database import Store
from stavbill.store.delivery_tables import message_events, messages
from stavbill.store.installation import read_installation
from stavbill.store.quarantine import is_quarantined, quarantine
from stavbill.store.tables import effects

WHO = "stavbill"
_BEHIND = (
    "База старше того, что она сделала: отметка {path} от {at} помнит эпоху {epoch}, запись "
    "{effect}, письмо {message}, событие {event}; в базе эпоха {own.epoch}, запись {own.effect}, "
    "письмо {own.message}, событие {own.event}. Ничего не записывается и не отправляется. Сравнить "
    "с порталом: stavbill restored; принять, что там стоит: stavbill restored --adopt --yes"
)
log = get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class HighWater:
    """How far an installation has come: its last rows, as of a moment."""

    installation: str
    epoch: int
    effect: int
    message: int
    event: int
    at: str


def mark_path(settings: Settings, store: Store) -> Path:
    """Return where the mark is kept."""
    if store.url.get_backend_name() == "sqlite":
        return Path(f"{store.url.database}.mark")
    return settings.path.with_suffix(".mark")


def keep_mark(store: Store, path: Path, portal: str, *, at: datetime) -> None:
    """Note how far the database has come; not of one in quarantine, nor of one without a mark."""
    own = _come(store, at)
    if own is None or _waits(store, portal):
        return
    known = _read(path)
    if known is not None and _is_behind(own, known):
        return
    try:
        _write(path, json.dumps(asdict(own), ensure_ascii=False))
    except OSError as trouble:
        log.warning("high_water_not_kept", path=str(path), error=str(trouble))


def require_up_to_date(store: Store, path: Path, portal: str, *, at: datetime) -> None:
    """Put a database in quarantine that has not come as far as its mark says."""
    # The mark first: what it says was in the database before it was written.
    known = _read(path)
    own = _come(store, at)
    if known is None or own is None or not _is_behind(own, known) or _waits(store, portal):
        return
    text = _BEHIND.format(
        path=path,
        at=f"{datetime.fromisoformat(known.at):%d.%m.%Y %H:%M} UTC",
        epoch=known.epoch,
        effect=known.effect,
        message=known.message,
        event=known.event,
        own=own,
    )
    log.error("database_is_behind", mark=asdict(known), database=asdict(own))
    with store.write() as db:
        quarantine(db, portal, reason=text, who=WHO, at=at)


def _is_behind(own: HighWater, known: HighWater) -> bool:
    """Say whether a database has not come as far as a mark of the same installation.

    Rows of an earlier epoch say nothing of this one: what they were was adopted.
    """
    if known.installation != own.installation or known.epoch < own.epoch:
        return False
    return (
        known.epoch > own.epoch
        or known.effect > own.effect
        or known.message > own.message
        or known.event > own.event
    )


def _waits(store: Store, portal: str) -> bool:
    with store.read() as db:
        return is_quarantined(db, portal)


def _come(store: Store, at: datetime) -> HighWater | None:
    with store.read() as db:
        known = read_installation(db)
        if known is None:
            return None
        columns = (effects.c.effect, messages.c.message, message_events.c.event)
        effect, message, event = (
            db.execute(select(func.max(column))).scalar_one() or 0 for column in columns
        )
    return HighWater(
        installation=known.id,
        epoch=known.epoch,
        effect=effect,
        message=message,
        event=event,
        at=at.isoformat(),
    )


def _read(path: Path) -> HighWater | None:
    try:
        return HighWater(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as trouble:
        # Whoever broke it cannot keep a month from being billed; the portal's mark still guards.
        log.warning("high_water_unreadable", path=str(path), error=str(trouble))
        return None


def _write(path: Path, text: str) -> None:
    """Replace the file whole, for its owner alone."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write_file(part, text)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
