"""A database works for one portal at a time, and its flags belong to who raised them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stavbill.app.one_portal import refuse_other_portals
from stavbill.app.read_only import mirror_read_only, settings_name
from stavbill.errors import ConfigError
from stavbill.store.control import raised_flags
from stavbill.store.database import Store
from stavbill.store.inbox import Post, PostState, end_post, put_posts, read_post
from stavbill.store.workers import beat

NOW = datetime(2026, 12, 10, 6, tzinfo=UTC)
OURS, OTHER = "our.example", "other.example"


def test_another_portals_unfinished_work_is_not_taken_up(store: Store) -> None:
    with store.write() as db:
        put_posts(db, OTHER, [Post(event="E", kind="bill", company=7)], at=NOW)
    with pytest.raises(ConfigError, match=r"other\.example: сообщений ждёт 1"):
        refuse_other_portals(store, OURS, now=NOW)
    with store.write() as db:
        end_post(db, OTHER, "E", PostState.DONE, at=NOW)
    refuse_other_portals(store, OURS, now=NOW)


def test_another_portals_living_workers_keep_the_database(store: Store) -> None:
    refuse_other_portals(store, OTHER, now=NOW)
    with store.write() as db:
        beat(db, "there:1:aaaa", version="1", at=NOW)
    with pytest.raises(ConfigError, match="работники живы"):
        refuse_other_portals(store, OURS, now=NOW)
    refuse_other_portals(store, OTHER, now=NOW)
    refuse_other_portals(store, OURS, now=NOW + timedelta(minutes=5))


def test_two_portals_have_events_of_the_same_name(store: Store) -> None:
    post = Post(event="E", kind="bill", company=7)
    with store.write() as db:
        told = [put_posts(db, portal, [post], at=NOW) for portal in (OURS, OTHER)]
        end_post(db, OURS, "E", PostState.DONE, at=NOW)
        states = [read_post(db, portal, "E") for portal in (OURS, OTHER)]
    assert told == [[("E", True)], [("E", True)]]
    assert [found and found.state for found in states] == [PostState.DONE, PostState.NEW]


def test_read_only_is_lowered_by_who_raised_it_alone(store: Store) -> None:
    here, there = "settings@here:a", "settings@there:b"

    def up() -> list[str]:
        with store.read() as db:
            return [one.who for one in raised_flags(db, OURS)]

    mirror_read_only(store, OURS, read_only=True, who=there, at=NOW)
    mirror_read_only(store, OURS, read_only=False, who=here, at=NOW)
    assert up() == [there]
    mirror_read_only(store, OURS, read_only=True, who=here, at=NOW)
    assert up() == [there]
    mirror_read_only(store, OURS, read_only=False, who=there, at=NOW)
    assert up() == []
    assert settings_name(Path("a.toml")) != settings_name(Path("b.toml"))
