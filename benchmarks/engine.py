"""The engine: what its bookkeeping costs, and how soon a worker's work is gone on with.

Two installations bill the same world without limits, one by a command, one by a worker; the
difference is the engine's. Then a worker is stopped as if its machine were gone (SIGSTOP: a killed
one on the same machine would be noticed at once), and the clock says when another has its
workflow, and when what it had in flight is settled.

Source: engine page, rules 1 and 2.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

from dbos import DBOSClient
from sqlalchemy import select

from benchmarks.figures import Figure
from benchmarks.served import DAY, STAVBILL, Served, served
from stavbill.store.database import Store
from stavbill.store.effects import Status
from stavbill.store.schema import open_store
from stavbill.store.tables import effects
from stavbill.store.workers import all_workers
from stavbill.workflows.engine import open_client
from stavbill.workflows.inspect import show
from stavbill.workflows.limits import DEAD_AFTER_S
from tests.support.stopping import stop_outside_transactions

COMPANIES = 6_000
STOPPED_COMPANIES, SCALE = 1_000, 10.0
OVERHEAD, GOES_ON_S, SETTLED_S = 1.10, 15.0, 90.0
PATIENCE_S = 600.0
NEVER = '\n[worker]\nmonth = ""\nsync = ""\nnightly = ""\nsend = ""\ntidy = ""\n'


def figures() -> Iterator[Figure]:
    """Measure both and yield the figures."""
    yield from _overhead()
    yield from _takeover()


def _overhead() -> Iterator[Figure]:
    with served(COMPANIES) as sandbox:
        sandbox.lift_limits()
        sandbox.install(limited=False)
        command = float(
            sandbox.stavbill("run", "month", "--as-of", DAY, "--yes").document["seconds"]
        )
    with served(COMPANIES) as sandbox:
        sandbox.lift_limits()
        sandbox.install(limited=False)
        with _workers(sandbox, 1):
            month = _begin(sandbox)
            _ended(sandbox, month)
            worker = _from_first_to_last_step(sandbox, month)
    yield Figure("engine_month_by_command", command, "s", None)
    yield Figure("engine_month_by_worker", worker, "s", None)
    yield Figure("engine_overhead", worker / command, "x_command", OVERHEAD, at_least=False)


def _takeover() -> Iterator[Figure]:
    with served(STOPPED_COMPANIES, scale=SCALE) as sandbox:
        sandbox.install()
        with _workers(sandbox, 1) as first, closing(_store(sandbox)) as store:
            month = _begin(sandbox)
            _until(lambda: bool(_sending(store)))
            stop_outside_transactions(first[0].pid, sandbox.folder.glob("*.sqlite3"))
            claims = _sending(store)
            stopped = _seen(store, first[0])
            with _workers(sandbox, 1):
                with _client(sandbox) as client:
                    taken = _until(lambda: _holder(client, month) not in (None, stopped[0]))
                settled = _until(lambda: not _unsettled(store, claims))
                _ended(sandbox, month)
            limit = stopped[1] + timedelta(seconds=DEAD_AFTER_S)
            goes_on = (_scaled(sandbox, taken) - limit).total_seconds()
            after = (_scaled(sandbox, settled) - max(claims.values())).total_seconds()
    yield Figure("engine_goes_on", goes_on, "s_after_limit", GOES_ON_S, at_least=False)
    yield Figure("engine_in_flight_settled", after, "s_after_claim", SETTLED_S, at_least=False)


@contextmanager
def _workers(sandbox: Served, number: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run workers until the block ends."""
    text = sandbox.config.read_text(encoding="utf-8")
    if "[worker]" not in text:
        sandbox.config.write_text(text + NEVER, encoding="utf-8")
    found = []
    for _ in range(number):
        ready = sandbox.folder / f"worker-{time.monotonic_ns()}"
        words = [STAVBILL, "--config", str(sandbox.config), "worker", "--ready-file", str(ready)]
        log = (sandbox.folder / f"{ready.name}.log").open("wb")
        found.append(subprocess.Popen(words, env=_env(sandbox), stdout=log, stderr=log))
        _until(ready.exists)
    try:
        yield found
    finally:
        for process in found:
            process.kill()
            process.wait()


def _env(sandbox: Served) -> dict[str, str]:
    return {
        **os.environ,
        **sandbox.ready["environment"],
        "STAVBILL_CLOCK_SCALE": str(sandbox.scale),
        "STAVBILL_CLOCK_SINCE": str(_since(sandbox)),
    }


def _since(sandbox: Served) -> float:
    """Return the Unix time at which all clocks of this installation showed the true time."""
    return (sandbox.folder / "ready.json").stat().st_mtime


def _scaled(sandbox: Served, true: float) -> datetime:
    """Return what the workers' clock shows at a Unix time."""
    since = _since(sandbox)
    return datetime.fromtimestamp(since + (true - since) * sandbox.scale, tz=UTC)


def _begin(sandbox: Served) -> str:
    asked = sandbox.stavbill("ops", "month", "--as-of", DAY, "--yes")
    return str(asked.document["operation"])


def _ended(sandbox: Served, operation: str) -> None:
    """Wait for an operation's end, asking seldom: whoever measures must not work himself."""
    with _client(sandbox) as client:
        _until(lambda: show(client, operation)[0].state in {"SUCCESS", "ERROR"}, every_s=0.5)


def _from_first_to_last_step(sandbox: Served, operation: str) -> float:
    """Return how many seconds a workflow's steps took, with everything between them."""
    with _client(sandbox) as client:
        steps = client.list_workflow_steps(operation)
    began = min(step["started_at_epoch_ms"] or 0 for step in steps)
    return (max(step["completed_at_epoch_ms"] or 0 for step in steps) - began) / 1000


@contextmanager
def _client(sandbox: Served) -> Iterator[DBOSClient]:
    with open_client(f"sqlite:///{sandbox.folder}/stavbill-engine.sqlite3") as client:
        yield client


def _holder(client: DBOSClient, operation: str) -> str | None:
    found, _ = show(client, operation)
    return found.executor if found.state == "PENDING" else None


def _store(sandbox: Served) -> Store:
    return open_store(f"sqlite:///{sandbox.folder}/stavbill.sqlite3")


def _sending(store: Store) -> dict[int, datetime]:
    with store.read() as db:
        rows = db.execute(
            select(effects.c.effect, effects.c.claim_until).where(
                effects.c.status == Status.SENDING.value
            )
        )
        return {row.effect: row.claim_until for row in rows}


def _unsettled(store: Store, claims: dict[int, datetime]) -> bool:
    with store.read() as db:
        rows = db.execute(
            select(effects.c.effect).where(
                effects.c.effect.in_(claims),
                effects.c.status.in_([Status.SENDING.value, Status.DOUBT.value]),
            )
        )
        return rows.first() is not None


def _seen(store: Store, process: subprocess.Popen[bytes]) -> tuple[str, datetime]:
    with store.read() as db:
        for known in all_workers(db):
            if f":{process.pid}:" in known.owner:
                return known.owner, known.seen
    msg = f"no worker has the process id {process.pid}"
    raise LookupError(msg)


def _until(true: Callable[[], bool], *, every_s: float = 0.02) -> float:
    """Wait until something is so, and return the Unix time at which it was."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > deadline:
            msg = "what was waited for did not come"
            raise TimeoutError(msg)
        time.sleep(every_s)
    return time.time()
