"""The open database: its engine, its two kinds of transaction, and what differs by dialect."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Executable,
    Table,
    bindparam,
    create_engine,
    event,
    make_url,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError

from stavbill.errors import ConfigError, StoreError
from stavbill.files import keep_private
from stavbill.store.errors import translate

BUSY_TIMEOUT_MS = 60_000
# A process that is paused inside a transaction loses it, and its locks with it; the others go on.
IDLE_MS = 30_000
# A server may be set up to forget the last commits when it crashes: an intent that was sent would
# be gone while the invoice exists.
_OWN_OPTIONS = f"-c idle_in_transaction_session_timeout={IDLE_MS} -c synchronous_commit=on"
_WRITES = "stavbill_writes"

Row = Mapping[str, Any]


class Store:
    """The database of one installation.

    `read` and `write` give a connection inside one transaction; query functions of this room take
    that connection, so that several of them can share a transaction. A write transaction of SQLite
    takes the writer's lock at once, so nobody changes what it has read. Keep transactions short:
    one chunk of rows. Trouble (full disk, lock, server away) is raised as `StoreError`.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        # The same pool; its transactions begin as a writer's.
        self._writing: Engine = engine.execution_options(**{_WRITES: True})

    @property
    def url(self) -> URL:
        """The database's address, password included."""
        return self.engine.url

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection for reading; nothing is kept."""
        with self._told(), self.engine.connect() as db:
            yield db

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection whose changes are durable when the block ends, or not made at all."""
        with self._told(), self._writing.begin() as db:
            yield db

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            told = translate(error, self.engine.url)
            if told is None:
                raise
            raise told from error


def connect_engine(url: str) -> Engine:
    """Return an engine for `sqlite:///path` or `postgresql://user@host/name`.

    Raises `ConfigError` for an address that is neither.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigError(_not_an_address(url)) from error
    match parsed.get_backend_name():
        case "postgresql":
            given = parsed.query.get("options", "")
            return create_engine(
                parsed.difference_update_query(["options"]).set(drivername="postgresql+psycopg"),
                pool_pre_ping=True,
                # What the address says stands last and wins.
                connect_args={"options": f"{_OWN_OPTIONS} {given}".strip()},
            )
        case "sqlite" if parsed.database:
            engine = create_engine(parsed.set(drivername="sqlite"))
            file = Path(parsed.database)
            event.listen(engine, "do_connect", lambda *_: _keep_private(file))
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            return engine
        case _:
            raise ConfigError(_not_an_address(url))


def _not_an_address(url: str) -> str:
    scheme = url.partition(":")[0]
    return (
        f"Адрес базы «{scheme}:…» не понят. Ожидается sqlite:////путь/stavbill.sqlite3 или "
        "postgresql://пользователь:пароль@сервер/база (ключ database.url)."
    )


def _keep_private(file: Path) -> None:
    # The files beside it (-wal, -shm) get its mode. Where there is no place for it, SQLite says so.
    with contextlib.suppress(OSError):
        keep_private(file)


def _prepare_sqlite(dbapi: Any, _record: object) -> None:  # noqa: ANN401  sqlite3's own type
    # We begin transactions ourselves: the driver would begin them too late, after the first read.
    dbapi.isolation_level = None
    cursor = dbapi.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    # NORMAL may forget the last commits at a power cut: the intent gone, the invoice there.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(db: Connection) -> None:
    writes = db.get_execution_options().get(_WRITES, False)
    db.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def upsert(db: Connection, table: Table, rows: Sequence[Row], *, keep: Sequence[str] = ()) -> None:
    """Insert rows, or replace those with the same primary key but for the columns in `keep`."""
    if rows:
        statement = _upsert(db.dialect.name, table, tuple(rows[0]), tuple(keep))
        db.execute(statement, [dict(row) for row in rows])


@cache
def _upsert(
    dialect: str, table: Table, names: tuple[str, ...], keep: tuple[str, ...]
) -> Executable:
    """Return the statement for rows with these columns; there are as many as callers."""
    keys = [column.name for column in table.primary_key.columns]
    insert = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    changed = {
        name: insert.excluded[name] for name in names if name not in keys and name not in keep
    }
    statement: Executable = insert.on_conflict_do_nothing(index_elements=keys)
    if changed:
        statement = insert.on_conflict_do_update(index_elements=keys, set_=changed)
    return statement


def insert_missing(db: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows, leaving alone those whose primary key is there."""
    if rows:
        module = postgresql if db.dialect.name == "postgresql" else sqlite
        db.execute(module.insert(table).on_conflict_do_nothing(), [dict(row) for row in rows])


def update_each(db: Connection, table: Table, key: str, rows: Sequence[Row]) -> None:
    """Set the columns of each row where the column `key` has the row's value; same columns all."""
    if rows:
        db.execute(
            _update_each(table, key, tuple(rows[0])),
            [
                {"one_key" if name == key else f"new_{name}": value for name, value in row.items()}
                for row in rows
            ],
        )


@cache
def _update_each(table: Table, key: str, names: tuple[str, ...]) -> Executable:
    changed: dict[str, object] = {name: bindparam(f"new_{name}") for name in names if name != key}
    return update(table).where(table.c[key] == bindparam("one_key")).values(**changed)


__all__ = [
    "Row",
    "Store",
    "StoreError",
    "connect_engine",
    "insert_missing",
    "update_each",
    "upsert",
]
