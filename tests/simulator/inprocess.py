"""The emulated portal and hosts without sockets: requests are handed over in this very process.

A request passes `Life` before it leaves and when its answer comes: there a process may be paused,
or be dead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import httpx
import orjson
from sqlalchemy import Connection
from typing_extensions import override
from yarl import URL

from stavbill.bitrix.gateway import BODY_LEAVES
from stavbill.clock import Clock
from stavbill.sandbox.portal.portal import Portal
from stavbill.sandbox.portal.registry import METHODS
from stavbill.sandbox.portal.wire import Response
from stavbill.sandbox.wialon.host import WialonHost
from stavbill.sandbox.wialon.wire import Request
from stavbill.store.database import Store

TRIES, WAIT_S = 5, 1.0
# How long a request is on its way, and its answer: time in which a process may die or be paused.
CONNECT_S, THERE_S, BACK_S = 0.5, 0.5, 1.5
WRITING = tuple(name for name, method in METHODS.items() if method.writes)


class KilledError(BaseException):
    """The process is dead: nothing that it still wanted to do is done."""


class Life:
    """Whether an emulated process lives, or is paused; everything that it does asks here.

    Its steps are counted: what it sends, what comes back, and its transactions, before and after.
    At the step `dies_at` it dies, from `stops_at` on it stands still where it may wait.
    """

    def __init__(self, *, dies_at: int | None = None, stops_at: int | None = None) -> None:
        self.is_dead = False
        self.steps = 0
        self.struck = asyncio.Event()
        self._dies_at = dies_at
        self._stops_at = stops_at
        self._awake = asyncio.Event()
        self._awake.set()

    def check(self) -> None:
        if self.is_dead:
            raise KilledError

    def step(self) -> None:
        """Go one step on, perhaps the last one."""
        self.check()
        self.steps += 1
        if self.steps == self._dies_at:
            self.is_dead = True
            self.struck.set()
        if self.steps == self._stops_at:
            self._awake.clear()
            self.struck.set()
        self.check()

    def wake(self) -> None:
        self._awake.set()

    async def go_on(self) -> None:
        """Wait while paused."""
        await self._awake.wait()
        self.check()


@dataclass(slots=True)
class KillSwitch:
    """Whether people let nothing be written now, and what was sent all the same."""

    is_up: bool = False
    disobeyed: list[str] = field(default_factory=list)

    def look(self, body: bytes) -> None:
        """See what a request that is on its way now would write."""
        if self.is_up:
            self.disobeyed += [name for name in WRITING if f'"{name}'.encode() in body.lower()]


@dataclass(frozen=True, slots=True)
class Second:
    """Another installation at the same portal: nothing that it sends may write."""

    store: Store
    switch: KillSwitch = field(default_factory=lambda: KillSwitch(is_up=True))


class MortalStore(Store):
    """A store as one process sees it: gone when the process is dead."""

    def __init__(self, store: Store, life: Life) -> None:
        super().__init__(store.engine)
        self._life = life

    @override
    @contextmanager
    def read(self) -> Iterator[Connection]:
        self._life.check()
        with super().read() as db:
            yield db

    @override
    @contextmanager
    def write(self) -> Iterator[Connection]:
        self._life.step()
        with super().write() as db:
            yield db
        self._life.step()


async def detached(work: Coroutine[Any, Any, Response]) -> Response:
    """Wait for what goes on although nobody waits any more: the portal knows no clients."""
    task = asyncio.ensure_future(work)
    _going_on.add(task)
    task.add_done_callback(_going_on.discard)
    return await asyncio.shield(task)


_going_on: set[asyncio.Task[Response]] = set()


class PortalTransport(httpx.AsyncBaseTransport):
    """Our gateway's way to the portal."""

    def __init__(self, portal: Portal, clock: Clock, life: Life, switch: KillSwitch) -> None:
        self._portal = portal
        self._clock = clock
        self._life = life
        self._switch = switch

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        # The last look at the switch was a moment ago: from here on a request is on its way.
        self._switch.look(await request.aread())
        await self._clock.sleep(CONNECT_S)
        self._life.step()
        await self._life.go_on()
        # Whoever hands the body over looks once more whether it may leave.
        trace = request.extensions.get("trace")
        if trace is not None:
            await trace(BODY_LEAVES, {})
        body = await request.aread()
        await self._clock.sleep(THERE_S)
        answer = await detached(
            self._portal.handle(
                request.method,
                request.url.path,
                dict(request.headers),
                body,
                request.url.query.decode(),
            )
        )
        self._life.step()
        await self._clock.sleep(BACK_S)
        await self._life.go_on()
        if answer.dropped:
            msg = "the connection broke"
            raise httpx.ReadError(msg, request=request)
        return httpx.Response(
            answer.status, headers=dict(answer.headers), content=answer.body, request=request
        )


class PortalReading:
    """What fast-bitrix24 does for reading: a call, tried again a few times."""

    def __init__(self, portal: Portal, path: str, clock: Clock, life: Life) -> None:
        self._portal = portal
        self._path = path
        self._clock = clock
        self._life = life

    async def call(self, method: str, items: dict[str, Any], raw: bool) -> Any:  # noqa: FBT001, ANN401  its signature
        assert raw
        body = orjson.dumps(items, default=str)
        headers = {"Content-Type": "application/json"}
        status = 0
        for attempt in range(TRIES):
            await self._life.go_on()
            await self._clock.sleep(THERE_S)
            answer = await detached(
                self._portal.handle("POST", f"{self._path}{method}", headers, body, "")
            )
            await self._clock.sleep(BACK_S)
            await self._life.go_on()
            if not answer.dropped and answer.status == httpx.codes.OK:
                return orjson.loads(answer.body)
            status = 0 if answer.dropped else answer.status
            await self._clock.sleep(WAIT_S * 2**attempt)
        if status == 0:
            raise aiohttp.ServerDisconnectedError
        info = aiohttp.RequestInfo(URL("http://portal/"), "POST", _NO_HEADERS)
        raise aiohttp.ClientResponseError(info, (), status=status)


class WialonTransport(httpx.AsyncBaseTransport):
    """A Wialon reader's way to its host."""

    def __init__(self, host: WialonHost, life: Life) -> None:
        self._host = host
        self._life = life

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await self._life.go_on()
        body = (await request.aread()).decode()
        query = request.url.query.decode()
        fields = dict([*parse_qsl(query), *parse_qsl(body, keep_blank_values=True)])
        answer = await self._host.handle(Request(request.url.path, fields, request.method))
        await self._life.go_on()
        if answer.dropped:
            msg = "the connection broke"
            raise httpx.ReadError(msg, request=request)
        headers = {"Content-Type": answer.content_type}
        return httpx.Response(answer.status, headers=headers, content=answer.body, request=request)


_NO_HEADERS: Any = {}
