"""One simulated installation: nights of billing, faults and people, checked after each."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from sqlalchemy import event

from stavbill.app.build import assemble, limiter_of
from stavbill.app.setup import SetupRequest, set_up
from stavbill.billing.facts import CompanyId
from stavbill.bitrix.read.chain import BulkReader
from stavbill.bitrix.read.reader import TASK_TAGS
from stavbill.errors import StavbillError
from stavbill.operations.month import run_month
from stavbill.operations.month_steps import MonthRequest
from stavbill.operations.parts import Parts
from stavbill.operations.reconcile import reconcile
from stavbill.operations.report import RunReport
from stavbill.sandbox.furnish.portal import PortalFurnisher
from stavbill.sandbox.furnish.wialon import WialonFurnisher
from stavbill.sandbox.portal.faults import Fault, Trouble
from stavbill.sandbox.serve import running_sandbox
from stavbill.sandbox.world.build import World, build_world
from stavbill.sandbox.world.verdict import differences
from stavbill.settings import Settings, load_settings
from stavbill.store.database import Store, connect_engine
from stavbill.store.parking import parked_reasons
from stavbill.store.schema import open_store
from stavbill.wialon.connection import token_variable
from tests.simulator.actors import actor, finish_posts, kill_switch, post
from tests.simulator.inprocess import (
    Life,
    MortalStore,
    PortalReading,
    PortalTransport,
    WialonTransport,
)
from tests.simulator.options import Options, Violated
from tests.simulator.people import edit, edit_meanwhile
from tests.support.virtual_time import BEGINNING, VirtualClock, run_virtually

FIRST = BEGINNING.date()
DAY_S = 86_400.0
CALM_S = 12 * 3600.0
LATEST_S = 60.0
# Nothing of it has to survive the simulation.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
TROUBLES = {one.value: one for one in Trouble}


@dataclass(slots=True)
class Simulation:
    """The outer world and the store that outlives every process."""

    options: Options
    world: World
    settings: Settings
    store: Store
    clock: VirtualClock
    rooms: PortalFurnisher
    hosts: WialonFurnisher
    ids: tuple[int, ...]
    counts: Counter[str] = field(default_factory=Counter)
    _digest: Any = field(default_factory=hashlib.sha256)

    @property
    def portal(self) -> str:
        """The portal's name in the store."""
        return httpx.URL(self.settings.webhook_url()).netloc.decode()

    # ------------------------------------------------------------------------------ a process
    @asynccontextmanager
    async def process(self, life: Life) -> AsyncIterator[Parts]:
        """Give the parts of a new process over the store."""
        portal, clock = self.rooms.portal, self.clock
        store = MortalStore(self.store, life)
        webhook = self.settings.webhook_url()
        limiter = limiter_of(self.settings, store, clock)
        reading = PortalReading(portal, httpx.URL(webhook).path, clock, life)
        async with (
            httpx.AsyncClient(transport=PortalTransport(portal, clock, life)) as http,
            BulkReader(webhook, limiter=limiter, clock=clock, client=reading) as bulk,
        ):
            parts = assemble(self.settings, store, clock, limiter=limiter, http=http, bulk=bulk)
            wialon = {
                name: replace(connection, transport=WialonTransport(self.hosts.hosts[name], life))
                for name, connection in parts.wialon.items()
            }
            yield replace(parts, wialon=wialon)

    async def month(self, life: Life, on: date, *, dry_run: bool = False) -> RunReport:
        async with self.process(life) as parts:
            wanted = MonthRequest(on=on, yes=True, accept_band=True, dry_run=dry_run)
            return await run_month(parts, wanted)

    # ------------------------------------------------------------------------------ a night
    async def night(self, number: int) -> None:
        """Disturb, work, calm down, check; then it is the next day."""
        rng = Random(f"{self.options.seed}:{number}")
        on = self.clock.now().date()
        began = self.clock.monotonic()
        if number and "people" in self.options.faults:
            for _ in range(rng.choice((0, 0, 0, 1, 2))):
                await edit(self, rng)
        self.trouble(rng, untouched=number == 0)
        working: list[Awaitable[None]] = [
            actor(self, rng, on) for _ in range(2 if self.draws(rng, "two", 0.25) else 1)
        ]
        if self.draws(rng, "kill_switch", 0.1):
            working.append(kill_switch(self, rng))
        # The first night ends as the world was invented, if nobody changes it.
        if number and self.draws(rng, "people", 0.1):
            working.append(edit_meanwhile(self, rng))
        if number and self.draws(rng, "post", 0.15):
            working.append(post(self, rng))
        await asyncio.gather(*working)
        self.calm()
        await self.check(on, nightly=self.draws(rng, "nightly", 0.1))
        left = DAY_S - (self.clock.monotonic() - began) % DAY_S
        await self.clock.sleep(left)
        self.counts["nights"] += 1

    def trouble(self, rng: Random, *, untouched: bool) -> None:
        """Switch faults on, as this night has them; rows come and go where nothing is compared.

        What executes late and is seen late has been seen after `quiet_s` all the same: a portal
        that takes longer is not one that the journal promises anything for.
        """
        lag = rng.choice((2.0, 20.0, 55.0)) if self.draws(rng, "lag", 0.2) else 0.0
        faults = []
        for name, kind in TROUBLES.items():
            if not self.draws(rng, name, 0.25) or (untouched and kind in ROWS):
                continue
            faults.append(
                Fault(
                    kind,
                    rate=rng.choice((0.002,) if kind in ROWS else (0.02, 0.05, 0.2)),
                    writes_only=kind in WRITES_ONLY,
                    seconds=rng.uniform(1.0, LATEST_S - lag),
                    # A copied invoice bears our key: that is no trouble of reading.
                    methods=COPIED if kind is Trouble.ROW_ADDED else (),
                )
            )
        self.rooms.portal.faults.switch(*faults, seed=rng.randrange(1 << 30))
        self.rooms.portal.state.lag(lag)

    def draws(self, rng: Random, name: str, rate: float) -> bool:
        drawn = rng.random() < rate * self.options.often
        return drawn and name in self.options.faults

    def calm(self) -> None:
        self.rooms.portal.faults.switch()
        self.rooms.portal.state.lag(0.0)

    async def person(self, method: str, **params: object) -> None:
        path = f"{httpx.URL(self.settings.webhook_url()).path}{method}"
        body = httpx.Request("POST", "http://portal/", json=params)
        headers = {"Content-Type": "application/json"}
        await self.rooms.portal.handle("POST", path, headers, body.read(), "")

    # ------------------------------------------------------------------------------ checks
    async def finish(self, on: date) -> RunReport:
        """Let everything come to its end in peace."""
        try:
            async with asyncio.timeout(CALM_S):
                if not await finish_posts(self):
                    raise Violated(self.said("posts that nobody can deal with"))
                report = await self.month(Life(), on)
        except StavbillError as error:
            raise Violated(self.said(f"in peace: {error}")) from error
        if report.state != "done":
            raise Violated(self.said(f"the calm run ended as {report.state}: {report.violations}"))
        open_ends = {name: report.outcomes[name] for name in ("doubt", "sending", "planned")}
        if any(open_ends.values()):
            raise Violated(self.said(f"the calm run left {open_ends}"))
        return report

    async def check(self, on: date, *, nightly: bool) -> None:
        """Look for what must never be, and for what is missing when all is finished."""
        report = await self.finish(on)
        await self.clock.sleep(2 * LATEST_S)
        self.rooms.portal.settle(everything=True)
        keys = Counter(
            str(item.get("xmlId"))
            for item in self.rooms.portal.state.invoices
            if str(item.get("xmlId") or "").startswith("stavbill:")
        )
        twice = [key for key, number in keys.items() if number > 1]
        if twice:
            raise Violated(self.said(f"issued twice: {twice}"))
        if any(report.effects.values()):
            again = await self.month(Life(), on, dry_run=True)
            wanted = {kind: number for kind, number in again.effects.items() if number}
            if wanted:
                raise Violated(self.said(f"not written although all is calm: {wanted}"))
        self.check_tasks()
        if on == FIRST:
            self.check_rules()
        if nightly:
            await self.check_nightly()
        self._digest.update(repr([(c.method, c.error) for c in self.rooms.portal.calls]).encode())
        self.counts["calls"] += len(self.rooms.portal.calls)
        self.rooms.portal.calls.clear()
        self.counts["invoices"] = len(keys)

    def check_rules(self) -> None:
        """Compare the end state with what the invented world expects by the billing rules."""
        told = self.parked()
        found = [
            said
            for said in differences(self.world, self.rooms.portal.snapshot())
            if int(said.partition(" ")[0]) not in told
        ]
        if found:
            raise Violated(self.said(f"not as the rules say: {found[:3]}"))

    def check_tasks(self) -> None:
        """One open task of a kind for each company, and no entry of a timeline twice."""
        tasks = self.rooms.portal.state.tasks
        told = Counter(
            (str(task.get("UF_CRM_TASK")), tag)
            for task in tasks
            if str(task.get("STATUS")) != COMPLETED
            for tag in task.get("TAGS") or ()
            if tag in TASK_TAGS
        )
        told.update(
            ("timeline", str(comment["COMMENT"]).rpartition("\n")[2])
            for comment in self.rooms.portal.state.comments
        )
        twice = [kind for kind, number in told.items() if number > 1]
        if twice:
            raise Violated(self.said(f"told twice: {twice[:3]}"))

    async def check_nightly(self) -> None:
        """Compare with the portal twice: what the first check mended, the second does not find."""
        for number in range(2):
            async with self.process(Life()) as parts, asyncio.timeout(CALM_S):
                report = await reconcile(parts, accept=True)
            if report["exit_code"]:
                raise Violated(self.said(f"the nightly check ended with {report}"))
            done = {name: report[name] for name in ("new", "mended", "tasks", "asked")}
            if number and any(done.values()):
                raise Violated(self.said(f"the second nightly check did {done}"))
        self.counts["nightly"] += 1

    def parked(self) -> frozenset[int]:
        """Return the companies that were left to a person, who was told by a task."""
        with self.store.read() as db:
            return frozenset(parked_reasons(db, self.portal, [CompanyId(one) for one in self.ids]))

    def said(self, text: str) -> str:
        return f"night {self.counts['nights']}: {text}"

    @property
    def digest(self) -> str:
        """What names everything that the portal was asked, in its order."""
        return str(self._digest.hexdigest())


