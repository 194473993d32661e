"""One portal is written to by one database: a second one stops before its first write."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from stavbill.app.build import open_parts
from stavbill.errors import NotOurPortalError
from stavbill.operations.reading import learn_portal
from stavbill.plan.portal_marks import StandingMark
from stavbill.sandbox.portal.faults import Fault, Trouble
from stavbill.store.control import Flag, raised_flags
from tests.end_to_end.driving import Installation, installed
from tests.end_to_end.test_put_back import keys_twice

COMPANIES = 31
ADD, LIST = "crm.timeline.comment.add", "crm.timeline.comment.list"


def second(place: Installation, directory: Path, url: str | None = None) -> Installation:
    """Return another installation, with a database of its own, at the same portal."""
    directory.mkdir()
    config = directory / "stavbill.toml"
    shutil.copyfile(place.config, config)
    env = {**place.env, "STAVBILL_DATABASE_URL": url or f"sqlite:///{directory}/own.sqlite3"}
    return replace(place, config=config, env=env)


async def marks(place: Installation) -> tuple[StandingMark, ...]:
    """Return the marks that stand on the portal."""
    async with open_parts(place.config, place.env) as parts:
        portal = await learn_portal(parts)
    assert portal.shape.marks is not None
    return portal.shape.marks


async def test_a_second_database_stops_before_its_first_write(
    tmp_path: Path, store_url: str
) -> None:
    async with installed(tmp_path / "first", companies=COMPANIES) as place:
        assert (await place.run()).exit_code == 0
        state, writes = place.end_state(), place.writes()
        other = second(place, tmp_path / "second", store_url)
        with pytest.raises(NotOurPortalError, match="ведёт другая база stavbill: сервер") as stop:
            await other.run()
        assert not stop.value.is_behind
        assert place.writes() == writes
        assert place.end_state() == state
        # The first one goes on as if nothing had been.
        assert (await place.run()).effects.total() == 0


async def test_of_two_that_begin_at_once_one_writes(tmp_path: Path, store_url: str) -> None:
    async with installed(tmp_path / "first", companies=COMPANIES) as quiet:
        await quiet.run()
        undisturbed = quiet.end_state()
    async with installed(tmp_path / "again", companies=COMPANIES) as place:
        other = second(place, tmp_path / "second", store_url)
        ends = await asyncio.gather(place.run(), other.run(), return_exceptions=True)
        lost = [end for end in ends if isinstance(end, BaseException)]
        assert [type(end) for end in lost] == [NotOurPortalError]
        assert keys_twice(place) == []
        assert place.end_state() == undisturbed


async def test_a_copy_beside_its_original_stops(tmp_path: Path) -> None:
    async with installed(tmp_path / "first", companies=COMPANIES) as place:
        await place.run(companies=(101, 102))
        folder = tmp_path / "copy"
        folder.mkdir()
        shutil.copyfile(place.config.parent / "stavbill.sqlite3", folder / "own.sqlite3")
        copy = second(place, tmp_path / "second", f"sqlite:///{folder}/own.sqlite3")
        assert (await place.run()).exit_code == 0
        writes = place.writes()
        with pytest.raises(NotOurPortalError, match="База отстала от портала") as stop:
            await copy.run()
        assert stop.value.is_behind
        assert place.writes() == writes


async def test_a_flag_tells_every_process_of_the_second_database(tmp_path: Path) -> None:
    async with installed(tmp_path / "first", companies=COMPANIES) as place:
        await place.run(companies=(101,))
        other = second(place, tmp_path / "second")
        with pytest.raises(NotOurPortalError):
            await other.run()
        async with open_parts(other.config, other.env) as parts:
            with parts.store.read() as db:
                up = [one.flag for one in raised_flags(db, parts.portal)]
        assert up == [Flag.OTHER_STORE]


async def test_a_database_that_takes_the_portal_over_is_the_one_that_writes(
    tmp_path: Path,
) -> None:
    async with installed(tmp_path / "first", companies=COMPANIES) as place:
        await place.run(companies=(101,))
        other = second(place, tmp_path / "second")
        with pytest.raises(NotOurPortalError):
            await other.run()
        async with open_parts(other.config, other.env) as parts:
            portal = await learn_portal(parts)
            taken = await parts.guard_for(portal.shape).take_over(who="ivan")
            again = await parts.guard_for((await learn_portal(parts)).shape).take_over(who="ivan")
        assert taken.changed
        assert "установка" in taken.was
        assert not again.changed
        assert (await other.run()).exit_code == 0
        writes = place.writes()
        with pytest.raises(NotOurPortalError, match="ведёт другая база"):
            await place.run()
        assert place.writes() == writes


async def test_marks_that_no_longer_count_are_deleted(tmp_path: Path) -> None:
    async with installed(tmp_path / "first", companies=COMPANIES) as place:
        for company in (101, 102, 103, 104):
            await place.run(companies=(company,))
        standing = await marks(place)
        assert [one.mark.lineage for one in standing] == [4, 3]


async def test_a_mark_that_people_deleted_is_put_again(tmp_path: Path) -> None:
    async with installed(tmp_path / "first", companies=COMPANIES) as place:
        await place.run(companies=(101,))
        state = place.sandbox.portal.state
        for one in await marks(place):
            state.comments.remove(one.comment)
        assert (await place.run(companies=(102,))).exit_code == 0
        assert [one.mark.lineage for one in await marks(place)] == [2]


@pytest.mark.parametrize("trouble", [Trouble.LOST_AFTER, Trouble.LOST_BEFORE])
async def test_a_mark_whose_answer_is_lost_is_found_or_put_once(
    tmp_path: Path, trouble: Trouble
) -> None:
    async with installed(tmp_path / "first", companies=COMPANIES) as place:
        fault = Fault(trouble, nth=(1,), methods=(ADD,))
        place.sandbox.portal.faults.switch(fault)
        assert (await place.run(companies=(101,))).exit_code == 0
        assert [one.mark.lineage for one in await marks(place)] == [1]


async def test_looking_is_free_and_writing_costs_one_request(tmp_path: Path) -> None:
    async with installed(tmp_path / "first", companies=COMPANIES) as place:
        await place.run(dry_run=True)
        before = len(place.sandbox.portal.calls)
        assert place.writes() == []
        await place.run()
        seen = list(place.sandbox.portal.calls)[before:]
        adding = [one for one in seen if one.method == ADD and "sb-installation" in str(one.params)]
        assert len(adding) == 1
        listed = [one for one in seen if one.method == LIST]
        # In the second batch of the reading, and along with the mark itself.
        assert len(listed) == 2
