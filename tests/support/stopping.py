"""Pausing a process as a busy machine does: where it stands, but not where it keeps all others out.

A process that is stopped inside a transaction of SQLite holds its lock until it goes on; there is
no lease in a file, so nobody can take anything over. A server's database ends such a transaction.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from tests.support.waiting import wait_until

STANDS = frozenset("TtZX")


def stop_outside_transactions(pid: int, files: Iterable[Path] = ()) -> None:
    """Stop a process when none of the SQLite `files` is locked by it."""
    known = tuple(files)

    def stands_outside() -> bool:
        _stop(pid)
        if all(map(is_free, known)):
            return True
        os.kill(pid, signal.SIGCONT)
        return False

    wait_until(stands_outside, every_s=0.01)


def is_free(file: Path) -> bool:
    """Say whether nobody keeps writers from an SQLite file; readers do where there is no WAL."""
    db = sqlite3.connect(file, timeout=0, isolation_level=None)
    try:
        db.execute("BEGIN EXCLUSIVE")
        db.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return False
    finally:
        db.close()
    return True


def _stop(pid: int) -> None:
    """Return when the process stands still: the signal arrives when it arrives."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: _state(pid) in STANDS, every_s=0.001)


def _state(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return "X"
    return words.rpartition(")")[2].split()[0]
