"""What the nightly check asks of the journal: what was written, decided, and for whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from stavbill.billing.decision import Bill, Decision, Hold
from stavbill.billing.facts import CompanyId, Facts, Override
from stavbill.store.database import Store
from stavbill.store.decisions import put_decisions
from stavbill.store.effects import Status
from stavbill.store.runs import RunId, RunState, set_state
from stavbill.store.written import issued_to_skipped, last_decided, written_by_us
from tests.store.samples import (
    NOON,
    PORTAL,
    TENTH,
    decision_samples,
    effects_of,
    facts_samples,
    put_invoice,
)
from tests.store.test_intents import begin, intents, learn, record, send

ONE = CompanyId(1)
FACTS = facts_samples()[0]
BILL = next(one for one in decision_samples() if isinstance(one, Bill))
HOLD = next(one for one in decision_samples() if isinstance(one, Hold))


def decide(
    store: Store, name: str, decision: Decision, *, facts: Facts = FACTS, at: datetime = NOON
) -> RunId:
    """Begin a run and keep its decision about the company."""
    run = begin(store, name)
    with store.write() as db:
        put_decisions(db, run, [(facts, decision)], portal=PORTAL, at=at)
    return run


@pytest.mark.parametrize(
    ("state", "seen"),
    [
        (RunState.PLANNED, "bill"),
        (RunState.WAITING_APPROVAL, "bill"),
        (RunState.APPLYING, "hold"),
        (RunState.DONE, "hold"),
        (RunState.STOPPED, "hold"),
    ],
)
def test_only_a_run_that_was_applied_decided(store: Store, state: RunState, seen: str) -> None:
    done = decide(store, "done", BILL)
    later = decide(store, "later", HOLD, at=NOON + timedelta(hours=1))
    with store.write() as db:
        set_state(db, done, RunState.DONE, at=NOON)
        set_state(db, later, state, at=NOON)
        assert last_decided(db, PORTAL, [ONE]) == {ONE: seen}


@pytest.mark.parametrize(
    ("skip", "override", "told"),
    [
        pytest.param(True, Override(), True, id="skipped when it was decided"),
        pytest.param(True, Override(skip=True), False, id="a person had it billed all the same"),
        pytest.param(False, Override(), False, id="not skipped then, whatever the card says now"),
    ],
)
def test_the_flag_of_the_day_an_invoice_was_decided(
    store: Store, override: Override, *, skip: bool, told: bool
) -> None:
    """Beyond 2: judged by what the run that issued it knew."""
    facts = replace(FACTS, card=replace(FACTS.card, skip=skip), override=override)
    run = decide(store, "month", BILL, facts=facts)
    effect = put_invoice(1)
    record(store, run, effect)
    (invoice,) = send(store, run, "put_invoice")
    learn(store, invoice, Status.DONE, portal_id=77)
    assert intents(store, run)["put_invoice"].status is Status.DONE
    expected = {ONE: frozenset({str(effect.key)})} if told else {}
    with store.read() as db:
        assert issued_to_skipped(db, PORTAL, [ONE], on=TENTH, at=NOON) == expected
        after = NOON + timedelta(days=60)
        assert issued_to_skipped(db, PORTAL, [ONE], on=after.date(), at=after) == {}


@pytest.mark.parametrize(
    ("before", "count", "through"),
    [
        pytest.param(NOON, 3, date(2027, 1, 31), id="old enough to be seen in lists"),
        pytest.param(NOON - timedelta(minutes=1), None, None, id="lists may lag behind"),
    ],
)
def test_fields_that_were_just_written_are_not_compared(
    store: Store, before: datetime, count: int | None, through: date | None
) -> None:
    run = begin(store, "month")
    invoice, _, fields, *_ = effects_of(1)
    record(store, run, invoice, fields)
    for kind in ("put_invoice", "put_fields"):
        (sent,) = send(store, run, kind)
        learn(store, sent, Status.DONE, portal_id=77 if kind == "put_invoice" else None)
    with store.read() as db:
        written = written_by_us(db, PORTAL, [ONE], before=before).of(ONE)
    assert (written.card_count, written.billed_through) == (count, through)
    assert written.known_keys == {invoice.key}
