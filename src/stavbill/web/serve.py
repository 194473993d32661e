"""The web process: settings into the application, and uvicorn around it."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from pathlib import Path
from urllib.parse import urlsplit

from stavbill.app.build import common_clock
from stavbill.app.clocks import require_start_time
from stavbill.app.memory import keep_loaded
from stavbill.app.one_portal import refuse_other_portals
from stavbill.app.ready import write_ready_file
from stavbill.app.visiting import open_visitors
from stavbill.errors import ConfigError
from stavbill.log import set_up_logging
from stavbill.settings import Settings, load_settings
from stavbill.settings.secrets import (
    API_TOKEN,
    APPLICATION_TOKEN,
    WEB_SECRET,
    WHATSAPP_WEBHOOK_TOKEN,
)
from stavbill.store.schema import open_store
from stavbill.web.connections import WebServer, limits_for
from stavbill.web.posts import ACTIONS
from stavbill.web.server import WebOptions, create_app
from stavbill.web.signing import robot_url


def serve(
    config: Path, *, host: str | None = None, port: int | None = None, ready_file: Path | None
) -> None:
    """Serve until SIGTERM or SIGINT. Raises `ConfigError` and `StoreError` before it listens."""
    settings = load_settings(config, os.environ)
    options = options_of(settings)
    set_up_logging(unattended=True)
    store = open_store(settings.database_url.get_secret_value())
    try:
        clock = common_clock(settings, store)
        asyncio.run(require_start_time(settings, store, clock, options.portal))
        refuse_other_portals(store, options.portal, now=clock.now())
        web = settings.toml.web
        listening = listen(host or web.host, web.port if port is None else port)

        def ready() -> None:
            if ready_file is not None:
                name, number = listening.getsockname()[:2]
                write_ready_file(ready_file, f"http://{name}:{number}")

        async def work() -> None:
            async with open_visitors(settings, store, clock, options.portal) as visitors:
                files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
                app = create_app(store, clock, options, visitors)
                server = WebServer(app, limits_for(files))
                keep_loaded()
                ready()
                await server.serve(sockets=[listening])

        asyncio.run(work())
    finally:
        store.close()


def listen(host: str, port: int) -> socket.socket:
    """Return the socket to serve on. Raises `ConfigError` when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio lets small answers leave at once on sockets only that say that they are TCP.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        # Whoever comes before the application is there waits for it.
        listening.listen()
    except OSError as error:
        listening.close()
        msg = f"На {host}:{port} слушать нельзя: {error.strerror} (ключи web.host, web.port)"
        raise ConfigError(msg) from error
    return listening


def options_of(settings: Settings) -> WebOptions:
    """Return what the application takes. Raises `ConfigError` when nobody could be let in."""
    secrets = {name: text.get_secret_value() for name, text in settings.web_secrets.items()}
    if not secrets:
        msg = (
            f"Некого впускать: задайте {APPLICATION_TOKEN} (токен исходящего вебхука Битрикс24), "
            f"{WEB_SECRET} (подпись адресов роботов) или {API_TOKEN} (для других программ)"
        )
        raise ConfigError(msg)
    web = settings.toml.web
    callbacks = settings.mail_secrets.get(WHATSAPP_WEBHOOK_TOKEN)
    return WebOptions(
        portal=_portal(settings),
        application_token=secrets.get(APPLICATION_TOKEN),
        web_secret=secrets.get(WEB_SECRET),
        api_token=secrets.get(API_TOKEN),
        max_body=web.max_body,
        max_age_s=web.max_age_s,
        docs=web.docs,
        whatsapp_token=callbacks.get_secret_value() if callbacks is not None else None,
    )


def robot_urls(config: Path) -> dict[str, str]:
    """Return the signed address of every action. Raises `ConfigError` without secret or address."""
    settings = load_settings(config, os.environ)
    secret = settings.web_secrets.get(WEB_SECRET)
    public = settings.toml.web.public_url
    if secret is None or not public:
        msg = f"Нужны {WEB_SECRET} (длинная случайная строка) и web.public_url в настройках"
        raise ConfigError(msg)
    portal = _portal(settings)
    return {
        action: robot_url(public, secret.get_secret_value(), portal, action) for action in ACTIONS
    }


def _portal(settings: Settings) -> str:
    return urlsplit(settings.portal_url).netloc
