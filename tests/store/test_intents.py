"""Intents: the same key twice, claims by several, and all that follows from an outcome."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from stavbill.billing.facts import SUBSCRIPTION, CompanyId
from stavbill.billing.money import Currency, Money
from stavbill.plan.effects import Effect, EffectKey, PutFields
from stavbill.store.claims import claim, expire_claims, release_dead, renew_claim
from stavbill.store.credits import GrantedCredit, open_credits, put_credits
from stavbill.store.database import Store
from stavbill.store.effects import (
    RANKS,
    Intent,
    IntentId,
    Status,
    counts_by_status,
    intents_after,
    receipts_after,
    settled_ids,
)
from stavbill.store.next_effects import Scope, ready_intents
from stavbill.store.parking import parked_reasons
from stavbill.store.recording import Recorded, drop_planned, record_effects
from stavbill.store.runs import RunId, RunKind, RunState, set_state, start_run
from stavbill.store.settling import Settlement, settle
from stavbill.store.unsettled import settled_keys, unsettled_companies, unsettled_runs
from tests.store.samples import NOON, PORTAL, TENTH, effects_of, put_invoice

ONE = CompanyId(1)
ME = "here:1:aaaa"
LATE, QUIET = timedelta(seconds=60), timedelta(seconds=65)


def begin(store: Store, name: str) -> RunId:
    run = RunId(name)
    with store.write() as db:
        start_run(db, run, portal=PORTAL, kind=RunKind.MONTH, on=TENTH, dry_run=False, at=NOON)
    return run


def record(store: Store, run: RunId, *effects: Effect) -> Recorded:
    with store.write() as db:
        return record_effects(db, run, effects, portal=PORTAL, by=ME, at=NOON)


def intents(store: Store, run: RunId) -> dict[str, Intent]:
    with store.read() as db:
        return {one.effect.kind: one for one in intents_after(db, run)}


def send(store: Store, run: RunId, *kinds: str, owner: str = "one") -> frozenset[IntentId]:
    known = intents(store, run)
    with store.write() as db:
        seen = {known[kind].intent: known[kind].attempts for kind in kinds}
        return claim(db, seen, name=owner, at=NOON, until=NOON + timedelta(seconds=120))


def learn(
    store: Store,
    intent: IntentId,
    status: Status,
    *,
    portal_id: int | None = None,
    parks: bool = False,
    owner: str | None = None,
) -> dict[IntentId, Status]:
    one = Settlement(
        intent=intent, status=status, what="told", due=NOON, portal_id=portal_id, parks=parks
    )
    come_from = (Status.SENDING, Status.DOUBT, Status.WRITTEN)
    with store.write() as db:
        return settle(db, [one], come_from=come_from, claim=owner, at=NOON)


def test_what_comes_after_waits_and_then_knows_the_portal_id(store: Store) -> None:
    run = begin(store, "r1")
    assert record(store, run, *effects_of(1)) == Recorded(6, 0)
    known = intents(store, run)
    with store.read() as db:
        ready = [
            one.effect.kind
            for rank in sorted(set(RANKS.values()))
            for one in ready_intents(db, Scope(run, witnesses=(ME,)), rank, at=NOON, limit=9)
        ]
    assert ready == ["put_invoice", "open_task", "mend_task"]
    assert send(store, run, "put_stage") == frozenset()
    invoice = known["put_invoice"].intent
    assert send(store, run, "put_invoice") == {invoice}
    assert learn(store, invoice, Status.DONE, portal_id=77) == {invoice: Status.DONE}
    with store.read() as db:
        ready_now = ready_intents(
            db, Scope(run, witnesses=(ME,)), RANKS["put_stage"], at=NOON, limit=9
        )
        (stage,) = (one for one in ready_now if one.effect.kind == "put_stage")
        assert settled_ids(db, [stage]) == {stage.intent: {known["put_invoice"].key: 77}}
        assert settled_keys(db, PORTAL, [ONE]) == {ONE: {known["put_invoice"].key}}


def test_a_plan_that_was_never_sent_gives_way_to_the_next_one(store: Store) -> None:
    dry, real = begin(store, "dry"), begin(store, "real")
    record(store, dry, *effects_of(1))
    changed = [put_invoice(1, price=40_000), *effects_of(1)[1:]]
    assert record(store, real, *changed) == Recorded(6, 0)
    with store.read() as db:
        assert counts_by_status(db, dry) == {}
        assert counts_by_status(db, real) == {Status.PLANNED: 6}
    assert intents(store, real)["put_invoice"].effect == changed[0]


def test_a_run_that_is_being_applied_keeps_its_plan(store: Store) -> None:
    live, dry = begin(store, "live"), begin(store, "dry")
    record(store, live, *effects_of(1))
    with store.write() as db:
        set_state(db, live, RunState.APPLYING, at=NOON)
    assert record(store, dry, *effects_of(1)) == Recorded(0, 6)
    with store.read() as db:
        assert counts_by_status(db, live) == {Status.PLANNED: 6}


def test_the_same_key_with_another_content_parks_once_it_was_sent(store: Store) -> None:
    run, later = begin(store, "r1"), begin(store, "r2")
    record(store, run, *effects_of(1))
    send(store, run, "put_invoice")
    assert record(store, run, *effects_of(1)).contradictions == ()
    other = effects_of(2)
    recorded = record(store, later, put_invoice(1, price=40_000), effects_of(1)[4], *other)
    assert [(one.company, one.status) for one in recorded.contradictions] == [(1, Status.SENDING)]
    assert recorded.new == len(other)
    with store.read() as db:
        assert list(parked_reasons(db, PORTAL, [ONE, CompanyId(2)])) == [ONE]
        assert unsettled_companies(db, PORTAL, [ONE, CompanyId(2)]) == {ONE}
        assert unsettled_runs(db, PORTAL) == (run,)


def test_a_state_that_is_done_may_be_wanted_again(store: Store) -> None:
    run, later = begin(store, "r1"), begin(store, "r2")
    fields = PutFields(key=EffectKey("fields:1"), company=ONE, card_count=3)
    record(store, run, fields)
    send(store, run, "put_fields")
    learn(store, intents(store, run)["put_fields"].intent, Status.DONE)
    with store.read() as db:
        assert settled_keys(db, PORTAL, [ONE]) == {}
    assert record(store, later, fields) == Recorded(1, 0)


def test_an_effect_after_one_that_nobody_knows_is_a_bug(store: Store) -> None:
    run = begin(store, "r1")
    with pytest.raises(ValueError, match="never planned"):
        record(store, run, *effects_of(1)[1:])


def test_only_one_of_two_claims_succeeds(store: Store) -> None:
    run = begin(store, "r1")
    record(store, run, *effects_of(1))
    first = send(store, run, "put_invoice", "open_task", owner="one")
    second = send(store, run, "put_invoice", "open_task", "mend_task", owner="two")
    known = intents(store, run)
    assert first == {known["put_invoice"].intent, known["open_task"].intent}
    assert second == {known["mend_task"].intent}
    until = NOON + timedelta(seconds=300)
    with store.write() as db:
        assert renew_claim(db, first, name="one", at=NOON, until=until)
        assert not renew_claim(db, first | second, name="one", at=NOON, until=until)


def test_what_was_sent_since_it_was_read_is_not_claimed(store: Store) -> None:
    """Another one has sent it meanwhile, and was refused: a part may stand in the portal."""
    run = begin(store, "r1")
    record(store, run, *effects_of(1))
    known = intents(store, run)["put_invoice"]
    send(store, run, "put_invoice", owner="other")
    learn(store, known.intent, Status.PLANNED, portal_id=7)
    with store.write() as db:
        until = NOON + LATE
        assert claim(db, {known.intent: known.attempts}, name="one", at=NOON, until=until) == set()
    assert send(store, run, "put_invoice") == {known.intent}


def test_an_old_answer_says_nothing_of_what_was_sent_since(store: Store) -> None:
    run = begin(store, "r1")
    record(store, run, *effects_of(1))
    (invoice,) = send(store, run, "put_invoice")
    learn(store, invoice, Status.DOUBT)
    asked = {invoice: intents(store, run)["put_invoice"].attempts}
    not_found = Settlement(intent=invoice, status=Status.PLANNED, what="not_found", due=NOON)
    doubt = (Status.DOUBT,)
    with store.write() as db:
        settle(db, [not_found], come_from=doubt, claim=None, at=NOON, seen=asked)
    send(store, run, "put_invoice", owner="other")
    learn(store, invoice, Status.DOUBT)
    with store.write() as db:
        moved = settle(db, [not_found], come_from=doubt, claim=None, at=NOON, seen=asked)
    assert moved == {}
    assert intents(store, run)["put_invoice"].status is Status.DOUBT


def test_a_vanished_sender_leaves_a_doubt_only_when_its_claim_is_long_over(store: Store) -> None:
    run = begin(store, "r1")
    record(store, run, *effects_of(1))
    (invoice,) = send(store, run, "put_invoice")
    end = NOON + timedelta(seconds=120)
    with store.write() as db:
        soon = end + LATE - timedelta(seconds=1)
        assert expire_claims(db, portal=PORTAL, by=ME, at=soon, late=LATE, quiet=QUIET) == 0
        assert expire_claims(db, portal=PORTAL, by=ME, at=end + LATE, late=LATE, quiet=QUIET) == 1
    found = intents(store, run)["put_invoice"]
    assert (found.status, found.due) == (Status.DOUBT, end + QUIET)
    # The sender was only slow: its certain answer still counts, a stranger's does not.
    assert learn(store, invoice, Status.DONE, portal_id=5, owner="two") == {}
    assert learn(store, invoice, Status.DONE, portal_id=5, owner="one") == {invoice: Status.DONE}


def test_what_a_dead_sender_sent_is_asked_for_after_the_longest_time_from_its_last_moment(
    store: Store,
) -> None:
    """The request may have left at the very end of its claim, not when the claim was made."""
    run = begin(store, "r1")
    record(store, run, *effects_of(1))
    send(store, run, "put_invoice", "open_task")
    end = NOON + timedelta(seconds=120)
    dead = NOON + timedelta(seconds=30)
    with store.write() as db:
        assert release_dead(db, portal=PORTAL, owners=["one"], by=ME, at=dead, quiet=QUIET) == 2
    assert {intents(store, run)[kind].due for kind in ("put_invoice", "open_task")} == {
        dead + QUIET
    }
    with store.write() as db:
        assert release_dead(db, portal=PORTAL, owners=["one"], by=ME, at=end, quiet=QUIET) == 0


def test_a_declined_effect_parks_its_company_and_drops_the_rest_of_it(store: Store) -> None:
    run = begin(store, "r1")
    record(store, run, *effects_of(1), *effects_of(2)[4:])
    with store.read() as db:
        every = intents_after(db, run)
    invoice = every[0]
    with store.write() as db:
        claim(db, {invoice.intent: 0}, name="one", at=NOON, until=NOON + LATE)
    learn(store, invoice.intent, Status.REJECTED, parks=True)
    with store.read() as db:
        after = {one.key: one.status for one in intents_after(db, run)}
        receipts = [(one.key, one.what) for _, one in receipts_after(db, run)]
        assert list(parked_reasons(db, PORTAL, [ONE, CompanyId(2)])) == [ONE]
    assert [after[one.key] for one in every] == [
        Status.REJECTED,
        *[Status.DROPPED] * 5,
        *[Status.PLANNED] * 2,
    ]
    assert receipts == [(invoice.key, "told")]


def test_an_invoice_that_stands_consumes_its_credits_once(store: Store) -> None:
    run = begin(store, "r1")
    credit = GrantedCredit(
        credit="c-1",
        company=ONE,
        service=SUBSCRIPTION,
        granted=Money(8_000, Currency.RUB),
        approved=date(2026, 11, 1),
    )
    with store.write() as db:
        put_credits(db, PORTAL, [credit])
    record(store, run, put_invoice(1))
    (invoice,) = send(store, run, "put_invoice")
    learn(store, invoice, Status.WRITTEN, portal_id=5)
    learn(store, invoice, Status.DONE)
    with store.read() as db:
        (left,) = open_credits(db, PORTAL, [ONE])[ONE]
    assert left.left == Money(3_000, Currency.RUB)


def test_a_company_that_changed_since_approval_is_dropped(store: Store) -> None:
    run = begin(store, "r1")
    record(store, run, *effects_of(1), *effects_of(2))
    with store.write() as db:
        assert drop_planned(db, run, at=NOON, detail="изменилось", company=ONE) == 6
        assert counts_by_status(db, run) == {Status.DROPPED: 6, Status.PLANNED: 6}
    # Dropped is not for ever: the next plan may want it again.
    again = replace(put_invoice(1), comment="иначе")
    assert record(store, begin(store, "r2"), again) == Recorded(1, 0)
