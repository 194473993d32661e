"""People on the portal hear of runs: a task while one waits, a message when one is done; once."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path

from stavbill.app.build import open_parts
from stavbill.app.engine import engine_of
from stavbill.operations.month import run_month
from stavbill.operations.month_steps import MonthRequest
from stavbill.operations.reporting import tell_runs
from stavbill.plan.run_texts import RUN_TAG
from stavbill.sandbox.portal.faults import Fault, Trouble
from stavbill.workflows.engine import open_client
from stavbill.workflows.starting import ask_for_month
from tests.end_to_end.driving import DAY, Installation, installed
from tests.end_to_end.people import command, edit_card, invoices
from tests.end_to_end.working import Workers, workers_of

COMPANIES = 40
COMPLETED = 5
CHAT = "chat1"
NEXT_MONTH = date(2027, 1, 11)


def post_reports(place: Installation, *dialogs: str) -> None:
    with place.config.open("a", encoding="utf-8") as toml:
        toml.write(f"\n[reports]\ndialogs = {list(dialogs)!r}\n".replace("'", '"'))


def messages(place: Installation) -> list[tuple[str, str]]:
    return [(str(one["dialog"]), str(one["text"])) for one in place.sandbox.portal.state.messages]


def run_tasks(place: Installation) -> list[tuple[str, str, bool]]:
    """Return title, description and whether it is completed of every task about a run."""
    tasks = place.sandbox.portal.state.tasks
    return [
        (str(one["TITLE"]), str(one["DESCRIPTION"]), one["STATUS"] == COMPLETED)
        for one in tasks
        if RUN_TAG in (one.get("TAGS") or [])
    ]


async def tell(place: Installation) -> int:
    async with open_parts(place.config, place.env) as parts:
        return await tell_runs(parts)


def begin_by_schedule(workers: Workers, on: date) -> str:
    """Begin a day's month as the schedule does: nobody is there to say yes."""
    place = workers.place
    request = MonthRequest(on=on, unattended=True)
    with open_client(engine_of(place.config, workers.env)) as client:
        portal = place.sandbox.webhook.split("/")[2]
        return ask_for_month(client, portal, on.isoformat(), request)


async def test_the_first_scheduled_month_waits_and_says_so_on_the_portal(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=COMPANIES) as place:
        post_reports(place, CHAT)
        async with workers_of(place) as workers:
            await workers.start()
            run = begin_by_schedule(workers, DAY)
            ended = await workers.ended(run)
            assert ended["result"]["state"] == "waiting_approval"
            ((title, text, completed),) = run_tasks(place)
            assert title == "Биллинг: прогон за январь 2027 ждёт подтверждения"
            assert f"Номер плана: {run}." in text
            assert "stavbill " not in text
            status = await command(place, "status")
            assert f"применить: stavbill run apply {run} --yes\n" in status.out
            assert not completed
            assert messages(place) == []

            # A person does what the task says; the next scheduled month goes by itself.
            applied = await command(place, "run", "apply", run, "--yes", "--json")
            assert applied.code == 0, applied.err
            ((_, _, completed),) = run_tasks(place)
            assert completed
            ((dialog, told),) = messages(place)
            assert dialog == CHAT
            assert "прогон за январь 2027 от 10.12.2026 закончен" in told
            again = await workers.ended(begin_by_schedule(workers, NEXT_MONTH))
            assert again["result"]["state"] == "done"
            assert len(messages(place)) == 2
            assert len(run_tasks(place)) == 1


