"""Where the engine keeps its workflows, as the settings say, and what is done from outside.

Source: engine page: SQLite beside the store, or the store's own PostgreSQL (schema `dbos`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, tzinfo
from pathlib import Path

from sqlalchemy import Connection, make_url

from stavbill.app.stored import portal_of
from stavbill.clock import Clock
from stavbill.errors import ConfigError
from stavbill.operations.month_steps import MonthRequest
from stavbill.settings import Settings, load_settings
from stavbill.store.database import Store
from stavbill.store.inbox import (
    Post,
    PostState,
    end_post,
    posts_of_workflow,
    read_post,
    tried_posts,
    wake_post,
)
from stavbill.store.runs import (
    Run,
    RunId,
    RunKind,
    RunState,
    latest_runs,
    read_run,
    set_state,
    start_run,
    take_up_again,
)
from stavbill.store.schema import open_store
from stavbill.store.workers import Worker, all_workers
from stavbill.workflows.engine import open_client
from stavbill.workflows.inspect import OPEN, Workflow, cancel, retry, state_of, steps_that_said
from stavbill.workflows.naming import HOOK, MONTH, NIGHTLY, month_id, rerun_id, runs_of
from stavbill.workflows.starting import ask_for_month, ask_for_operation

CANCELLED = "отменён"
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


@dataclass(frozen=True, slots=True)
class Desk:
    """What is done from outside: the store, the time, the portal's host, the engine's address."""

    store: Store
    clock: Clock
    portal: str
    zone: tzinfo
    engine: str

    def today(self) -> date:
        """Return today in the portal's time zone."""
        return self.clock.now().astimezone(self.zone).date()


@contextmanager
def open_desk(config: Path) -> Iterator[Desk]:
    """Open the store beside the engine, without connecting to the portal."""
    settings = load_settings(config, os.environ)
    store = open_store(settings.database_url.get_secret_value())
    try:
        yield Desk(
            store,
            settings.clock(),
            portal_of(settings, store),
            settings.toml.portal.zone,
            engine_url(settings),
        )
    finally:
        store.close()


@dataclass(frozen=True, slots=True)
class Asked:
    """A workflow that was asked for; `known` as it stands when it had been asked for before."""

    workflow: str
    known: Workflow | None = None


def cancel_workflow(config: Path, workflow: str, *, who: str) -> Sequence[str]:
    """Cancel a workflow and stop every run that it writes by, from the next request on.

    A run that waits for a person has no workflow any more, and waits no longer; a post that waits
    for its next attempt has none, and is begun no more. Returns the ids of what was cancelled.
    Raises `ConfigError` for one that has ended.
    """
    why = f"{CANCELLED}: {who}"
    with open_desk(config) as desk:
        with desk.store.write() as db:
            run = read_run(db, RunId(workflow))
            if run is not None and run.state is RunState.WAITING_APPROVAL:
                set_state(db, run.run, RunState.STOPPED, at=desk.clock.now(), detail=why)
                return (workflow,)
            posts = _posts_of(db, desk.portal, workflow)
        waiting = any(post.state is PostState.NEW for post in posts)
        ids: Sequence[str] = (workflow,)
        with open_client(desk.engine) as client:
            known = state_of(client, workflow)
            if not waiting or (known is not None and known.state in OPEN):
                ids = cancel(client, workflow)
        with desk.store.write() as db:
            _stop(db, desk, workflow, posts, why)
    return ids


def _stop(db: Connection, desk: Desk, workflow: str, posts: Sequence[Post], why: str) -> None:
    """End the posts of a workflow and stop its runs, those too that are only about to begin."""
    at = desk.clock.now()
    for post in posts:
        end_post(db, desk.portal, post.event, PostState.FAILED, at=at, detail=why)
    events = [post.event for post in posts]
    for number, run in enumerate(runs_of(workflow, desk.portal, events)):
        known = read_run(db, run)
        if known is None and number == 0 and not workflow.startswith(MONTH):
            kind = RunKind.NIGHTLY if workflow.startswith(NIGHTLY) else RunKind.RERUN
            start_run(db, run, portal=desk.portal, kind=kind, on=desk.today(), dry_run=False, at=at)
            known = read_run(db, run)
        if known is not None and known.state not in (RunState.DONE, RunState.FAILED):
            set_state(db, run, RunState.STOPPED, at=at, detail=why)


