"""An emulated Wialon host on loopback, and a clock that never waits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from aiohttp import web
from pydantic import SecretStr

from stavbill.sandbox.wialon.host import WialonHost
from stavbill.sandbox.wialon.model import Account, Field, Fleet, Token, Unit, User
from stavbill.sandbox.wialon.web import wialon_app
from stavbill.wialon.connection import Connection

TOKEN = "t" * 72
TOP, DEALER, LEAF, DEEP = 3_000_000_001, 3_000_000_002, 3_000_000_003, 3_000_000_004
USER = 3_000_000_900


@dataclass(slots=True)
class PatientClock:
    """Sleeps at once and remembers for how long."""

    slept: list[float] = field(default_factory=list)
    passed: float = 0.0

    def now(self) -> datetime:
        return datetime(2026, 12, 10, 6, tzinfo=UTC) + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed += seconds


@dataclass(slots=True)
class Served:
    """A host that answers, and the connection that leads to it."""

    host: WialonHost
    connection: Connection
    clock: PatientClock

    def with_pages_of(self, size: int) -> Connection:
        return replace(self.connection, page_size=size)

    def calls(self, svc: str) -> int:
        return self.host.journal.by_svc()[svc]


def fleet_of(units: int) -> Fleet:
    """Make a tree four accounts deep with `units` units; every seventh is conserved."""
    fleet = Fleet()
    fleet.add(
        Account(TOP, "service", USER),
        Account(DEALER, "21645", USER, parent_id=TOP, dealer=True),
        Account(LEAF, "25292", USER, parent_id=DEALER),
        Account(DEEP, "25293", USER, parent_id=LEAF),
        Account(DEEP + 1, "a resource, no account", USER, is_account=False, owner_id=DEEP),
    )
    fleet.add(User(USER, "billing", TOP))
    mark = Field(2, "Консервация от 14.01.2022", "https://portal.example/task/1")
    for number in range(units):
        rests = number % 7 == 0
        fields = (Field(1, "CRM_ID_COMPANY", "21645"),) + ((mark,) if rests else ())
        account = (DEALER, LEAF, DEEP)[number % 3]
        fleet.add(Unit(4_000_000_000 + number, f"A{number}", account, USER, fields=fields))
        fleet.units[4_000_000_000 + number].active = not rests
    fleet.add_token(Token(TOKEN, USER))
    return fleet


@pytest_asyncio.fixture
async def served() -> AsyncIterator[Served]:
    """Serve a fleet of 50 units over real HTTP."""
    clock = PatientClock()
    host = WialonHost(fleet_of(50), clock)
    runner = web.AppRunner(wialon_app(host))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    connection = Connection(
        name="stavros1", url=f"http://127.0.0.1:{port}", token=SecretStr(TOKEN), page_size=7
    )
    try:
        yield Served(host, connection, clock)
    finally:
        await runner.cleanup()


@pytest.fixture
def clock(served: Served) -> PatientClock:
    return served.clock
