"""The lines of an invoice, which services share one, and its title (§7)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from stavbill.billing.covered import months_in, service_in
from stavbill.billing.decide import decide
from stavbill.billing.decision import Bill
from stavbill.billing.facts import (
    DISPATCHING,
    FUEL_SENSOR,
    SUBSCRIPTION,
    Facts,
    SeparateInvoices,
    ServiceCode,
    VatWish,
)
from stavbill.billing.issuer import Issuer
from stavbill.billing.lines import (
    Services,
    invoice_groups,
    invoice_lines,
    invoice_title,
    is_separate,
)
from stavbill.billing.period import Month, ServicePeriod
from stavbill.billing.tariff import Tariff, parse_tariff
from tests.billing.world import (
    AO,
    AO_LINE,
    AUTOTRACKER,
    MATVEEV,
    POLICY,
    PS,
    PS_LINE,
    RULES,
    SIM,
    TENTH,
    facts,
    units,
)

BY_AUTOTRACKER = Issuer(RULES[0], AUTOTRACKER, PS, "ПС-2021-147")
BY_MATVEEV = Issuer(RULES[2], MATVEEV, AO, "АО-2021-890")
MARCH = ServicePeriod(Month(2022, 3))
NEW_YEAR = ServicePeriod(Month(2025, 12), 2)


def fee(text: str) -> Tariff:
    known = parse_tariff(text)
    assert isinstance(known, Tariff)
    return known


@pytest.mark.parametrize(
    ("services", "separate", "groups"),
    [
        pytest.param(
            (SUBSCRIPTION, FUEL_SENSOR), SeparateInvoices(), ((SUBSCRIPTION, FUEL_SENSOR),),
            id="§7 one invoice",
        ),
        pytest.param(
            (SUBSCRIPTION, FUEL_SENSOR, SIM), SeparateInvoices(services=frozenset({FUEL_SENSOR})),
            ((SUBSCRIPTION, SIM), (FUEL_SENSOR,)), id="§7 the named ones on their own",
        ),
        pytest.param(
            (SUBSCRIPTION, FUEL_SENSOR), SeparateInvoices(each=True),
            ((SUBSCRIPTION,), (FUEL_SENSOR,)), id="§7 yes: each service its own",
        ),
        pytest.param(
            (FUEL_SENSOR,), SeparateInvoices(services=frozenset({FUEL_SENSOR})),
            ((FUEL_SENSOR,),), id="§7 nothing is left together",
        ),
        pytest.param(
            (FUEL_SENSOR,), SeparateInvoices(services=frozenset({SIM})), ((FUEL_SENSOR,),),
            id="§7 a named service that is not charged",
        ),
        pytest.param((), SeparateInvoices(each=True), (), id="§7 nothing charged"),
    ],
)  # fmt: skip
def test_which_services_share_an_invoice(
    services: Services, separate: SeparateInvoices, groups: tuple[Services, ...]
) -> None:
    assert invoice_groups(services, separate) == groups


@pytest.mark.parametrize(
    ("services", "issuer", "separate", "period", "title"),
    [
        pytest.param(
            (SUBSCRIPTION, FUEL_SENSOR), BY_AUTOTRACKER, SeparateInvoices(), MARCH,
            "[Биллинг] Подписка на сервис (Март 2022)", id="E1 §7",
        ),
        pytest.param(
            (SUBSCRIPTION,), BY_MATVEEV, SeparateInvoices(each=True), MARCH,
            "[Биллинг] Абонентское обслуживание (Март 2022)", id="§7 the rule's own title",
        ),
        pytest.param(
            (FUEL_SENSOR,), BY_AUTOTRACKER, SeparateInvoices(each=True), MARCH,
            "[Биллинг] Абонплата за ДУТы (Март 2022)", id="§7 separate: by its service",
        ),
        pytest.param(
            (DISPATCHING,), BY_MATVEEV, SeparateInvoices(services=frozenset({DISPATCHING})), MARCH,
            "[Биллинг] Абонплата за диспетчеризацию (Март 2022)", id="§7 dispatching",
        ),
        pytest.param(
            (SIM,), BY_AUTOTRACKER, SeparateInvoices(each=True), NEW_YEAR,
            "[Биллинг] SIM, роуминг (Декабрь 2025 – Январь 2026)", id="§7 the configured name",
        ),
        pytest.param(
            (FUEL_SENSOR,), BY_AUTOTRACKER, SeparateInvoices(), MARCH,
            "[Биллинг] Подписка на сервис (Март 2022)", id="§7 alone, but not separate",
        ),
    ],
)  # fmt: skip
def test_the_title(
    services: Services, issuer: Issuer, separate: SeparateInvoices, period: ServicePeriod,
    title: str,
) -> None:  # fmt: skip
    alone = is_separate(services, separate)
    assert invoice_title(services, period, issuer, POLICY, separate=alone) == title


def test_a_line_for_each_month_service_and_price() -> None:
    """§7: a line = service + month + price group; groups of one price are merged (§2)."""
    fees = {SUBSCRIPTION: fee("4*350|15*100|1*350"), FUEL_SENSOR: fee("2*100")}
    period = ServicePeriod(Month(2022, 3), 2)
    lines = invoice_lines(fees, tuple(fees), period, BY_AUTOTRACKER, VatWish.EMPTY)
    told = [(line.service, line.month.number, line.quantity, line.price.minor) for line in lines]
    assert told == [
        (SUBSCRIPTION, 3, 5, 35000),
        (SUBSCRIPTION, 3, 15, 10000),
        (FUEL_SENSOR, 3, 2, 10000),
        (SUBSCRIPTION, 4, 5, 35000),
        (SUBSCRIPTION, 4, 15, 10000),
        (FUEL_SENSOR, 4, 2, 10000),
    ]  # fmt: skip
    assert lines[0].name == f"{PS_LINE} (Март 2022)"
    assert lines[2].name == "Абонплата за ДУТы (Март 2022)"
    assert lines[5].gross == lines[5].total


def test_an_invoice_over_new_year_carries_both_rates() -> None:
    """Beyond 14, §7: the rate of the first day of the line's service month."""
    lines = invoice_lines(
        {SUBSCRIPTION: fee("1*122")}, (SUBSCRIPTION,), NEW_YEAR, BY_AUTOTRACKER, VatWish.EMPTY
    )
    assert [(line.vat_percent, line.vat.minor) for line in lines] == [
        (Decimal(20), 2033),
        (Decimal(22), 2200),
    ]


