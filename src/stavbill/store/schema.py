"""Opening a database: new ones are made, older ones are brought up to date only when asked."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event, inspect, text

from stavbill.errors import StoreError
from stavbill.store.database import Store, connect_engine
from stavbill.store.errors import shown
from stavbill.store.file_copies import check_after_unclean_end

# Two processes may open a brand-new database at once: one makes it, the other waits.
_LOCK = 7_220_310


def open_store(url: str) -> Store:
    """Open the database at `url`; a brand-new one is made first.

    Raises `StoreError` when it has another version or cannot be used, `ConfigError` when `url` is
    not an address. Say `close()` at the end.
    """
    engine = connect_engine(url)
    if engine.url.get_backend_name() == "sqlite" and engine.url.database:
        check_after_unclean_end(Path(engine.url.database))
    store = Store(engine)
    try:
        if store_version(store) is None:
            upgrade(store)
        _require_newest(store)
    except BaseException:
        store.close()
        raise
    return store


def _require_newest(store: Store) -> None:
    found, newest = store_version(store), newest_version()
    if found != newest:
        raise StoreError(_other_version(store, found, newest))


def upgrade_store(url: str) -> tuple[str | None, str]:
    """Bring the database at `url` to the newest version; return the versions before and after."""
    store = Store(connect_engine(url))
    try:
        before = store_version(store)
        if before is not None and before not in _known_versions():
            raise StoreError(_other_version(store, before, newest_version()))
        upgrade(store)
        return before, newest_version()
    finally:
        store.close()


def newest_version() -> str:
    """Return the version that this program needs."""
    head = _scripts().get_current_head()
    if head is None:
        msg = "no migration is installed"
        raise StoreError(msg)
    return head


def store_version(store: Store) -> str | None:
    """Return the version of a database, None for a brand-new one.

    Raises `StoreError` for a database with tables that are not ours.
    """
    with store.read() as db:
        found = MigrationContext.configure(db).get_current_revision()
        if found is None and set(inspect(db).get_table_names()) - {"alembic_version"}:
            msg = (
                f"База {shown(store.url)}: в ней чужие таблицы. Укажите пустую базу или базу "
                "stavbill (ключ database.url)."
            )
            raise StoreError(msg)
        return found


def upgrade(store: Store) -> None:
    """Run the missing migrations in one transaction, one process at a time."""
    # Whatever rebuilds a table of SQLite drops the old one, and what refers to it must stay.
    migrating = Store(connect_engine(store.url.render_as_string(hide_password=False)))
    if migrating.engine.dialect.name == "sqlite":
        event.listen(migrating.engine, "connect", _without_foreign_keys)
    try:
        _migrate(migrating)
    finally:
        migrating.close()


def _without_foreign_keys(dbapi: Any, _record: object) -> None:  # noqa: ANN401  sqlite3's own type
    dbapi.execute("PRAGMA foreign_keys=OFF")


def _migrate(store: Store) -> None:
    with store.write() as db:
        if db.dialect.name == "postgresql":
            db.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        config = _config()
        config.attributes["connection"] = db
        command.upgrade(config, "head")
        if db.dialect.name == "sqlite":
            lost = db.exec_driver_sql("PRAGMA foreign_key_check").all()
            if lost:
                msg = f"the migration left rows that refer to none: {lost[:3]}"
                raise StoreError(msg)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "stavbill.store:migrations")
    return config


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _known_versions() -> set[str]:
    return {script.revision for script in _scripts().walk_revisions()}


def _other_version(store: Store, found: str | None, newest: str) -> str:
    where = shown(store.url)
    if found in _known_versions():
        return (
            f"База {where}: версия {found}, программе нужна {newest}. "
            "Сделайте копию базы и выполните: stavbill db upgrade"
        )
    return (
        f"База {where}: версия {found} программе неизвестна, она знает {newest}. База новее "
        "программы: обновите stavbill."
    )
