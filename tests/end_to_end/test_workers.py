"""Workers as real processes: killed, paused, doubled, told to end; one end state."""

from __future__ import annotations

import asyncio
import signal
from functools import partial
from pathlib import Path

import pytest

from stavbill.app.build import open_parts
from stavbill.errors import WritingStoppedError
from stavbill.operations.naming import run_of_rerun
from stavbill.operations.rerun import RerunRequest, rerun_company
from tests.end_to_end.driving import DAY, installed
from tests.end_to_end.people import edit_card, invoices
from tests.end_to_end.working import Workers, workers_of
from tests.support.waiting import polled, until

COMPANIES = 120
# The portal has seen the lists by then, and the writing goes on for some time.
IN_THE_MIDDLE = 150
WRITTEN_SOME = 20
HELD = 105


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Return the end state of a month that one command billed in peace."""

    async def quiet() -> dict[str, object]:
        async with installed(tmp_path_factory.mktemp("quiet"), companies=COMPANIES) as place:
            await place.run()
            return place.end_state()

    return asyncio.run(quiet())


async def test_two_workers_share_a_month_that_is_asked_for_twice(
    tmp_path: Path, undisturbed: dict[str, object]
) -> None:
    async with installed(tmp_path, companies=COMPANIES) as place, workers_of(place) as workers:
        await workers.start()
        await workers.start()
        first, second = await workers.begin_month(), await workers.begin_month()
        assert first == second
        found = await workers.ended(first)
        assert found["result"]["state"] == "done"
        assert place.end_state() == undisturbed
        seen = len(place.writes())
        await workers.begin_month()
        assert len(place.writes()) == seen


@pytest.mark.parametrize("calls", [40, IN_THE_MIDDLE, 320])
async def test_a_killed_workers_month_is_finished_by_the_other(
    tmp_path: Path, undisturbed: dict[str, object], calls: int
) -> None:
    async with installed(tmp_path, companies=COMPANIES) as place, workers_of(place) as workers:
        doomed = await workers.start()
        month = await workers.begin_month()
        await workers.after_calls(calls)
        doomed.send_signal(signal.SIGKILL)
        await workers.start()
        found = await workers.ended(month)
        assert found["state"] == "SUCCESS"
        assert place.end_state() == undisturbed


async def looks_at_the_flag(workers: Workers, month: str, times: int) -> None:
    """Wait until a month has looked so often whether it may write again."""
    await polled(
        partial(workers.ask, "ops", "show", month),
        lambda found: sum(step["name"] == "flags_step" for step in found["steps"]) >= times,
    )


async def test_a_paused_worker_wakes_up_and_writes_nothing_again(
    tmp_path: Path, undisturbed: dict[str, object]
) -> None:
    async with installed(tmp_path, companies=COMPANIES) as place, workers_of(place) as workers:
        paused = await workers.start()
        month = await workers.begin_month()
        await workers.after_calls(IN_THE_MIDDLE)
        await workers.pause(paused)
        await workers.start()
        assert (await workers.ended(month))["state"] == "SUCCESS"
        paused.send_signal(signal.SIGCONT)
        await workers.are_seen()
        assert place.end_state() == undisturbed
        found = (await workers.ask("ops", "workers"))["workers"]
        assert [known["ended"] for known in found] == [None, None]


async def test_a_worker_that_is_told_to_end_lets_the_next_one_go_on(
    tmp_path: Path, undisturbed: dict[str, object]
) -> None:
    async with installed(tmp_path, companies=COMPANIES) as place, workers_of(place) as workers:
        leaving = await workers.start()
        month = await workers.begin_month()
        await workers.after_calls(IN_THE_MIDDLE)
        leaving.send_signal(signal.SIGTERM)
        assert await leaving.wait() == 0
        await workers.start()
        assert (await workers.ended(month))["state"] == "SUCCESS"
        assert place.end_state() == undisturbed


async def test_a_cancelled_month_sends_nothing_more_and_can_be_taken_up_again(
    tmp_path: Path, undisturbed: dict[str, object]
) -> None:
    async with installed(tmp_path, companies=COMPANIES) as place, workers_of(place) as workers:
        worker = await workers.start()
        month = await workers.begin_month()
        await workers.after_calls(IN_THE_MIDDLE)
        # Stopped, so that the month is not over before the operator has said his word.
        await workers.pause(worker)
        await workers.ask("ops", "cancel", month)
        worker.send_signal(signal.SIGCONT)
        assert (await workers.ended(month))["state"] == "CANCELLED"
        report = await place.run()
        assert report.exit_code == 0
        assert report.outcomes["done"] > 0
        assert place.end_state() == undisturbed


async def test_a_cancelled_month_is_finished_by_retry(
    tmp_path: Path, undisturbed: dict[str, object]
) -> None:
    async with installed(tmp_path, companies=COMPANIES) as place, workers_of(place) as workers:
        worker = await workers.start()
        month = await workers.begin_month()
        await until(lambda: len(place.writes()) >= WRITTEN_SOME)
        await workers.pause(worker)
        await workers.ask("ops", "cancel", month)
        worker.send_signal(signal.SIGCONT)
        assert (await workers.ended(month))["state"] == "CANCELLED"
        asked = await workers.ask("ops", "month", "--as-of", DAY.isoformat(), "--yes")
        assert (asked["operation"], asked["new"], asked["state"]) == (month, False, "CANCELLED")
        assert (await workers.ask("ops", "retry", month))["operation"] == month
        found = await workers.ended(month)
        assert (found["state"], found["result"]["state"]) == ("SUCCESS", "done")
        assert place.end_state() == undisturbed


async def test_a_month_with_a_cancelled_sharer_is_finished_by_retry(
    tmp_path: Path, undisturbed: dict[str, object]
) -> None:
    async with installed(tmp_path, companies=COMPANIES) as place, workers_of(place) as workers:
        worker = await workers.start()
        month = await workers.begin_month()
        await until(lambda: len(place.writes()) >= WRITTEN_SOME)
        await workers.pause(worker)
        await workers.ask("ops", "cancel", f"{month}:apply:1")
        worker.send_signal(signal.SIGCONT)
        assert (await workers.ended(month))["state"] in {"ERROR", "CANCELLED"}
        await workers.ask("ops", "retry", month)
        found = await workers.ended(month)
        assert (found["state"], found["result"]["state"]) == ("SUCCESS", "done")
        assert place.end_state() == undisturbed


async def test_a_rerun_by_the_workers_is_one_under_its_name_stopped_by_cancel_and_taken_up(
    tmp_path: Path,
) -> None:
    async with installed(tmp_path, companies=20) as place, workers_of(place) as workers:
        await place.run()
        await edit_card(place, HELD, tariff="4*490")
        worker = await workers.start()
        await workers.pause(worker)
        words = ("ops", "rerun", str(HELD), "--request", "ticket-15")
        first, second = [await workers.ask(*words) for _ in range(2)]
        assert first["operation"] == second["operation"]
        assert first["operation"].startswith("rerun:")
        assert (first["new"], second["new"]) == (True, False)
        await workers.ask("ops", "cancel", first["operation"])
        worker.send_signal(signal.SIGCONT)
        assert (await workers.ended(first["operation"]))["state"] == "CANCELLED"
        assert invoices(place, HELD) == []
        # Whatever was in the middle of it finds its run stopped, before it had begun.
        async with open_parts(place.config, place.env) as parts:
            with pytest.raises(WritingStoppedError, match="отменён"):
                await rerun_company(
                    parts, RerunRequest(company=HELD, run=run_of_rerun(HELD, "ticket-15"))
                )
        assert invoices(place, HELD) == []
        await workers.ask("ops", "retry", first["operation"])
        assert (await workers.ended(first["operation"]))["result"]["state"] == "done"
        assert len(invoices(place, HELD)) == 1


async def test_two_workers_on_postgresql_one_of_them_killed(
    tmp_path: Path, undisturbed: dict[str, object], postgres_database: str
) -> None:
    async with (
        installed(tmp_path, companies=COMPANIES) as place,
        workers_of(place, STAVBILL_DATABASE_URL=postgres_database) as workers,
    ):
        doomed = await workers.start()
        await workers.start()
        month = await workers.begin_month()
        await workers.after_calls(IN_THE_MIDDLE)
        doomed.send_signal(signal.SIGKILL)
        assert (await workers.ended(month))["state"] == "SUCCESS"
        assert place.end_state() == undisturbed


async def test_a_stopped_month_goes_on_by_itself_when_writing_is_allowed_again(
    tmp_path: Path, undisturbed: dict[str, object]
) -> None:
    async with installed(tmp_path, companies=COMPANIES) as place, workers_of(place) as workers:
        worker = await workers.start()
        month = await workers.begin_month()
        await workers.after_calls(IN_THE_MIDDLE)
        await workers.pause(worker)
        await workers.ask("stop", "--reason", "проверяем реквизиты")
        worker.send_signal(signal.SIGCONT)
        # What was on its way when the flag went up is answered: the month only looks at the flag.
        await looks_at_the_flag(workers, month, 1)
        written = len(place.writes())
        await looks_at_the_flag(workers, month, 3)
        assert len(place.writes()) == written
        await workers.ask("go")
        assert (await workers.ended(month))["result"]["state"] == "done"
        assert len(place.writes()) > written
        assert place.end_state() == undisturbed
