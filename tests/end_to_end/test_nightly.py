"""The nightly check over real HTTP: what people do by hand is seen, told once, never undone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stavbill.app.build import open_parts
from stavbill.clock import SystemClock
from stavbill.operations.month import run_month
from stavbill.operations.month_steps import MonthRequest
from stavbill.operations.parts import Parts
from stavbill.operations.reconcile import reconcile
from stavbill.operations.rerun import RerunRequest, rerun_company
from stavbill.sandbox.portal import dump
from stavbill.store.control import Flag, raise_flag
from stavbill.store.runs import RunId
from tests.end_to_end.driving import DAY, Installation, installed
from tests.end_to_end.people import ask, command, edit_card

SCALE = 120.0
MORNING = datetime(2026, 12, 10, 7, 0, tzinfo=UTC)
NIGHT = datetime(2026, 12, 10, 23, 30, tzinfo=UTC)


@asynccontextmanager
async def parts_at(place: Installation, moment: datetime) -> AsyncIterator[Parts]:
    async with open_parts(place.config, place.env, SystemClock(SCALE, start=moment)) as parts:
        yield parts


@asynccontextmanager
async def billed(directory: Path, companies: int = 60) -> AsyncIterator[Installation]:
    """Serve a world in which the month was billed in the morning."""
    async with installed(directory, companies=companies, scale=SCALE) as place:
        async with parts_at(place, MORNING) as parts:
            await run_month(parts, MonthRequest(on=DAY, yes=True))
        yield place


async def check(place: Installation, night: int = 0, run: RunId | None = None) -> dict[str, Any]:
    async with parts_at(place, NIGHT + timedelta(days=night)) as parts:
        return await reconcile(parts, run=run)


def ours(place: Installation) -> list[dict[str, Any]]:
    """Return our invoices as the sandbox holds them."""
    invoices = place.sandbox.portal.state.invoices
    return [each for each in invoices if str(each.get("xmlId") or "").startswith("stavbill:")]


def invoice_of(place: Installation, number: int = 0) -> dict[str, Any]:
    return dict(ours(place)[number])


def check_tasks(place: Installation) -> list[dict[str, Any]]:
    """Return the open tasks of the nightly check."""
    place.sandbox.portal.settle(everything=True)
    tasks = dump.tasks(place.sandbox.portal.state)
    return [one for one in tasks if "Биллинг: сверка" in one["title"] and str(one["status"]) != "5"]


async def test_what_was_just_written_gives_no_finding_and_no_write(tmp_path: Path) -> None:
    async with billed(tmp_path) as place:
        place.sandbox.portal.calls.clear()
        report = await check(place)
        # The world has a company whose month somebody billed twice before: it is parked already.
        assert report["found"] == {"must_never": 1}
        assert (report["exit_code"], report["parked"], place.writes()) == (0, [], [])


@pytest.mark.parametrize(
    ("request_of_a_plan", "state"),
    [
        pytest.param(MonthRequest(on=DAY, dry_run=True), "planned", id="a dry run"),
        pytest.param(MonthRequest(on=DAY), "waiting_approval", id="a run that waits for a person"),
    ],
)
async def test_a_plan_that_nobody_applied_loses_no_task(
    tmp_path: Path, request_of_a_plan: MonthRequest, state: str
) -> None:
    async with installed(tmp_path, companies=40, scale=SCALE) as place:
        async with parts_at(place, MORNING) as parts:
            assert (await run_month(parts, request_of_a_plan)).state == state
        place.sandbox.portal.calls.clear()
        report = await check(place)
        assert "hold_task_lost" not in report["found"]
        assert (report["exit_code"], place.writes()) == (0, [])


async def test_what_people_changed_is_told_once_and_never_written_back(tmp_path: Path) -> None:
    async with billed(tmp_path) as place:
        deleted, changed = invoice_of(place, 0), invoice_of(place, 1)
        await ask(place, "crm.item.delete", {"entityTypeId": 31, "id": deleted["id"]})
        rows = [{"productName": "Другое", "price": 5, "quantity": 1, "taxIncluded": "Y"}]
        given = {"ownerType": "SI", "ownerId": changed["id"], "productRows": rows}
        await ask(place, "crm.item.productrow.set", given)
        report = await check(place)
        # Deleted, and its month would be billed again: a person says whether.
        assert report["found"] == {"vanished": 1, "must_never": 1, "total": 1}
        assert [one["company"] for one in report["parked"]] == [deleted["companyId"]]
        (told,) = check_tasks(place)
        assert "теперь 5,00" in str(told).replace("\\xa0", " ").replace("\u00a0", " ")
        tasks = len(dump.tasks(place.sandbox.portal.state))
        again = await check(place, night=1)
        assert (again["new"], again["parked"]) == (0, [])
        assert len(dump.tasks(place.sandbox.portal.state)) == tasks
        assert invoice_of(place, 0)["id"] == changed["id"]
        assert float(invoice_of(place, 0)["opportunity"]) == 5.0


async def test_a_second_change_is_told_though_a_person_answered_for_the_first(
    tmp_path: Path,
) -> None:
    async with billed(tmp_path) as place:
        invoice = invoice_of(place, 1)

        async def put_rows(price: int) -> None:
            rows = [{"productName": "Другое", "price": price, "quantity": 1, "taxIncluded": "Y"}]
            given = {"ownerType": "SI", "ownerId": invoice["id"], "productRows": rows}
            await ask(place, "crm.item.productrow.set", given)

        await put_rows(5)
        assert (await check(place))["asked"] == 1
        (answered,) = [
            one["ID"] for one in place.sandbox.portal.state.tasks if "сверка" in one["TITLE"]
        ]
        await ask(place, "tasks.task.complete", {"taskId": answered})
        assert (await check(place, night=1))["new"] == 0
        await put_rows(500_000)
        report = await check(place, night=2)
        assert (report["new"], report["gone"], report["tasks"]) == (1, 1, 1)
        assert len(check_tasks(place)) == 1


async def test_the_task_about_a_deleted_invoice_closes_when_it_is_issued_again(
    tmp_path: Path,
) -> None:
    async with billed(tmp_path) as place:
        invoice = invoice_of(place)
        company = int(invoice["companyId"])
        [card] = [one for one in dump.companies(place.sandbox.portal.state) if one["ID"] == company]
        code = next(one.code for one in place.sandbox.world.fields if one.attribute == "tariff")
        await ask(place, "crm.item.delete", {"entityTypeId": 31, "id": invoice["id"]})
        # Held, so that nobody would bill the month again by itself.
        await edit_card(place, company, tariff="3*")
        told = await check(place)
        assert (told["found"]["deleted"], told["tasks"]) == (1, 1)
        await edit_card(place, company, tariff=card[code])
        async with parts_at(place, NIGHT + timedelta(hours=3)) as parts:
            wanted = RerunRequest(company=company, on=DAY, again=True)
            assert (await rerun_company(parts, wanted)).counts.billed == 1
        report = await check(place, night=1)
        assert "deleted" not in report["found"]
        assert (report["tasks_closed"], check_tasks(place)) == (1, [])


async def test_a_difference_that_is_gone_closes_its_task(tmp_path: Path) -> None:
    async with billed(tmp_path) as place:
        invoice = invoice_of(place)
        item = {"entityTypeId": 31, "id": invoice["id"]}
        await ask(place, "crm.item.update", {**item, "fields": {"xmlId": "другой"}})
        assert (await check(place))["tasks"] == 1
        await ask(place, "crm.item.update", {**item, "fields": {"xmlId": invoice["xmlId"]}})
        report = await check(place, night=1)
        assert (report["gone"], report["tasks_closed"]) == (1, 1)
        assert check_tasks(place) == []


async def test_paid_and_cancelled_are_noted_and_nobody_is_asked(tmp_path: Path) -> None:
    async with billed(tmp_path) as place:
        stages = {
            str(one["SEMANTICS"]): str(one["STATUS_ID"])
            for one in place.sandbox.portal.state.statuses
            if "SMART_INVOICE" in str(one["ENTITY_ID"])
        }
        for number, semantics in enumerate(("S", "F")):
            fields = {"stageId": stages[semantics]}
            item = {"entityTypeId": 31, "id": invoice_of(place, number)["id"], "fields": fields}
            await ask(place, "crm.item.update", item)
        place.sandbox.portal.calls.clear()
        report = await check(place)
        assert report["found"] == {"cancelled": 1, "must_never": 1, "paid": 1}
        assert place.writes() == []


async def test_a_lost_hold_task_is_opened_again(tmp_path: Path) -> None:
    async with billed(tmp_path) as place:
        held = next(
            one for one in place.sandbox.portal.state.tasks if "счёт не выставлен" in one["TITLE"]
        )
        await ask(place, "tasks.task.delete", {"taskId": held["ID"]})
        report = await check(place)
        assert report["found"]["hold_task_lost"] == 1
        assert report["mended"] == 1
        assert "hold_task_lost" not in (await check(place, night=1))["found"]


async def test_the_kill_switch_stops_the_mending_and_not_the_looking(tmp_path: Path) -> None:
    async with billed(tmp_path) as place:
        await ask(place, "crm.item.delete", {"entityTypeId": 31, "id": invoice_of(place)["id"]})
        async with parts_at(place, NIGHT) as parts:
            with parts.store.write() as db:
                raise_flag(
                    db, parts.portal, Flag.KILL_SWITCH, reason="проба", who="test", at=parts.now()
                )
        report = await check(place)
        assert (report["exit_code"], report["state"]) == (4, "stopped")
        assert report["found"]["vanished"] == 1
        assert check_tasks(place) == []


async def test_a_named_check_is_made_once(tmp_path: Path) -> None:
    async with billed(tmp_path) as place:
        await ask(place, "crm.item.delete", {"entityTypeId": 31, "id": invoice_of(place)["id"]})
        first = await check(place, run=RunId("nightly-2026-12-11"))
        place.sandbox.portal.calls.clear()
        assert await check(place, run=RunId("nightly-2026-12-11")) == first
        assert list(place.sandbox.portal.calls) == []


async def test_the_commands(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=40) as place:
        await place.run()
        item = {"entityTypeId": 31, "id": invoice_of(place)["id"]}
        await ask(place, "crm.item.update", {**item, "fields": {"xmlId": "другой"}})
        # Two hours later: what was written a moment ago is not compared, lists may lag behind.
        later = str(float(place.env["STAVBILL_CLOCK_SINCE"]) - 2 * 3600 / SCALE)
        told = await command(place, "check", "--nightly", STAVBILL_CLOCK_SINCE=later)
        assert told.code == 0, told.err
        assert "внешний код изменён: 1" in told.out
        told = await command(place, "check", "--findings")
        assert "решает человек · Счёт" in told.out
        assert (await command(place, "check", "--findings", "--json")).document["open"]
        told = await command(place, "portal", "sync", "--json")
        assert told.document["mode"] == "full"
        told = await command(place, "portal", "sync", "--json")
        assert (told.document["mode"], told.document["invoices"]) == ("incremental", 0)
        assert "Изменилось: счетов 0" in (await command(place, "portal", "sync")).out