def test_a_service_without_wording_stands_by_its_code() -> None:
    unknown = ServiceCode("video")
    assert BY_MATVEEV.rule.words(unknown).line == "video"


FUEL = {SUBSCRIPTION: "1*350", FUEL_SENSOR: "2*100"}
FREE = {SUBSCRIPTION: "3*0", FUEL_SENSOR: "2*100"}


def billed(known: Facts) -> Bill:
    decision = decide(known, POLICY, TENTH)
    assert isinstance(decision, Bill)
    return decision


def test_a_row_of_conserved_units_has_words_of_its_own() -> None:
    [draft] = billed(facts("7*350|12*100", units(7, 12), contracts=(AO,))).drafts
    assert [line.name for line in draft.lines] == [
        f"{AO_LINE} (Март 2022)",
        f"{AO_LINE} (консервация) (Март 2022)",
    ], "§11"
    assert draft.total.minor == 365_000
    # It is known again as the subscription of that month.
    assert {service_in(line.name, POLICY) for line in draft.lines} == {SUBSCRIPTION}
    assert months_in(draft.lines[1].name) == {Month(2022, 3)}


def test_the_words_of_conserved_units_can_be_configured() -> None:
    rules = tuple(
        replace(rule, wording=tuple(replace(word, conserved="Хранение") for word in rule.wording))
        for rule in POLICY.rules
    )
    policy = replace(POLICY, rules=rules)
    decision = decide(facts("1*350|2*100", units(1, 2), contracts=(AO,)), policy, TENTH)
    assert isinstance(decision, Bill)
    assert [line.name for line in decision.drafts[0].lines][1] == "Хранение (Март 2022)"
    assert service_in("Хранение (Март 2022)", policy) == SUBSCRIPTION


def test_other_fees_at_that_price_are_no_conserved_units() -> None:
    [draft] = billed(facts("1*350", units(1), fees=FUEL)).drafts
    assert not any("консервация" in line.name for line in draft.lines)


def test_a_group_at_the_price_of_zero_makes_no_line_beside_others() -> None:
    decision = billed(facts("3*0", units(3), fees=FREE))
    [draft] = decision.drafts
    assert [(line.service, line.total.minor) for line in draft.lines] == [(FUEL_SENSOR, 20_000)]
    assert "free_group" in {note.code for note in decision.warnings}, "§7: told, not charged"
