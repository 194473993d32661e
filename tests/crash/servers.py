"""Trouble with databases: a server that is restarted, a disk that is full or read-only."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from tests.postgres import server_programs


def restart(url: str) -> None:
    """Restart a private cluster as a crash does: nobody is waited for."""
    _control(url, "restart")


def stop(url: str) -> None:
    """Stop a private cluster as a crash does."""
    _control(url, "stop")


def _control(url: str, word: str) -> None:
    home = Path(str(make_url(url).query["host"]))
    user = "postgres" if os.geteuid() == 0 else None
    with (home / "output.txt").open("a+b") as output:
        subprocess.run(
            [
                server_programs() / "pg_ctl",
                word,
                "--wait",
                "--mode=immediate",
                f"--pgdata={home / 'cluster'}",
            ],
            cwd=home,
            user=user,
            group=user,
            extra_groups=[] if user is not None else None,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=True,
        )


def set_read_only(url: str, *, on: bool) -> None:
    """Let a cluster refuse every write, in sessions that are open already too."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as db:
        db.execute(text("SET default_transaction_read_only = off"))
        word = "on" if on else "off"
        db.execute(text(f"ALTER SYSTEM SET default_transaction_read_only = {word}"))
        db.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """Give a folder on a small disk of its own; only root can make one."""
    disk = folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can be mounted by root only, and not in every container")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Write a file that takes all that is left, and return it."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 4096, 512):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
    return filler


def remount(disk: Path, *, read_only: bool) -> None:
    """Let a small disk take no more writes, or take them again; nobody may be writing."""
    word = "ro" if read_only else "rw"
    subprocess.run(["mount", "-o", f"remount,{word}", str(disk)], check=True)
