"""The kill switch from outside: put up and taken down in the store, without asking the portal.

Every process looks at it right before each request that writes. Source: operations page, «Safety».
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

from stavbill.app.stored import portal_of
from stavbill.clock import SystemClock
from stavbill.errors import ConfigError
from stavbill.settings import load_settings
from stavbill.store.control import Flag, RaisedFlag, lower_flag, raise_flag, raised_flags
from stavbill.store.schema import open_store


def stop_writing(config: Path, *, reason: str, who: str) -> tuple[RaisedFlag, ...]:
    """Let nothing more be written to the portal; return every flag that is up then.

    What is on its way is waited for and accounted for. Raises `ConfigError` for an empty reason.
    """
    if not reason.strip():
        msg = "Назовите причину: stavbill stop --reason «почему». Её увидят все, кто ждёт."
        raise ConfigError(msg)
    with _opened(config) as (portal, db, clock):
        raise_flag(db, portal, Flag.KILL_SWITCH, reason=reason.strip(), who=who, at=clock.now())
        return raised_flags(db, portal)


def allow_writing(
    config: Path, *, who: str, after_violation: bool = False, machine_gone: bool = False
) -> tuple[tuple[Flag, ...], tuple[RaisedFlag, ...]]:
    """Take the kill switch down; return the flags that went down, and those that are still up.

    A violation of our own making stays until somebody says that it was looked into
    (`after_violation`). The read-only mode belongs to the settings of the machine that raised it,
    and stays unless a person knows that the machine is gone (`machine_gone`).
    """
    wanted = [Flag.KILL_SWITCH, *([Flag.VIOLATION] if after_violation else [])]
    wanted += [Flag.READ_ONLY] if machine_gone else []
    with _opened(config) as (portal, db, clock):
        lowered = tuple(
            flag for flag in wanted if lower_flag(db, portal, flag, who=who, at=clock.now())
        )
        return lowered, raised_flags(db, portal)


@contextmanager
def _opened(config: Path) -> Iterator[tuple[str, Connection, SystemClock]]:
    settings = load_settings(config, os.environ)
    clock = settings.clock()
    store = open_store(settings.database_url.get_secret_value())
    try:
        portal = portal_of(settings, store)
        with store.write() as db:
            yield portal, db, clock
    finally:
        store.close()
