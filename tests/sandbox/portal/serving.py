"""A small portal on loopback, on a clock that tests turn by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web

from stavbill.sandbox.clock import SandboxClock, VirtualClock
from stavbill.sandbox.portal.asked import Webhook
from stavbill.sandbox.portal.limits import Limits
from stavbill.sandbox.portal.portal import Portal
from stavbill.sandbox.portal.seed import Row, Seed
from stavbill.sandbox.portal.switches import Switches
from stavbill.sandbox.portal.web import portal_app
from stavbill.sandbox.portal.wire import Json, Record

T = TypeVar("T")


@dataclass
class Served:
    """The portal, where it listens, and a plain caller."""

    portal: Portal
    seed: Seed
    clock: SandboxClock
    hook: Webhook
    port: int
    http: aiohttp.ClientSession
    own: int

    @property
    def host(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return self.host + self.hook.path

    @property
    def virtual(self) -> VirtualClock:
        assert isinstance(self.clock, VirtualClock)
        return self.clock

    async def ask(self, method: str, params: Json = None) -> tuple[int, Record]:
        """Post one call as JSON; return the status and the whole envelope."""
        async with self.http.post(self.url + method, json=params or {}) as answer:
            body: Record = await answer.json()
            return answer.status, body

    async def call(self, method: str, params: Json = None) -> Json:
        """Post one call that must succeed; return its result."""
        status, body = await self.ask(method, params)
        assert status == 200, body
        assert "error" not in body
        return body["result"]

    async def refused(self, method: str, params: Json = None) -> tuple[int, Json, str]:
        """Post one call that must fail; return status, code and description."""
        status, body = await self.ask(method, params)
        assert "error" in body, body
        return status, body["error"], body["error_description"]

    async def batch(self, commands: Mapping[str, str], *, halt: int = 0) -> Record:
        """Run a batch and return its result."""
        result: Record = await self.call("batch", {"halt": halt, "cmd": dict(commands)})
        return result

    async def lost(self, method: str, params: Json = None) -> None:
        """Post one call whose answer must not arrive."""
        with pytest.raises(aiohttp.ClientConnectionError):
            await self.ask(method, params)

    async def while_advancing(self, waiting: Coroutine[Any, Any, T], seconds: float) -> T:
        """Turn the clock by `seconds` once somebody sleeps on it; return what was waited for."""
        asked = asyncio.create_task(waiting)
        until = self.virtual.monotonic() + seconds
        while not asked.done():
            if self.virtual.sleeping() and self.virtual.monotonic() < until:
                await self.virtual.advance(0.5)
            await asyncio.sleep(0)
        return await asked

    async def advancing(self, method: str, params: Json, seconds: float) -> tuple[int, Record]:
        """Post one call that sleeps, turn the clock, return the answer."""
        return await self.while_advancing(self.ask(method, params), seconds)


def add_command(title: str, xml_id: str = "") -> str:
    """Write the command that adds an invoice."""
    return (
        f"crm.item.add?entityTypeId=31&fields[title]={quote(title)}&fields[xmlId]={quote(xml_id)}"
    )


@asynccontextmanager
async def served(
    *,
    companies: int = 3,
    switches: Switches | None = None,
    limits: Limits | None = None,
    clock: SandboxClock | None = None,
) -> AsyncIterator[Served]:
    """Serve a portal with one own company and some customers; brakes off unless given."""
    clock = clock or VirtualClock()
    limits = limits or Limits(bucket_on=False, operating_on=False)
    portal = Portal(clock, switches=switches, limits=limits)
    seed = Seed(portal.state)
    own = seed.company("ООО «Автотрэкер»", own=True, id_=1)
    for number in range(companies):
        seed.company(f"Компания {number}", id_=100 + number)
    hook = portal.add_webhook()
    runner = web.AppRunner(portal_app(portal))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port: int = runner.addresses[0][1]
    async with aiohttp.ClientSession() as http:
        try:
            yield Served(portal, seed, clock, hook, port, http, own)
        finally:
            await runner.cleanup()


def line(name: str = "Абонентское обслуживание", price: str = "350", many: str = "3") -> Row:
    return Row(name, Decimal(price), Decimal(many))
