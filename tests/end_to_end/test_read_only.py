"""`safety.read_only` that changes under a running process is noticed without a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from stavbill.app.build import open_parts
from stavbill.app.read_only import ReadOnlyMode
from stavbill.errors import WritingStoppedError
from stavbill.operations.rerun import RerunRequest, rerun_company
from stavbill.store.control import Flag, raised_flags
from tests.end_to_end.driving import DAY, Installation, installed
from tests.end_to_end.people import command, invoices
from tests.end_to_end.working import workers_of

E1 = 101
ON, OFF = "read_only = true", "read_only = false"


def write(place: Installation, old: str, new: str) -> None:
    text = place.config.read_text(encoding="utf-8")
    assert old in text
    place.config.write_text(text.replace(old, new, 1), encoding="utf-8")


async def test_the_mode_is_followed_both_ways(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=8) as place:
        mode = ReadOnlyMode(place.config, is_on=False)
        async with open_parts(place.config, place.env, mode=mode) as parts:

            def flags() -> list[Flag]:
                with parts.store.read() as db:
                    return [one.flag for one in raised_flags(db, parts.portal)]

            assert not mode.follow(parts.store, parts.portal, parts.now())
            write(place, OFF, ON)
            assert mode.follow(parts.store, parts.portal, parts.now())
            assert (flags(), parts.is_read_only()) == ([Flag.READ_ONLY], True)
            with pytest.raises(WritingStoppedError, match="read_only"):
                await rerun_company(parts, RerunRequest(company=E1, on=DAY))
            assert place.writes() == []

            write(place, ON, OFF)
            assert mode.follow(parts.store, parts.portal, parts.now())
            assert (flags(), parts.is_read_only()) == ([], False)
            await rerun_company(parts, RerunRequest(company=E1, on=DAY))
            assert len(invoices(place, E1)) == 1


@pytest.mark.parametrize("text", ["[safety\nread_only = tru", '[safety]\nread_only = "yes"', None])
def test_a_file_that_is_being_edited_says_nothing(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "stavbill.toml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    mode = ReadOnlyMode(path, is_on=True)
    assert not mode.look()
    assert mode.is_on


async def test_a_worker_notices_it(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=8) as place, workers_of(place) as workers:
        await workers.start()
        assert (await command(place, "status")).code == 0
        write(place, OFF, ON)
        while not (told := await command(place, "status")).code:
            continue
        assert (told.code, "только чтение" in told.out) == (4, True)
        write(place, ON, OFF)
        while (await command(place, "status")).code:
            continue
