"""A private PostgreSQL for one test session: its own cluster, socket only, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MISSING = (
    "PostgreSQL's initdb was not found. `make test` installs it (Debian: postgresql), or give "
    "STAVBILL_TEST_POSTGRES_URL=postgresql+psycopg://user:password@host/database of a server "
    "where the user may create databases."
)
# A crash loses nothing that anybody wants back.
UNSAFE_BUT_QUICK = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"


class PostgresMissingError(Exception):
    """No PostgreSQL server program on this machine."""


def server_programs() -> Path:
    """Return the folder with initdb and pg_ctl, the newest version that Debian or PATH has."""
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(debian, key=lambda path: int(path.parts[-3]), default=None)
    found = newest or shutil.which("initdb")
    if found is None:
        raise PostgresMissingError(MISSING)
    return Path(found).parent


@contextmanager
def private_cluster() -> Iterator[str]:
    """Start a cluster and give its SQLAlchemy URL; stop and remove it at the end.

    It listens on a Unix socket in its own folder only, so that sessions side by side never meet.
    PostgreSQL refuses to run as root: then Debian's user `postgres` runs it.
    """
    programs = server_programs()
    home = Path(tempfile.mkdtemp(prefix="stavbill-pg-"))
    server_user = "postgres" if os.geteuid() == 0 else None
    if server_user is not None:
        account = pwd.getpwnam(server_user)
        os.chown(home, account.pw_uid, account.pw_gid)

    def run(program: str, *arguments: str) -> None:
        # To a file, not a pipe: the server inherits it, and a pipe would stay open with it.
        with (home / "output.txt").open("a+b") as output:
            answer = subprocess.run(
                [programs / program, *arguments],
                cwd=home,
                user=server_user,
                group=server_user,
                extra_groups=[] if server_user is not None else None,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if answer.returncode != 0:
            said = (home / "output.txt").read_text(encoding="utf-8", errors="replace")
            story = f"{program} failed with {answer.returncode}:\n{said}"
            raise RuntimeError(story)

    cluster = str(home / "cluster")
    try:
        run(
            "initdb",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "--username=stavbill",
            cluster,
        )
        options = f"-c listen_addresses='' -c unix_socket_directories={home} {UNSAFE_BUT_QUICK}"
        run("pg_ctl", "start", "--wait", f"--pgdata={cluster}", f"--options={options}")
        try:
            yield f"postgresql+psycopg://stavbill@/postgres?host={home}"
        finally:
            run("pg_ctl", "stop", "--wait", "--mode=immediate", f"--pgdata={cluster}")
    finally:
        shutil.rmtree(home, ignore_errors=True)
