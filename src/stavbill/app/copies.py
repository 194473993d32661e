"""Copies of the configured database: one is made while everything runs, one is put back.

The engine's own database is left out: it remembers what was waiting to be begun, by runs that the
copy may not know, and would begin it again. Nothing of money stands there.

Source: beyond 15; docs/decisions/015-a-restored-copy-waits.md.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import make_url

from stavbill.app.engine import engine_url
from stavbill.app.stored import portal_of
from stavbill.errors import ConfigError
from stavbill.operations.present import Document
from stavbill.settings import Settings, load_settings
from stavbill.store.database import Store, connect_engine
from stavbill.store.file_copies import copy_file, replacing_file, set_aside
from stavbill.store.quarantine import quarantine
from stavbill.store.schema import open_store, upgrade_store
from stavbill.store.server_copies import dump_server, restore_server

WHO = "stavbill restore"
_REASON = (
    "База восстановлена из копии {copy} ({written}). Что сделано после неё, эта база не знает. "
    "Сравнить с порталом: stavbill restored; принять, что там стоит: "
    "stavbill restored --adopt --yes"
)


def back_up(config: Path, to: Path, env: Mapping[str, str] | None = None) -> Document:
    """Write a copy of the configured database; an older file of that name is replaced.

    Raises `ConfigError` and `StoreError`; then no file is left.
    """
    settings = load_settings(config, os.environ if env is None else env)
    file = _sqlite_file(settings)
    if not to.parent.is_dir():
        msg = f"Нет папки {to.parent} для копии."
        raise ConfigError(msg)
    if file is not None and file.absolute() == to.absolute():
        msg = f"{to}: это сама база. Назовите другой файл."
        raise ConfigError(msg)
    store = open_store(settings.database_url.get_secret_value())
    try:
        if file is None:
            dump_server(store, to)
        else:
            copy_file(file, to)
    finally:
        store.close()
    return {"file": str(to), "bytes": to.stat().st_size}


def put_back(config: Path, copy: Path, env: Mapping[str, str] | None = None) -> Document:
    """Put a copy in the database's place, in quarantine; the old one stays under another name.

    Raises `ConfigError` and `StoreError`; then nothing is changed.
    """
    settings = load_settings(config, os.environ if env is None else env)
    now = settings.clock().now()
    file = _sqlite_file(settings)
    if file is None:
        url = settings.database_url.get_secret_value()
        server = Store(connect_engine(url))
        try:
            aside = restore_server(server, copy, at=now)
        finally:
            server.close()
        _ready(settings, url, copy)
        return {"file": str(copy), "aside": aside}
    with replacing_file(file, copy, at=now) as (staged, names):
        _ready(settings, f"sqlite:///{staged}", copy)
    engine = make_url(engine_url(settings)).database
    if engine and Path(engine).exists():
        names += set_aside(Path(engine), at=now)
        Path(engine).unlink()
    return {"file": str(copy), "aside": [str(name) for name in names]}


def _ready(settings: Settings, url: str, copy: Path) -> None:
    """Bring a copy to this program's version, and let nothing be written from it."""
    upgrade_store(url)
    store = open_store(url)
    at = settings.clock().now()
    written = datetime.fromtimestamp(copy.stat().st_mtime, tz=UTC)
    reason = _REASON.format(copy=copy, written=f"{written:%d.%m.%Y %H:%M} UTC")
    try:
        with store.write() as db:
            quarantine(db, portal_of(settings, store), reason=reason, who=WHO, at=at)
    finally:
        store.close()


def _sqlite_file(settings: Settings) -> Path | None:
    url = make_url(settings.database_url.get_secret_value())
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    return Path(url.database)
