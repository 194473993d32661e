"""The whole sandbox on loopback: a portal, Wialon hosts, a mail server, a WhatsApp provider.

In a test: `async with running_sandbox(companies=200) as sandbox: …`. As a process:
`python -m stavbill.sandbox.serve --companies 500 --seed 42 --ready-file FILE`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from aiohttp import web

from stavbill.sandbox.clock import SandboxClock, ScaledClock
from stavbill.sandbox.furnish.portal import ME, PortalFurnisher
from stavbill.sandbox.furnish.wialon import WialonFurnisher
from stavbill.sandbox.keep import (
    Drawn,
    Held,
    Hosts,
    put_back,
    read_held,
    read_world,
    write_held,
    write_world,
)
from stavbill.sandbox.mail.serve import MailDoors, mail_doors
from stavbill.sandbox.mail.server import MailServer
from stavbill.sandbox.mail.web import PREFIX as MAIL_CONTROL
from stavbill.sandbox.mail.web import mail_app
from stavbill.sandbox.portal.limits import Limits
from stavbill.sandbox.portal.portal import SECRET, Portal
from stavbill.sandbox.portal.switches import Switches
from stavbill.sandbox.portal.web import portal_app
from stavbill.sandbox.whatsapp.instance import Instance
from stavbill.sandbox.whatsapp.life import Life
from stavbill.sandbox.whatsapp.methods import Provider
from stavbill.sandbox.whatsapp.web import PREFIX as WHATSAPP_CONTROL
from stavbill.sandbox.whatsapp.web import whatsapp_app
from stavbill.sandbox.wialon.host import WialonHost
from stavbill.sandbox.wialon.web import wialon_app
from stavbill.sandbox.world.build import World, build_world
from stavbill.sandbox.world.telling import told

LOOPBACK = "127.0.0.1"
DEFAULT_DAY = date(2026, 12, 10)
ONE_MOMENT_S = 0.001
MORNING_UTC = 6
"""The portal's clock starts at nine in the morning, Moscow time, of the world's day."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The running hosts, where they listen, and the secrets that open them.

    `portal_url` is the portal's address without a trailing slash, `webhook` the whole way in.
    `wialon`, `wialon_urls` and `tokens` are by the name of the connection, as it stands in the
    card's «Где найти». `mail` says where SMTP and IMAP listen, `mail_url` is the mailbox page;
    `whatsapp_url` the provider's `apiUrl`, all without a trailing slash.
    """

    world: World
    clock: SandboxClock
    portal: Portal
    portal_url: str
    wialon: dict[str, WialonHost]
    wialon_urls: dict[str, str]
    tokens: dict[str, str]
    mail: MailDoors
    mail_url: str
    whatsapp: Instance
    whatsapp_url: str

    @property
    def webhook(self) -> str:
        """The incoming webhook's whole address."""
        return f"{self.portal_url}/rest/{ME}/{SECRET}/"

    def time(self) -> dict[str, str]:
        """Return the variables that give a process the world's day, and its pace.

        A portal of another day than its client has a clock that is wrong.
        """
        scale = self.clock.scale if isinstance(self.clock, ScaledClock) else 1.0
        # Both of one moment: a process that is put aside between the two looks again.
        while True:
            since = time.time()
            start = self.clock.now()
            if time.time() - since < ONE_MOMENT_S:
                break
        return {
            "STAVBILL_CLOCK_SCALE": str(scale),
            "STAVBILL_CLOCK_START": start.isoformat(),
            "STAVBILL_CLOCK_SINCE": str(since),
        }

    def hosts(self) -> Hosts:
        """Return the hosts whose holdings can be kept in a folder."""
        return Hosts(self.portal, self.mail.mail.letters, self.whatsapp)

    def environment(self) -> dict[str, str]:
        """Return the variables of a client: the secrets of all hosts, and the world's time."""
        tokens = {
            f"STAVBILL_WIALON_TOKEN_{name.upper()}": token for name, token in self.tokens.items()
        }
        return {
            "STAVBILL_PORTAL_URL": self.webhook,
            **tokens,
            "STAVBILL_WHATSAPP_TOKEN": self.whatsapp.token,
            **self.time(),
        }

    def ready(self) -> dict[str, object]:
        """Return what a client must know, as one JSON object."""
        return {
            "portal_url": self.webhook,
            "portal_control": f"{self.portal_url}/_sandbox/",
            "environment": self.environment(),
            "wialon": {
                name: {"url": url, "token": self.tokens[name]}
                for name, url in self.wialon_urls.items()
            },
            "mail": self.mail.ready()
            | {"page": f"{self.mail_url}/", "control": self.mail_url + MAIL_CONTROL},
            "whatsapp": {
                "url": self.whatsapp_url,
                "instance": self.whatsapp.id,
                "token": self.whatsapp.token,
                "page": f"{self.whatsapp_url}/",
                "control": self.whatsapp_url + WHATSAPP_CONTROL,
            },
            "as_of": self.world.as_of.isoformat(),
            "companies": self.world.companies_count,
            "seed": self.world.seed,
            "pid": os.getpid(),
        }


