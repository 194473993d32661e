"""One time at the start of a process that goes on for months: asked of the portal once.

Source: beyond 15.
"""

from __future__ import annotations

import asyncio

from stavbill.app.build import limiter_of
from stavbill.bitrix.gateway import Gateway, open_http
from stavbill.clock import Clock, machine_time
from stavbill.errors import PortalError
from stavbill.log import get_logger
from stavbill.operations.clocks import comparable, require_one_time
from stavbill.settings import Settings
from stavbill.store.database import Store

# A portal that is away keeps nobody from his start: every run compares again.
PATIENCE_S = 5.0
log = get_logger()


async def require_start_time(settings: Settings, store: Store, clock: Clock, portal: str) -> None:
    """Raise `ConfigError` when this machine's clock, the database's and the portal's differ."""
    seen = None
    if settings.webhook is not None:
        async with open_http(connections=1) as http:
            gateway = Gateway(
                settings.webhook_url(),
                http=http,
                limiter=limiter_of(settings, store, clock),
                clock=clock,
                timeout_s=PATIENCE_S,
            )
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await gateway.call("profile")
            except (PortalError, TimeoutError) as trouble:
                log.warning("portal_time_unknown", error=type(trouble).__name__)
            seen = gateway.server_time
    require_one_time(clock, comparable(clock, seen), portal=portal, true_now=machine_time())
