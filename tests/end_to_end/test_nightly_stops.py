"""The nightly check when writing has to stop, when it is killed, and when it is not believed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stavbill.errors import PortalError
from stavbill.operations.reading import learn_portal
from stavbill.operations.reconcile import reconcile
from stavbill.sandbox.portal.faults import Fault, Trouble
from stavbill.store.control import Flag, raised_flags
from stavbill.store.parking import parked_companies
from stavbill.store.runs import RunId, RunState, read_run, set_state
from tests.end_to_end.driving import Installation
from tests.end_to_end.people import ask, tasks
from tests.end_to_end.test_nightly import (
    NIGHT,
    billed,
    check,
    check_tasks,
    invoice_of,
    ours,
    parts_at,
)

# The webhook has lost its right to tasks: nothing of the kind can be sent until a person mends it.
NO_TASKS = Fault(
    Trouble.ERROR_BEFORE,
    rate=1.0,
    methods=("tasks.task.add",),
    status=401,
    code="insufficient_scope",
)


async def flags(place: Installation) -> list[Flag]:
    async with parts_at(place, NIGHT) as parts:
        with parts.store.read() as db:
            return [one.flag for one in raised_flags(db, parts.portal)]


async def copied(place: Installation, by: int | None = None) -> int:
    """Copy an invoice of ours with its key, as if we had written it twice; return its company.

    `by` names the person who copied it.
    """
    invoice = invoice_of(place)
    names = ("title", "companyId", "mycompanyId", "currencyId", "xmlId")
    fields = {name: invoice[name] for name in names}
    made = await ask(place, "crm.item.add", {"entityTypeId": 31, "fields": fields})
    if by is not None:
        table = place.sandbox.portal.state.invoices
        table.put(made["item"]["id"], table.records[made["item"]["id"]] | {"createdBy": by})
    return int(invoice["companyId"])


async def lose_key(place: Installation, number: int) -> None:
    item = {"entityTypeId": 31, "id": invoice_of(place, number)["id"]}
    await ask(place, "crm.item.update", {**item, "fields": {"xmlId": "другой"}})


# ------------------------------------------------------------------- a violation of our own making
async def test_a_violation_of_ours_is_told_and_nothing_else_is_written(tmp_path: Path) -> None:
    async with billed(tmp_path) as place:
        company = await copied(place)
        await lose_key(place, 3)
        report = await check(place)
        assert (report["exit_code"], report["state"]) == (4, "stopped")
        assert await flags(place) == [Flag.VIOLATION]
        assert len(tasks(place, company, "stavbill-parked")) == 1
        # The difference of the other company waits with everything else.
        assert report["found"]["key"] == 1
        assert check_tasks(place) == []


async def test_a_violation_that_cannot_be_told_stops_writing_all_the_same(tmp_path: Path) -> None:
    async with billed(tmp_path) as place:
        company = await copied(place)
        place.sandbox.portal.faults.switch(NO_TASKS)
        report = await check(place)
        assert report["exit_code"] == 4
        assert await flags(place) == [Flag.VIOLATION]
        assert tasks(place, company, "stavbill-parked") == []
        async with parts_at(place, NIGHT) as parts:
            with parts.store.read() as db:
                assert company in [one.company for one in parked_companies(db, parts.portal)]


async def test_a_duplicate_made_by_hand_parks_its_company_and_the_rest_goes_on(
    tmp_path: Path,
) -> None:
    async with billed(tmp_path) as place:
        company = await copied(place, by=7)
        await lose_key(place, 3)
        report = await check(place)
        assert (report["exit_code"], report["violation"], await flags(place)) == (0, "", [])
        assert [one["company"] for one in report["parked"]] == [company]
        assert len(tasks(place, company, "stavbill-parked")) == 1
        assert len(check_tasks(place)) == 1


# ------------------------------------------------------------------------------------ not believed
async def accepted(place: Installation, night: int) -> dict[str, Any]:
    async with parts_at(place, NIGHT + timedelta(days=night)) as parts:
        return await reconcile(parts, accept=True)


def billed_companies(place: Installation) -> list[int]:
    return sorted({int(invoice["companyId"]) for invoice in ours(place)})


async def test_many_companies_gone_at_once_are_a_lost_permission(tmp_path: Path) -> None:
    async with billed(tmp_path) as place:
        for company in billed_companies(place)[:10]:
            place.sandbox.portal.state.companies.remove(company)
        place.sandbox.portal.calls.clear()
        for night in (0, 1):
            report = await check(place, night)
            assert (report["exit_code"], report["state"]) == (3, "suspicious")
            assert "10 компаний" in report["stopped"]
            assert report["found"]["company_gone"] == 10
            assert place.writes() == []
        believed = await accepted(place, 2)
        assert (believed["exit_code"], believed["open"]["company_gone"]) == (0, 10)
        after = await check(place, 3)
        assert (after["exit_code"], after["new"]) == (0, 0)


async def test_a_company_that_is_gone_is_noted(tmp_path: Path) -> None:
    async with billed(tmp_path) as place:
        company = billed_companies(place)[0]
        place.sandbox.portal.state.companies.remove(company)
        place.sandbox.portal.calls.clear()
        report = await check(place)
        assert (report["found"]["company_gone"], report["exit_code"]) == (1, 0)
        assert place.writes() == []


async def test_many_invoices_gone_stop_the_check_until_somebody_says_it_is_true(
    tmp_path: Path,
) -> None:
    async with billed(tmp_path) as place:
        gone = ours(place)[: len(ours(place)) // 2]
        for invoice in gone:
            await ask(place, "crm.item.delete", {"entityTypeId": 31, "id": invoice["id"]})
        report = await check(place)
        assert (report["exit_code"], report["state"]) == (3, "suspicious")
        assert str(len(gone)) in report["stopped"]
        assert (place.writes(), report["parked"] == []) == ([], False)
        async with parts_at(place, NIGHT) as parts:
            with parts.store.read() as db:
                before = len(parked_companies(db, parts.portal))
        believed = await accepted(place, 1)
        assert believed["exit_code"] == 0
        assert len(believed["parked"]) == len({invoice["companyId"] for invoice in gone})
        async with parts_at(place, NIGHT) as parts:
            with parts.store.read() as db:
                parked = len(parked_companies(db, parts.portal))
        assert parked == before + len(believed["parked"])


async def test_a_moved_invoice_and_an_unknown_key_are_asked_about(tmp_path: Path) -> None:
    async with billed(tmp_path) as place:
        moved, copied_from = invoice_of(place, 0), invoice_of(place, 3)
        other = billed_companies(place)[-1]
        assert other != moved["companyId"]
        item = {"entityTypeId": 31, "id": moved["id"]}
        await ask(place, "crm.item.update", {**item, "fields": {"companyId": other}})
        names = ("title", "companyId", "mycompanyId", "currencyId")
        fields = {name: copied_from[name] for name in names}
        fields["xmlId"] = f"{copied_from['xmlId'].rpartition(':')[0]}:7"
        fields["title"] = "Счёт (Январь 2020)"
        report = await check(place)
        assert report["found"]["moved"] == 1
        told = str(check_tasks(place))
        assert f"перенесён в компанию {other}" in told
        made = await ask(place, "crm.item.add", {"entityTypeId": 31, "fields": fields})
        report = await check(place, 1)
        assert report["found"]["unknown_key"] == 1
        assert report["new"] > 0
        assert made["item"]["id"] is not None


# ------------------------------------------------------------------------------ killed and repeated
@pytest.mark.parametrize("finished", [False, True], ids=["repeated", "after others finished it"])
async def test_a_check_that_was_broken_off_is_gone_on_with(
    tmp_path: Path, *, finished: bool
) -> None:
    async with billed(tmp_path) as place:
        await lose_key(place, 0)
        run = RunId("nightly-2026-12-11")
        place.sandbox.portal.faults.switch(NO_TASKS)
        with pytest.raises(PortalError):
            await check(place, run=run)
        place.sandbox.portal.faults.switch()
        async with parts_at(place, NIGHT) as parts:
            with parts.store.read() as db:
                broken = read_run(db, run)
            assert broken is not None
            assert "exit_code" not in broken.totals
            if finished:
                await (await learn_portal(parts)).journal.resume()
            report = await reconcile(parts, run=run)
        assert (report["state"], report["exit_code"], report["tasks"]) == ("done", 0, 1)
        assert len(check_tasks(place)) == 1
        assert len(ours(place)) > 0


async def test_a_check_that_is_begun_again_forgets_what_it_saw_before(tmp_path: Path) -> None:
    async with billed(tmp_path) as place:
        invoice, run = invoice_of(place), RunId("nightly-2026-12-11")
        await lose_key(place, 0)
        place.sandbox.portal.faults.switch(NO_TASKS)
        with pytest.raises(PortalError):
            await check(place, run=run)
        place.sandbox.portal.faults.switch()
        # Killed while it still looked: its effects stand recorded, and nothing says apply.
        async with parts_at(place, NIGHT) as parts:
            with parts.store.write() as db:
                set_state(db, run, RunState.READING, at=parts.now())
        item = {"entityTypeId": 31, "id": invoice["id"]}
        await ask(place, "crm.item.update", {**item, "fields": {"xmlId": invoice["xmlId"]}})
        report = await check(place, run=run)
        assert (report["exit_code"], report["tasks"], "key" in report["found"]) == (0, 0, False)
        assert check_tasks(place) == []


async def test_hold_tasks_that_nobody_could_judge_are_named(tmp_path: Path) -> None:
    async with billed(tmp_path) as place:
        assert (await check(place))["uncounted"] == []
        assert len((await check(place, 3))["uncounted"]) > 0
