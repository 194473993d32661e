"""A database of PostgreSQL copied and put back by the server's own client programs.

The engine's schema is left out: what it remembers belongs to runs that the copy may not know.
Source: postgresql.org: pg_dump, pg_restore, psql, «Environment Variables».
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, text

from stavbill.errors import StoreError
from stavbill.files import keep_private, write_file
from stavbill.store.database import Store
from stavbill.store.errors import shown

ENGINE = "dbos"
_OURS = "public"
_ENVIRONMENT = {
    "host": "PGHOST",
    "port": "PGPORT",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "passfile": "PGPASSFILE",
}
_VERSION = re.compile(r"(\d+)(?:\.\d+)?")


def dump_server(store: Store, to: Path) -> None:
    """Write a whole copy (format «custom»), for its owner alone, while everything runs.

    Raises `StoreError` when a program is missing, older than the server, or says no.
    """
    part = to.with_name(f"{to.name}.part")
    part.unlink(missing_ok=True)
    keep_private(part)
    try:
        words = ["-Fc", "--no-owner", "--no-privileges", f"--schema={_OURS}", "--file", str(part)]
        _run(store, "pg_dump", words)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)


def restore_server(store: Store, copy: Path, *, at: datetime) -> list[str]:
    """Put a copy in the place of what the database holds; return where the old tables stay.

    All in one transaction. Raises `StoreError` when the copy is none, a program is missing, or
    somebody is connected; then nothing is changed.
    """
    if not copy.is_file():
        msg = f"Нет файла {copy}. Ожидалась копия, которую записала stavbill backup."
        raise StoreError(msg)
    end = f"_before_{at:%Y%m%dt%H%M%S}"
    with store.read() as db:
        query = text("SELECT nspname FROM pg_namespace WHERE nspname IN (:ours, :engine)")
        known = list(db.execute(query, {"ours": _OURS, "engine": ENGINE}).scalars())
    store.close()
    _require_nobody(store)
    with tempfile.TemporaryDirectory(prefix="stavbill-restore-") as folder:
        script = Path(folder) / "restore.sql"
        words = ["--no-owner", "--no-privileges", f"--schema={_OURS}", "--file", str(script)]
        _run(store, "pg_restore", [*words, str(copy)], connects=False)
        first = Path(folder) / "aside.sql"
        renamed = [f"ALTER SCHEMA {name} RENAME TO {name}{end};" for name in sorted(known)]
        write_file(first, "\n".join((*renamed, f"CREATE SCHEMA {_OURS};", "")))
        quiet = ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]
        _run(store, "psql", [*quiet, "--file", str(first), "--file", str(script)])
    return [f"{name}{end}" for name in sorted(known)]


def _require_nobody(store: Store) -> None:
    with store.read() as db:
        others = db.execute(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
        ).scalar_one()
    store.close()
    if others:
        msg = (
            f"База {shown(store.url)}: к ней подключены другие ({others}). Остановите работников, "
            "stavbill web и команды, затем повторите."
        )
        raise StoreError(msg)


def _run(store: Store, program: str, words: Sequence[str], *, connects: bool = True) -> None:
    found = shutil.which(program)
    if found is None:
        msg = (
            f"Нет программы {program}. Установите клиентские программы PostgreSQL той же версии, "
            "что сервер (Debian: postgresql-client)."
        )
        raise StoreError(msg)
    if connects:
        _require_version(store, program, found)
    known = {key: value for key, value in os.environ.items() if not key.startswith("STAVBILL_")}
    # The password goes by the environment: arguments are seen by every user of the machine.
    answer = subprocess.run(  # noqa: S603  a program of PostgreSQL, our own words
        [found, *words],
        env=known | (_environment(store.url) if connects else {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        said = " ".join(answer.stderr.split())[:500]
        msg = f"База {shown(store.url)}: {program} отказал: {said}. Ничего не изменено."
        raise StoreError(msg)


def _require_version(store: Store, program: str, found: str) -> None:
    with store.read() as db:
        server = db.execute(text("SHOW server_version_num")).scalar_one()
    store.close()
    answer = subprocess.run(  # noqa: S603  a program of PostgreSQL
        [found, "--version"], capture_output=True, text=True, check=False
    )
    version = _VERSION.search(answer.stdout)
    if version is None or int(version[1]) < int(server) // 10_000:
        msg = (
            f"{program} версии {answer.stdout.strip() or 'неизвестной'} старше сервера "
            f"({int(server) // 10_000}). Установите клиентские программы PostgreSQL этой версии."
        )
        raise StoreError(msg)


def _environment(url: URL) -> dict[str, str]:
    """Return what the programs need to connect as the address says."""
    named = {
        "PGHOST": url.host or "",
        "PGPORT": str(url.port or ""),
        "PGUSER": url.username or "",
        "PGPASSWORD": str(url.password or ""),
        "PGDATABASE": url.database or "",
    }
    for option, variable in _ENVIRONMENT.items():
        value = url.query.get(option)
        if isinstance(value, str):
            named[variable] = value
    return {key: value for key, value in named.items() if value}
