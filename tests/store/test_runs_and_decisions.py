"""Runs and the decisions made in them."""

from __future__ import annotations

from datetime import timedelta

from stavbill.billing.decision import Bill, Decision, Hold, Skip, SkipReason, StatusEmpty
from stavbill.billing.facts import CompanyCard, CompanyId, Facts
from stavbill.store.database import Store
from stavbill.store.decisions import (
    counts_by_kind,
    counts_by_reason,
    decision_of,
    decisions_after,
    latest_decision,
    put_decisions,
)
from stavbill.store.runs import (
    RunId,
    RunKind,
    RunState,
    add_requests,
    last_finished,
    latest_runs,
    read_run,
    set_forecast,
    set_state,
    set_totals,
    start_run,
    unfinished_runs,
)
from tests.store.samples import NOON, PORTAL, TENTH, decision_samples, draft, facts_samples


def begin(store: Store, name: str, *, minutes: int = 0, dry_run: bool = False) -> RunId:
    run = RunId(name)
    at = NOON + timedelta(minutes=minutes)
    with store.write() as db:
        start_run(db, run, portal=PORTAL, kind=RunKind.MONTH, on=TENTH, dry_run=dry_run, at=at)
    return run


def test_a_run_goes_its_way(store: Store) -> None:
    run = begin(store, "r1")
    with store.write() as db:
        set_totals(db, run, {"invoices": 3, "sum": "1050.00"})
        set_forecast(db, run, {"requests": 63})
        add_requests(db, run, 5)
        add_requests(db, run, 2)
        set_state(db, run, RunState.APPLYING, at=NOON)
        assert [one.run for one in unfinished_runs(db, PORTAL)] == [run]
        set_state(db, run, RunState.DONE, at=NOON + timedelta(minutes=5))
    with store.read() as db:
        found = read_run(db, run)
        assert read_run(db, RunId("none")) is None
        assert unfinished_runs(db, PORTAL) == ()
    assert found is not None
    assert (found.requests, found.totals["sum"], found.forecast) == (7, "1050.00", {"requests": 63})
    assert (found.on, found.finished) == (TENTH, NOON + timedelta(minutes=5))


def test_the_last_finished_run_is_a_real_one_that_was_done(store: Store) -> None:
    first = begin(store, "r1")
    dry, failed = begin(store, "r2", minutes=1, dry_run=True), begin(store, "r3", minutes=2)
    with store.write() as db:
        set_state(db, first, RunState.DONE, at=NOON)
        set_state(db, dry, RunState.DONE, at=NOON)
        set_state(db, failed, RunState.FAILED, at=NOON, detail="портал недоступен")
    with store.read() as db:
        found = last_finished(db, PORTAL, before=NOON + timedelta(hours=1))
        assert last_finished(db, PORTAL, before=NOON) is None
        assert [one.run for one in latest_runs(db, PORTAL)] == ["r3", "r2", "r1"]
    assert found is not None
    assert found.run == first


def test_decisions_rest_on_their_facts(store: Store) -> None:
    run = begin(store, "r1")
    chunk: list[tuple[Facts, Decision]] = [(facts_samples()[0], decision_samples()[0])]
    with store.write() as db:
        put_decisions(db, run, chunk, portal=PORTAL, at=NOON)
        put_decisions(db, run, chunk, portal=PORTAL, at=NOON)
    with store.read() as db:
        found = decision_of(db, run, CompanyId(1))
        assert latest_decision(db, PORTAL, CompanyId(1)) == found
        assert latest_decision(db, PORTAL, CompanyId(2)) is None
    assert found is not None
    assert (found.facts, found.decision) == chunk[0]
    assert found.sums == {("avtotreker-rf", "RUB"): 100_000}


def test_a_run_is_told_by_kind_and_reason(store: Store) -> None:
    run = begin(store, "r1")
    decided: list[Decision] = [
        Bill(company=CompanyId(1), drafts=(draft(1),), held=(StatusEmpty(),)),
        Skip(company=CompanyId(2), reason=SkipReason.COVERED),
        Skip(company=CompanyId(3), reason=SkipReason.COVERED),
        Hold(company=CompanyId(4), reasons=(StatusEmpty(), StatusEmpty())),
    ]
    chunk = [(Facts(card=CompanyCard(company=one.company)), one) for one in decided]
    with store.write() as db:
        put_decisions(db, run, chunk, portal=PORTAL, at=NOON)
    with store.read() as db:
        assert counts_by_kind(db, run) == {"bill": 1, "skip": 2, "hold": 1}
        assert counts_by_reason(db, run) == {
            ("bill", "status_empty"): 1,
            ("skip", "covered"): 2,
            ("hold", "status_empty"): 1,
        }
        assert [one.company for one in decisions_after(db, run, after=1, limit=2)] == [2, 3]
        assert [one.company for one in decisions_after(db, run, kind="hold")] == [4]
