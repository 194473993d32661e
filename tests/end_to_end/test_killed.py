"""`kill -9` in the middle of a month, and the same end state as one undisturbed run."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from stavbill.sandbox.portal.portal import Portal
from tests.end_to_end.driving import DAY, Installation, installed

COMPANIES = 120


async def start(place: Installation) -> asyncio.subprocess.Process:
    """Start the month as a process of its own."""
    program = "from stavbill.cli.main import main; main()"
    words = ["--config", str(place.config), "run", "month", "--as-of", DAY.isoformat()]
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        *words,
        "--yes",
        "--json",
        env={**os.environ, **place.env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def kill_after_writes(portal: Portal, process: asyncio.subprocess.Process, n: int) -> None:
    """Kill the process as soon as the portal has seen `n` writing batches."""
    while process.returncode is None:
        batches = [
            call
            for call in portal.calls
            if call.in_batch and call.method.endswith((".add", ".set"))
        ]
        if len(batches) >= n:
            process.send_signal(signal.SIGKILL)
            break
        await asyncio.sleep(0)
    await process.wait()


@pytest.mark.parametrize("writes", [1, 60, 180])
async def test_a_killed_month_is_finished_by_the_next_run(tmp_path: Path, writes: int) -> None:
    async with installed(tmp_path / "quiet", companies=COMPANIES) as quiet:
        await quiet.run()
        undisturbed = quiet.end_state()
    async with installed(tmp_path / "killed", companies=COMPANIES) as place:
        process = await start(place)
        await kill_after_writes(place.sandbox.portal, process, writes)
        report = await place.run()
        assert report.exit_code == 0
        assert place.end_state() == undisturbed
        assert (await place.run()).effects.total() == 0
