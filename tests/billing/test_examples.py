"""The worked examples E1–E14 of the billing rules (§10), each by its name."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from stavbill.billing.decide import decide
from stavbill.billing.decision import (
    Bill,
    CountMismatch,
    Decision,
    Hold,
    NoContract,
    Skip,
    SkipReason,
    TariffNotUnderstood,
)
from stavbill.billing.facts import DISPATCHING, FUEL_SENSOR, OpenCredit
from stavbill.billing.money import Currency, Money
from stavbill.billing.period import Month
from tests.billing.world import (
    AO,
    AUTOTRACKER,
    MATVEEV,
    POLICY,
    SIM,
    TENTH,
    facts,
    invoice,
    units,
)


def billed(decision: Decision) -> Bill:
    assert isinstance(decision, Bill), decision
    return decision


def rubles(bill: Bill) -> list[Decimal]:
    return [draft.total.amount for draft in bill.drafts]


def rows(bill: Bill) -> list[tuple[int, Decimal, Decimal]]:
    return [
        (line.quantity, line.price.amount, line.total.amount)
        for draft in bill.drafts
        for line in draft.lines
    ]


def test_e1_three_units_by_avtotreker_for_march() -> None:
    bill = billed(decide(facts(), POLICY, TENTH))
    (draft,) = bill.drafts
    assert draft.own_company == AUTOTRACKER
    assert draft.title == "[Биллинг] Подписка на сервис (Март 2022)"
    assert draft.contract_number == "ПС-2021-147"
    assert rows(bill) == [(3, Decimal("350.00"), Decimal("1050.00"))]
    assert draft.lines[0].name == (
        "Подписка на сервис по удаленному управлению автопарком (Март 2022)"
    )
    assert draft.period.billed_through == date(2022, 3, 31)
    assert draft.pay_by == date(2022, 2, 21)
    assert draft.lines[0].vat == Money(17500, Currency.RUB)


def test_e2_active_and_conserved_groups_by_matveev() -> None:
    given = facts("7*350|12*100", units(7, 12), contracts=(AO,))
    bill = billed(decide(given, POLICY, date(2021, 11, 10)))
    (draft,) = bill.drafts
    assert draft.own_company == MATVEEV
    assert draft.lines[0].name == (
        "Абонентское обслуживание навигационного оборудования (Декабрь 2021)"
    )
    assert rows(bill) == [
        (7, Decimal("350.00"), Decimal("2450.00")),
        (12, Decimal("100.00"), Decimal("1200.00")),
    ]
    assert rubles(bill) == [Decimal("3650.00")]
    assert bill.card_count == 19
    assert draft.lines[0].vat_percent is None


def test_e3_a_remembered_dispatching_price_makes_no_line() -> None:
    given = facts("4*350|15*100", units(4, 15), fees={DISPATCHING: "-*200"})
    bill = billed(decide(given, POLICY, TENTH))
    assert rubles(bill) == [Decimal("2900.00")]
    assert {line.service for line in bill.drafts[0].lines} == {"subscription"}


def test_e4_a_space_between_groups() -> None:
    bill = billed(decide(facts("6*350 6*250", units(12)), POLICY, TENTH))
    assert rubles(bill) == [Decimal("3600.00")]


def test_e5_one_unit_too_many_holds() -> None:
    decision = decide(facts("3*490", units(4)), POLICY, TENTH)
    assert isinstance(decision, Hold)
    assert decision.reasons == (
        CountMismatch(expected_active=3, expected_conserved=0, active=4, conserved=0, card=3),
    )


def test_e6_the_ignore_flag_bills_by_the_card() -> None:
    bill = billed(decide(facts("3*490", units(4), ignore_count=True), POLICY, TENTH))
    assert rubles(bill) == [Decimal("1470.00")]
    assert "count_ignored_differs" in {note.code for note in bill.warnings}
    assert bill.card_count is None


def test_e7_no_contract_holds() -> None:
    decision = decide(facts(contracts=()), POLICY, TENTH)
    assert isinstance(decision, Hold)
    assert decision.reasons == (NoContract(()),)


def test_e8_the_skip_flag_skips() -> None:
    decision = decide(facts(skip=True), POLICY, TENTH)
    assert isinstance(decision, Skip)
    assert decision.reason is SkipReason.SKIP_FLAG


def test_e9_the_previous_month_flag_bills_january() -> None:
    bill = billed(decide(facts(previous_month=True), POLICY, TENTH))
    assert bill.drafts[0].title == "[Биллинг] Подписка на сервис (Январь 2022)"


def test_e10_three_months_then_covered() -> None:
    bill = billed(decide(facts(months=3), POLICY, TENTH))
    (draft,) = bill.drafts
    assert draft.total.amount == Decimal("3150.00")
    assert draft.title == "[Биллинг] Подписка на сервис (Март–Май 2022)"
    assert [line.month for line in draft.lines] == [Month(2022, m) for m in (3, 4, 5)]
    standing = (invoice(7, draft.title, created=TENTH, key=draft.key),)
    later = decide(facts(months=3, invoices=standing), POLICY, date(2022, 3, 10))
    assert isinstance(later, Skip)
    assert later.reason is SkipReason.COVERED


def test_e11_an_outage_credit_reduces_the_fuel_line_first() -> None:
    credit = OpenCredit("c1", FUEL_SENSOR, Money.of(200, Currency.RUB), date(2022, 1, 20))
    given = facts("1*450", units(1), fees={FUEL_SENSOR: "1*100"}, credits=(credit,))
    bill = billed(decide(given, POLICY, TENTH))
    assert rubles(bill) == [Decimal("350.00")]
    assert [(line.service, line.total.minor) for line in bill.drafts[0].lines] == [
        ("subscription", 35000),
        ("fuel", 0),
    ]
    assert bill.drafts[0].credits[0].used == Money.of(200, Currency.RUB)


def test_e12_a_tariff_without_quantity_is_not_understood() -> None:
    decision = decide(facts("*350"), POLICY, TENTH)
    assert isinstance(decision, Hold)
    (reason,) = decision.reasons
    assert isinstance(reason, TariffNotUnderstood)
    assert reason.position == 0


def test_e13_a_configured_service_has_its_own_line() -> None:
    bill = billed(decide(facts(fees={SIM: "2*150"}), POLICY, TENTH))
    assert rubles(bill) == [Decimal("1350.00")]
    assert bill.drafts[0].lines[1].name == "SIM, роуминг (Март 2022)"


def test_e14_four_months_on_one_invoice() -> None:
    given = facts("2*450", units(2), months=4)
    (draft,) = billed(decide(given, POLICY, TENTH)).drafts
    assert draft.total.amount == Decimal("3600.00")
    assert draft.period.months == 4


def test_a_zero_total_by_credits_is_recorded_as_paid() -> None:
    credit = OpenCredit("c1", FUEL_SENSOR, Money.of(5000, Currency.RUB), date(2022, 1, 20))
    (draft,) = billed(decide(facts(credits=(credit,)), POLICY, TENTH)).drafts
    assert draft.total.minor == 0
    assert draft.is_paid_by_credits
    assert draft.credits[0].used == Money.of(1050, Currency.RUB)


def test_credits_of_another_currency_are_left_alone() -> None:
    credit = OpenCredit("c1", FUEL_SENSOR, Money.of(200, Currency.KZT), date(2022, 1, 20))
    (draft,) = billed(decide(facts(credits=(credit,)), POLICY, TENTH)).drafts
    assert draft.total.amount == Decimal("1050.00")
    assert replace(draft, credits=()) == draft