COMPLETED = "5"
ROWS = frozenset({Trouble.ROW_ADDED, Trouble.ROW_DELETED})
COPIED = (
    "crm.company.list", "crm.documentgenerator.document.list", "crm.requisite.list",
)  # fmt: skip
WRITES_ONLY = frozenset({
    Trouble.LOST_BEFORE, Trouble.LOST_AFTER, Trouble.LOST_MID_BATCH, Trouble.LATE,
})  # fmt: skip


async def settings_for(world: World, folder: Path) -> Settings:
    """Return settings as `init` finds them on the world, served for a moment."""
    # Its fields and own companies matter, not who lives there.
    async with running_sandbox(replace(world, companies_count=0)) as sandbox:
        env = {
            "STAVBILL_PORTAL_URL": sandbox.webhook,
            **{token_variable(name): token for name, token in sandbox.tokens.items()},
        }
        wialon = tuple(f"{name}={url}" for name, url in sandbox.wialon_urls.items())
        await set_up(SetupRequest(directory=folder, wialon=wialon), env)
    return load_settings(folder / "stavbill.toml", env)


def simulation(options: Options, world: World, settings: Settings, folder: Path) -> Simulation:
    """Return a new installation; say it on the virtual loop."""
    clock = VirtualClock()
    hosts, rooms = WialonFurnisher(world, clock), PortalFurnisher(world, clock)
    ids: list[int] = []
    for cluster in world.clusters():
        hosts.add(cluster)
        rooms.add(cluster)
        ids += [company.id for company in cluster.companies]
    store = _empty_store(folder / "simulated.sqlite3")
    return Simulation(options, world, settings, store, clock, rooms, hosts, tuple(ids))


