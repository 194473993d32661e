"""What customers' links and the provider's callbacks come to, put together for `stavbill web`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from stavbill.app.documents import open_pool
from stavbill.app.mail import open_mail
from stavbill.clock import Clock
from stavbill.operations.documents import KeptDocuments
from stavbill.operations.evidence import Desk, Visitors
from stavbill.settings import Settings
from stavbill.store.database import Store


@asynccontextmanager
async def open_visitors(
    settings: Settings, store: Store, clock: Clock, portal: str
) -> AsyncIterator[Visitors | None]:
    """Build what answers links and callbacks; None where nothing is ever sent.

    Nothing is sent by it and the portal is not asked. Raises `ConfigError` as `open_mail` and
    `open_pool` do.
    """
    if not (settings.toml.mail.senders or settings.toml.whatsapp.instance):
        yield None
        return
    async with (
        open_pool(settings) as pool,
        open_mail(settings, KeptDocuments(store, pool)) as mail,
    ):
        yield Visitors(Desk(store=store, clock=clock, portal=portal, mail=mail))
