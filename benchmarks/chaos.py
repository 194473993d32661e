"""Chaos: a month by several workers while everything breaks: nothing twice, nothing lost.

`python -m benchmarks.chaos --companies 2000 --workers 2 --seed 1 --database sqlite` (or
`postgresql`, of which a server of its own is started). Every kind of the portal's faults strikes at
the given rate; every few seconds a worker is killed and another one started, or one is paused for
longer than the others wait for it. At the end the portal is compared with what the rules ask for.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.served import DAY, STAVBILL, Served, served
from stavbill.sandbox.world.build import build_world
from stavbill.sandbox.world.verdict import COMPLETED, differences
from tests.postgres import private_cluster
from tests.support.stopping import stop_outside_transactions

# What disturbs a request without contradicting the rules' answer. Rows that come and go and
# refusals for good change what is right, so they have tests of their own.
TROUBLE: tuple[dict[str, object], ...] = (
    {"kind": "lost_before"},
    {"kind": "lost_after"},
    {"kind": "lost_mid_batch", "writes_only": True},
    {"kind": "late", "writes_only": True, "seconds": 40.0},
    {"kind": "error_before", "status": 502},
    {"kind": "error_after", "status": 502},
    {"kind": "slow", "seconds": 15.0},
    {"kind": "query_limit"},
    {"kind": "overload"},
    {"kind": "operation_time", "writes_only": True},
)
NO_SCHEDULES = '\n[worker]\nmonth = ""\nsync = ""\nnightly = ""\nsend = ""\ntidy = ""\n'
# Whatever a command waits for: it ends long before.
ANSWER_S = 600
ENDED = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chaos:
    """What a chaos run is made of; the same seed draws the same faults, kills and pauses.

    `every_s` (wall seconds) passes between two blows; `scale` is how fast all clocks run.
    """

    companies: int = 2000
    workers: int = 2
    seed: int = 1
    rate: float = 0.05
    database: str = "sqlite"
    scale: float = 20.0
    every_s: float = 3.0
    longest_s: float = 1800.0


@dataclass(slots=True)
class Verdict:
    """What came of it."""

    state: str = ""
    killed: int = 0
    paused: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    invoices: int = 0
    duplicates: int = 0
    twice: int = 0
    lost: int = 0
    differences: list[str] = field(default_factory=list)
    written_again: int = 0
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether the month ended as the rules ask for, each thing once."""
        wrong = (self.duplicates, self.twice, self.lost, len(self.differences), self.written_again)
        return self.state == "SUCCESS" and not any(wrong)


@dataclass(slots=True)
class Crowd:
    """The workers: some live, some are paused; each has a number that is not given again."""

    sandbox: Served
    env: dict[str, str]
    alive: list[subprocess.Popen[bytes]] = field(default_factory=list)
    paused: list[tuple[float, subprocess.Popen[bytes]]] = field(default_factory=list)
    started: int = 0

    def start(self) -> None:
        """Start one more worker."""
        self.started += 1
        with (self.sandbox.folder / f"worker-{self.started}.log").open("wb") as log:
            words = [STAVBILL, "--config", str(self.sandbox.config), "worker"]
            self.alive.append(subprocess.Popen(words, env=self.env, stdout=log, stderr=log))

    def kill(self, place: int) -> None:
        """Kill a worker as a power cut does, and start another."""
        doomed = self.alive.pop(place)
        doomed.kill()
        doomed.wait()
        self.start()

    def pause(self, place: int, until: float) -> None:
        """Stop a worker where it stands, but not where it holds the only writer's lock."""
        stopped = self.alive.pop(place)
        stop_outside_transactions(stopped.pid, self._files())
        self.paused.append((until, stopped))

    def wake(self, now: float) -> None:
        """Let those go on whose pause is over; replace those that ended by themselves."""
        awake = [one for until, one in self.paused if until <= now]
        self.paused = [(until, one) for until, one in self.paused if until > now]
        for one in awake:
            one.send_signal(signal.SIGCONT)
            self.alive.append(one)
        ended = [one for one in self.alive if one.poll() is not None]
        for one in ended:
            self.alive.remove(one)
            self.start()

    def end(self) -> None:
        """Kill everybody."""
        for one in (*self.alive, *(one for _, one in self.paused)):
            one.kill()
            one.wait()

    def ask(self, *words: str) -> dict[str, Any]:
        """Run a command of the product and return its document."""
        command = [STAVBILL, "--config", str(self.sandbox.config), *words, "--json"]
        said = subprocess.run(
            command, env=self.env, capture_output=True, check=False, timeout=ANSWER_S
        )
        try:
            document: dict[str, Any] = json.loads(said.stdout)
        except json.JSONDecodeError:
            msg = f"{' '.join(words)} ended with {said.returncode}: {said.stderr.decode()}"
            raise RuntimeError(msg) from None
        return document

    def _files(self) -> list[Path]:
        """Return the files whose lock a paused process would keep; PostgreSQL frees its own."""
        if self.env["STAVBILL_DATABASE_URL"].startswith("postgresql"):
            return []
        return list(self.sandbox.folder.glob("*.sqlite3"))