def _empty_store(path: Path) -> Store:
    """Return a store as `open_store` makes it; migrations and compiling are done once a process."""
    path.write_bytes(_empty_database())
    engine = connect_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", _careless)
    return Store(engine.execution_options(compiled_cache=_COMPILED))


_COMPILED: dict[Any, Any] = {}


@cache
def _empty_database() -> bytes:
    with TemporaryDirectory(prefix="stavbill-empty-", dir=MEMORY) as name:
        path = Path(name) / "empty.sqlite3"
        open_store(f"sqlite:///{path}").close()
        return path.read_bytes()


def _careless(dbapi: Any, _record: object) -> None:  # noqa: ANN401  sqlite3's own type
    """Sync nothing to disk: no power is cut in a simulation."""
    dbapi.execute("PRAGMA synchronous=OFF")


def world_of(options: Options) -> World:
    """Return the invented world of a seed."""
    return build_world(options.companies, options.seed, FIRST)


async def simulate(options: Options, world: World, settings: Settings, folder: Path) -> Simulation:
    """Play the nights. Raises `Violated`, or `TimeoutError` for nights that do not end."""
    made = simulation(options, world, settings, folder)
    try:
        for number in range(options.nights):
            await made.night(number)
    finally:
        made.store.close()
    return made


def play(options: Options) -> Simulation:
    """Play a seed's nights from outside of any loop."""
    with TemporaryDirectory(prefix="stavbill-nights-", dir=MEMORY) as name:
        return _play(options, Path(name))


def _play(options: Options, folder: Path) -> Simulation:
    world = world_of(options)
    settings = asyncio.run(settings_for(world, folder))
    limit_s = (options.nights + 5) * 2 * DAY_S
    return run_virtually(simulate(options, world, settings, folder), limit_s=limit_s)


def fewer(options: Options, fails: Callable[[Options], bool]) -> Options:
    """Return options with fewer kinds of faults that still fail, each left out once."""
    for name in options.faults:
        less = replace(options, faults=tuple(one for one in options.faults if one != name))
        if fails(less):
            options = less
    return options
