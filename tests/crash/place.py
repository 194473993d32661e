"""A small month in which every kind of write happens, and processes that work on it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from stavbill.billing.facts import CompanyId, ServiceCode
from stavbill.billing.money import Currency, Money
from stavbill.sandbox.portal.gate import Guard, Passage, Point
from stavbill.sandbox.portal.portal import Portal
from stavbill.store.credits import GrantedCredit, put_credits
from stavbill.store.schema import open_store
from tests.crash.actor import SEAMS, STRIKE, Seam
from tests.end_to_end.driving import DAY, Installation, installed
from tests.support.stopping import stop_outside_transactions
from tests.support.waiting import PATIENCE_S, until

ROOT = Path(__file__).resolve().parents[2]
SCALE = 60.0
WORLD = 158
# Bills by one and by three invoices, holds, card counts, an address to be mended; 101 is paid by a
# credit, 105 and 113 stand on hold from a run before: one passes now, the other for other reasons.
COMPANIES = (101, 104, 105, 107, 113, 183, 189, 195, 251)
HELD_BEFORE = (105, 113)
_said = count(1)
# An earlier version knows no day but the machine's: it is given the world's from outside.
EARLIER = """
import os, time
from datetime import datetime
import time_machine
start = datetime.fromisoformat(os.environ["STAVBILL_CLOCK_START"]).timestamp()
lived = time.time() - float(os.environ["STAVBILL_CLOCK_SINCE"])
os.environ["STAVBILL_CLOCK_SINCE"] = str(start)
os.environ.pop("STAVBILL_CLOCK_START")
time_machine.travel(start + lived, tick=True).start()
from stavbill.cli.main import main
main()
"""


@dataclass(frozen=True, slots=True)
class Scene:
    """An installation in front of its month, the clock shared by all its processes."""

    place: Installation
    environment: dict[str, str]

    @property
    def portal(self) -> Portal:
        return self.place.sandbox.portal

    @property
    def database(self) -> str:
        return self.environment["STAVBILL_DATABASE_URL"]

    def strike(self, number: int, sent: signal.Signals, passage: Passage) -> Strike:
        """Watch the gate: the process that `Strike.process` names gets a signal at a point."""
        made = Strike(number, sent, passage, self.place.config.parent / "stavbill.sqlite3")
        self.portal.gate.watch(made.guard)
        return made

    async def start(
        self, *words: str, strike: str = "", seams: Path | None = None, source: Path | None = None
    ) -> Process:
        """Start `stavbill` with these words as a process of its own.

        `source` is the folder of another version of the program, which cannot be struck.
        """
        own = {STRIKE: strike, SEAMS: "" if seams is None else str(seams)}
        program = ["-m", "tests.crash.actor"]
        if source is not None:
            own["PYTHONPATH"] = str(source)
            program = ["-c", EARLIER]
        said = self.place.config.parent / f"said-{next(_said)}"
        with said.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *program,
                "--config",
                str(self.place.config),
                *words,
                cwd=ROOT if source is None else source,
                env={**os.environ, **self.environment, **own},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=asyncio.subprocess.STDOUT,
            )
        return Process(process, said)

    async def month(self, *, strike: str = "", seams: Path | None = None) -> Process:
        """Start the month of the scene's companies."""
        return await self.start(*month_words(), strike=strike, seams=seams)

    async def run_month(self, *, seams: Path | None = None) -> None:
        """Run the month to its end, which must be a good one."""
        await (await self.month(seams=seams)).ends(0)

    def end_state(self) -> dict[str, object]:
        """Return what the portal holds in the end, late requests included."""
        return self.place.end_state()