def run(chaos: Chaos, tell: Callable[[str], None] = lambda _: None) -> Verdict:
    """Go through a month of chaos and judge it. Raises `RuntimeError` when nothing even starts."""
    with ExitStack() as stack:
        sandbox = stack.enter_context(served(chaos.companies, scale=chaos.scale, seed=chaos.seed))
        sandbox.install()
        with sandbox.config.open("a", encoding="utf-8") as toml:
            toml.write(NO_SCHEDULES)
        env = _environment(chaos, sandbox, stack)
        crowd = Crowd(sandbox, env)
        stack.callback(crowd.end)
        return _month(chaos, sandbox, crowd, tell)


def _environment(chaos: Chaos, sandbox: Served, stack: ExitStack) -> dict[str, str]:
    url = f"sqlite:///{sandbox.folder / 'stavbill.sqlite3'}"
    if chaos.database == "postgresql":
        url = stack.enter_context(_postgres())
    return {
        **os.environ,
        **sandbox.ready["environment"],
        "STAVBILL_CLOCK_SCALE": str(chaos.scale),
        "STAVBILL_CLOCK_SINCE": str(time.time()),
        "STAVBILL_DATABASE_URL": url,
    }


@contextmanager
def _postgres() -> Iterator[str]:
    with private_cluster() as url:
        # A paused worker loses its transaction soon: everything here goes faster than by day.
        yield f"{url}&options=-c%20idle_in_transaction_session_timeout%3D2000"


def _month(chaos: Chaos, sandbox: Served, crowd: Crowd, tell: Callable[[str], None]) -> Verdict:
    verdict = Verdict()
    began = time.monotonic()
    for _ in range(chaos.workers):
        crowd.start()
    operation = _begin(crowd)
    faults = [{**each, "rate": chaos.rate} for each in TROUBLE]
    sandbox.change("faults", seed=chaos.seed, faults=faults)
    draw = random.Random(f"chaos:{chaos.seed}")
    while not verdict.state and time.monotonic() - began < chaos.longest_s:
        time.sleep(chaos.every_s)
        now = time.monotonic()
        crowd.wake(now)
        _strike(chaos, crowd, draw, verdict, now)
        state = crowd.ask("ops", "show", operation)["state"]
        tell(f"{now - began:5.0f} s: {state}, killed {verdict.killed}, paused {verdict.paused}")
        verdict.state = state if state in ENDED else ""
    verdict.struck.update(
        {str(each["kind"]): int(each["struck"]) for each in sandbox.ask("faults")}
    )
    sandbox.change("faults", faults=[])
    verdict.seconds = time.monotonic() - began
    crowd.end()
    _judge(chaos, sandbox, crowd, verdict)
    return verdict


def _begin(crowd: Crowd) -> str:
    """Ask for the month as soon as a worker has made the engine's tables."""
    until = time.monotonic() + 60
    while True:
        try:
            return str(crowd.ask("ops", "month", "--as-of", DAY, "--yes")["operation"])
        except (RuntimeError, KeyError):
            if time.monotonic() > until:
                raise
        time.sleep(0.5)


