"""Posts of robots under load: how long an answer takes, and whether a killed process loses any.

The application runs in a process of its own over SQLite, every answer after its commit; the load is
even, 200 a second, whatever the answers take. Then the process is killed in the middle, and every
post that was answered has to stand in the store.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from benchmarks.figures import Figure
from benchmarks.served import STAVBILL
from stavbill.store.inbox import read_post
from stavbill.store.schema import open_store

PER_SECOND, SECONDS = 200, 15.0
LIMIT_MS, STARTING_S = 50.0, 30.0
PORTAL = "portal.example"
TOKEN = "benchmark"  # noqa: S105  of a process that lives for seconds
TOML = f'[portal]\nurl = "https://{PORTAL}"\n'


@dataclass(slots=True)
class Load:
    """What was answered: seconds each took, and the events' names."""

    seconds: list[float] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    failed: int = 0


def figures() -> Iterator[Figure]:
    """Load, measure, kill and look."""
    with tempfile.TemporaryDirectory(prefix="stavbill-bench-") as name:
        folder = Path(name)
        with _web(folder) as (_, url):
            load = asyncio.run(_post(url, SECONDS))
        yield Figure("webhook_p99", _quantile(load, 0.99) * 1000, "ms", LIMIT_MS, at_least=False)
        yield Figure("webhook_p50", _quantile(load, 0.50) * 1000, "ms", None)
        yield Figure("webhook_refused", load.failed, "posts", 0, at_least=False)
        with _web(folder) as (process, url):
            killed = asyncio.run(_post(url, SECONDS / 3, kill=process, first=1_000_000))
        yield Figure("webhook_answered_before_kill", len(killed.events), "posts", None)
        yield Figure("webhook_lost", _lost(folder, killed), "posts", 0, at_least=False)


@contextmanager
def _web(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    (folder / "stavbill.toml").write_text(TOML, encoding="utf-8")
    ready = folder / f"web-{time.monotonic_ns()}"
    words = ["--config", str(folder / "stavbill.toml"), "web", "--port", "0"]
    process = subprocess.Popen(
        [STAVBILL, *words, "--ready-file", str(ready)],
        env={**os.environ, "STAVBILL_API_TOKEN": TOKEN},
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + STARTING_S
        while not ready.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        yield process, ready.read_text(encoding="utf-8")
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


async def _post(
    url: str, seconds: float, *, kill: subprocess.Popen[bytes] | None = None, first: int = 1
) -> Load:
    """Post evenly, of companies from `first` on; with `kill` the process is killed in between."""
    load = Load()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession(url, headers=headers) as client:
        began = time.monotonic()
        tasks = []
        for number in range(int(seconds * PER_SECOND)):
            await asyncio.sleep(max(began + number / PER_SECOND - time.monotonic(), 0))
            if kill is not None and number == int(seconds * PER_SECOND / 2):
                kill.send_signal(signal.SIGKILL)
            tasks.append(asyncio.ensure_future(_one(client, first + number, load)))
        await asyncio.gather(*tasks)
    return load


async def _one(client: aiohttp.ClientSession, company: int, load: Load) -> None:
    began = time.monotonic()
    try:
        async with client.post("/api/v1/company-changed", json={"company": company}) as answer:
            document = await answer.json()
    except aiohttp.ClientError:
        load.failed += 1
        return
    load.seconds.append(time.monotonic() - began)
    load.events.append(str(document["event"]))


def _quantile(load: Load, share: float) -> float:
    ordered = sorted(load.seconds)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def _lost(folder: Path, load: Load) -> int:
    with (
        closing(open_store(f"sqlite:///{folder}/stavbill.sqlite3")) as store,
        store.read() as db,
    ):
        return sum(read_post(db, PORTAL, event) is None for event in load.events)
