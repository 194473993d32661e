"""A copy of the database made while a run was on, put back when the run was over."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests.end_to_end.driving import Installation, installed
from tests.support.waiting import until

COMPANIES = 120


def database(place: Installation) -> Path:
    """Return the installation's database file."""
    return place.config.parent / "stavbill.sqlite3"


async def copied_after_writes(place: Installation, number: int, to: Path) -> None:
    """Copy the database, as a backup does, when the portal has seen so many writes."""
    await until(lambda: len(place.writes()) >= number)
    with (
        closing(sqlite3.connect(database(place))) as source,
        closing(sqlite3.connect(to)) as target,
    ):
        source.backup(target)


def put_back(place: Installation, copy: Path) -> None:
    """Put a copy in the database's place, with nothing of the lost one left, nor its mark."""
    for left in (f"{database(place)}{end}" for end in ("-wal", "-shm", ".mark")):
        Path(left).unlink(missing_ok=True)
    shutil.copyfile(copy, database(place))


def keys_twice(place: Installation) -> list[str]:
    """Return the external ids of ours that several invoices bear."""
    place.sandbox.portal.settle(everything=True)
    invoices = list(place.sandbox.portal.state.invoices)
    keys = Counter(str(row.get("xmlId") or "") for row in invoices)
    return [key for key, number in keys.items() if key.startswith("stavbill:") and number > 1]


@pytest.mark.parametrize("writes", [1, 80, 200])
async def test_a_copy_put_back_after_the_run_doubles_nothing(tmp_path: Path, writes: int) -> None:
    async with installed(tmp_path / "place", companies=COMPANIES) as place:
        copy = tmp_path / "copy.sqlite3"
        copying = asyncio.ensure_future(copied_after_writes(place, writes, copy))
        assert (await place.run()).exit_code == 0
        await copying
        undisturbed = place.end_state()
        put_back(place, copy)
        report = await place.run()
        assert keys_twice(place) == []
        assert report.exit_code == 0
        assert place.end_state() == undisturbed
        assert (await place.run()).effects.total() == 0
