"""Parts for commands that read the store only: no webhook, no token, no request.

The portal's name comes from `portal.url` of the TOML (or the webhook where there is one), else from
the store when it knows exactly one portal.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr
from typing_extensions import override

from stavbill.app.build import assemble, limiter_of
from stavbill.bitrix.read.chain import BulkReader
from stavbill.clock import Clock
from stavbill.errors import ConfigError
from stavbill.log import set_up_logging
from stavbill.operations.parts import Parts
from stavbill.settings import Settings, load_settings
from stavbill.settings.load import NO_WEBHOOK
from stavbill.store.database import Store
from stavbill.store.portals import known_portals
from stavbill.store.schema import open_store

# Nobody answers to it: the transport refuses whatever is sent.
NOWHERE = "/rest/1/nothing/"
NO_NAME = (
    "Неизвестно, о каком портале речь: укажите portal.url в {path} (адрес портала, без секрета)"
)


@asynccontextmanager
async def open_stored(
    config: Path, env: Mapping[str, str] | None = None, clock: Clock | None = None
) -> AsyncIterator[Parts]:
    """Build what a command needs that only reads the store.

    Whatever would be asked of the portal raises `ConfigError`. Raises `ConfigError` and
    `StoreError` when the settings or the database cannot be used.
    """
    set_up_logging(unattended=False)
    settings = load_settings(config, os.environ if env is None else env)
    clock = clock or settings.clock()
    store = open_store(settings.database_url.get_secret_value())
    try:
        base = portal_address(settings, store)
        offline = replace(settings, webhook=SecretStr(base + NOWHERE))
        limiter, nobody = limiter_of(offline, store, clock), NoPortal()
        bulk = BulkReader(offline.webhook_url(), limiter=limiter, clock=clock, client=nobody)
        async with httpx.AsyncClient(transport=nobody) as http:
            yield assemble(offline, store, clock, limiter=limiter, http=http, bulk=bulk)
    finally:
        store.close()


def portal_address(settings: Settings, store: Store) -> str:
    """Return the portal's address without a secret.

    Raises `ConfigError` when neither settings nor store name one.
    """
    if settings.portal_url:
        return settings.portal_url
    with store.read() as db:
        known = known_portals(db)
    if len(known) != 1:
        raise ConfigError(NO_NAME.format(path=settings.path))
    return f"https://{known[0]}"


def portal_of(settings: Settings, store: Store) -> str:
    """Return the portal's host, by which the store knows it; raises as `portal_address`."""
    return urlsplit(portal_address(settings, store)).netloc


class NoPortal(httpx.AsyncBaseTransport):
    """What stands where the portal would be: it refuses every request."""

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raise `ConfigError`."""
        raise ConfigError(NO_WEBHOOK)

    async def call(self, *_question: object, **_words: object) -> NoReturn:
        """Raise `ConfigError`."""
        raise ConfigError(NO_WEBHOOK)
