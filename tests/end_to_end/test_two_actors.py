"""Two actors at one company: the second sees what the first has done."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from datetime import timedelta
from pathlib import Path

from stavbill.app.build import open_parts
from stavbill.operations.report import RunReport
from stavbill.operations.rerun import RerunRequest, rerun_company
from stavbill.sandbox.wialon.faults import Fault, Trouble
from stavbill.store.runs import RunId, RunKind, RunState, read_run, set_state, start_run
from stavbill.store.unsettled import PLAN_LASTS
from tests.end_to_end.driving import DAY, SCALE, Installation, installed
from tests.end_to_end.working import workers_of
from tests.support.waiting import until

COMPANIES = 120
BILLED = 101


def keys(place: Installation) -> Counter[str]:
    """Return how many invoices of the company bear each key."""
    return Counter(
        str(item["xmlId"])
        for item in place.sandbox.portal.state.invoices
        if item["companyId"] == BILLED and str(item.get("xmlId", "")).startswith("stavbill:")
    )


async def rerun(place: Installation, run: str | None = None) -> RunReport:
    """Rerun the company as a process of its own would, with its own parts."""
    async with open_parts(place.config, place.env) as parts:
        name = None if run is None else RunId(run)
        return await rerun_company(parts, RerunRequest(company=BILLED, on=DAY, run=name))


async def test_two_operators_rerun_one_company_at_once(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=COMPANIES) as place:
        await rerun_first(place)
        reports = await asyncio.gather(*(rerun(place) for _ in range(3)))
        assert {report.exit_code for report in reports} == {0}
        assert {report.counts.waiting for report in reports} == {0}
        found = keys(place)
        assert found
        assert set(found.values()) == {1}


async def test_who_read_before_the_other_wrote_does_not_take_its_invoice_for_deleted(
    tmp_path: Path,
) -> None:
    async with installed(tmp_path, companies=COMPANIES) as place:
        await rerun_first(place)
        slow_wialon(place)
        first = asyncio.create_task(rerun(place))
        await waits_for_wialon(place)
        second = await rerun(place)
        assert second.parked == []
        assert not first.done()
        report = await first
        assert report.parked == []
        assert report.exit_code == 0
        assert set(keys(place).values()) == {1}


async def test_a_month_that_read_before_a_rerun_wrote_parks_nobody(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=COMPANIES) as place:
        await rerun_first(place)
        slow_wialon(place)
        month = asyncio.create_task(place.run())
        await waits_for_wialon(place)
        assert (await rerun(place)).parked == []
        assert not month.done()
        report = await month
        assert [one for one in report.parked if one["company"] == BILLED] == []
        assert report.counts.waiting == 1
        assert set(keys(place).values()) == {1}


def slow_wialon(place: Installation) -> None:
    """Let whoever asks Wialon next wait there, having read the portal before."""
    for host in place.sandbox.wialon.values():
        host.faults.add(Fault(Trouble.SLOW, number=15.0 * SCALE))


async def waits_for_wialon(place: Installation) -> None:
    """Wait until somebody waits there; nobody else will."""
    hosts = place.sandbox.wialon.values()
    await until(lambda: any(not host.faults.waiting for host in hosts))
    for host in hosts:
        host.faults.clear()


async def rerun_first(place: Installation) -> None:
    """Read the portal once, so that the reruns need not; nothing is written."""
    await place.run(dry_run=True)


async def test_a_repeated_request_is_the_same_run(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=COMPANIES) as place:
        first = await rerun(place, "rerun-once")
        written = len(place.writes())
        second = await rerun(place, "rerun-once")
        assert first.run == second.run
        assert first.outcomes == second.outcomes
        assert len(place.writes()) == written
        assert first.company is not None
        assert second.company == first.company


async def test_a_rerun_in_the_middle_of_the_month_waits_for_what_was_begun(
    tmp_path: Path,
) -> None:
    async with installed(tmp_path, companies=COMPANIES) as place, workers_of(place) as workers:
        worker = await workers.start()
        month = await workers.begin_month()
        await workers.after_calls(150)
        await workers.pause(worker)
        async with open_parts(place.config, workers.env) as parts:
            report = await rerun_company(parts, RerunRequest(company=BILLED, on=DAY))
        assert report.counts.waiting == 0
        assert report.exit_code == 0
        worker.send_signal(signal.SIGCONT)
        assert (await workers.ended(month))["state"] == "SUCCESS"
        assert set(keys(place).values()) == {1}


async def test_a_plan_that_lay_about_for_hours_is_not_sent(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=COMPANIES) as place:
        await place.run(dry_run=True)
        async with open_parts(place.config, place.env) as parts:
            old = RunId("old")
            with parts.store.write() as db:
                began = parts.now() - PLAN_LASTS - timedelta(minutes=1)
                start_run(
                    db, old, portal=parts.portal, kind=RunKind.MONTH, on=DAY, dry_run=False,
                    at=began,
                )  # fmt: skip
                set_state(db, old, RunState.APPLYING, at=began)
        report = await place.run()
        assert report.exit_code == 0
        async with open_parts(place.config, place.env) as parts:
            with parts.store.read() as db:
                known = read_run(db, old)
        assert known is not None
        assert (known.state, known.detail) == (RunState.STOPPED, "план устарел")
