"""The order of §9: the first skip that is true, else all holds at once, else the bill."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stavbill.billing.covered import Slot, coverage_of, history_of
from stavbill.billing.decide import decide
from stavbill.billing.decision import (
    AccountMissing,
    Bill,
    BilledThroughPartner,
    CancelledByHand,
    ConservationPriceMissing,
    CountMismatch,
    CoverageUnclear,
    Decision,
    FieldNotUnderstood,
    Hold,
    HoldReason,
    IssuerUnknown,
    NoContract,
    Overlap,
    RequisitesMissing,
    SharedAccountMismatch,
    Skip,
    SkipReason,
    StatusEmpty,
    TariffNotUnderstood,
)
from stavbill.billing.facts import (
    DISPATCHING,
    FUEL_SENSOR,
    BuyerRequisite,
    CompanyCard,
    CompanyId,
    Facts,
    FieldProblem,
    InvoiceId,
    InvoiceState,
    NestedCount,
    NotCounted,
    NotCountedWhy,
    Override,
    Recipients,
    SeparateInvoices,
    Sharer,
    VatWish,
)
from stavbill.billing.money import Currency, Money
from stavbill.billing.period import DayOfMonth, FixedDate, Month
from tests.billing.strategies import billable, cards, companies, days
from tests.billing.world import (
    AO,
    DELIVERY,
    KZ,
    POLICY,
    PS_LINE,
    RULES,
    SIM,
    TENTH,
    after,
    facts,
    invoice,
    units,
)

UNREACHABLE = NotCounted(NotCountedWhy.UNREACHABLE, "timeout")
EMPTY = {FUEL_SENSOR: "", DISPATCHING: " "}
FORCED = Override(skip=True, sending_day=True, cancelled=True)
EACH = SeparateInvoices(each=True)
FUEL_FIELD = FieldProblem("Абонплата за ДУТы", "[1, 2]", "тариф", "fuel")


def billed(known: Facts, on: date = TENTH) -> Bill:
    decision = decide(known, POLICY, on)
    assert isinstance(decision, Bill), decision
    return decision


def skipped(known: Facts, on: date = TENTH) -> Skip:
    decision = decide(known, POLICY, on)
    assert isinstance(decision, Skip), decision
    return decision


def held(known: Facts, on: date = TENTH) -> tuple[HoldReason, ...]:
    decision = decide(known, POLICY, on)
    assert isinstance(decision, Hold), decision
    return decision.reasons


def warned(decision: Decision) -> list[str]:
    return [note.code for note in decision.warnings]


def explained(decision: Decision) -> list[str]:
    return [note.code for note in decision.explanation]


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        pytest.param(facts("", fees=EMPTY), "not_a_customer", id="§9 (0) all fee fields empty"),
        pytest.param(facts(status="Архив"), "inactive", id="§9 (1) inactive"),
        pytest.param(facts(skip=True), "skip_flag", id="E8 §9 (2) skip flag"),
        pytest.param(facts("-"), "no_fee", id="§9 (3) dashes everywhere"),
        pytest.param(facts("-*200", status=None), "no_fee", id="§9 (3) remembered prices only"),
        pytest.param(facts("3*0|0*350"), "no_fee", id="§9 (3) §7 every price or quantity zero"),
        pytest.param(
            facts(invoices=(invoice(1, "(Март 2022)"),)), "covered", id="§9 (4) month covered"
        ),
        pytest.param(facts(sending_day=DayOfMonth(15)), "not_its_day", id="§9 (5) not its day"),
        pytest.param(
            facts(sending_day=FixedDate(date(2022, 3, 1))), "postponed", id="§3 postponed"
        ),
        pytest.param(
            facts(months=3, previous_month=True, invoices=(invoice(1, "(Ноябрь 2021)"),)),
            "not_passed", id="§3 several months in arrears have not passed",
        ),
    ],
)  # fmt: skip
def test_what_is_skipped(known: Facts, reason: str) -> None:
    assert skipped(known).reason is SkipReason(reason)
    broken = replace(known, contracts=(), requisites=(), observation=UNREACHABLE)
    assert skipped(broken).reason is SkipReason(reason), "a skip looks for no hold"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param({"status": "Архив", "skip": True}, "inactive", id="§9 (1) before (2)"),
        pytest.param({"skip": True, "tariff": "-"}, "skip_flag", id="§9 (2) before (3)"),
        pytest.param({"tariff": "*350", "status": "Архив"}, "inactive", id="§9 (1) before (6)"),
        pytest.param(
            {"invoices": (invoice(1, "(Март 2022)"),), "sending_day": DayOfMonth(28)}, "covered",
            id="§9 (4) before (5)",
        ),
        pytest.param(
            {"tariff": "*350", "sending_day": DayOfMonth(28)}, "not_its_day",
            id="§9 (5) before (6): no hold is looked for",
        ),
        pytest.param(
            {"tariff": "*350", "invoices": (invoice(1, "(Март 2022)"),)}, "covered",
            id="§9 (4) before (6): an unreadable tariff of a covered month",
        ),
    ],
)  # fmt: skip
def test_the_first_skip_that_is_true(fields: dict[str, object], reason: str) -> None:
    known = facts(str(fields.pop("tariff", "3*350")), None, **fields)
    assert skipped(known).reason is SkipReason(reason)


@pytest.mark.parametrize(
    ("known", "codes"),
    [
        pytest.param(
            facts("", fees=EMPTY), ["tariff_forgotten"], id="§9 (0) with contract and account"
        ),
        pytest.param(
            facts("", fees=EMPTY, account=None), ["tariff_forgotten"], id="§9 (0) with a contract"
        ),
        pytest.param(
            facts("", fees=EMPTY, contracts=(DELIVERY,)), ["tariff_forgotten"],
            id="§9 (0) with an account",
        ),
        pytest.param(
            facts("", fees=EMPTY, contracts=(DELIVERY,), account=None), [],
            id="§9 (0) only counted",
        ),
        pytest.param(facts("-"), ["no_fee_units"], id="§9 (3) active units are a warning"),
        pytest.param(facts("3*0"), ["no_fee_units"], id="§7 zero by price, units are active"),
        pytest.param(facts("-", units(0, 2)), [], id="§9 (3) conserved units only"),
        pytest.param(facts("-", UNREACHABLE), [], id="§9 (3) nobody knows the units"),
        pytest.param(
            facts("-", units(0, nested=(NestedCount("Лес", 1, 0),)), partner=True),
            ["no_fee_units"], id="§6 a partner's subtree",
        ),
        pytest.param(
            facts(sending_day=FixedDate(date(2022, 1, 5))), ["sending_date_used_up"],
            id="§3 a used-up date, waiting for the default day",
        ),
    ],
)  # fmt: skip
def test_what_a_skip_warns_of(known: Facts, codes: list[str]) -> None:
    assert warned(skipped(known, date(2022, 2, 1))) == codes


@pytest.mark.parametrize(
    ("known", "reasons"),
    [
        pytest.param(
            facts(fees={FUEL_SENSOR: "3*"}), [TariffNotUnderstood], id="§9 (6) any fee, never «no»"
        ),
        pytest.param(facts("-", fees={SIM: "да"}), [TariffNotUnderstood], id="§9 (3) not no fee"),
        pytest.param(facts(status=None), [StatusEmpty], id="§9 status empty"),
        pytest.param(facts(contracts=()), [NoContract], id="E7 §4 no contract"),
        pytest.param(facts("3*490", units(4)), [CountMismatch], id="E5 §5 count"),
        pytest.param(
            facts(observation=NotCounted(NotCountedWhy.ACCOUNT_EMPTY)), [AccountMissing],
            id="§5 account",
        ),
        pytest.param(
            facts("3*350", units(3, 1), contracts=(KZ,)), [ConservationPriceMissing],
            id="§5 KZT has no conservation price",
        ),
        pytest.param(
            facts(sharers=(Sharer(CompanyId(7), "1*1"),)), [SharedAccountMismatch], id="§11 shared"
        ),
        pytest.param(facts(requisites=()), [RequisitesMissing], id="§9 no buyer requisites"),
        pytest.param(
            facts(requisites=(BuyerRequisite(name="ООО"), BuyerRequisite(natural_person=True))),
            [RequisitesMissing], id="§9 a name alone, a person without one",
        ),
        pytest.param(
            facts(partner_above=CompanyId(9)), [BilledThroughPartner], id="§6 through its partner"
        ),
        pytest.param(
            facts(months=3, invoices=(invoice(1, "(Май 2022)"),)), [Overlap], id="§3 overlap"
        ),
        pytest.param(
            facts(invoices=(invoice(1, "(Март 2022)", state=InvoiceState.CANCELLED),)),
            [CancelledByHand], id="§3 cancelled by hand",
        ),
        pytest.param(
            facts(invoices=(invoice(1, "Подписка на сервис", created=TENTH),)), [CoverageUnclear],
            id="§3 a subscription without a month",
        ),
        pytest.param(
            facts(problems=(FieldProblem("Статус", "9", "значение", "status"),), status=None),
            [FieldNotUnderstood], id="§1 an unreadable status is not told twice",
        ),
        pytest.param(
            facts(problems=(FUEL_FIELD,)), [FieldNotUnderstood], id="§1 an unreadable fee field"
        ),
        pytest.param(
            facts("", fees=EMPTY, problems=(FUEL_FIELD,)), [FieldNotUnderstood],
            id="§9 (0) an unreadable fee field is not empty",
        ),
        pytest.param(
            facts("*350", UNREACHABLE, contracts=(), requisites=(), status=None,
                  partner_above=CompanyId(9),
                  invoices=(invoice(1, "Подписка на сервис", created=TENTH),)),
            [StatusEmpty, RequisitesMissing, BilledThroughPartner, TariffNotUnderstood, NoContract,
             CoverageUnclear],
            id="§9 (6) all reasons at once, none on top of another",
        ),
    ],
)  # fmt: skip
def test_what_is_held(known: Facts, reasons: list[type[HoldReason]]) -> None:
    assert [type(reason) for reason in held(known)] == reasons


@pytest.mark.parametrize(
    "requisite",
    [
        pytest.param(BuyerRequisite(inn="7707083893"), id="§9 an INN"),
        pytest.param(BuyerRequisite(bin_or_iin="990540003232"), id="§9 a BIN or IIN"),
        pytest.param(BuyerRequisite(name="Иванова Анна", natural_person=True), id="§9 a person"),
    ],
)
def test_one_requisite_is_enough(requisite: BuyerRequisite) -> None:
    billed(facts(requisites=(BuyerRequisite(name="?"), requisite)))


def test_an_unknown_issuer_holds() -> None:
    """§4: a rule whose issuer is not found holds the companies with that contract."""
    policy = replace(POLICY, rules=tuple(replace(rule, own_company=None) for rule in RULES))
    decision = decide(facts(), policy, TENTH)
    assert isinstance(decision, Hold)
    assert [type(reason) for reason in decision.reasons] == [IssuerUnknown]


def test_the_cards_count_is_brought_up_to_date_also_when_held() -> None:
    """§5: when it differs or is empty, also when the company is held for another reason."""
    assert billed(facts()).card_count is None
    assert billed(facts(card_count=None)).card_count == 3
    decision = decide(facts(card_count=5, requisites=()), POLICY, TENTH)
    assert isinstance(decision, Hold)
    assert decision.card_count == 3


@pytest.mark.parametrize(
    ("known", "codes"),
    [
        pytest.param(facts(), [], id="E1 nothing to warn of"),
        pytest.param(
            facts(recipients=Recipients()), ["no_recipient"], id="§9 no recipient at all → Bill"
        ),
        pytest.param(
            facts(recipients=Recipients(phones=("+79000000000",), unusable=("a@",))),
            ["recipient_unusable"], id="§9 one bad address of two",
        ),
        pytest.param(
            facts(contracts=(AO,), vat=VatWish.YES), ["vat_wanted_issuer_outside"], id="§7 НДС"
        ),
        pytest.param(facts("3*350|0*0|1*0", units(4)), ["free_group"], id="§7 a free group"),
        pytest.param(
            facts("3*0", fees={SIM: "1*100"}, separate=EACH), ["free_group"],
            id="§7 a free invoice of its own",
        ),
        pytest.param(
            facts(invoices=(invoice(1, "(Январь 2022)"),)), ["missed_months"], id="§3 a gap"
        ),
        pytest.param(
            facts(sending_day=FixedDate(date(2022, 1, 5))), ["sending_date_used_up"],
            id="§3 a used-up date",
        ),
        pytest.param(
            facts("3*350", units(3, stale_marks=("МАЗ 1",))), ["stale_conservation_mark"],
            id="§11 an active unit with the old mark",
        ),
    ],
)  # fmt: skip
def test_a_bill_may_warn(known: Facts, codes: list[str]) -> None:
    assert warned(billed(known)) == codes


def test_a_year_without_a_decree_is_told() -> None:
    policy = replace(POLICY, forecast_years=frozenset({2022, 2023}))
    assert "calendar_forecast" in warned(decide(facts(), policy, TENTH))
    assert "calendar_forecast" not in warned(decide(facts(), policy, date(2021, 2, 10)))


def test_a_mismatch_tells_of_nested_accounts() -> None:
    """§6: without the flag nested accounts are a warning, above all when the count differs."""
    seen = units(2, nested=(NestedCount("Ферма", 1, 0),))
    decision = decide(facts("3*350", seen), POLICY, TENTH)
    assert isinstance(decision, Hold)
    assert warned(decision) == ["nested_without_partner_flag"]


def test_a_partners_invoice_carries_the_annex() -> None:
    """§6: the number of units for each account, on the invoice with the subscription."""
    nested = (NestedCount("Ферма", 2, 0),)
    known = facts("5*350", units(3, nested=nested), partner=True, fees={SIM: "1*50"}, separate=EACH)
    first, second = billed(known).drafts
    own = NestedCount(known.card.account or "", 3, 0)
    assert own.account
    # The partner's own units come first: the annex adds up to the five that are billed.
    assert first.annex == (own, *nested)
    assert second.annex == ()
    assert (
        billed(facts("5*350", UNREACHABLE, partner=True, ignore_count=True)).drafts[0].annex == ()
    )


def test_a_partner_without_units_of_its_own_has_no_row_of_its_own() -> None:
    """§6: a row for each account that has something to show."""
    nested = (NestedCount("Ферма", 2, 0), NestedCount("Ток", 0, 0))
    known = facts("2*350", units(0, nested=nested), partner=True)
    assert billed(known).drafts[0].annex == nested
    assert billed(facts("3*350", units(3), partner=True)).drafts[0].annex == ()


@pytest.mark.parametrize(
    ("fields", "price"),
    [
        pytest.param({}, 100, id="§5 the currency's"),
        pytest.param({"conservation_price": Decimal(350)}, 350, id="§5 a mapped field"),
    ],
)
def test_the_conservation_price_of_a_company(fields: dict[str, object], price: int) -> None:
    known = facts(f"3*490|2*{price}", units(3, 2), **fields)
    billed(known)


def test_an_issuer_may_have_its_own_conservation_price() -> None:
    """§5: 100 by default, per issuer."""
    own = tuple(replace(rule, conservation_price=Decimal(50)) for rule in RULES)
    known = facts("3*350|2*50", units(3, 2))
    assert isinstance(decide(known, replace(POLICY, rules=own), TENTH), Bill)
    assert isinstance(decide(known, POLICY, TENTH), Hold)
    tenge = replace(known, contracts=(KZ,))
    assert isinstance(decide(tenge, replace(POLICY, rules=own), TENTH), Bill)


# ---------------------------------------------------------------- kinds with their own invoice


def test_a_kind_with_its_own_invoice_is_decided_by_itself() -> None:
    """§3: one is covered, one is held, one is billed."""
    known = facts(
        fees={FUEL_SENSOR: "1*100", SIM: "2*150"},
        separate=EACH,
        invoices=(
            invoice(1, "Счёт", (f"{PS_LINE} (Март 2022)",)),
            invoice(2, "Счёт", ("SIM, роуминг (Март 2022)",), state=InvoiceState.CANCELLED),
        ),
    )
    bill = billed(known)
    assert [draft.title for draft in bill.drafts] == ["[Биллинг] Абонплата за ДУТы (Март 2022)"]
    assert bill.held == (CancelledByHand((SIM,), (InvoiceId(2),)),)
    assert "month_covered" in explained(bill)
    forced = billed(replace(known, override=Override(cancelled=True)))
    assert [draft.key.services for draft in forced.drafts] == [(FUEL_SENSOR,), (SIM,)]


def test_within_one_invoice_a_live_one_covers_all_its_kinds() -> None:
    """§3: what it lacks is a warning."""
    known = facts(
        fees={FUEL_SENSOR: "1*100"}, invoices=(invoice(1, "", (f"{PS_LINE} (Март 2022)",)),)
    )
    skip = skipped(known)
    assert skip.reason is SkipReason.COVERED
    assert warned(skip) == ["not_on_invoice"]


def test_only_kinds_that_are_held_make_a_hold() -> None:
    known = facts(
        fees={FUEL_SENSOR: "1*100"},
        separate=EACH,
        invoices=(
            invoice(1, "", (f"{PS_LINE} (Март 2022)",)),
            invoice(2, "", ("Абонплата за ДУТы (Март 2022)",), state=InvoiceState.CANCELLED),
        ),
    )
    assert held(known) == (CancelledByHand((FUEL_SENSOR,), (InvoiceId(2),)),)


# ------------------------------------------------------------------------------ forced reruns


@pytest.mark.parametrize(
    ("fields", "override"),
    [
        pytest.param({"skip": True}, Override(skip=True), id="§9 overrides skip"),
        pytest.param(
            {"sending_day": DayOfMonth(20)}, Override(sending_day=True), id="§9 the sending day"
        ),
        pytest.param(
            {"sending_day": FixedDate(date(2022, 5, 1))}, Override(sending_day=True),
            id="§9 a postponed day",
        ),
        pytest.param(
            {"invoices": (invoice(1, "(Март 2022)", state=InvoiceState.CANCELLED),)},
            Override(cancelled=True), id="§9 «cancelled by hand»",
        ),
    ],
)  # fmt: skip
def test_what_a_forced_rerun_overrides(fields: dict[str, object], override: Override) -> None:
    assert not isinstance(decide(facts("3*350", None, **fields), POLICY, TENTH), Bill)
    billed(facts("3*350", None, override=override, **fields))


@given(companies(), days)
def test_a_forced_rerun_never_bills_a_covered_month(known: Facts, on: date) -> None:
    """§9: never another Hold, never the duplicate rule."""
    decision = decide(replace(known, override=FORCED), POLICY, on)
    if isinstance(decision, Bill):
        history = history_of(known.invoices, POLICY)
        for draft in decision.drafts:
            assert not any(history.live_on(draft.key.services, month)
                           for month in draft.period.each())  # fmt: skip


def test_a_month_billed_again_gets_the_next_issue_number() -> None:
    """Portal page, «Written»: the key's issue number."""
    (draft,) = billed(facts()).drafts
    assert draft.key.issue == 1
    gone = invoice(9, key=draft.key, state=InvoiceState.CANCELLED)
    (again,) = billed(facts(invoices=(gone,), override=FORCED)).drafts
    assert again.key == replace(draft.key, issue=2)
    (deleted,) = billed(facts(first_issue=4, override=FORCED)).drafts
    assert deleted.key.issue == 4


