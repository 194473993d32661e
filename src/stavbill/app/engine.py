"""Where the engine keeps its workflows, as the settings say, and what is done from outside.

Source: engine page: SQLite beside the store, or the store's own PostgreSQL (schema `dbos`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import make_url

from stavbill.clock import SystemClock
from stavbill.operations.month_steps import MonthRequest
from stavbill.settings import Settings, load_settings
from stavbill.store.runs import (
    Run,
    RunId,
    RunKind,
    RunState,
    latest_runs,
    read_run,
    set_state,
)
from stavbill.store.schema import open_store
from stavbill.store.workers import Worker, all_workers
from stavbill.workflows.engine import open_client
from stavbill.workflows.inspect import cancel
from stavbill.workflows.starting import ask_for_month

SUFFIX = "-engine"


def engine_url(settings: Settings) -> str:
    """Return the address of the engine's database, password included."""
    url = make_url(settings.database_url.get_secret_value())
    if url.get_backend_name() == "sqlite" and url.database:
        store = Path(url.database)
        url = url.set(database=str(store.with_name(store.stem + SUFFIX + store.suffix)))
    return url.render_as_string(hide_password=False)


def engine_of(config: Path, env: Mapping[str, str] | None = None) -> str:
    """Return the address of the engine's database for a settings' file."""
    return engine_url(load_settings(config, os.environ if env is None else env))


def cancel_workflow(config: Path, workflow: str, *, who: str) -> Sequence[str]:
    """Cancel a workflow and stop the run that it carries, from the next request on.

    A run that waits for a person has no workflow any more, and waits no longer. Returns the ids of
    what was cancelled. Raises `ConfigError` for one that has ended.
    """
    settings = load_settings(config, os.environ)
    clock = SystemClock(settings.clock_scale, settings.clock_since)
    why = f"отменён: {who}"
    store = open_store(settings.database_url.get_secret_value())
    try:
        with store.write() as db:
            run = read_run(db, RunId(workflow))
            if run is not None and run.state is RunState.WAITING_APPROVAL:
                set_state(db, run.run, RunState.STOPPED, at=clock.now(), detail=why)
                return (workflow,)
        with open_client(engine_url(settings)) as client:
            ids = cancel(client, workflow)
        with store.write() as db:
            run = read_run(db, RunId(workflow))
            if run is not None and run.state not in (RunState.DONE, RunState.FAILED):
                set_state(db, run.run, RunState.STOPPED, at=clock.now(), detail=why)
    finally:
        store.close()
    return ids


def ask_workers_for_month(config: Path, *, on: date | None, yes: bool) -> str:
    """Put the month's run of a day (None: today) into the workers' queue; return its id.

    Raises `StoreError` when no worker has ever run.
    """
    settings = load_settings(config, os.environ)
    settings.require_secrets()
    clock = SystemClock(settings.clock_scale, settings.clock_since)
    day = on or clock.now().astimezone(settings.toml.portal.zone).date()
    portal = urlsplit(settings.webhook_url()).netloc
    with open_client(engine_url(settings)) as client:
        return ask_for_month(client, portal, day.isoformat(), MonthRequest(on=day, yes=yes))


def runs_that_wait(config: Path) -> tuple[Run, ...]:
    """Return the newest month's run when it waits for a person, without asking the engine."""
    settings = load_settings(config, os.environ)
    portal = urlsplit(settings.portal_url).netloc
    store = open_store(settings.database_url.get_secret_value())
    try:
        with store.read() as db:
            newest = latest_runs(db, portal, limit=1, kind=RunKind.MONTH)
    finally:
        store.close()
    return tuple(run for run in newest if run.state is RunState.WAITING_APPROVAL)


def known_workers(config: Path) -> tuple[Worker, ...]:
    """Return the workers that were seen last, without asking the engine."""
    settings = load_settings(config, os.environ)
    store = open_store(settings.database_url.get_secret_value())
    try:
        with store.read() as db:
            return all_workers(db)
    finally:
        store.close()
