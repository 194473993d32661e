"""The application served over real HTTP on loopback, with a store of its own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

import httpx

from stavbill.operations.evidence import Visitors
from stavbill.store.database import Store
from stavbill.store.inbox import Post, waiting_posts
from stavbill.web.connections import ConnectionLimits, WebServer
from stavbill.web.rendering import RenderingLimits
from stavbill.web.server import WebOptions, create_app
from tests.support.waiting import until
from tests.worker.hand_clock import HandClock

NOW = datetime(2026, 12, 10, 6, tzinfo=UTC)
PORTAL = "portal.example"
TOKEN, SECRET, API = "app-token", "web-secret", "api-token"
OPTIONS = WebOptions(
    portal=PORTAL,
    application_token=TOKEN,
    web_secret=SECRET,
    api_token=API,
    max_body=4096,
    max_age_s=86_400,
)
# Patient, so that no test of another thing meets them.
LIMITS = ConnectionLimits(connections=500, accepted_at_once=32)


@dataclass(frozen=True, slots=True)
class Web:
    """A client of the served application, its port, and its store."""

    client: httpx.AsyncClient
    store: Store
    port: int

    def waiting(self) -> tuple[Post, ...]:
        """Return what stands in the inbox."""
        with self.store.read() as db:
            return waiting_posts(db, PORTAL)

    async def event(self, name: str, **words: str) -> httpx.Response:
        """Post an event as Bitrix24 does."""
        form = {
            "event": name,
            "ts": str(int(NOW.timestamp())),
            "auth[domain]": PORTAL,
            "auth[application_token]": TOKEN,
            **words,
        }
        return await self.client.post("/hooks/bitrix", content=urlencode(form), headers=FORM)


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def on_loopback() -> socket.socket:
    """Return a socket with a port of its own."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    return listening


@asynccontextmanager
async def served(
    store: Store,
    options: WebOptions = OPTIONS,
    *,
    visitors: Visitors | None = None,
    clock: HandClock | None = None,
    listening: socket.socket | None = None,
    limits: ConnectionLimits = LIMITS,
    rendering: RenderingLimits | None = None,
) -> AsyncIterator[Web]:
    """Serve the application until the block ends, on `listening` where its address is given."""
    if listening is None:
        listening = on_loopback()
    port = listening.getsockname()[1]
    app = create_app(store, clock or HandClock(NOW), options, visitors, rendering)
    server = WebServer(app, limits)
    task = asyncio.ensure_future(server.serve(sockets=[listening]))
    try:
        # uvicorn has no event for it.
        await until(lambda: server.started)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            yield Web(client, store, port)
    finally:
        server.should_exit = True
        await task
