"""Files for their owner alone, and locks that are not lost on the way."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from stavbill.files import keep_private
from stavbill.store.schema import open_store

WRITE = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
try:
    db.execute("BEGIN IMMEDIATE")
except sqlite3.OperationalError as error:
    print(error)
"""


def other_process(file: Path) -> str:
    """Return what another process is told that wants to write to a database now."""
    told = subprocess.run(
        [sys.executable, "-c", WRITE, str(file)], capture_output=True, check=True, text=True
    )
    return told.stdout.strip()


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_the_locks_of_a_database_outlive_a_look_at_its_file(tmp_path: Path, mode: str) -> None:
    file = tmp_path / "x.sqlite3"
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute(f"PRAGMA journal_mode={mode}")
        db.execute("CREATE TABLE t (x)")
        db.execute("BEGIN IMMEDIATE")
        db.execute("INSERT INTO t VALUES (1)")
        assert other_process(file) == "database is locked"

        keep_private(file)

        assert other_process(file) == "database is locked"
        db.execute("COMMIT")
    assert file.stat().st_mode & 0o077 == 0


def test_a_second_connection_of_the_store_takes_no_lock_away(tmp_path: Path) -> None:
    file = tmp_path / "stavbill.sqlite3"
    store = open_store(f"sqlite:///{file}")
    with store.write():
        again = open_store(f"sqlite:///{file}")
        with again.read():
            assert other_process(file) == "database is locked"
        again.close()
        assert other_process(file) == "database is locked"
    store.close()
