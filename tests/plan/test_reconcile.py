"""The nightly comparison, pure: what differs, who decides about it, and what is told once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from stavbill.billing.decide import decide
from stavbill.billing.decision import Bill, Hold, RequisitesMissing, Skip, SkipReason, UnitsUnknown
from stavbill.billing.facts import (
    CompanyId,
    FieldProblem,
    InvoiceId,
    InvoiceState,
    IssuedInvoice,
    IssuedRow,
    OwnCompanyId,
)
from stavbill.plan.diff import HOLD_TAG
from stavbill.plan.effects import EffectKey, MendTask, OpenTask, PutFields, TaskId
from stavbill.plan.findings import REMEDIES, Finding, FindingKind, Remedy, found
from stavbill.plan.join import CompanyRecords
from stavbill.plan.keys import format_invoice_key
from stavbill.plan.reconcile import (
    Written,
    WrittenInvoice,
    compare_card,
    compare_hold,
    compare_invoices,
    compare_vanished,
    field_effect,
    is_about_hold,
)
from stavbill.plan.reconcile_tasks import CHECK_TAG, Numbered, check_task_effects
from stavbill.plan.records import CompanyRecord, InvoiceRecord
from stavbill.plan.standing import Standing
from tests.billing.world import ME, POLICY, TENTH, facts
from tests.plan.world import item, standing, task

DUE = date(2022, 2, 16)
OTHER = CompanyId(99)


def _billed() -> Bill:
    decision = decide(facts(), POLICY, TENTH)
    assert isinstance(decision, Bill)
    return decision


BILLED = _billed()
DRAFT = BILLED.drafts[0]
KEY = EffectKey(format_invoice_key(DRAFT.key))
OURS = WrittenInvoice(KEY, InvoiceId(7), DRAFT)
WRITTEN = Written(invoices=(OURS,), known_keys=frozenset({KEY}))
ROWS = tuple(
    IssuedRow(line.name, line.price.amount, Decimal(line.quantity)) for line in DRAFT.lines
)
STANDS = InvoiceRecord(
    company=ME,
    issued=IssuedInvoice(
        invoice=InvoiceId(7),
        title=DRAFT.title,
        created=DRAFT.issued,
        state=InvoiceState.LIVE,
        key=DRAFT.key,
        rows=ROWS,
    ),
    external_id=KEY,
    own_company=DRAFT.own_company,
    currency=DRAFT.currency.value,
    total=DRAFT.total.amount,
    number="7",
    stage="NEW",
    updated="",
    rows_read=True,
    begins=DRAFT.issued,
    ends=DRAFT.pay_by,
)


def records(*invoices: InvoiceRecord, **company: object) -> CompanyRecords:
    card = facts().card
    plain = CompanyRecord(company=ME, title="ООО «Ромашка-Агро»", responsible=None, card=card)
    return CompanyRecords(company=replace(plain, **company), invoices=invoices)  # type: ignore[arg-type]


def issued(**changes: object) -> InvoiceRecord:
    return replace(STANDS, issued=replace(STANDS.issued, **changes))  # type: ignore[arg-type]


def kinds(findings: tuple[Finding, ...]) -> list[FindingKind]:
    return [one.kind for one in findings]


# ----------------------------------------------------------------------------------- invoices
def test_an_invoice_as_it_was_written_is_no_finding() -> None:
    assert compare_invoices(records(STANDS), WRITTEN, {}) == ()
    halves = tuple(
        replace(row, quantity=part) for row in ROWS for part in (Decimal(1), row.quantity - 1)
    )
    assert compare_invoices(records(issued(rows=halves)), WRITTEN, {}) == ()


CHANGES = {
    FindingKind.CANCELLED: issued(state=InvoiceState.CANCELLED),
    FindingKind.PAID: issued(state=InvoiceState.PAID),
    FindingKind.KEY: replace(STANDS, external_id=""),
    FindingKind.OWN_COMPANY: replace(STANDS, own_company=OwnCompanyId(77)),
    FindingKind.CURRENCY: replace(STANDS, currency="USD"),
    FindingKind.TOTAL: replace(STANDS, total=STANDS.total + 1),
    FindingKind.ROWS: issued(rows=(IssuedRow("Другое", STANDS.total, Decimal(1)),)),
    FindingKind.TITLE: issued(title="Другое название"),
    FindingKind.DATES: replace(STANDS, ends=None),
}


@pytest.mark.parametrize("kind", list(CHANGES))
def test_each_change_by_hand_is_found_once(kind: FindingKind) -> None:
    findings = compare_invoices(records(CHANGES[kind]), WRITTEN, {})
    assert kinds(findings) == [kind]
    assert "None" not in findings[0].detail
    # Nobody's sum, rows, issuer or date is ever written back.
    assert REMEDIES[kind] in (Remedy.ASK, Remedy.NOTE)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (replace(STANDS, total=STANDS.total + 1), replace(STANDS, total=STANDS.total + 2)),
        (
            issued(rows=(IssuedRow("Другое", STANDS.total, Decimal(1)),)),
            issued(rows=(IssuedRow("Третье", STANDS.total, Decimal(1)),)),
        ),
        (replace(STANDS, own_company=OwnCompanyId(77)), replace(STANDS, own_company=None)),
        (replace(STANDS, currency="USD"), replace(STANDS, currency="KZT")),
        (replace(STANDS, external_id=""), replace(STANDS, external_id="другой")),
    ],
    ids=["total", "rows", "own_company", "currency", "key"],
)
def test_another_change_of_the_same_thing_is_another_difference(
    first: InvoiceRecord, second: InvoiceRecord
) -> None:
    (one,) = compare_invoices(records(first), WRITTEN, {})
    (again,) = compare_invoices(records(first), WRITTEN, {})
    (other,) = compare_invoices(records(second), WRITTEN, {})
    assert (one.kind, one.subject) == (again.kind, again.subject)
    assert one.kind is other.kind
    assert one.subject != other.subject


def test_an_invoice_that_is_moved_on_is_told_again() -> None:
    (here,) = compare_invoices(records(), WRITTEN, {InvoiceId(7): OTHER})
    (there,) = compare_invoices(records(), WRITTEN, {InvoiceId(7): CompanyId(98)})
    assert here.subject != there.subject


def test_an_invoice_that_is_gone_was_deleted_or_moved() -> None:
    (deleted,) = compare_invoices(records(), WRITTEN, {})
    assert deleted.kind is FindingKind.DELETED
    assert "скажите тому, кто ведёт биллинг" in deleted.detail
    (moved,) = compare_invoices(records(), WRITTEN, {InvoiceId(7): OTHER})
    assert moved.kind is FindingKind.MOVED
    assert "99" in moved.detail


def test_a_deleted_invoice_that_was_issued_again_is_told_no_more() -> None:
    key = replace(DRAFT.key, issue=2)
    external = EffectKey(format_invoice_key(key))
    again = WrittenInvoice(external, InvoiceId(9), replace(DRAFT, key=key))
    written = Written(invoices=(OURS, again), known_keys=frozenset({KEY, external}))
    stands = replace(issued(invoice=InvoiceId(9), key=key), external_id=external)
    assert compare_invoices(records(stands), written, {}) == ()
    assert kinds(compare_invoices(records(), written, {})) == [FindingKind.DELETED] * 2
    cancelled = replace(stands, issued=replace(stands.issued, state=InvoiceState.CANCELLED))
    assert kinds(compare_invoices(records(cancelled), written, {})) == [
        FindingKind.DELETED,
        FindingKind.CANCELLED,
    ]
    # The first issue does not stand for the second.
    assert kinds(compare_invoices(records(STANDS), written, {})) == [FindingKind.DELETED]
    other = replace(key, period=replace(key.period, months=3))
    others = replace(again, draft=replace(DRAFT, key=other))
    seen = compare_invoices(records(stands), replace(written, invoices=(OURS, others)), {})
    assert kinds(seen) == [FindingKind.DELETED]


def test_an_invoice_that_was_remade_under_its_key_is_found_by_it() -> None:
    remade = issued(invoice=InvoiceId(8))
    assert compare_invoices(records(remade), WRITTEN, {}) == ()


def test_an_invoice_with_our_key_that_nobody_wrote_is_told() -> None:
    copied = issued(invoice=InvoiceId(9), key=replace(DRAFT.key, issue=2))
    copied = replace(copied, external_id=f"{KEY}-2")
    assert kinds(compare_invoices(records(STANDS, copied), WRITTEN, {})) == [
        FindingKind.UNKNOWN_KEY
    ]
    cancelled = replace(copied, issued=replace(copied.issued, state=InvoiceState.CANCELLED))
    assert compare_invoices(records(STANDS, cancelled), WRITTEN, {}) == ()
    others = replace(copied, issued=replace(copied.issued, key=replace(DRAFT.key, company=OTHER)))
    assert compare_invoices(records(STANDS, others), WRITTEN, {}) == ()


# --------------------------------------------------------------------------------------- card
def card(**values: object) -> CompanyRecords:
    return records(STANDS, card=replace(facts().card, **values))  # type: ignore[arg-type]


def test_the_count_is_set_again_while_wialon_shows_it() -> None:
    written = replace(WRITTEN, card_count=3)
    assert compare_card(card(card_count=3), written, 3) == ()
    assert kinds(compare_card(card(card_count=4), written, 3)) == [FindingKind.CARD_COUNT]
    changed = FindingKind.CARD_COUNT_CHANGED
    assert kinds(compare_card(card(card_count=4), written, 4)) == [changed]
    assert kinds(compare_card(card(card_count=None), written, None)) == [changed]


def test_a_count_that_is_not_ours_is_left_alone() -> None:
    written = replace(WRITTEN, card_count=3)
    assert compare_card(card(card_count=4, ignore_count=True), written, 3) == ()
    unread = (FieldProblem("Количество", "три", "число", "card_count"),)
    assert compare_card(card(card_count=None, problems=unread), written, 3) == ()
    assert compare_card(card(card_count=4), WRITTEN, 3) == ()


def test_billed_through_is_set_again_while_an_invoice_reaches_so_far() -> None:
    through = DRAFT.period.billed_through
    written = replace(WRITTEN, billed_through=through)
    known = {"has_billed_through_field": True}
    assert compare_card(records(STANDS, billed_through=through, **known), written, None) == ()
    lost = compare_card(records(STANDS, billed_through=None, **known), written, None)
    assert kinds(lost) == [FindingKind.BILLED_THROUGH]
    assert compare_card(records(billed_through=None, **known), written, None) == ()
    further = through + timedelta(days=1)
    ahead = compare_card(records(STANDS, billed_through=further, **known), written, None)
    assert kinds(ahead) == [FindingKind.BILLED_FURTHER]
    assert compare_card(records(STANDS, billed_through=None), written, None) == ()


def test_what_shall_be_mended_is_one_write() -> None:
    written = replace(WRITTEN, card_count=3, billed_through=date(2022, 2, 28))
    known = {"has_billed_through_field": True, "billed_through": None}
    lost = records(STANDS, card=replace(facts().card, card_count=1), **known)
    findings = compare_card(lost, written, 3)
    (effect,) = field_effect(findings, ME, written, TENTH)
    assert isinstance(effect, PutFields)
    assert effect.card_count == 3
    assert field_effect((), ME, written, TENTH) == ()


# --------------------------------------------------------------------------------------- hold
HELD = Hold(company=ME, reasons=(RequisitesMissing(),))
WITH_TASK = standing(hold_task=task(5, HOLD_TAG))


def test_a_hold_without_its_task_is_told_again() -> None:
    assert kinds(compare_hold(HELD, standing(), was_held=True)) == [FindingKind.HOLD_TASK_LOST]
    assert compare_hold(HELD, standing(), was_held=False) == ()
    unknown = Hold(company=ME, reasons=(UnitsUnknown("нет ответа"),))
    assert compare_hold(unknown, standing(), was_held=True) == ()
    assert compare_hold(HELD, WITH_TASK, was_held=True) == ()


def test_a_task_that_nobody_needs_is_told() -> None:
    skip = Skip(company=ME, reason=SkipReason.SKIP_FLAG)
    assert kinds(compare_hold(skip, WITH_TASK, was_held=True)) == [FindingKind.HOLD_TASK_NEEDLESS]
    mended = replace(BILLED, held=())
    assert kinds(compare_hold(mended, WITH_TASK, was_held=True)) == [FindingKind.HOLD_MENDED]
    not_today = Skip(company=ME, reason=SkipReason.NOT_ITS_DAY)
    assert compare_hold(not_today, WITH_TASK, was_held=True) == ()


def test_a_deleted_invoice_whose_month_would_be_billed_again_waits_for_a_person() -> None:
    gone = standing(settled=frozenset({KEY}))
    (finding,) = compare_vanished(BILLED, gone)
    assert finding.kind is FindingKind.VANISHED
    assert finding.remedy is Remedy.PARK
    assert compare_vanished(BILLED, standing()) == ()


def test_which_effects_are_about_the_hold_task() -> None:
    opening = OpenTask(
        key=EffectKey("hold:1"),
        company=ME,
        title="",
        description="",
        tag=HOLD_TAG,
        responsible=None,
        items=(),
    )
    assert is_about_hold(opening, standing(), HOLD_TAG)
    assert not is_about_hold(opening, standing(), CHECK_TAG)
    mending = MendTask(key=EffectKey("mend:1"), company=ME, task=TaskId(5))
    assert is_about_hold(mending, WITH_TASK, HOLD_TAG)
    assert not is_about_hold(mending, standing(), HOLD_TAG)
    assert not is_about_hold(PutFields(key=EffectKey("f"), company=ME), WITH_TASK, HOLD_TAG)


# -------------------------------------------------------------------------------------- tasks
ASKED = Numbered(
    12,
    found(FindingKind.TOTAL, ME, KEY, invoice=7, title="Подписка", wanted="1 050,00", found="5,00"),
)
NOTED = Numbered(13, found(FindingKind.PAID, ME, KEY, invoice=7, title="Подписка"))
TEXT = f"Расхождение 12: {ASKED.finding.detail}"
OLD = f"{ASKED.finding.detail} [check-12]"


def effects(
    now: Standing, *findings: Numbered, items: tuple[str, ...] = (), told: tuple[str, ...] = ()
) -> tuple[OpenTask | MendTask, ...]:
    listed = task(6, CHECK_TAG, *(item(60 + n, text) for n, text in enumerate(items)))
    return check_task_effects(now, listed if items else None, findings, told, DUE)


def test_what_a_person_decides_is_one_task_with_an_item_each() -> None:
    (opened,) = effects(standing(), ASKED, NOTED)
    assert isinstance(opened, OpenTask)
    assert [one.text for one in opened.items] == [TEXT]
    assert "ООО «Ромашка-Агро»" in opened.title
    assert effects(standing(), NOTED) == ()


def test_nothing_is_told_twice() -> None:
    assert effects(standing(), ASKED, told=("check-12",)) == ()
    assert effects(standing(), ASKED, items=(TEXT,)) == ()
    assert effects(standing(), ASKED, items=(TEXT,), told=("check-12",)) == ()


def test_an_item_of_an_older_version_is_known_by_its_code_and_written_anew() -> None:
    (mended,) = effects(standing(), ASKED, items=(OLD,), told=("check-12",))
    assert isinstance(mended, MendTask)
    assert ([one.text for one in mended.update], mended.add, mended.tick) == ([TEXT], (), ())


def test_a_new_difference_joins_the_open_task_and_an_ended_one_is_ticked() -> None:
    fresh = Numbered(14, found(FindingKind.CURRENCY, ME, KEY, invoice=7, title="П", wanted="RUB",
                               found="USD"))  # fmt: skip
    (joined,) = effects(standing(), ASKED, fresh, items=(TEXT,))
    assert isinstance(joined, MendTask)
    assert [one.code for one in joined.add] == ["check-14"]
    (ticked,) = effects(standing(), fresh, items=(TEXT, f"Расхождение 14: {fresh.finding.detail}"))
    assert isinstance(ticked, MendTask)
    assert (ticked.add, len(ticked.tick), ticked.complete) == ((), 1, False)


def test_a_task_whose_differences_are_all_gone_is_completed() -> None:
    (closed,) = effects(standing(), items=(TEXT,))
    assert isinstance(closed, MendTask)
    assert closed.complete
