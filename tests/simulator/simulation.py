"""One simulated installation: nights of billing, faults and people, checked after each."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from random import Random
from typing import Any, NoReturn

import httpx

from stavbill.app.build import assemble, limiter_of
from stavbill.bitrix.read.chain import BulkReader
from stavbill.operations.month import run_month
from stavbill.operations.month_steps import MonthRequest
from stavbill.operations.parts import Parts
from stavbill.operations.report import RunReport
from stavbill.sandbox.furnish.portal import PortalFurnisher
from stavbill.sandbox.furnish.wialon import WialonFurnisher
from stavbill.sandbox.portal.faults import Faults
from stavbill.sandbox.world.build import World
from stavbill.settings import Settings
from stavbill.store.database import Store
from stavbill.store.parking import parked_companies
from tests.simulator import trouble
from tests.simulator.actors import actor, kill_switch, post, second_store
from tests.simulator.calendar import Night
from tests.simulator.checks import check
from tests.simulator.inprocess import (
    KillSwitch,
    Life,
    MortalStore,
    PortalReading,
    PortalTransport,
    Second,
    WialonTransport,
)
from tests.simulator.options import Options, Violated
from tests.simulator.outside import Outside, invoices_of
from tests.simulator.people import edit, edit_meanwhile, release
from tests.support.virtual_time import BEGINNING, VirtualClock

SKEWS_S = (-7200.0, -240.0, 240.0, 7200.0)
# How often anything goes wrong in a night in which nothing is going on, beside the others.
QUIET = 0.1


@dataclass(slots=True)
class Simulation:
    """The outer world and the store that outlives every process.

    `counts` says how much was done, `struck` how often each fault and each actor was met.
    """

    options: Options
    world: World
    settings: Settings
    store: Store
    clock: VirtualClock
    rooms: PortalFurnisher
    hosts: WialonFurnisher
    outside: Outside
    calendar: Iterator[Night]
    ids: tuple[int, ...]
    counts: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    tonight: frozenset[str] = frozenset()
    reports: list[RunReport] = field(default_factory=list)
    often: float = 1.0
    parkings: set[tuple[int, datetime]] = field(default_factory=set)
    reasons: dict[int, set[str]] = field(default_factory=dict)
    switch: KillSwitch = field(default_factory=KillSwitch)
    written: Any = field(default_factory=hashlib.sha256)
    # How far the machine's clock is set wrong tonight.
    skew_s: float = 0.0

    @property
    def portal(self) -> str:
        """The portal's name in the store."""
        return httpx.URL(self.settings.webhook_url()).netloc.decode()

    # ------------------------------------------------------------------------------ a process
    @asynccontextmanager
    async def process(self, life: Life, second: Second | None = None) -> AsyncIterator[Parts]:
        """Give the parts of a new process over the store, or over that of a second installation."""
        portal, clock = self.rooms.portal, VirtualClock(skew_s=self.skew_s)
        store = MortalStore(self.store if second is None else second.store, life)
        webhook = self.settings.webhook_url()
        limiter = limiter_of(self.settings, store, clock)
        reading = PortalReading(portal, httpx.URL(webhook).path, clock, life)
        switch = self.switch if second is None else second.switch
        transport = PortalTransport(portal, clock, life, switch)
        async with (
            httpx.AsyncClient(transport=transport) as http,
            BulkReader(webhook, limiter=limiter, clock=clock, client=reading) as bulk,
        ):
            parts = assemble(self.settings, store, clock, limiter=limiter, http=http, bulk=bulk)
            wialon = {
                name: replace(connection, transport=WialonTransport(self.hosts.hosts[name], life))
                for name, connection in parts.wialon.items()
            }
            yield replace(parts, wialon=wialon)

    async def month(self, life: Life, on: date, *, dry_run: bool = False) -> RunReport:
        """Run a month that needs nobody's word."""
        async with self.process(life) as parts:
            wanted = MonthRequest(on=on, yes=True, accept_band=True, dry_run=dry_run)
            return self.look(await run_month(parts, wanted))

    def look(self, report: RunReport) -> RunReport:
        """See whether a run met a bug of the program."""
        if report.failures:
            self.fail(f"{report.run} met a bug: {report.failures}")
        self.reports.append(report)
        return report

    # ------------------------------------------------------------------------------ a night
    async def night(self) -> None:
        """Wait for the next morning, disturb, work, calm down, check."""
        night, number = next(self.calendar), self.counts["nights"]
        on, rng = night.day, Random(f"{self.options.seed}:{number}")
        self.often = self.options.often * (1.0 if night.lively else QUIET)
        morning = datetime.combine(on, BEGINNING.timetz())
        await self.clock.sleep((morning - self.clock.now()).total_seconds())
        self.outside.begin_night()
        if number and "people" in self.options.faults:
            for _ in range(rng.choice((0, 1, 2, 3) if night.lively else (0, 0, 0, 1))):
                await edit(self, rng)
        if self.draws(rng, "release", 0.3):
            await release(self, rng)
        before, struck = invoices_of(self.rooms.portal.state), Counter(self.struck)
        self.reports.clear()
        armed = trouble.switch_on(self, rng, on)
        working: list[Awaitable[None]] = [
            actor(self, rng, on) for _ in range(2 if self.draws(rng, "two", 0.25) else 1)
        ]
        self.struck["two"] += len(working) - 1
        # Drawn apart, so that older seeds play the nights that they always did.
        apart = Random(f"{self.options.seed}:{number}:world")
        if number and self.draws(apart, "second_store", 0.2):
            working.append(second_store(self, apart, on))
        if self.draws(apart, "clock", 0.15):
            self.skew_s = apart.choice(SKEWS_S)
            self.struck["clock"] += 1
        if self.draws(rng, "kill_switch", 0.1):
            working.append(kill_switch(self, rng))
        if number and self.draws(rng, "people", 0.1):
            working.append(edit_meanwhile(self, rng))
        if number and self.draws(rng, "post", 0.15):
            working.append(post(self, rng))
        await asyncio.gather(*working)
        # Set right again, the clock shows a time that was before: what bears a later one waits.
        skew_s, self.skew_s = self.skew_s, 0.0
        await self.clock.sleep(skew_s)
        trouble.switch_off(self, armed)
        # A single run that nothing has struck is itself the one that has to end well in peace.
        undisturbed = +self.struck == +struck and len(self.reports) == 1
        await check(
            self,
            on,
            before,
            calm=self.reports[0] if undisturbed else None,
            nightly=self.draws(rng, "nightly", 0.1),
        )
        self.counts["nights"] += 1
        self.counts["lively"] += night.lively

    def draws(self, rng: Random, name: str, rate: float) -> bool:
        """Say whether something is to happen; the sequence does not depend on what may."""
        drawn = rng.random() < rate * self.often
        return drawn and name in self.options.faults

    async def person(self, method: str, **params: object) -> None:
        """Let a person do something in the portal; people try until it is done."""
        path = f"{httpx.URL(self.settings.webhook_url()).path}{method}"
        body = httpx.Request("POST", "http://portal/", json=params)
        headers = {"Content-Type": "application/json"}
        portal = self.rooms.portal
        while True:
            # The faults are those of our own way to the portal.
            faults, portal.faults = portal.faults, Faults()
            answer = await portal.handle("POST", path, headers, body.read(), "")
            portal.faults = faults
            if answer.status != httpx.codes.SERVICE_UNAVAILABLE:
                return
            await self.clock.sleep(1.0)

    def parked(self) -> dict[int, str]:
        """Return the companies that were left to a person, and why."""
        with self.store.read() as db:
            return {one.company: one.reason for one in parked_companies(db, self.portal)}

    def fail(self, text: str, cause: Exception | None = None) -> NoReturn:
        """Say that something is that must never be, and in which night."""
        nights = self.counts["nights"] + 1
        told = f"night {nights}, {self.clock.now():%Y-%m-%d}: {text}"
        raise Violated(told, nights) from cause

    @property
    def digest(self) -> str:
        """What names everything that the portal was asked, in its order."""
        return str(self.written.hexdigest())
