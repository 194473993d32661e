"""Pausing a process as a busy machine does: where it stands, but not where it keeps all others out.

A process that is stopped inside a transaction of SQLite holds its lock until it goes on; there is
no lease in a file, so nobody can take anything over. A server's database ends such a transaction.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path

STANDS = frozenset("TtZX")


def stop_outside_transactions(pid: int, files: Iterable[Path] = ()) -> None:
    """Stop a process when none of the SQLite `files` is locked by it."""
    known = tuple(files)
    _stop(pid)
    while not all(map(is_free, known)):
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.01)
        _stop(pid)


def is_free(file: Path) -> bool:
    """Say whether nobody keeps writers from an SQLite file; readers do where there is no WAL."""
    db = sqlite3.connect(file, timeout=0.2, isolation_level=None)
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
    while _state(pid) not in STANDS:
        time.sleep(0.001)


def _state(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return "X"
    return words.rpartition(")")[2].split()[0]
