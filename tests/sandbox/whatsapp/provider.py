"""A provider on loopback, somebody who listens for its notifications, and a plain client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from aiohttp import web

from stavbill.sandbox.clock import VirtualClock
from stavbill.sandbox.whatsapp.instance import Instance
from stavbill.sandbox.whatsapp.life import Life
from stavbill.sandbox.whatsapp.methods import Provider
from stavbill.sandbox.whatsapp.web import whatsapp_app

CHAT = "79001234567@c.us"


@dataclass(slots=True)
class Listener:
    """What was posted to `webhookUrl`; answers are taken from `refusals` first, then 200."""

    url: str = ""
    heard: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    refusals: list[int] = field(default_factory=list)

    async def hear(self, request: web.Request) -> web.Response:
        self.tokens.append(request.headers.get("Authorization", ""))
        if self.refusals:
            return web.Response(status=self.refusals.pop(0))
        self.heard.append(await request.json())
        return web.Response()

    def statuses(self, message: str = "") -> list[str]:
        return [
            each["status"] for each in self.heard if each["idMessage"] == message or not message
        ]


@dataclass(frozen=True, slots=True)
class Asked:
    """The provider and ways to ask it."""

    instance: Instance
    life: Life
    url: str
    http: httpx.AsyncClient
    listener: Listener

    @property
    def clock(self) -> VirtualClock:
        assert isinstance(self.instance.clock, VirtualClock)
        return self.instance.clock

    def address(self, method: str) -> str:
        return f"{self.url}/waInstance{self.instance.id}/{method}/{self.instance.token}"

    async def call(self, method: str, body: object = None, **words: Any) -> Any:  # noqa: ANN401
        """Ask a method that must succeed; without a body by GET."""
        answer = await self.ask(method, body, **words)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def ask(self, method: str, body: object = None, **words: Any) -> httpx.Response:  # noqa: ANN401
        if body is None and not words:
            return await self.http.get(self.address(method))
        if body is not None:
            words["json"] = body
        return await self.http.post(self.address(method), **words)

    async def send(self, chat: str = CHAT, message: str = "Счёт готов") -> str:
        told = await self.call("sendMessage", {"chatId": chat, "message": message})
        assert set(told) == {"idMessage"}
        taken: str = told["idMessage"]
        return taken

    async def pass_time(self, seconds: float) -> None:
        """Turn the clock in small steps, letting notifications travel in between."""
        left = seconds
        while left > 0:
            await self.clock.advance(min(left, 0.5))
            left -= 0.5
            await self.settle()

    async def settle(self) -> None:
        """Wait until nothing is on its way: everybody waits for the clock again."""
        quiet = 0
        while quiet < 5:
            await asyncio.sleep(0)
            quiet = 0 if self.life.at_wire else quiet + 1


@asynccontextmanager
async def provider(*, listening: bool = True) -> AsyncIterator[Asked]:
    """Serve a provider whose clock stands still, and a listener that it knows."""
    instance, listener = Instance(VirtualClock()), Listener()
    life = Life(instance)
    front = Provider(instance, life)
    hearing = web.Application()
    hearing.router.add_post("/hook", listener.hear)
    runners = [
        web.AppRunner(app, access_log=None, handler_cancellation=True)
        for app in (whatsapp_app(front), hearing)
    ]
    urls = []
    for runner in runners:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        urls.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
    front.files_url, listener.url = urls[0], f"{urls[1]}/hook"
    if listening:
        instance.settings.webhookUrl = listener.url
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        try:
            yield Asked(instance, life, urls[0], http, listener)
        finally:
            for runner in runners:
                await runner.cleanup()
