"""The database fails in the middle of a month: a clear error, nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stavbill.sandbox.portal.gate import Passage, Point
from tests.crash.conftest import Undisturbed
from tests.crash.place import COMPANIES, Scene, scene
from tests.crash.servers import fill, remount, restart, set_read_only, small_disk, stop
from tests.end_to_end.driving import installed
from tests.end_to_end.working import workers_of
from tests.postgres import PostgresMissingError, private_cluster
from tests.support.waiting import until

# The invoices are on their way, the rest of the month is not.
MIDDLE = 9
WORKERS_BILL = 120
AWAY_S = 3.0


@pytest.fixture
def server() -> Iterator[str]:
    """Start a PostgreSQL of this test's own."""
    try:
        with private_cluster() as url:
            yield url
    except PostgresMissingError as error:
        pytest.fail(str(error), pytrace=False)


def at_the_middle(made: Scene, act: Callable[[], object]) -> None:
    """Let something happen while the request at the middle of the month is on its way.

    The rest of that request does not run: the trouble may last longer than any portal takes.
    """

    async def guard(point: Point) -> Passage:
        if point.number == MIDDLE:
            # In a thread: the portal goes on answering others meanwhile.
            await asyncio.to_thread(act)
            return Passage.DROP
        return Passage.GO

    made.portal.gate.watch(guard)


async def finished(made: Scene, undisturbed: Undisturbed) -> None:
    made.portal.gate.watch(None)
    report = await made.place.run(companies=COMPANIES)
    assert report.exit_code == 0, report.document()
    assert made.end_state() == undisturbed.state
    assert (await made.place.run(companies=COMPANIES)).effects.total() == 0


async def test_a_server_that_is_restarted_in_the_middle(
    tmp_path: Path, undisturbed: Undisturbed, server: str
) -> None:
    async with scene(tmp_path, server) as made:
        restarted: list[str] = []

        def act() -> None:
            restart(server)
            restarted.append(server)

        at_the_middle(made, act)
        month = await made.month()
        if await month.ends(0, 2) != 0:
            assert "сервер базы недоступен" in month.output()
            assert "Traceback" not in month.output()
        assert restarted
        await finished(made, undisturbed)


async def test_a_server_that_takes_no_more_writes(
    tmp_path: Path, undisturbed: Undisturbed, server: str
) -> None:
    async with scene(tmp_path, server) as made:
        at_the_middle(made, lambda: set_read_only(server, on=True))
        month = await made.month()
        await month.ends(2)
        assert "запись запрещена" in month.output()
        assert "Traceback" not in month.output()
        set_read_only(server, on=False)
        await finished(made, undisturbed)


async def test_a_disk_that_becomes_full(tmp_path: Path, undisturbed: Undisturbed) -> None:
    with small_disk(tmp_path, 24) as disk:
        async with scene(tmp_path, f"sqlite:///{disk / 'stavbill.sqlite3'}") as made:
            at_the_middle(made, lambda: fill(disk))
            month = await made.month()
            await month.ends(2)
            assert "на диске не осталось места" in month.output()
            assert "Traceback" not in month.output()
            (disk / "filler").unlink()
            await finished(made, undisturbed)


async def test_a_disk_that_is_read_only(tmp_path: Path, undisturbed: Undisturbed) -> None:
    with small_disk(tmp_path, 24) as disk:
        async with scene(tmp_path, f"sqlite:///{disk / 'stavbill.sqlite3'}") as made:
            remount(disk, read_only=True)
            seen = len(made.place.writes())
            month = await made.month()
            await month.ends(2)
            # SQLite cannot even make the files that lie beside the database.
            assert "доступен для записи" in month.output()
            assert "Traceback" not in month.output()
            assert len(made.place.writes()) == seen
            remount(disk, read_only=False)
            await finished(made, undisturbed)


async def test_workers_outlive_a_restart_of_their_server(tmp_path: Path, server: str) -> None:
    """Nobody starts them again: they reconnect, settle what was on its way, and go on."""
    async with installed(tmp_path / "quiet", companies=WORKERS_BILL) as quiet:
        await quiet.run()
        state = quiet.end_state()
    async with (
        installed(tmp_path / "loud", companies=WORKERS_BILL) as place,
        workers_of(place, STAVBILL_DATABASE_URL=server) as workers,
    ):
        await workers.start()
        await workers.start()
        month = await workers.begin_month()
        await workers.after_calls(150)
        await asyncio.to_thread(restart, server)
        assert (await workers.ended(month))["state"] == "SUCCESS"
        assert [worker.returncode for worker in workers.processes] == [None, None]
        assert place.end_state() == state


async def test_workers_outlive_a_server_that_is_away_for_a_while(
    tmp_path: Path, server: str
) -> None:
    """Who waits for a child of a workflow meets the outage again and again, and waits on."""
    async with installed(tmp_path / "quiet", companies=WORKERS_BILL) as quiet:
        await quiet.run()
        state = quiet.end_state()
    async with (
        installed(tmp_path / "loud", companies=WORKERS_BILL) as place,
        workers_of(place, STAVBILL_DATABASE_URL=server) as workers,
    ):
        await workers.start()
        month = await workers.begin_month()
        portal = place.sandbox.portal
        # Now the month waits for those who write.
        await until(lambda: any(call.method == "crm.item.add" for call in portal.calls))
        await asyncio.to_thread(stop, server)
        await asyncio.sleep(AWAY_S)
        await asyncio.to_thread(restart, server)
        assert (await workers.ended(month))["state"] == "SUCCESS"
        assert [worker.returncode for worker in workers.processes] == [None]
        assert place.end_state() == state
