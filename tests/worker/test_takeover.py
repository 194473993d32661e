"""Who lives, who is given up, and whose workflows are set free: on a real engine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dbos import DBOS, SetWorkflowID
from sqlalchemy import create_engine, text

from stavbill.store.database import Store
from stavbill.store.workers import all_workers
from stavbill.workflows.engine import launch_engine, stop_engine
from stavbill.workflows.limits import DEAD_AFTER_S
from stavbill.workflows.running import followed
from stavbill.workflows.takeover import Heart
from tests.worker.hand_clock import HandClock

BEGINNING = datetime(2026, 12, 10, 6, tzinfo=UTC)
ME, OTHER = "here:1:aaaa", "there:1:bbbb"
go_on = threading.Event()


@DBOS.workflow(name="test_waits")
@followed
def waits() -> str:
    """Wait until the test says so."""
    go_on.wait(30)
    return "done"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[str]:
    """Launch an engine as the worker OTHER."""
    url = f"sqlite:///{tmp_path}/engine.sqlite3"
    go_on.clear()
    launch_engine(url, executor=OTHER)
    yield url
    go_on.set()
    stop_engine()


def heart(store: Store, clock: HandClock, owner: str, *, gone: str = "") -> Heart:
    return Heart(store, clock, owner=owner, version="1", is_gone=lambda known: known == gone)


def begin(name: str) -> None:
    with SetWorkflowID(name):
        DBOS.start_workflow(waits)


def test_a_silent_workers_workflow_is_set_free_after_the_limit(store: Store, engine: str) -> None:
    assert engine
    clock = HandClock(BEGINNING)
    heart(store, clock, OTHER).beat()
    mine = heart(store, clock, ME)
    mine.beat()
    begin("left")
    assert mine.take_over() == ()
    clock.move(timedelta(seconds=DEAD_AFTER_S - 1))
    mine.beat()
    assert mine.take_over() == ()
    clock.move(timedelta(seconds=2))
    mine.beat()
    assert mine.take_over() == ("left",)
    with store.read() as db:
        ended = {known.owner: known.ended is not None for known in all_workers(db)}
    assert ended == {ME: False, OTHER: True}


def test_what_was_set_free_is_not_set_free_again(store: Store, engine: str) -> None:
    assert engine
    clock = HandClock(BEGINNING)
    mine = heart(store, clock, OTHER)
    mine.beat()
    begin("mine")
    assert mine.take_over() == ()
    assert heart(store, clock, ME, gone="nobody").take_over() == ()


def test_a_process_that_certainly_ended_is_not_waited_for(store: Store, engine: str) -> None:
    assert engine
    clock = HandClock(BEGINNING)
    heart(store, clock, OTHER).beat()
    begin("left")
    mine = heart(store, clock, ME, gone=OTHER)
    mine.beat()
    assert mine.take_over() == ("left",)


def test_a_paused_worker_that_wakes_up_is_told_and_lives_again(store: Store, engine: str) -> None:
    assert engine
    clock = HandClock(BEGINNING)
    paused, mine = heart(store, clock, OTHER), heart(store, clock, ME)
    paused.beat()
    clock.move(timedelta(seconds=DEAD_AFTER_S + 1))
    mine.beat()
    mine.take_over()
    paused.beat()
    with store.read() as db:
        assert all(known.ended is None for known in all_workers(db))


def test_a_worker_that_says_good_bye_is_followed_at_once(store: Store, engine: str) -> None:
    assert engine
    clock = HandClock(BEGINNING)
    leaving = heart(store, clock, OTHER)
    leaving.beat()
    begin("left")
    leaving.say_good_bye()
    mine = heart(store, clock, ME)
    mine.beat()
    assert mine.take_over() == ("left",)


def test_a_workflow_that_the_engine_dropped_is_set_free_by_its_own_worker(
    store: Store, engine: str
) -> None:
    mine = heart(store, HandClock(BEGINNING), OTHER)
    mine.beat()
    go_on.set()
    with SetWorkflowID("dropped"):
        assert DBOS.start_workflow(waits).get_result() == "done"
    go_on.clear()
    begin("at work")
    # As it is when the database goes away in the middle: begun, and no end written down.
    _forget_end(engine, "dropped")
    assert mine.take_over() == ()
    assert mine.take_over() == ("dropped",)
    assert mine.take_over() == ()


def _forget_end(engine: str, workflow: str) -> None:
    database = create_engine(engine)
    with database.begin() as db:
        changed = db.execute(
            text("UPDATE workflow_status SET status = 'PENDING' WHERE workflow_uuid = :workflow"),
            {"workflow": workflow},
        )
        assert changed.rowcount == 1
    database.dispose()