def _strike(chaos: Chaos, crowd: Crowd, draw: random.Random, verdict: Verdict, now: float) -> None:
    """Kill a worker or pause one, so long that its work is taken over; one always lives."""
    if not crowd.alive:
        return
    place = draw.randrange(len(crowd.alive))
    if draw.random() < 0.5 or len(crowd.alive) == 1:  # noqa: PLR2004  an even chance
        crowd.kill(place)
        verdict.killed += 1
    else:
        # The others give a worker up after 30 s of the scaled clock, and settle its work later.
        crowd.pause(place, now + draw.uniform(20, 400) / chaos.scale)
        verdict.paused += 1


def _judge(chaos: Chaos, sandbox: Served, crowd: Crowd, verdict: Verdict) -> None:
    sandbox.change("settle")
    verdict.requests = sandbox.ask("state")["requests"]
    dump = sandbox.ask("dump")
    live = [one for one in dump["invoices"] if one["live"]]
    keys = Counter(one["xmlId"] for one in live if str(one["xmlId"] or "").startswith("stavbill:"))
    verdict.invoices = keys.total()
    verdict.duplicates = sum(number - 1 for number in keys.values())
    verdict.twice = told_twice(dump)
    world = build_world(chaos.companies, chaos.seed, date.fromisoformat(DAY))
    told = differences(world, dump)
    # The task that tells of a company on pause: the rules do not speak of it.
    verdict.differences = [line for line in told if "open tasks, 0 expected" not in line]
    verdict.lost = sum("no invoice" in line for line in told)
    again = crowd.ask("run", "month", "--as-of", DAY, "--yes", "--accept-band")
    if "effects" not in again:
        verdict.differences.append(f"one more run: {again}")
    verdict.written_again = sum(again.get("effects", {}).values())


def told_twice(dump: dict[str, Any]) -> int:
    """Count what people were told once too often: open tasks of a kind, and timeline entries.

    An entry ends with a mark of its own, by which the journal knows it again.
    """
    told = Counter(
        ("task", *task["links"], tag)
        for task in dump["tasks"]
        if task["status"] != COMPLETED
        for tag in task["tags"]
        if tag.startswith("stavbill")
    )
    told.update(
        ("entry", *entry["owner"], entry["text"].rpartition("\n")[2])
        for entry in dump["timeline"]
        if "text" in entry
    )
    return sum(number - 1 for number in told.values())


def table(chaos: Chaos, verdict: Verdict) -> str:
    """Return the verdict as lines for people."""
    rows: dict[str, object] = {
        "companies": chaos.companies,
        "workers": f"{chaos.workers}, {chaos.database}",
        "seed": chaos.seed,
        "workers killed / paused": f"{verdict.killed} / {verdict.paused}",
        "requests": verdict.requests,
        "faults": ", ".join(f"{kind} {number}" for kind, number in sorted(verdict.struck.items())),
        "ended as": verdict.state or "not at all",
        "invoices": verdict.invoices,
        "duplicates": verdict.duplicates,
        "told twice": verdict.twice,
        "lost": verdict.lost,
        "other than the rules say": len(verdict.differences),
        "written by one more run": verdict.written_again,
        "seconds": round(verdict.seconds),
    }
    return "\n".join(f"{name:<26}{value}" for name, value in rows.items())


def main() -> int:
    """Run from the command line; exit code 1 when anything is not as it must be."""
    words = argparse.ArgumentParser(prog="chaos", description=__doc__)
    words.add_argument("--companies", type=int, default=2000)
    words.add_argument("--workers", type=int, default=2)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--rate", type=float, default=0.05)
    words.add_argument("--scale", type=float, default=20.0)
    words.add_argument("--every", type=float, default=3.0)
    words.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    given = words.parse_args()
    chaos = Chaos(
        companies=given.companies,
        workers=given.workers,
        seed=given.seed,
        rate=given.rate,
        scale=given.scale,
        every_s=given.every,
        database=given.database,
    )
    verdict = run(chaos, tell=print)
    print(table(chaos, verdict))
    for line in verdict.differences[:20]:
        print(line)
    return 0 if verdict.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
