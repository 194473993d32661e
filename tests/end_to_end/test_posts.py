"""A post outlasts what stands in its way: stopped writing, a portal that is away, a late list."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stavbill.app.build import open_parts
from stavbill.billing.facts import SUBSCRIPTION, CompanyId
from stavbill.errors import WritingStoppedError
from stavbill.operations.changes import read_changes
from stavbill.operations.events import LAG, handle_post
from stavbill.operations.parts import Parts
from stavbill.operations.reading import learn_portal, read_portal
from stavbill.operations.rerun import RerunRequest, rerun_company
from stavbill.plan.join import CompanyRecords
from stavbill.sandbox.portal.faults import Fault, Trouble
from stavbill.store.control import Flag, lower_flag, raise_flag
from stavbill.store.inbox import Post, PostState, put_posts, read_post
from stavbill.store.mirror import portfolios
from tests.bitrix.clocks import VirtualClock
from tests.end_to_end.driving import DAY, Installation, installed
from tests.end_to_end.people import ask, edit_card, invoices, tasks

HELD = 105
AWAY = Fault(Trouble.ERROR_BEFORE, rate=1.0, status=502)


@asynccontextmanager
async def billed(tmp_path: Path) -> AsyncIterator[tuple[Installation, Parts]]:
    """Give an installation whose month was run, and a process's parts.

    Nothing here depends on how fast the machine is: time goes on when somebody sleeps.
    """
    clock = VirtualClock(datetime(*DAY.timetuple()[:3], 6, tzinfo=UTC))
    async with installed(tmp_path, companies=20, clock=clock) as place:
        await place.run()
        async with place.parts() as parts:
            yield place, parts


def put(parts: Parts, post: Post) -> None:
    with parts.store.write() as db:
        put_posts(db, parts.portal, [post], at=parts.now())


def found(parts: Parts, event: str) -> Post:
    with parts.store.read() as db:
        post = read_post(db, parts.portal, event)
    assert post is not None
    return post


async def until_due(parts: Parts, event: str) -> None:
    due = found(parts, event).due
    assert due is not None
    await parts.clock.sleep(max((due - parts.now()).total_seconds(), 0.0) + 0.1)


async def test_a_post_that_met_a_stop_is_done_when_writing_goes_on(tmp_path: Path) -> None:
    async with billed(tmp_path) as (place, parts):
        await edit_card(place, HELD, tariff="4*490")
        put(parts, Post(event="E", kind="bill", company=HELD))
        with parts.store.write() as db:
            flag, who = Flag.KILL_SWITCH, "a person"
            raise_flag(db, parts.portal, flag, reason="x", who=who, at=parts.now())
        assert (await handle_post(parts, "E"))["state"] == "stopped"
        assert found(parts, "E").state is PostState.NEW
        assert invoices(place, HELD) == []
        with parts.store.write() as db:
            lower_flag(db, parts.portal, flag, who=who, at=parts.now())
        assert (await handle_post(parts, "E"))["state"] == "done"
        assert len(invoices(place, HELD)) == 1


async def test_a_post_that_met_an_outage_waits_and_says_why(tmp_path: Path) -> None:
    async with billed(tmp_path) as (place, parts):
        put(parts, Post(event="E", kind="company_changed", company=HELD))
        place.sandbox.portal.faults.switch(AWAY)
        assert (await handle_post(parts, "E"))["state"] == "later"
        waiting = found(parts, "E")
        assert waiting.state is PostState.NEW
        assert waiting.detail
        assert waiting.due is not None
        assert waiting.received is not None
        assert waiting.due > waiting.received
        place.sandbox.portal.faults.switch()
        assert (await handle_post(parts, "E"))["state"] == "done"


async def test_equal_events_are_absorbed_by_a_reading_that_succeeded(tmp_path: Path) -> None:
    async with billed(tmp_path) as (place, parts):
        for event in ("E1", "E2"):
            put(parts, Post(event=event, kind="company_changed", company=HELD))
        await parts.clock.sleep(1)
        place.sandbox.portal.faults.switch(AWAY)
        await handle_post(parts, "E1")
        assert found(parts, "E2").state is PostState.NEW
        place.sandbox.portal.faults.switch()
        await handle_post(parts, "E1")
        assert found(parts, "E2").state is PostState.ABSORBED
        put(parts, Post(event="E3", kind="company_changed", company=HELD))
        assert found(parts, "E3").state is PostState.NEW


async def test_closing_a_task_that_the_run_has_just_opened_decides_the_company(
    tmp_path: Path,
) -> None:
    async with billed(tmp_path) as (place, parts):
        # Nothing has read the portal since: only the journal knows of the task.
        [task] = tasks(place, HELD)
        await parts.clock.sleep(LAG.total_seconds() * 2)
        await edit_card(place, HELD, tariff="4*490")
        await ask(place, "tasks.task.complete", {"taskId": task["ID"]})
        put(parts, Post(event="E", kind="task_changed", body={"task": task["ID"]}))
        assert (await handle_post(parts, "E"))["state"] == "done"
        assert len(invoices(place, HELD)) == 1


async def test_a_closed_task_is_not_forgotten_when_the_attempt_stops_after_reading(
    tmp_path: Path,
) -> None:
    async with billed(tmp_path) as (place, parts):
        await parts.clock.sleep(LAG.total_seconds() * 2)
        await read_portal(parts, await learn_portal(parts), (), parts.today())
        [task] = tasks(place, HELD)
        await edit_card(place, HELD, tariff="4*490")
        await ask(place, "tasks.task.complete", {"taskId": task["ID"]})
        put(parts, Post(event="E", kind="task_changed", body={"task": task["ID"]}))
        with parts.store.write() as db:
            flag, who = Flag.KILL_SWITCH, "a person"
            raise_flag(db, parts.portal, flag, reason="x", who=who, at=parts.now())
        assert (await handle_post(parts, "E"))["state"] == "stopped"
        assert found(parts, "E").found == HELD
        with parts.store.write() as db:
            lower_flag(db, parts.portal, flag, who=who, at=parts.now())
        assert (await handle_post(parts, "E"))["state"] == "done"
        assert len(invoices(place, HELD)) == 1


async def test_a_task_that_the_portal_still_shows_open_is_looked_at_again(tmp_path: Path) -> None:
    async with billed(tmp_path) as (place, parts):
        await read_portal(parts, await learn_portal(parts), (), parts.today())
        [task] = tasks(place, HELD)
        put(parts, Post(event="E", kind="task_changed", body={"task": task["ID"]}))
        assert (await handle_post(parts, "E"))["state"] == "later"
        # As a list that lags shows it: closed a moment after the event was looked into.
        await edit_card(place, HELD, tariff="4*490")
        await ask(place, "tasks.task.complete", {"taskId": task["ID"]})
        await until_due(parts, "E")
        assert (await handle_post(parts, "E"))["state"] == "done"
        assert len(invoices(place, HELD)) == 1


async def test_a_task_that_stays_open_ends_its_event(tmp_path: Path) -> None:
    async with billed(tmp_path) as (place, parts):
        [task] = tasks(place, HELD)
        put(parts, Post(event="E", kind="task_changed", body={"task": task["ID"]}))
        await parts.clock.sleep(LAG.total_seconds() + 1)
        seen = len(place.writes())
        assert (await handle_post(parts, "E"))["state"] == "done"
        assert found(parts, "E").detail == "задача открыта"
        assert len(place.writes()) == seen


async def test_fifty_changed_companies_cost_one_reading(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=60) as place:
        await place.run()
        async with open_parts(place.config, place.env) as parts:
            # As one by one they are in the mirror, so they are after being read together.
            await read_portal(parts, await learn_portal(parts), (), parts.today())
            ids = [CompanyId(number) for number in range(101, 151)]
            before = known(parts, ids)
            assert len(before) > 40
            for number in ids:
                put(parts, Post(event=f"E{number}", kind="company_changed", company=number))
            seen = parts.reader.requests
            document = await read_changes(parts, [f"E{number}" for number in ids])
            assert (document["posts"], document["state"]) == (50, "done")
            assert parts.reader.requests - seen <= 15
            assert known(parts, ids) == before

            # What has changed is seen, and what is gone is forgotten.
            await edit_card(place, HELD, tariff="4*490")
            gone = next(number for number in ids if number != HELD and number in before)
            await ask(place, "crm.company.delete", {"id": gone})
            for number in ids[:10]:
                put(parts, Post(event=f"F{number}", kind="company_changed", company=number))
            await read_changes(parts, [f"F{number}" for number in ids[:10]])
            after = known(parts, ids)
            assert gone not in after
            assert after[CompanyId(HELD)].company.card.fees[SUBSCRIPTION] == "4*490"


def known(parts: Parts, ids: list[CompanyId]) -> dict[CompanyId, CompanyRecords]:
    with parts.store.read() as db:
        return portfolios(db, parts.portal, ids)


async def test_a_read_only_process_writes_nothing_though_its_flag_was_taken_down(
    tmp_path: Path,
) -> None:
    async with installed(tmp_path, companies=20) as place:
        written = place.config.read_text(encoding="utf-8")
        assert "read_only = false" in written
        place.config.write_text(
            written.replace("read_only = false", "read_only = true"), encoding="utf-8"
        )
        async with open_parts(place.config, place.env) as parts:
            with parts.store.write() as db:
                lower_flag(db, parts.portal, Flag.READ_ONLY, who="a person", at=parts.now())
            with pytest.raises(WritingStoppedError, match="read_only"):
                await rerun_company(parts, RerunRequest(company=HELD))
        assert place.writes() == []