# --------------------------------------------------------------------------------- properties


@given(companies(), days)
def test_the_total_is_the_sum_of_lines(known: Facts, on: date) -> None:
    """§7: the total being the sum of lines, gross − credits, VAT within it."""
    decision = decide(known, POLICY, on)
    drafts = decision.drafts if isinstance(decision, Bill) else ()
    for draft in drafts:
        assert draft.gross.minor > 0
        assert draft.total == Money(
            sum(line.quantity * line.price.minor - line.credit.minor for line in draft.lines),
            draft.currency,
        )
        assert draft.total.minor == draft.gross.minor - sum(use.used.minor for use in draft.credits)
        assert all(0 <= line.vat.minor <= line.total.minor for line in draft.lines)
        assert {line.service for line in draft.lines} == set(draft.key.services)
        assert {line.month for line in draft.lines} == set(draft.period.each())


Item = TypeVar("Item")


@given(companies(), days, st.data())
def test_the_order_of_inputs_does_not_matter(known: Facts, on: date, data: st.DataObject) -> None:
    def shuffled(items: tuple[Item, ...]) -> tuple[Item, ...]:
        return tuple(data.draw(st.permutations(items)))

    other = replace(
        known,
        contracts=shuffled(known.contracts),
        requisites=shuffled(known.requisites),
        invoices=shuffled(
            tuple(replace(seen, rows=shuffled(seen.rows)) for seen in known.invoices)
        ),
        credits=shuffled(known.credits),
        sharers=shuffled(known.sharers),
    )
    assert decide(other, POLICY, on) == decide(known, POLICY, on)


