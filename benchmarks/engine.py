"""The engine: what its bookkeeping costs, and how soon a worker's work is gone on with.

Two installations bill the same world without limits, one by a command, one by a worker; the
difference is the engine's. Then a worker is stopped as if its machine were gone (SIGSTOP: a killed
one on the same machine would be noticed at once), and the clock says when the other one has its
workflow, and when what it had in flight is settled.

Source: engine page, rules 1 and 2.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from statistics import median

from dbos import DBOSClient
from sqlalchemy import select

from benchmarks.figures import Figure
from benchmarks.served import DAY, Served, served
from benchmarks.working import (
    begin_month,
    client_of,
    seconds_of_steps,
    since,
    wait_for_end,
    wait_until,
    workers,
)
from stavbill.store.database import Store
from stavbill.store.effects import Status
from stavbill.store.schema import open_store
from stavbill.store.tables import effects
from stavbill.store.workers import all_workers
from stavbill.workflows.inspect import show
from stavbill.workflows.limits import DEAD_AFTER_S
from tests.support.stopping import stop_outside_transactions

COMPANIES, PAIRS = 6_000, 3
STOPPED_COMPANIES, SCALE = 1_000, 5.0
OVERHEAD, GOES_ON_S, SETTLED_S = 1.10, 15.0, 90.0


def figures() -> Iterator[Figure]:
    """Measure both and yield the figures."""
    yield from _overhead()
    yield from _takeover()


def _overhead() -> Iterator[Figure]:
    # In turn: single ones differ by a tenth, by what else the machine does.
    pairs = [(_by_command(), _by_worker()) for _ in range(PAIRS)]
    command, worker = (median(seconds) for seconds in zip(*pairs, strict=True))
    yield Figure("engine_month_by_command", command, "s", None)
    yield Figure("engine_month_by_worker", worker, "s", None)
    yield Figure("engine_overhead", worker / command, "x_command", OVERHEAD, at_least=False)


def _by_command() -> float:
    with served(COMPANIES) as sandbox:
        sandbox.lift_limits()
        sandbox.install(limited=False)
        ended = sandbox.stavbill("run", "month", "--as-of", DAY, "--yes")
        return float(ended.document["seconds"])


def _by_worker() -> float:
    with served(COMPANIES) as sandbox:
        sandbox.lift_limits()
        sandbox.install(limited=False)
        with workers(sandbox, 1):
            month = begin_month(sandbox)
            wait_for_end(sandbox, month)
            return seconds_of_steps(sandbox, month)


def _takeover() -> Iterator[Figure]:
    with served(STOPPED_COMPANIES, scale=SCALE) as sandbox:
        sandbox.install()
        # Both live: how long a process takes to start is no part of how soon one takes over.
        with workers(sandbox, 2) as both, closing(_store(sandbox)) as store:
            month = begin_month(sandbox)
            wait_until(lambda: bool(_sending(store)))
            with client_of(sandbox) as client:
                holder = _holder(client, month)
                working = next(one for one in both if _seen(store, one)[0] == holder)
                stop_outside_transactions(working.pid, sandbox.folder.glob("*.sqlite3"))
                claims = _sending(store)
                stopped = _seen(store, working)
                taken = wait_until(lambda: _holder(client, month) not in (None, stopped[0]))
            settled = wait_until(lambda: not _unsettled(store, claims))
            wait_for_end(sandbox, month)
            limit = stopped[1] + timedelta(seconds=DEAD_AFTER_S)
            goes_on = (_scaled(sandbox, taken) - limit).total_seconds()
            after = (_scaled(sandbox, settled) - max(claims.values())).total_seconds()
    yield Figure("engine_goes_on", goes_on, "s_after_limit", GOES_ON_S, at_least=False)
    yield Figure("engine_in_flight_settled", after, "s_after_claim", SETTLED_S, at_least=False)


def _scaled(sandbox: Served, true: float) -> datetime:
    """Return what the workers' clock shows at a Unix time."""
    began = since(sandbox)
    return datetime.fromtimestamp(began + (true - began) * sandbox.scale, tz=UTC)


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
