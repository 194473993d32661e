"""New databases are made, other versions are refused, migrations lead to the tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from stavbill.billing.facts import CompanyId
from stavbill.errors import ConfigError, StoreError
from stavbill.store.database import Store, connect_engine
from stavbill.store.delivery_tables import metadata
from stavbill.store.inbox import PostState, read_post
from stavbill.store.messages import NewMessage, add_messages, messages_of
from stavbill.store.schema import newest_version, open_store, store_version, upgrade_store
from stavbill.store.sendings import SendingId


def test_a_brand_new_database_is_made(store: Store) -> None:
    assert store_version(store) == newest_version()


def test_migrations_lead_to_the_tables(store: Store) -> None:
    with store.read() as db:
        context = MigrationContext.configure(db, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_no_table_gives_a_number_a_second_time(store: Store) -> None:
    numbered = {
        table.name: column.name
        for table in metadata.sorted_tables
        for column in table.primary_key.columns
        if len(table.primary_key.columns) == 1 and column.identity is not None
    }
    assert len(numbered) == 11
    others = {
        table.name
        for table in metadata.sorted_tables
        if table is not table.metadata.tables.get("sending_documents")
        and len(table.primary_key.columns) == 1
        and table.autoincrement_column is not None
    }
    assert others == set(numbered)
    with store.write() as db:
        if db.dialect.name == "sqlite":
            made: dict[str, str] = dict(
                db.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'table'").all()
            )
            assert all("AUTOINCREMENT" in made[table] for table in numbered)
        else:
            looks = inspect(db)
            assert all(
                column["identity"]
                for table, name in numbered.items()
                for column in looks.get_columns(table)
                if column["name"] == name
            )
        row = "INSERT INTO audit (portal, at, who, what, detail) VALUES ('p', :at, 'w', 'x', '')"
        at = {"at": "2026-12-10 06:00:00"}
        db.execute(text(row), at)
        first = db.execute(text("SELECT max(entry) FROM audit")).scalar_one()
        db.execute(text("DELETE FROM audit"))
        db.execute(text(row), at)
        assert db.execute(text("SELECT min(entry) FROM audit")).scalar_one() > first


def test_rows_and_what_refers_to_them_outlive_the_rebuilding(store_url: str) -> None:
    before = Store(connect_engine(store_url))
    with before.write() as db:
        config = Config()
        config.set_main_option("script_location", "stavbill.store:migrations")
        config.attributes["connection"] = db
        command.upgrade(config, "0007")
        for statement in BEFORE_NAMES.split(";"):
            db.execute(text(statement))
    before.close()
    assert upgrade_store(store_url) == ("0007", newest_version())
    store = open_store(store_url)
    with store.read() as db:
        found = messages_of(db, [SendingId(7)])[SendingId(7)]
        assert [(one.message, one.recipient, one.link) for one in found] == [(9, "r", None)]
        assert db.execute(text("SELECT event, message FROM message_events")).all() == [(3, 9)]
    with store.write() as db:
        add_messages(db, "p", [replace(NEW, recipient="s")], due=DAY)
        added = messages_of(db, [SendingId(7)])[SendingId(7)][-1]
    store.close()
    assert (added.message, added.recipient) == (10, "s")


DAY = datetime(2026, 12, 10, 6, tzinfo=UTC)
NEW = NewMessage(
    sending=SendingId(7), company=CompanyId(1), channel="email", recipient="r", sender="main"
)
BEFORE_NAMES = """
INSERT INTO sendings (sending, portal, company, invoice_key, revision, portal_id, sender, state,
  body, detail, blame, due, created)
VALUES (7, 'p', 1, 'k', 1, 5, 'main', 'open', '{}', '', '', '2026-12-10 06:00:00',
  '2026-12-10 06:00:00');
INSERT INTO messages (message, sending, portal, company, channel, recipient, sender, round, stage,
  status, attempts, due, told, detail)
VALUES (9, 7, 'p', 1, 'email', 'r', 'main', 1, 'sent', 'sent', 1, '2026-12-10 06:00:00', false, '');
INSERT INTO message_events (event, message, round, kind, source, evidence, detail, at, seen)
VALUES (3, 9, 1, 'sent', 'channel', 'e', '', '2026-12-10 06:00:00', '2026-12-10 06:00:00')
"""


def test_another_version_is_refused_with_the_command(store: Store, store_url: str) -> None:
    with store.write() as db:
        db.execute(text("UPDATE alembic_version SET version_num = 'future'"))
    with pytest.raises(StoreError, match="обновите stavbill"):
        open_store(store_url)
    with pytest.raises(StoreError, match="future"):
        upgrade_store(store_url)


def test_upgrading_twice_changes_nothing(store_url: str) -> None:
    assert upgrade_store(store_url) == (None, newest_version())
    assert upgrade_store(store_url) == (newest_version(), newest_version())


def test_a_post_that_waited_in_the_version_before_is_looked_after(store_url: str) -> None:
    before = Store(connect_engine(store_url))
    with before.write() as db:
        config = Config()
        config.set_main_option("script_location", "stavbill.store:migrations")
        config.attributes["connection"] = db
        command.upgrade(config, "0004")
        for event, state in (("waits", "new"), ("ended", "done")):
            db.execute(
                text(
                    "INSERT INTO inbox (portal, event, kind, body, state, times, detail, received) "
                    "VALUES ('p', :event, 'bill', '{}', :state, 1, '', '2026-12-10 06:00:00')"
                ),
                {"event": event, "state": state},
            )
    before.close()
    assert upgrade_store(store_url) == ("0004", newest_version())
    store = open_store(store_url)
    with store.read() as db:
        waits, ended = (read_post(db, "p", event) for event in ("waits", "ended"))
    store.close()
    assert waits is not None
    assert (waits.attempts, waits.workflow, waits.due) == (1, "hook:waits", None)
    assert ended is not None
    assert (ended.attempts, ended.state) == (0, PostState.DONE)


def test_foreign_tables_are_refused(store_url: str) -> None:
    engine = create_engine(store_url)
    with engine.begin() as db:
        db.execute(text("CREATE TABLE somebody_elses (name TEXT)"))
    engine.dispose()
    with pytest.raises(StoreError, match="чужие таблицы"):
        open_store(store_url)


def test_an_address_that_is_none_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match=r"database\.url"):
        open_store("mysql://host/base")
    with pytest.raises(ConfigError, match=r"database\.url"):
        open_store("just words")


def test_a_directory_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="каталог существует"):
        open_store(f"sqlite:///{tmp_path / 'nowhere' / 'stavbill.sqlite3'}")


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("не база, а заметки\n" * 100, encoding="utf-8")
    with pytest.raises(StoreError, match="не база stavbill"):
        open_store(f"sqlite:///{path}")


def test_sqlite_is_durable(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'stavbill.sqlite3'}")
    with store.read() as db:
        assert db.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert db.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
        assert db.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
    store.close()


def test_a_full_disk_says_what_to_do(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'stavbill.sqlite3'}")

    def fill() -> None:
        with store.write() as db:
            pages = db.exec_driver_sql("PRAGMA page_count").scalar_one()
            db.exec_driver_sql(f"PRAGMA max_page_count={pages}")
            for number in range(10_000):
                db.execute(
                    text("INSERT INTO shared_states (name, text) VALUES (:name, :text)"),
                    {"name": f"n{number}", "text": "x" * 1000},
                )

    with pytest.raises(StoreError, match="Освободите место"):
        fill()
    store.close()
