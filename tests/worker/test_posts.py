"""Posts are begun until they have been dealt with: by one attempt at a time, never by none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dbos import DBOS, SetWorkflowID

from stavbill.operations.putting_off import LONGEST_PAUSE, pause_after
from stavbill.store.control import Flag, lower_flag, raise_flag
from stavbill.store.database import Store
from stavbill.store.inbox import Post, PostState, end_post, note_attempt, put_posts, read_post
from stavbill.worker.posts import LOOKS_AFTER, Posts
from stavbill.workflows.engine import launch_engine, stop_engine
from tests.support.waiting import wait_until
from tests.worker.hand_clock import HandClock

NOW = datetime(2026, 12, 10, 6, tzinfo=UTC)
PORTAL = "portal.example"
go_on = threading.Event()


@DBOS.workflow(name="test_attempt")
def attempt() -> None:
    """Be at work until the test says that this is over."""
    go_on.wait(30)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[None]:
    """Launch an engine in which no operation succeeds: attempts end, posts stay."""
    go_on.clear()
    launch_engine(f"sqlite:///{tmp_path}/engine.sqlite3", executor="here:1:aaaa")
    yield
    go_on.set()
    stop_engine()


def put(store: Store, *events: str, kind: str = "bill") -> None:
    posts = [Post(event=event, kind=kind, company=7) for event in events]
    with store.write() as db:
        put_posts(db, PORTAL, posts, at=NOW)


def found(store: Store, event: str) -> Post:
    with store.read() as db:
        post = read_post(db, PORTAL, event)
    assert post is not None
    return post


def ended(workflow: str) -> bool:
    """Wait until a workflow has ended."""

    def is_over() -> bool:
        known = DBOS.get_workflow_status(workflow)
        return known is not None and known.status in ("ERROR", "SUCCESS")

    wait_until(is_over)
    return True


@pytest.mark.usefixtures("engine")
def test_a_post_whose_attempt_came_to_nothing_is_begun_again(store: Store) -> None:
    clock = HandClock(NOW)
    first, second = Posts(store, clock, PORTAL), Posts(store, clock, PORTAL)
    put(store, "E")
    assert (first.begin(), second.begin()) == (1, 0)
    assert ended("hook:E")
    clock.move(LOOKS_AFTER)
    assert (first.begin(), second.begin()) == (1, 0)
    assert ended("hook:E#2")
    assert (found(store, "E").attempts, found(store, "E").state) == (2, PostState.NEW)


@pytest.mark.usefixtures("engine")
def test_two_workers_that_saw_the_same_begin_one_attempt(store: Store) -> None:
    put(store, "E")
    seen = found(store, "E")
    with store.write() as db:
        told = [note_attempt(db, PORTAL, seen, "hook:E", due=NOW) for _ in range(2)]
    assert told == [True, False]


@pytest.mark.usefixtures("engine")
def test_a_post_at_work_is_not_begun_beside_itself(store: Store) -> None:
    clock = HandClock(NOW)
    put(store, "E")
    with SetWorkflowID("hook:E"):
        DBOS.start_workflow(attempt)
    with store.write() as db:
        note_attempt(db, PORTAL, found(store, "E"), "hook:E", due=NOW)
    assert Posts(store, clock, PORTAL).begin() == 0
    go_on.set()
    assert ended("hook:E")
    clock.move(LOOKS_AFTER)
    assert Posts(store, clock, PORTAL).begin() == 1


@pytest.mark.usefixtures("engine")
def test_what_writes_waits_while_writing_is_stopped(store: Store) -> None:
    clock, posts = HandClock(NOW), Posts(store, HandClock(NOW), PORTAL)
    put(store, "WRITES")
    put(store, "READS", kind="company_changed")
    with store.write() as db:
        raise_flag(db, PORTAL, Flag.KILL_SWITCH, reason="x", who="a person", at=NOW)
    clock.move(timedelta(minutes=1))
    posts = Posts(store, clock, PORTAL)
    assert posts.begin() == 1
    assert (found(store, "WRITES").attempts, found(store, "READS").attempts) == (0, 1)
    with store.write() as db:
        lower_flag(db, PORTAL, Flag.KILL_SWITCH, who="a person", at=NOW)
    assert posts.begin() == 1
    assert found(store, "WRITES").attempts == 1


@pytest.mark.usefixtures("engine")
def test_a_post_that_was_dealt_with_is_left_alone(store: Store) -> None:
    clock = HandClock(NOW)
    put(store, "E")
    with store.write() as db:
        assert end_post(db, PORTAL, "E", PostState.DONE, at=NOW)
        assert not end_post(db, PORTAL, "E", PostState.FAILED, at=NOW)
    clock.move(timedelta(days=1))
    assert Posts(store, clock, PORTAL).begin() == 0
    assert found(store, "E").state is PostState.DONE


@pytest.mark.usefixtures("engine")
def test_changes_are_collected_and_read_fifty_companies_at_a_time(store: Store) -> None:
    clock = HandClock(NOW)
    posts = Posts(store, clock, PORTAL)
    several = [Post(event=f"E{n}", kind="company_changed", company=n) for n in range(1, 121)]
    with store.write() as db:
        put_posts(db, PORTAL, several, at=NOW)
    assert posts.begin() == 0
    clock.move(timedelta(seconds=4))
    with store.write() as db:
        # Of a company that is among them, and a moment too young to be due by itself.
        put_posts(db, PORTAL, [Post(event="E", kind="company_changed", company=1)], at=clock.now())
    clock.move(timedelta(seconds=1))
    assert [posts.begin() for _ in range(4)] == [50, 50, 21, 0]
    assert len({found(store, one.event).workflow for one in several}) == 3


@pytest.mark.usefixtures("engine")
def test_two_workers_read_no_change_twice(store: Store) -> None:
    clock = HandClock(NOW)
    put(store, *(f"E{n}" for n in range(10)), kind="company_changed")
    clock.move(timedelta(seconds=5))
    workers = [Posts(store, clock, PORTAL) for _ in range(2)]
    assert [worker.begin() for worker in workers] == [10, 0]


def test_pauses_grow_to_an_hour_and_no_further() -> None:
    pauses = [pause_after(number) for number in range(1, 40)]
    assert pauses[0] < timedelta(minutes=1)
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE == timedelta(hours=1)
