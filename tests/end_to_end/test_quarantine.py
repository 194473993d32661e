"""A database that is older than what it did: noticed, kept from writing, taken up to the world."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from stavbill.app.restored import adopt, compare
from stavbill.errors import NotOurPortalError, WritingStoppedError
from stavbill.operations.checking import check_portal
from stavbill.operations.standing import standing_document
from tests.end_to_end.driving import Installation, installed
from tests.end_to_end.test_put_back import database, keys_twice

COMPANIES = 24
SOME = tuple(range(101, 109))


def mark_of(place: Installation) -> Path:
    """Return the file outside the database that knows how far it has come."""
    return Path(f"{database(place)}.mark")


def copy_of(place: Installation, to: Path) -> Path:
    """Copy the database as somebody does who knows no command for it."""
    with (
        closing(sqlite3.connect(database(place))) as source,
        closing(sqlite3.connect(to)) as target,
    ):
        source.backup(target)
    return to


def put_by_hand(place: Installation, copy: Path) -> None:
    """Put a copy back as somebody does who knows no command for it."""
    for end in ("-wal", "-shm"):
        Path(f"{database(place)}{end}").unlink(missing_ok=True)
    shutil.copyfile(copy, database(place))


async def flags(place: Installation) -> list[str]:
    async with place.parts() as parts:
        document = standing_document(parts)
    up = document["flags"]
    assert isinstance(up, list)
    return [one["flag"] for one in up]


async def test_a_copy_put_back_by_hand_reads_and_writes_nothing(tmp_path: Path) -> None:
    async with installed(tmp_path / "place", companies=COMPANIES) as place:
        await place.run(companies=SOME)
        copy = copy_of(place, tmp_path / "copy")
        assert (await place.run()).exit_code == 0
        put_by_hand(place, copy)
        writes = place.writes()
        with pytest.raises(WritingStoppedError, match="stavbill restored"):
            await place.run()
        assert await flags(place) == ["quarantine"]
        # What reads, compares and reports works, and a mark is not lost by it.
        assert (await place.run(dry_run=True)).exit_code == 0
        async with place.parts() as parts:
            assert (await check_portal(parts))["violations"] == []
        document = await compare(place.config, place.env)
        unknown = document["unknown_invoices"]
        assert isinstance(unknown, list)
        assert unknown
        assert place.writes() == writes
        assert "отметка" in str(document["reasons"])
        assert await flags(place) == ["quarantine"]


async def test_the_portals_mark_shows_it_where_the_file_is_gone(tmp_path: Path) -> None:
    async with installed(tmp_path / "place", companies=COMPANIES) as place:
        await place.run(companies=SOME)
        copy = copy_of(place, tmp_path / "copy")
        await place.run()
        put_by_hand(place, copy)
        mark_of(place).unlink()
        writes = place.writes()
        with pytest.raises(NotOurPortalError, match="База отстала"):
            await place.run()
        assert await flags(place) == ["quarantine"]
        assert place.writes() == writes


async def test_adopting_takes_invoices_over_and_goes_on(tmp_path: Path) -> None:
    async with installed(tmp_path / "place", companies=COMPANIES) as place:
        await place.run(companies=SOME)
        copy = copy_of(place, tmp_path / "copy")
        await place.run()
        undisturbed = place.end_state()
        put_by_hand(place, copy)
        document = await adopt(place.config, who="ivan", env=place.env)
        unknown, left = document["unknown_invoices"], document["not_understood"]
        assert unknown
        assert left == []
        assert await flags(place) == []
        # An entry that the copy does not remember is asked for before it is written.
        assert (await place.run()).exit_code == 0
        assert place.end_state() == undisturbed
        assert keys_twice(place) == []
        again = await adopt(place.config, who="ivan", env=place.env)
        assert again["unknown_invoices"] == []
        # The mark has come along, so that the next command does not stop.
        assert json.loads(mark_of(place).read_text())["epoch"] == again["epoch"]
        assert await flags(place) == []


async def test_the_mark_is_its_owners_and_never_goes_back(tmp_path: Path) -> None:
    async with installed(tmp_path / "place", companies=COMPANIES) as place:
        await place.run(companies=SOME)
        known = json.loads(mark_of(place).read_text())
        assert stat.S_IMODE(mark_of(place).stat().st_mode) == 0o600
        assert known["effect"] > 0
        ahead = known | {"effect": known["effect"] + 1}
        mark_of(place).write_text(json.dumps(ahead))
        assert await flags(place) == ["quarantine"]
        assert json.loads(mark_of(place).read_text()) == ahead
        # What nobody can read stops nothing.
        mark_of(place).write_text("{")
        assert await flags(place) == ["quarantine"]