@given(companies(), days)
def test_the_same_facts_give_the_same_decision(known: Facts, on: date) -> None:
    again = copy.deepcopy(known)
    assert decide(known, POLICY, on) == decide(again, POLICY, on)
    assert again == known, "deciding changes nothing"


@given(
    billable(),
    st.lists(st.tuples(cards(), st.booleans()), min_size=3, max_size=8),
    st.integers(10, 28),
)
def test_no_month_is_billed_twice(
    known: Facts, months: list[tuple[CompanyCard, bool]], day: int
) -> None:
    """§3, beyond 2: month after month, whatever people change on the card in between."""
    billed_slots: set[Slot] = set()
    bills = 0
    for step, (other, changes) in enumerate(months):
        month = Month(2021, 11).plus(step)
        on = date(month.year, month.number, day)
        if changes:
            card = replace(
                known.card,
                months=other.months,
                previous_month=other.previous_month,
                separate=other.separate,
                sending_day=other.sending_day,
            )
            known = replace(known, card=card)
        decision = decide(known, POLICY, on)
        for draft in decision.drafts if isinstance(decision, Bill) else ():
            bills += 1
            slots = {
                Slot(service, each)
                for service in draft.key.services
                for each in draft.period.each()
            }
            assert not slots & billed_slots, "a service of a month on two invoices"
            billed_slots |= slots
        known = after(known, decision)
        again = decide(known, POLICY, on)
        assert not isinstance(again, Bill), "planning again the same day finds nothing to bill"
    covered = [slot for seen in known.invoices for slot in coverage_of(seen, POLICY).slots]
    assert len(covered) == len(set(covered)) == len(billed_slots)
    assert bills == len(known.invoices)


@given(companies(), days)
def test_every_decision_explains_itself(known: Facts, on: date) -> None:
    """Billing rules, preface: which rule, which input values, which numbers."""
    decision = decide(known, POLICY, on)
    for note in (*decision.explanation, *decision.warnings):
        assert note.rule.startswith("§")
    if isinstance(decision, Bill):
        assert {"issuer_chosen"} <= set(explained(decision))
        assert {draft.currency for draft in decision.drafts} <= set(Currency)
    if isinstance(decision, Hold):
        assert decision.reasons
        assert len(set(decision.reasons)) == len(decision.reasons)


def test_a_missed_month_is_dated_the_day_it_is_billed() -> None:
    """§3, §7: billed as of its own month, dated by the day of the run."""
    late = date(2022, 4, 5)
    decision = decide(facts(issued=late), POLICY, TENTH)
    assert isinstance(decision, Bill)
    (draft,) = decision.drafts
    assert draft.title.endswith("(Март 2022)")
    assert draft.issued == late
    assert draft.pay_by == date(2022, 4, 15)