async def test_a_month_outside_the_band_waits_with_what_deviates(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=60) as place:
        await place.run()
        billed = [id_ for id_ in range(101, 161) if invoices(place, id_)]
        for company in billed[: len(billed) // 2]:
            await edit_card(place, company, skip=True)
        async with workers_of(place) as workers:
            await workers.start()
            run = begin_by_schedule(workers, NEXT_MONTH)
            assert (await workers.ended(run))["result"]["state"] == "waiting_approval"
        ((_, text, _),) = run_tasks(place)
        assert "слишком отличается" in text
        status = await command(place, "status")
        assert f"применить: stavbill run apply {run} --accept-band\n" in status.out
        assert "компаний было" in text

        cancelled = await command(place, "ops", "cancel", run, "--json")
        assert cancelled.document == {"cancelled": [run]}
        assert await tell(place) == 1
        ((_, _, completed),) = run_tasks(place)
        assert completed
        assert await tell(place) == 0


async def test_a_run_left_at_the_prompt_is_shown_later_and_replaced_by_the_next(
    tmp_path: Path,
) -> None:
    async with installed(tmp_path, companies=20) as place:
        assert (await command(place, "run", "month", "--as-of", DAY.isoformat())).code == 3
        assert run_tasks(place) == []
        assert await tell(place) == 1
        assert await tell(place) == 0
        assert (await command(place, "run", "month", "--as-of", DAY.isoformat())).code == 3
        # The new one gets a task, the old one's is completed.
        assert await tell(place) == 2
        assert sorted(completed for _, _, completed in run_tasks(place)) == [False, True]


async def test_a_report_stands_once_though_answers_are_lost(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        await place.run()
        post_reports(place, CHAT, "1")
        faults = [Fault(Trouble.LOST_AFTER, methods=("im.message.add",), nth=(1,))]
        place.sandbox.portal.faults.switch(*faults, seed=7)
        assert await tell(place) == 2
        place.sandbox.portal.faults.switch(seed=7)
        async with open_parts(place.config, place.env) as parts:
            await parts.clock.sleep(100)
        # The next run finishes what is in doubt, as it does with everything.
        await place.run()
        assert sorted(dialog for dialog, _ in messages(place)) == ["1", CHAT]
        assert await tell(place) == 0


async def test_a_chat_that_is_not_there_or_not_allowed_hinders_no_month(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        post_reports(place, "chat77", "task99999", CHAT)
        report = await place.run()
        assert (report.state, report.exit_code) == ("done", 0)
        assert [dialog for dialog, _ in messages(place)] == [CHAT]
        assert await tell(place) == 0


async def test_without_the_permission_the_month_is_done_and_the_report_comes_later(
    tmp_path: Path,
) -> None:
    async with installed(tmp_path, companies=20) as place:
        post_reports(place, CHAT)
        portal = place.sandbox.portal
        refuse = Fault(
            Trouble.ERROR_BEFORE,
            rate=1.0,
            methods=("im.message.add",),
            status=401,
            code="insufficient_scope",
        )
        portal.faults.switch(refuse, seed=7)
        again = MonthRequest(on=place.day, yes=True)
        # One process, as a worker is: it asks about its own doubts.
        async with place.parts() as parts:
            assert (await run_month(parts, again)).exit_code == 0
            assert messages(place) == []
            # Nobody waits for a report: another month begins.
            assert (await run_month(parts, again)).exit_code == 0
            portal.faults.switch(seed=7)
            await parts.clock.sleep(100)
            # What was declined as a whole is asked about first, as everything in doubt is.
            assert (await run_month(parts, again)).exit_code == 0
        assert len(messages(place)) == 1
        assert await tell(place) == 0


async def test_nobody_is_told_of_a_dry_run_or_when_tasks_are_switched_off(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        await place.run(dry_run=True)
        assert await tell(place) == 0
        with place.config.open("a", encoding="utf-8") as toml:
            toml.write("\n[reports]\nwaiting_task = false\n")
        await place.run(yes=False)
        assert await tell(place) == 0
        assert run_tasks(place) == []


async def test_a_chat_that_answers_no_more_holds_up_no_month(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        post_reports(place, CHAT)
        lost = Fault(Trouble.LOST_AFTER, methods=("im.message.add",), nth=(1,))
        closed = Fault(
            Trouble.REFUSED,
            rate=1.0,
            methods=("im.dialog.messages.get",),
            status=403,
            code="ACCESS_DENIED",
        )
        place.sandbox.portal.faults.switch(lost, closed)
        await place.run()
        async with asyncio.timeout(60):
            report = await place.run()
        assert report.exit_code == 0
        assert report.effects.total() == 0
        assert len(messages(place)) == 1
        place.sandbox.portal.faults.switch()
        async with asyncio.timeout(60):
            await place.run()
        assert len(messages(place)) == 1
