"""Workers as real processes on an installation, and what the operator sees of them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.end_to_end.driving import DAY, Installation
from tests.support.stopping import stop_outside_transactions
from tests.support.waiting import polled, until

PROGRAM = "from stavbill.cli.main import main; main()"
NO_SCHEDULES = '\n[worker]\nmonth = ""\nsync = ""\nnightly = ""\nsend = ""\ntidy = ""\n'


@dataclass(slots=True)
class Workers:
    """Some workers of one installation, on one scaled clock."""

    place: Installation
    env: dict[str, str]
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)

    async def start(self) -> asyncio.subprocess.Process:
        """Start one more worker and wait until it works."""
        ready = self.place.config.parent / f"ready-{len(self.processes)}"
        process = await self._run("worker", "--ready-file", str(ready), pipe=False)
        self.processes.append(process)
        await until(lambda: ready.exists() or process.returncode is not None)
        assert process.returncode is None
        return process

    async def pause(self, process: asyncio.subprocess.Process) -> None:
        """Stop a worker where it stands, but not inside a transaction of SQLite.

        There it would hold the only writer's lock, and nobody could take anything over.
        """
        url = self.place.env.get("STAVBILL_DATABASE_URL", "")
        folder = self.place.config.parent
        files = (folder / "stavbill.sqlite3", folder / "stavbill-engine.sqlite3")
        kept = () if url.startswith("postgresql") else files
        await asyncio.to_thread(stop_outside_transactions, process.pid, kept)

    async def serve_web(self) -> str:
        """Start the web process and return its address."""
        ready = self.place.config.parent / "web-address"
        words = ("web", "--port", "0", "--ready-file", str(ready))
        process = await self._run(*words, pipe=False)
        self.processes.append(process)
        await until(lambda: ready.exists() or process.returncode is not None)
        assert process.returncode is None
        return ready.read_text(encoding="utf-8")

    async def ask(self, *words: str) -> dict[str, Any]:
        """Run a command with --json and return its document."""
        process = await self._run(*words, "--json", pipe=True)
        out, err = await process.communicate()
        assert out, err.decode()
        document: dict[str, Any] = json.loads(out)
        return document

    async def begin_month(self) -> str:
        """Ask the workers for the month; return the operation."""
        asked = await self.ask("ops", "month", "--as-of", DAY.isoformat(), "--yes")
        return str(asked["operation"])

    async def ended(self, operation: str) -> dict[str, Any]:
        """Wait until an operation has ended, and return it."""
        ends = {"SUCCESS", "ERROR", "CANCELLED"}
        asked = partial(self.ask, "ops", "show", operation)
        return await polled(asked, lambda found: found["state"] in ends)

    async def are_seen(self) -> None:
        """Wait until every worker has told twice more that it lives, having looked around."""

        async def seen() -> dict[str, str]:
            found = (await self.ask("ops", "workers"))["workers"]
            return {known["owner"]: known["seen"] for known in found}

        for _ in range(2):
            await polled(seen, partial(_moved, await seen()))

    async def after_calls(self, number: int) -> None:
        """Wait until the portal has seen so many calls."""
        await until(lambda: len(self.place.sandbox.portal.calls) >= number)

    async def _run(self, *words: str, pipe: bool) -> asyncio.subprocess.Process:
        where = asyncio.subprocess.PIPE if pipe else asyncio.subprocess.DEVNULL
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            PROGRAM,
            "--config",
            str(self.place.config),
            *words,
            env={**os.environ, **self.env},
            stdout=where,
            stderr=where,
        )


def _moved(before: dict[str, str], now: dict[str, str]) -> bool:
    return all(now[owner] > earlier for owner, earlier in before.items())


@asynccontextmanager
async def workers_of(place: Installation, **env: str) -> AsyncIterator[Workers]:
    """Give workers on an installation; whoever lives at the end is killed."""
    with place.config.open("a", encoding="utf-8") as toml:
        toml.write(NO_SCHEDULES)
    workers = Workers(place, {**place.env, **env})
    try:
        yield workers
    finally:
        for process in workers.processes:
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
                await process.wait()
