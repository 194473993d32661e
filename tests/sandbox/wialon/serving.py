"""A small Wialon service on loopback, on a clock that tests turn by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import aiohttp
from aiohttp import web

from stavbill.sandbox.wialon.host import WialonHost
from stavbill.sandbox.wialon.model import Account, Field, Fleet, Token, Unit, User
from stavbill.sandbox.wialon.web import wialon_app
from stavbill.sandbox.wialon.wire import Json

READING = "r" * 72
WORKING = "w" * 72
MASTER = "m" * 72
CHILD = "c" * 72
TOP, DEALER, CLIENT, GRANDCHILD = 100, 110, 120, 111
FIRST_UNIT = 3_000_000_000


class TurnedClock:
    """Time that stands still until somebody turns it."""

    def __init__(self) -> None:
        self.passed_s = 0.0
        self.sleepers: list[asyncio.Event] = []

    def now(self) -> datetime:
        return datetime(2026, 12, 10, 9, tzinfo=UTC) + timedelta(seconds=self.passed_s)

    def monotonic(self) -> float:
        return self.passed_s

    async def sleep(self, seconds: float) -> None:  # noqa: ARG002 - any turn wakes the sleeper
        """Wait until the clock is turned, however far."""
        woken = asyncio.Event()
        self.sleepers.append(woken)
        await woken.wait()

    def turn(self, seconds: float) -> None:
        self.passed_s += seconds
        for sleeper in self.sleepers:
            sleeper.set()
        self.sleepers.clear()


@dataclass
class Served:
    """The host, where it listens, and a plain caller."""

    host: WialonHost
    clock: TurnedClock
    port: int
    http: aiohttp.ClientSession
    sid: str = field(default="")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/wialon/ajax.html"

    async def call(self, svc: str, params: Json = None, *, sid: str | None = None) -> Json:
        """Post one call and return the body's JSON."""
        form = {"svc": svc, "params": json.dumps({} if params is None else params)}
        form["sid"] = self.sid if sid is None else sid
        async with self.http.post(self.url, data=form) as answer:
            assert answer.status == 200
            assert answer.headers["Content-Type"] == "application/json"
            given: Json = await answer.json()
            return given

    async def login(self, token: str = WORKING) -> None:
        answer = await self.call("token/login", {"token": token})
        assert isinstance(answer, dict)
        assert isinstance(answer["eid"], str)
        self.sid = answer["eid"]

    async def search(
        self,
        items_type: str = "avl_unit",
        *,
        name: str = "sys_name",
        mask: str = "*",
        kind: str = "",
        sort: str = "sys_id",
        flags: int = 261,
        force: int = 1,
        first: int = 0,
        last: int = 0,
        or_logic: int = 0,
    ) -> dict[str, Json]:
        spec: Json = {"itemsType": items_type, "propName": name, "propValueMask": mask,
                      "sortType": sort, "propType": kind, "or_logic": or_logic}  # fmt: skip
        answer = await self.call(
            "core/search_items",
            {"spec": spec, "force": force, "flags": flags, "from": first, "to": last},
        )
        assert isinstance(answer, dict)
        return answer


def small_fleet() -> Fleet:
    """Four levels: top, dealer, its client, and a client of the top; ten units."""
    fleet = Fleet()
    fleet.add(User(1, "stavros", TOP), User(2, "dealer", DEALER, creator_id=1))
    fleet.add(
        Account(TOP, "stavros", 1, dealer=True),
        Account(DEALER, "25292", 1, parent_id=TOP, dealer=True),
        Account(GRANDCHILD, "25292-1", 2, parent_id=DEALER),
        Account(CLIENT, "21645", 1, parent_id=TOP, balance="120.50", days=12),
        Account(130, "Шаблоны", 1, is_account=False, owner_id=TOP),
    )
    owners = [CLIENT] * 4 + [DEALER] * 3 + [GRANDCHILD] * 3
    for number, owner in enumerate(owners):
        fleet.add(Unit(FIRST_UNIT + number, f"А {number:03d} АА 00", owner, 1, created_at=1000))
    asleep = fleet.units[FIRST_UNIT + 1]
    asleep.active, asleep.deactivated_at = False, 1_700_000_000
    asleep.fields = (Field(4, "Консервация от 14.01.2026", "https://portal.example/task/7/"),)
    fleet.units[FIRST_UNIT + 2].last_message_at = 1_765_000_000
    everything = 0x100 | 0x200 | 0x400 | 0x1000
    fleet.add_token(Token(READING, 1, 0x100))
    fleet.add_token(Token(WORKING, 1, everything))
    fleet.add_token(Token(MASTER, 1, -1))
    fleet.add_token(Token(CHILD, 2, everything))
    return fleet


@asynccontextmanager
async def served(fleet: Fleet | None = None) -> AsyncIterator[Served]:
    clock = TurnedClock()
    host = WialonHost(fleet or small_fleet(), clock)
    runner = web.AppRunner(wialon_app(host))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port: int = runner.addresses[0][1]
    async with aiohttp.ClientSession() as http:
        try:
            yield Served(host, clock, port, http)
        finally:
            await runner.cleanup()
