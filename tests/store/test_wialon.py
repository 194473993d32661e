"""Snapshots of Wialon: two complete ones are kept, and questions are answered by chunks."""

from __future__ import annotations

from datetime import datetime, timedelta

from stavbill.billing.facts import NestedCount
from stavbill.plan.records import AccountRecord, UnitRecord, UnitState
from stavbill.store.counting import (
    UnitCounts,
    accounts_named,
    ancestors,
    descendants,
    observe,
    own_counts,
    unit_names,
)
from stavbill.store.database import Store
from stavbill.store.snapshots import (
    SnapshotId,
    SnapshotState,
    begin_snapshot,
    complete_before,
    complete_snapshot,
    fail_snapshot,
    last_snapshot,
    put_accounts,
    put_units,
    read_snapshot,
)
from tests.store.samples import NOON

ACCOUNTS = (
    AccountRecord(1, "partner", 0),
    AccountRecord(2, "below", 1),
    AccountRecord(3, "below the below", 2),
    AccountRecord(4, "alone ", None),
    AccountRecord(5, "alone", 1),
    # A circle, which no host should give, must not hang anybody.
    AccountRecord(6, "circle", 7),
    AccountRecord(7, "circle too", 6),
)


def unit(number: int, account: int, state: UnitState = UnitState.ACTIVE) -> UnitRecord:
    return UnitRecord(number, f"unit {number}", account, state)


def snapshot(
    store: Store, *units: UnitRecord, complete: bool = True, at: datetime = NOON
) -> SnapshotId:
    with store.write() as db:
        made = begin_snapshot(db, "stavros1", at=at)
        put_accounts(db, made, ACCOUNTS)
        put_units(db, made, units)
        if complete:
            complete_snapshot(db, made, at=at)
    return made


def test_two_complete_snapshots_are_kept(store: Store) -> None:
    days = [NOON - timedelta(days=ago) for ago in (2, 1, 0)]
    made = [snapshot(store, unit(n, 4), at=day) for n, day in enumerate(days)]
    with store.write() as db:
        failed = begin_snapshot(db, "stavros1", at=NOON)
        put_accounts(db, failed, ACCOUNTS)
        fail_snapshot(db, failed, detail="error 4", at=NOON)
    with store.read() as db:
        assert read_snapshot(db, made[0]) is None
        latest, last = complete_before(db, "stavros1"), last_snapshot(db, "stavros1")
        before = complete_before(db, "stavros1", made[2])
        assert accounts_named(db, failed, ["alone"]) == {}
        assert complete_before(db, "stavros2") is None
    assert latest is not None
    assert last is not None
    assert before is not None
    assert (latest.snapshot, before.snapshot) == (made[2], made[1])
    assert (last.state, last.detail) == (SnapshotState.FAILED, "error 4")


def test_accounts_are_found_by_exact_name_and_ambiguity_shows(store: Store) -> None:
    made = snapshot(store)
    with store.read() as db:
        found = accounts_named(db, made, ["partner", "alone", "nobody", "Partner"])
    assert {name: [one.account for one in group] for name, group in found.items()} == {
        "partner": [1],
        "alone": [4, 5],
    }


def test_who_holds_whom(store: Store) -> None:
    made = snapshot(store)
    with store.read() as db:
        assert ancestors(db, made, [3, 4, 6, 99]) == {3: (2, 1), 4: (), 6: (7,), 99: ()}
        below = descendants(db, made, [1, 4, 6])
    assert [one.account for one in below[1]] == [5, 2, 3]
    assert below[4] == ()
    assert [one.account for one in below[6]] == [7]


def test_units_are_counted_by_state(store: Store) -> None:
    made = snapshot(
        store,
        unit(10, 4),
        unit(11, 4, UnitState.CONSERVED),
        unit(12, 4, UnitState.UNMARKED),
        unit(13, 4, UnitState.ACTIVE_STALE_MARK),
        unit(14, 5),
    )
    with store.read() as db:
        assert own_counts(db, made, [4, 1]) == {
            4: UnitCounts(active=1, stale=1, conserved=1, unmarked=1),
            1: UnitCounts(),
        }
        assert unit_names(db, made, [4, 5], UnitState.CONSERVED) == {4: ("unit 11",)}


def test_an_observation_names_what_came_and_went(store: Store) -> None:
    then = snapshot(store, unit(10, 1), unit(11, 2), unit(12, 4))
    now = snapshot(store, unit(10, 1), unit(13, 3), unit(12, 4, UnitState.ACTIVE_STALE_MARK))
    with store.read() as db:
        alone = observe(db, now, [1, 4])
        seen = observe(db, now, [1, 4], partners=[1], previous=then)
    assert (alone[1].came, alone[1].went) == (None, None)
    assert (seen[1].active, seen[1].came, seen[1].went) == (1, ("unit 13",), ("unit 11",))
    assert seen[1].nested == (
        NestedCount("alone", active=0, conserved=0),
        NestedCount("below", active=0, conserved=0),
        NestedCount("below the below", active=1, conserved=0),
    )
    assert (seen[4].active, seen[4].stale_marks, seen[4].came) == (1, ("unit 12",), ())
