"""Ctrl+C in the middle of a month: said in one line, nothing in doubt, the same command goes on."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from stavbill.app.build import open_parts
from stavbill.store.effects import Status, counts_by_status
from stavbill.store.runs import RunKind, unfinished_runs
from tests.end_to_end.driving import DAY, Installation, installed
from tests.end_to_end.people import command
from tests.end_to_end.test_killed import COMPANIES, start

MONTH = ("run", "month", "--as-of", DAY.isoformat(), "--yes")


async def interrupt_after(
    place: Installation, process: asyncio.subprocess.Process, calls: int
) -> tuple[str, str]:
    """Press Ctrl+C as soon as the portal has answered `calls` writes; return what is said."""
    saying = asyncio.ensure_future(process.communicate())
    while not saying.done():
        if len(place.writes()) >= calls:
            process.send_signal(signal.SIGINT)
            break
        await asyncio.sleep(0)
    out, err = await saying
    return out.decode(), err.decode()


@pytest.mark.parametrize("calls", [1, 60])
async def test_what_was_sent_is_settled_and_the_same_command_goes_on(
    tmp_path: Path, calls: int
) -> None:
    async with installed(tmp_path / "quiet", companies=COMPANIES) as quiet:
        await quiet.run()
        undisturbed = quiet.end_state()
    async with installed(tmp_path / "stopped", companies=COMPANIES) as place:
        process = await start(place)
        out, err = await interrupt_after(place, process, calls)
        assert process.returncode == 130
        assert "Traceback" not in out + err
        assert "Прервано. Записано " in err
        assert "продолжить: та же команда." in err
        async with open_parts(place.config, place.env) as parts:
            with parts.store.read() as db:
                open_runs = unfinished_runs(db, parts.portal)
                [run] = [known for known in open_runs if known.kind is RunKind.MONTH]
                counts = counts_by_status(db, run.run)
        assert not counts.get(Status.SENDING, 0)
        assert not counts.get(Status.DOUBT, 0)

        told = await command(place, *MONTH)
        assert told.code == 0, told.err
        earlier, _, own = told.out.partition("Закончен прерванный запуск:")[2].partition("\n\n")
        assert run.run in earlier
        assert "счёт: 0" not in earlier
        assert "счёт: 0" in own
        assert place.end_state() == undisturbed