@dataclass(frozen=True, slots=True)
class Process:
    """One started process; what it says goes to a file."""

    process: asyncio.subprocess.Process
    said: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def output(self) -> str:
        return self.said.read_text(encoding="utf-8", errors="replace")

    def document(self) -> dict[str, Any]:
        """Return the JSON document that it printed."""
        text = self.output()
        found: dict[str, Any] = json.loads(text[text.index("\n{\n") if text[:1] != "{" else 0 :])
        return found

    async def ends(self, *codes: int) -> int:
        """Wait for the end; the exit code must be one of `codes`, when any are given."""
        async with asyncio.timeout(PATIENCE_S):
            code = await self.process.wait()
        assert not codes or code in codes, f"exit code {code}, expected {codes}:\n{self.output()}"
        return code

    async def stands_still(self) -> bool:
        """Wait until it was stopped by a signal; False when it ended instead."""
        await until(lambda: self.process.returncode is not None or _state_of(self.pid) == "T")
        return self.process.returncode is None

    def send(self, number: signal.Signals) -> None:
        if self.process.returncode is None:
            self.process.send_signal(number)

    async def is_ended(self) -> None:
        """End it by force, if it still lives."""
        self.send(signal.SIGCONT)
        self.send(signal.SIGKILL)
        await self.process.wait()


def _state_of(pid: int) -> str:
    """Return the kernel's letter for what a process does; empty when it is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2][0]
    return ""


def month_words(companies: Collection[int] = COMPANIES) -> list[str]:
    named = [word for company in companies for word in ("--company", str(company))]
    return ["run", "month", "--as-of", DAY.isoformat(), "--yes", "--json", *named]


@asynccontextmanager
async def scene(directory: Path, database: str = "", *, past: bool = True) -> AsyncIterator[Scene]:
    """Set up a portal and an installation, and go through what happened before the month.

    Without `past` nothing has happened, and the database is not there yet.
    """
    async with installed(directory, companies=WORLD, scale=SCALE) as place:
        url = database or f"sqlite:///{directory / 'stavbill.sqlite3'}"
        place.env["STAVBILL_DATABASE_URL"] = url
        made = Scene(place, dict(place.env))
        if past:
            await _before(made)
        yield made


async def _before(made: Scene) -> None:
    """Hold two companies, mend one card, change another, and grant a credit."""
    report = await made.place.run(companies=HELD_BEFORE)
    assert report.document()["counts"]["held"] == len(HELD_BEFORE), report.document()  # type: ignore[index]
    labels = {field.attribute: field.code for field in made.place.sandbox.world.fields}
    await change_card(made, 105, {labels["ignore_count"]: "1"})
    await change_card(made, 113, {labels["tariff"]: "3*", labels["where"]: "nowhere"})
    store = open_store(made.database)
    credit = GrantedCredit(
        credit="outage",
        company=CompanyId(101),
        service=ServiceCode("subscription"),
        granted=Money(1_000_000, Currency("RUB")),
        approved=DAY,
    )
    with store.write() as db:
        put_credits(db, made.place.sandbox.portal_url.removeprefix("http://"), [credit])
    store.close()


async def change_card(made: Scene, company: int, fields: dict[str, str]) -> None:
    """Change a company's card, as a person in the portal does."""
    async with httpx.AsyncClient() as http:
        answer = await http.post(
            made.place.sandbox.webhook + "crm.company.update",
            json={"id": company, "fields": fields},
        )
    assert answer.json()["result"] is True, answer.text


# ------------------------------------------------------------------------- striking at the gate
@dataclass(slots=True)
class Strike:
    """A signal to a process when its request stands at a point of the portal's gate.

    A process that is to be stopped is stopped outside of a transaction: inside of one of SQLite it
    would hold the only writer's lock, and nobody could take anything over.
    """

    number: int
    sent: signal.Signals
    passage: Passage
    file: Path
    process: Process | None = None

    async def guard(self, point: Point) -> Passage:
        if point.number != self.number or self.process is None:
            return Passage.GO
        if self.sent is signal.SIGSTOP:
            pid = self.process.pid
            await asyncio.to_thread(stop_outside_transactions, pid, (self.file,))
        else:
            self.process.send(self.sent)
        return self.passage


def counting(seen: list[Point]) -> Guard:
    """Return a guard that lets everything go and writes the points down."""

    async def guard(point: Point) -> Passage:
        seen.append(point)
        return Passage.GO

    return guard


__all__ = ["COMPANIES", "DAY", "Process", "Scene", "Seam", "counting", "scene"]
