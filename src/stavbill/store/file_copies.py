"""A database of SQLite copied while everything runs, checked, and put in another's place.

Source: sqlite.org: Backup API; «Write-Ahead Logging»; «How To Corrupt», 1.4 and 2.6.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from stavbill.errors import StoreError
from stavbill.files import keep_private

# What SQLite keeps beside a database: of another database it would be played into this one.
_BESIDE = ("-wal", "-shm", "-journal")
_OK = "ok"
_PATIENCE_S = 60.0


def copy_file(database: Path, to: Path) -> None:
    """Write one whole and checked copy, for its owner alone, whatever is being written meanwhile.

    Raises `StoreError` when the database is damaged.
    """
    part = to.with_name(f"{to.name}.part")
    part.unlink(missing_ok=True)
    keep_private(part)
    try:
        with closing(sqlite3.connect(_read_only(database), uri=True)) as source:
            with closing(sqlite3.connect(part)) as target:
                source.backup(target)
                # One file, without anything beside it.
                target.execute("PRAGMA journal_mode=DELETE")
            _require_sound(part)
        _to_disk(part)
        part.replace(to)
        _to_disk(to.parent)
    except sqlite3.Error as error:
        msg = f"База {database}: копия не сделана ({error})."
        raise StoreError(msg) from error
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def replacing_file(
    database: Path, copy: Path, *, at: datetime
) -> Iterator[tuple[Path, list[Path]]]:
    """Give a copy to make ready; when the block ends it stands in the database's place.

    Also gives the names under which the old database stays. Raises `StoreError` when the copy is
    damaged or some process lives on the database; then nothing is changed.
    """
    if not copy.is_file():
        msg = f"Нет файла {copy}. Ожидалась копия, которую записала stavbill backup."
        raise StoreError(msg)
    if any(Path(f"{copy}{end}").exists() for end in ("-wal", "-journal")):
        msg = (
            f"Рядом с {copy} лежит журнал SQLite: это не копия, а файл базы, которую снимали на "
            "ходу. Возьмите копию, которую записала stavbill backup."
        )
        raise StoreError(msg)
    _require_nobody(database)
    staged = database.with_name(f"{database.name}.restoring")
    _remove(staged)
    keep_private(staged)
    try:
        shutil.copyfile(copy, staged)
        _require_sound(staged)
        aside: list[Path] = []
        yield staged, aside
        _as_one_file(staged)
        _to_disk(staged)
        _require_nobody(database)
        aside += set_aside(database, at=at)
        staged.replace(database)
        _to_disk(database.parent)
    finally:
        _remove(staged)


def set_aside(database: Path, *, at: datetime) -> list[Path]:
    """Keep a database under another name; the file itself stays until another takes its place.

    What stands beside it goes along, so that nothing of it is played into the next one.
    """
    names = []
    end = f".before-{at:%Y%m%dT%H%M%S}"
    for each in (database, *(Path(f"{database}{beside}") for beside in _BESIDE)):
        if not each.exists():
            continue
        kept = each.with_name(f"{each.name}{end}")
        kept.unlink(missing_ok=True)
        if each is database:
            os.link(each, kept)
        else:
            each.replace(kept)
        names.append(kept)
    return names


def check_after_unclean_end(database: Path) -> None:
    """Check a database beside which a log is left: its last process may not have closed it.

    So it looks while another process works on it, too. Raises `StoreError` when it is damaged.
    """
    left = Path(f"{database}-wal")
    if not (database.exists() and left.exists() and left.stat().st_size):
        return
    with closing(sqlite3.connect(database, timeout=_PATIENCE_S)) as db:
        found = _quick_check(db)
    if found != _OK:
        raise StoreError(_damaged(database, found))


def _quick_check(db: sqlite3.Connection) -> str:
    try:
        return str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.OperationalError:
        # Not a word about the file; whoever opens it next says what is the matter.
        return _OK
    except sqlite3.DatabaseError as error:
        return str(error)


def _require_sound(database: Path) -> None:
    with closing(sqlite3.connect(_read_only(database), uri=True)) as db:
        found = _quick_check(db)
    if found != _OK:
        raise StoreError(_damaged(database, found))


def _require_nobody(database: Path) -> None:
    """Raise `StoreError` when a process has the database open; what its journal holds is kept."""
    if not database.exists():
        return
    with closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as db:
        try:
            # Nobody leaves the write-ahead log while somebody else is in it.
            mode = db.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                return
            mode = "wal"
        except sqlite3.DatabaseError:
            # Damaged: that is why it is replaced.
            return
    if mode != "delete":
        msg = (
            f"База {database}: на ней работает процесс. Остановите работников, stavbill web и "
            "команды, затем повторите."
        )
        raise StoreError(msg)


def _as_one_file(database: Path) -> None:
    with closing(sqlite3.connect(database)) as db:
        db.execute("PRAGMA journal_mode=DELETE")


def _remove(database: Path) -> None:
    for each in (database, *(Path(f"{database}{beside}") for beside in _BESIDE)):
        each.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read_only(path: Path) -> str:
    return f"{path.absolute().as_uri()}?mode=ro"


def _damaged(database: Path, found: str) -> str:
    return (
        f"База {database} повреждена ({found}). Остановите всё и восстановите её из копии: "
        "stavbill restore ФАЙЛ"
    )
