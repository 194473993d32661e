"""Copies of the database: made while everything runs, put back into quarantine, on both stores."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stavbill.app.copies import back_up, put_back
from stavbill.errors import StoreError
from stavbill.store.control import Flag, raised_flags
from stavbill.store.database import Store
from stavbill.store.parking import write_audit
from stavbill.store.schema import open_store
from stavbill.store.tables import audit

PORTAL = "portal.example"
NOW = datetime(2026, 12, 10, 6, tzinfo=UTC)
OLD_DUMP = """#!/bin/sh
if [ "$1" = "--version" ]; then echo "pg_dump (PostgreSQL) {version}"; exit 0; fi
echo "$@" > "$(dirname "$0")/words"
env > "$(dirname "$0")/environment"
exit 1
"""


@dataclass(frozen=True, slots=True)
class Place:
    """An installation of which only the database matters."""

    config: Path
    env: dict[str, str]
    url: str

    def open(self) -> Store:
        return open_store(self.url)

    def note(self, what: str) -> None:
        """Put a row into the database."""
        store = self.open()
        with store.write() as db:
            write_audit(db, PORTAL, who="test", what=what, at=NOW)
        store.close()

    def noted(self) -> list[str]:
        """Return the rows that were put, without what restoring itself says."""
        store = self.open()
        with store.read() as db:
            rows = list(db.execute(audit.select().order_by(audit.c.entry)))
        store.close()
        return [row.what for row in rows if row.who == "test"]

    def flags(self) -> list[Flag]:
        store = self.open()
        with store.read() as db:
            up = [one.flag for one in raised_flags(db, PORTAL)]
        store.close()
        return up


@pytest.fixture
def place(tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch) -> Place:
    config = tmp_path / "stavbill.toml"
    config.write_text(f'[portal]\nurl = "https://{PORTAL}"\n', encoding="utf-8")
    known = {"STAVBILL_DATABASE_URL": store_url}
    programs = [str(each) for each in Path("/usr/lib/postgresql").glob("*/bin")]
    monkeypatch.setenv("PATH", ":".join((*programs, "/usr/bin", "/bin")))
    return Place(config, known, store_url)


def test_a_copy_is_whole_private_and_comes_back_in_quarantine(place: Place, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    place.note("before")
    writer = place.open()
    with writer.write() as db:
        write_audit(db, PORTAL, who="test", what="never ended", at=NOW)
        # While somebody is in the middle of writing.
        back_up(place.config, copy, place.env)
    writer.close()
    assert copy.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith("copy")] == ["copy"]
    place.note("after")
    document = put_back(place.config, copy, place.env)
    assert place.noted() == ["before"]
    assert place.flags() == [Flag.QUARANTINE]
    assert document["aside"]
    place.note("goes on")
    assert place.noted() == ["before", "goes on"]


def test_nothing_is_put_under_a_process_that_lives(place: Place, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    place.note("before")
    back_up(place.config, copy, place.env)
    place.note("after")
    living = place.open()
    with living.read() as db:
        db.execute(audit.select()).all()
        with pytest.raises(StoreError, match="Остановите работников"):
            put_back(place.config, copy, place.env)
    living.close()
    assert place.noted() == ["before", "after"]


def test_what_is_no_copy_changes_nothing(place: Place, tmp_path: Path) -> None:
    place.note("before")
    wrong = tmp_path / "wrong"
    with pytest.raises(StoreError, match="Нет файла"):
        put_back(place.config, wrong, place.env)
    wrong.write_bytes(b"notes, not a copy" * 1000)
    with pytest.raises(StoreError):
        put_back(place.config, wrong, place.env)
    assert place.noted() == ["before"]


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_a_left_over_log_is_not_played_into_the_copy(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "stavbill.sqlite3"
    place.note("before")
    back_up(place.config, tmp_path / "copy", place.env)
    log = Path(f"{file}-wal")
    with closing(sqlite3.connect(file)) as db:
        db.execute("UPDATE audit SET what = 'played'")
        db.commit()
        shutil.copyfile(log, tmp_path / "left")
    # As a crash leaves it: the log is there, and nobody who has it open.
    shutil.copyfile(tmp_path / "left", log)
    put_back(place.config, tmp_path / "copy", place.env)
    assert not log.exists()
    assert place.noted() == ["before"]
    shutil.copyfile(tmp_path / "left", tmp_path / "copy-wal")
    with pytest.raises(StoreError, match="это не копия"):
        put_back(place.config, tmp_path / "copy", place.env)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_a_database_that_was_not_closed_is_checked_first(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "stavbill.sqlite3"
    for number in range(200):
        place.note(f"row {number}" * 20)
    Path(f"{file}-wal").write_bytes(b"left over")
    assert len(place.noted()) == 200
    body = bytearray(file.read_bytes())
    page = len(body) // 4096 * 3 // 4 * 4096
    body[page : page + 4096] = b"\xff" * 4096
    file.write_bytes(body)
    Path(f"{file}-wal").write_bytes(b"left over")
    with pytest.raises(StoreError, match="stavbill restore ФАЙЛ"):
        place.open()


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_the_programs_of_the_server_are_asked_for(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.note("before")
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(StoreError, match="Нет программы pg_dump"):
        back_up(place.config, tmp_path / "copy", place.env)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    dump = programs / "pg_dump"
    dump.write_text(OLD_DUMP.replace("{version}", "9.6.24"), encoding="utf-8")
    dump.chmod(0o700)
    with pytest.raises(StoreError, match="старше сервера"):
        back_up(place.config, tmp_path / "copy", place.env)
    dump.write_text(OLD_DUMP.replace("{version}", "99.1"), encoding="utf-8")
    secret = place.url.replace("stavbill@", "stavbill:hidden-word@")
    with pytest.raises(StoreError, match="pg_dump отказал"):
        back_up(place.config, tmp_path / "copy", {"STAVBILL_DATABASE_URL": secret})
    assert "hidden-word" not in (programs / "words").read_text()
    assert "PGPASSWORD=hidden-word" in (programs / "environment").read_text()
    assert not (tmp_path / "copy").exists()
