"""New databases are made, other versions are refused, migrations lead to the tables."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, text

from stavbill.errors import ConfigError, StoreError
from stavbill.store.database import Store, connect_engine
from stavbill.store.delivery_tables import metadata
from stavbill.store.inbox import PostState, read_post
from stavbill.store.schema import newest_version, open_store, store_version, upgrade_store


def test_a_brand_new_database_is_made(store: Store) -> None:
    assert store_version(store) == newest_version()


def test_migrations_lead_to_the_tables(store: Store) -> None:
    with store.read() as db:
        context = MigrationContext.configure(db, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


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
