"""Workers in processes of their own beside a sandbox, and what can be seen of them from outside."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dbos import DBOSClient

from benchmarks.served import DAY, STAVBILL, Served
from stavbill.workflows.engine import open_client
from stavbill.workflows.inspect import show

PATIENCE_S = 600.0
NO_SCHEDULES = '\n[worker]\nmonth = ""\nsync = ""\nnightly = ""\nsend = ""\ntidy = ""\n'
ENDED = frozenset({"SUCCESS", "ERROR"})


@contextmanager
def workers(sandbox: Served, number: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run workers without schedules until the block ends; they begin one after the other."""
    text = sandbox.config.read_text(encoding="utf-8")
    if "[worker]" not in text:
        sandbox.config.write_text(text + NO_SCHEDULES, encoding="utf-8")
    found = []
    for _ in range(number):
        ready = sandbox.folder / f"worker-{time.monotonic_ns()}"
        words = [STAVBILL, "--config", str(sandbox.config), "worker", "--ready-file", str(ready)]
        with (sandbox.folder / f"{ready.name}.log").open("wb") as log:
            env = environment(sandbox)
            found.append(subprocess.Popen(words, env=env, stdout=log, stderr=log))
        wait_until(ready.exists)
    try:
        yield found
    finally:
        for process in found:
            process.kill()
            process.wait()


def environment(sandbox: Served) -> dict[str, str]:
    """Return what a worker's process is started with."""
    return {
        **os.environ,
        **sandbox.ready["environment"],
        "STAVBILL_CLOCK_SCALE": str(sandbox.scale),
        "STAVBILL_CLOCK_SINCE": str(since(sandbox)),
    }


def since(sandbox: Served) -> float:
    """Return the Unix time at which all clocks of this installation showed the true time."""
    return (sandbox.folder / "ready.json").stat().st_mtime


def begin_month(sandbox: Served) -> str:
    """Ask the workers for the month; return the operation."""
    asked = sandbox.stavbill("ops", "month", "--as-of", DAY, "--yes")
    return str(asked.document["operation"])


def wait_for_end(sandbox: Served, operation: str, patience_s: float = PATIENCE_S) -> str:
    """Wait for an operation's end, asking seldom: whoever measures must not work himself."""
    with client_of(sandbox) as client:
        wait_until(
            lambda: show(client, operation)[0].state in ENDED, every_s=0.5, patience_s=patience_s
        )
        return show(client, operation)[0].state


def seconds_of_steps(sandbox: Served, operation: str) -> float:
    """Return how many seconds a workflow's steps took, with everything between them."""
    with client_of(sandbox) as client:
        steps = client.list_workflow_steps(operation)
    began = min(step["started_at_epoch_ms"] or 0 for step in steps)
    return (max(step["completed_at_epoch_ms"] or 0 for step in steps) - began) / 1000


@contextmanager
def client_of(sandbox: Served) -> Iterator[DBOSClient]:
    """Look at the engine of an installation until the block ends."""
    with open_client(f"sqlite:///{sandbox.folder}/stavbill-engine.sqlite3") as client:
        yield client


def wait_until(
    true: Callable[[], bool], *, every_s: float = 0.02, patience_s: float = PATIENCE_S
) -> float:
    """Wait until something is so, and return the Unix time at which it was."""
    deadline = time.monotonic() + patience_s
    while not true():
        if time.monotonic() > deadline:
            msg = "what was waited for did not come"
            raise TimeoutError(msg)
        time.sleep(every_s)
    return time.time()
