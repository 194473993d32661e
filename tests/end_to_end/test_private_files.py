"""Whatever the service makes is its owner's alone, on a machine whose umask lets others read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from stavbill.app.ready import write_ready_file
from stavbill.files import keep_private, make_folder, make_private_by_default, write_file
from stavbill.settings.secrets import write_secrets_file
from stavbill.store.schema import open_store
from stavbill.workflows.engine import open_client
from tests.end_to_end.driving import DAY, installed
from tests.end_to_end.working import workers_of


@pytest.fixture(autouse=True)
def _lax() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def for_others(folder: Path) -> list[str]:
    """Name what anybody but its owner may read, write or enter."""
    return [
        f"{stat.filemode(path.stat().st_mode)} {path.relative_to(folder)}"
        for path in sorted(folder.rglob("*"))
        if path.stat().st_mode & 0o077
    ]


async def test_an_installation_at_work_leaves_nothing_for_others(tmp_path: Path) -> None:
    place_of_it = tmp_path / "new" / "place"
    async with (
        installed(place_of_it, companies=20) as place,
        workers_of(place, STAVBILL_API_TOKEN="api") as workers,
    ):
        await workers.ask("run", "month", "--as-of", DAY.isoformat(), "--yes")
        exported = await workers.ask("invoice", "export", str(place_of_it / "счета" / "декабрь"))
        assert exported["written"]
        await workers.serve_web()
        await workers.start()
        # Both databases are open now, their logs lie beside them.
        names = {path.name for path in place_of_it.iterdir()}
        assert {"stavbill.sqlite3-wal", "stavbill-engine.sqlite3", "web-address"} <= names
        assert for_others(tmp_path) == []


def test_each_writer_alone(tmp_path: Path) -> None:
    """Other programs use these without the command line's umask."""
    folder = tmp_path / "one" / "two"
    make_folder(folder)
    write_file(folder / "text", "счёт")
    write_file(folder / "bytes", b"%PDF-")
    write_ready_file(folder / "ready", "http://127.0.0.1:1")
    write_secrets_file(folder, {"STAVBILL_WEB_SECRET": "s" * 40})
    store = open_store(f"sqlite:///{folder}/stavbill.sqlite3")
    with store.write() as db:
        db.exec_driver_sql("CREATE TABLE probe (id INTEGER)")
        assert (folder / "stavbill.sqlite3-wal").exists()
    with open_client(f"sqlite:///{folder}/stavbill-engine.sqlite3"):
        assert for_others(tmp_path) == []
    store.close()


def test_what_lay_open_before_is_closed_and_keeps_its_content(tmp_path: Path) -> None:
    database, written = tmp_path / "stavbill.sqlite3", tmp_path / "ready"
    open_store(f"sqlite:///{database}").close()
    written.write_text("older and longer", encoding="utf-8")
    for path in (database, written):
        path.chmod(0o644)
    open_store(f"sqlite:///{database}").close()
    write_file(written, "new")
    assert for_others(tmp_path) == []
    assert written.read_text(encoding="utf-8") == "new"


def test_a_folder_of_others_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_folder(tmp_path / "ours")
    keep_private(tmp_path / "ours" / "file")
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "ours").stat().st_mode) == 0o700


def test_libraries_make_private_files_too(tmp_path: Path) -> None:
    make_private_by_default()
    (tmp_path / "by a library").write_bytes(b"")
    assert for_others(tmp_path) == []