@asynccontextmanager
async def running_sandbox(
    world: World | None = None,
    *,
    companies: int = 200,
    seed: int = 42,
    as_of: date = DEFAULT_DAY,
    clock: SandboxClock | None = None,
    time_scale: float = 1.0,
    host: str = LOOPBACK,
    port: int = 0,
    switches: Switches | None = None,
    limits: Limits | None = None,
    held: Held | None = None,
) -> AsyncIterator[Sandbox]:
    """Serve a world (given, or built from the other words) until the block ends.

    `port` 0 takes free ports; otherwise the portal has it, the Wialon hosts the next ones, then
    the mailbox page, WhatsApp, SMTP, SMTP over TLS and IMAP. `switches` and `limits` are the
    portal's; faults are switched on the running hosts. `held` is what an earlier run left.
    """
    world = world or build_world(companies, seed, as_of)
    start = datetime(*world.as_of.timetuple()[:3], MORNING_UTC, tzinfo=UTC)
    if held is not None:
        start = held.now
    clock = clock or ScaledClock(time_scale, start)
    furnisher = WialonFurnisher(world, clock)
    rooms = PortalFurnisher(world, clock, switches=switches, limits=limits)
    for cluster in world.clusters():
        furnisher.add(cluster)
        rooms.add(cluster)
    async with AsyncExitStack() as stack:
        urls: dict[str, str] = {}
        portal_url = await stack.enter_async_context(_served(portal_app(rooms.portal), host, port))
        for place, (name, wialon) in enumerate(furnisher.hosts.items(), start=1):
            at = port + place if port else 0
            urls[name] = await stack.enter_async_context(_served(wialon_app(wialon), host, at))
            wialon.base_url = urls[name]
        post = await stack.enter_async_context(
            _post(clock, host, port + len(urls) + 1 if port else 0)
        )
        sandbox = Sandbox(
            world=world,
            clock=clock,
            portal=rooms.portal,
            portal_url=portal_url,
            wialon=furnisher.hosts,
            wialon_urls=urls,
            tokens={connection.name: connection.token for connection in world.connections},
            mail=post.mail,
            mail_url=post.mail_url,
            whatsapp=post.whatsapp,
            whatsapp_url=post.whatsapp_url,
        )
        if held is not None:
            put_back(held, sandbox.hosts())
        yield sandbox


@dataclass(frozen=True, slots=True)
class _Post:
    """The ways to customers."""

    mail: MailDoors
    mail_url: str
    whatsapp: Instance
    whatsapp_url: str


@asynccontextmanager
async def _post(clock: SandboxClock, host: str, port: int) -> AsyncIterator[_Post]:
    """Open mail and WhatsApp on five ports from `port` on; 0 takes free ones."""
    page, chats, smtp, smtps, imap = range(port, port + 5) if port else (0,) * 5
    instance, server = Instance(clock), MailServer(clock)
    life = Life(instance)
    provider = Provider(instance, life)
    async with (
        _served(whatsapp_app(provider), host, chats) as whatsapp_url,
        _served(mail_app(server, chats=f"{whatsapp_url}/"), host, page) as mail_url,
        mail_doors(server, host=host, ports=(smtp, smtps, imap)) as doors,
    ):
        provider.files_url = whatsapp_url
        yield _Post(doors, mail_url, instance, whatsapp_url)


@asynccontextmanager
async def _served(app: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """Serve an application; give its address without a trailing slash."""
    # Whoever waits for an answer that comes in ten minutes does not hold up the end.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def run_sandbox(words: argparse.Namespace, say: Callable[[Sandbox], str]) -> None:
    """Serve until the process is told to stop; say where, once everything listens.

    With a folder the world goes on as the last run there left it, and is left there at the end.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(name, stop.set)
    drawn = Drawn(words.companies, words.seed, words.as_of, words.port)
    held = None
    if words.dir is not None:
        known = read_world(words.dir)
        if known is None:
            write_world(words.dir, drawn)
        else:
            drawn, held = known, read_held(words.dir)
    async with running_sandbox(
        companies=drawn.companies,
        seed=drawn.seed,
        as_of=drawn.as_of,
        time_scale=words.time_scale,
        host=words.host,
        port=drawn.port,
        held=held,
    ) as sandbox:
        sys.stdout.write(f"{say(sandbox)}\n")
        sys.stdout.flush()
        if words.expectations_file is not None:
            answers = json.dumps(told(sandbox.world), ensure_ascii=False, indent=1)
            _write_whole(words.expectations_file, f"{answers}\n")
        if words.ready_file is not None:
            _write_whole(words.ready_file, f"{ready_line(sandbox)}\n")
        await stop.wait()
        if words.dir is not None:
            write_held(words.dir, sandbox.hosts())


def ready_line(sandbox: Sandbox) -> str:
    """Return addresses and tokens as one line of JSON."""
    return json.dumps(sandbox.ready(), ensure_ascii=False)


def _write_whole(path: Path, text: str) -> None:
    """Write a file that nobody ever sees half-written."""
    draft = path.with_name(f"{path.name}.part")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def parser() -> argparse.ArgumentParser:
    """Return the reader of the command line."""
    words = argparse.ArgumentParser(prog="stavbill.sandbox.serve", description=__doc__)
    words.add_argument("--companies", type=int, default=500)
    words.add_argument("--seed", type=int, default=42)
    words.add_argument("--as-of", type=date.fromisoformat, default=DEFAULT_DAY)
    words.add_argument("--host", default=LOOPBACK)
    words.add_argument("--port", type=int, default=0)
    words.add_argument("--time-scale", type=float, default=1.0)
    words.add_argument("--dir", type=Path, help="go on with the world of this folder, or begin it")
    words.add_argument("--ready-file", type=Path, help="addresses and tokens, one JSON object")
    words.add_argument("--expectations-file", type=Path, help="what a run must do, a JSON list")
    return words


def main(arguments: list[str] | None = None, say: Callable[[Sandbox], str] = ready_line) -> None:
    """Run the sandbox as a process; `say` gives what stands on its standard output."""
    # Its tokens are invented, but a world that is played with may hold somebody's own.
    os.umask(0o077)
    asyncio.run(run_sandbox(parser().parse_args(arguments), say))


if __name__ == "__main__":
    main()