def _posts_of(db: Connection, portal: str, workflow: str) -> tuple[Post, ...]:
    """Return the posts that a workflow deals with, or would if it had been begun."""
    posts = posts_of_workflow(db, portal, workflow)
    if not posts and workflow.startswith(HOOK):
        waiting = read_post(db, portal, workflow.removeprefix(HOOK))
        posts = () if waiting is None else (waiting,)
    return posts


def retry_workflow(config: Path, workflow: str) -> str:
    """Let a failed, stopped or cancelled workflow go on, with the runs that were stopped for it.

    Raises `ConfigError` when it ended well, or nobody knows it.
    """
    with open_desk(config) as desk, open_client(desk.engine) as client:
        with desk.store.read() as db:
            posts = _posts_of(db, desk.portal, workflow)
            runs = runs_of(workflow, desk.portal, [post.event for post in posts])
            known = [run for name in runs if (run := read_run(db, name)) is not None]
        stopped = [
            run
            for run in known
            if run.state is RunState.STOPPED and run.detail.startswith(CANCELLED)
        ]
        judged = steps_that_said(client, workflow, "judge_step") if stopped else ()
        with desk.store.write() as db:
            for run in stopped:
                # A plan that the gate let through goes on being written; anything else is decided
                # again, and asked again.
                passed = run is known[-1] and bool(judged) and judged[-1] == "go"
                take_up_again(db, run.run, RunState.APPLYING if passed else RunState.READING)
            for post in posts:
                if post.detail.startswith(CANCELLED):
                    wake_post(db, desk.portal, post.event, at=desk.clock.now())
        woken = any(post.detail.startswith(CANCELLED) for post in posts)
        # A post that was cancelled before it was begun has no workflow; a worker begins it now.
        return workflow if woken and state_of(client, workflow) is None else retry(client, workflow)


def ask_workers_for_month(config: Path, *, on: date | None, yes: bool) -> Asked:
    """Put the month's run of a day (None: today) into the workers' queue, unless it is there.

    Raises `StoreError` when no worker has ever run.
    """
    load_settings(config, os.environ).require_secrets()
    with open_desk(config) as desk, open_client(desk.engine) as client:
        day = on or desk.today()
        known = state_of(client, month_id(desk.portal, day.isoformat()))
        request = MonthRequest(on=day, yes=yes)
        return Asked(ask_for_month(client, desk.portal, day.isoformat(), request), known)


def ask_workers_for_rerun(
    config: Path, company: int, *, request: str, again: bool, keep_skip: bool
) -> Asked:
    """Put a rerun of a company into the workers' queue, once under the request's name.

    Raises `StoreError` when no worker has ever run.
    """
    document = {"company": company, "request": request, "again": again, "keep_skip": keep_skip}
    with open_desk(config) as desk, open_client(desk.engine) as client:
        workflow = rerun_id(desk.portal, company, request)
        known = state_of(client, workflow)
        return Asked(ask_for_operation(client, workflow, "rerun", document), known)


def posts_that_wait(config: Path, *, limit: int = 50) -> tuple[Post, ...]:
    """Return the posts of which an attempt came to nothing and that will be begun again."""
    with open_desk(config) as desk, desk.store.read() as db:
        return tried_posts(db, desk.portal, limit=limit)


def post_of(config: Path, event: str) -> Post:
    """Return a post by its event's name. Raises `ConfigError` for one that nobody knows."""
    with open_desk(config) as desk, desk.store.read() as db:
        found = read_post(db, desk.portal, event)
    if found is None:
        msg = f"Сообщения {event} нет: имя стоит в ответе на него (event)"
        raise ConfigError(msg)
    return found


def runs_that_wait(config: Path) -> tuple[Run, ...]:
    """Return the newest month's run when it waits for a person, without asking the engine."""
    with open_desk(config) as desk, desk.store.read() as db:
        newest = latest_runs(db, desk.portal, limit=1, kind=RunKind.MONTH)
    return tuple(run for run in newest if run.state is RunState.WAITING_APPROVAL)


def known_workers(config: Path) -> tuple[Worker, ...]:
    """Return the workers that were seen last, without asking the engine."""
    with open_desk(config) as desk, desk.store.read() as db:
        return all_workers(db)
