"""The must-never list over what the portal holds (beyond 2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stavbill.billing.decide import decide
from stavbill.billing.facts import (
    FUEL_SENSOR,
    SUBSCRIPTION,
    CompanyId,
    Facts,
    InvoiceKey,
    InvoiceState,
    IssuedInvoice,
    Override,
)
from stavbill.billing.period import Month, ServicePeriod
from stavbill.plan.invariants import MustNever, PortalView, violations
from stavbill.plan.records import InvoiceRecord
from tests.billing.strategies import billable
from tests.billing.world import DELIVERY, ME, POLICY, PS_LINE, TENTH, after, card, facts, invoice
from tests.plan.world import record

FEBRUARY, MARCH = Month(2022, 2), Month(2022, 3)
KEY = InvoiceKey(ME, (SUBSCRIPTION,), ServicePeriod(MARCH), "ps-rf")


def ours(number: int, key: InvoiceKey = KEY, **fields: object) -> IssuedInvoice:
    return invoice(number, "", (PS_LINE,), created=TENTH, key=key, **fields)  # type: ignore[arg-type]


def by_hand(number: int, title: str = "(Март 2022)", *rows: str) -> IssuedInvoice:
    return invoice(number, title, rows)


def found(*records: InvoiceRecord, known: Facts | None = None, **fields: object) -> list[
    tuple[MustNever, tuple[int, ...], bool]
]:  # fmt: skip
    known = known or facts()
    view = PortalView(card=known.card, contracts=known.contracts, invoices=records, since=FEBRUARY)
    told = violations(replace(view, **fields), POLICY)  # type: ignore[arg-type]
    return [(one.what, one.invoices, one.ours) for one in told]


@pytest.mark.parametrize(
    ("invoices", "expected"),
    [
        pytest.param((ours(1),), [], id="beyond 2: one invoice is right"),
        pytest.param(
            (ours(1), ours(2)), [(MustNever.SAME_KEY_TWICE, (1, 2), True)],
            id="beyond 2: our key twice is our making",
        ),
        pytest.param(
            (ours(2), ours(1, replace(KEY, issue=2))), [(MustNever.TWO_INVOICES, (1, 2), True)],
            id="beyond 2: two of ours for one month",
        ),
        pytest.param(
            (ours(1), by_hand(2)), [(MustNever.TWO_INVOICES, (1, 2), False)],
            id="beyond 3: a duplicate typed by a person",
        ),
        pytest.param(
            (by_hand(1), by_hand(2, "Счёт", f"{PS_LINE} (Март 2022)")),
            [(MustNever.TWO_INVOICES, (1, 2), False)], id="beyond 3: two by hand",
        ),
        pytest.param(
            (ours(1), ours(2, replace(KEY, issue=2), state=InvoiceState.CANCELLED)), [],
            id="beyond 2: a cancelled one does not count",
        ),
        pytest.param(
            (ours(1), ours(2, replace(KEY, services=(FUEL_SENSOR,)))), [],
            id="beyond 2: another kind",
        ),
        pytest.param(
            (by_hand(1, "(Декабрь 2021)"), by_hand(2, "(Декабрь 2021)")), [],
            id="beyond 2: history that people have settled",
        ),
        pytest.param(
            (ours(1), ours(2, replace(KEY, company=CompanyId(7)))),
            [(MustNever.TWO_INVOICES, (1, 2), False), (MustNever.FOREIGN_KEY, (2,), False)],
            id="beyond 3: another company's invoice that a person moved here",
        ),
        pytest.param(
            (ours(1, replace(KEY, company=CompanyId(7))),),
            [(MustNever.FOREIGN_KEY, (1,), False)], id="beyond 3: a copied key",
        ),
    ],
)  # fmt: skip
def test_one_invoice_for_company_kind_and_month(
    invoices: tuple[IssuedInvoice, ...], expected: list[tuple[MustNever, tuple[int, ...], bool]]
) -> None:
    for order in (invoices, invoices[::-1]):
        assert found(*(record(seen) for seen in order)) == expected


@pytest.mark.parametrize(
    ("makers", "is_ours"),
    [
        pytest.param((True, True), True, id="beyond 2: we wrote it twice"),
        pytest.param((True, False), False, id="beyond 3: a copy by a person"),
        pytest.param((False, False), False, id="beyond 3: nobody knows who"),
        pytest.param((True, False, True), True, id="beyond 2: a copy, and one more of ours"),
    ],
)
def test_a_copy_by_a_person_is_not_our_making(makers: tuple[bool, ...], *, is_ours: bool) -> None:
    copies = [record(ours(n), made_by_us=made) for n, made in enumerate(makers, start=1)]
    numbers = tuple(range(1, len(makers) + 1))
    assert found(*copies) == [(MustNever.SAME_KEY_TWICE, numbers, is_ours)]


@pytest.mark.parametrize(
    ("changed", "ours_"),
    [
        pytest.param("2022-02-10T08:59:00+03:00", True, id="never touched: our own double"),
        pytest.param("2022-02-10T11:00:00+05:00", True, id="before, by another zone's clock"),
        pytest.param("2022-02-10T10:00:01+03:00", False, id="taken back by a person"),
    ],
)
def test_an_invoice_whose_cancellation_was_taken_back_is_a_persons(
    changed: str, *, ours_: bool
) -> None:
    old = record(ours(1), updated=changed)
    again = record(ours(2, replace(KEY, issue=2)), made_at="2022-02-10T10:00:00+03:00")
    assert found(old, again) == [(MustNever.TWO_INVOICES, (1, 2), ours_)]


def test_a_pair_is_told_once_for_all_its_months() -> None:
    span = replace(KEY, period=ServicePeriod(MARCH, 3))
    assert found(record(ours(1, span)), record(ours(2, replace(span, issue=2)))) == [
        (MustNever.TWO_INVOICES, (1, 2), True)
    ]


@pytest.mark.parametrize(
    ("key", "own_company", "created", "wrong"),
    [
        pytest.param(KEY, 2, TENTH, False, id="beyond 2: the rule's own company"),
        pytest.param(KEY, 3, TENTH, True, id="beyond 9: another own company"),
        pytest.param(KEY, None, TENTH, True, id="beyond 9: no own company"),
        pytest.param(replace(KEY, issuer="gone"), 2, TENTH, True, id="beyond 2: no such rule"),
        pytest.param(
            replace(KEY, issuer="gone"), 2, date(2022, 1, 10), False,
            id="beyond 2: a rule that has left the table since",
        ),
    ],
)  # fmt: skip
def test_the_issuer_is_one_that_the_rules_give(
    key: InvoiceKey, own_company: int | None, created: date, *, wrong: bool
) -> None:
    seen = replace(ours(1, key), created=created)
    expected = [(MustNever.WRONG_ISSUER, (1,), False)] if wrong else []
    assert found(record(seen, own_company=own_company)) == expected


@pytest.mark.parametrize(
    ("total", "rows_read", "wrong"),
    [
        pytest.param("1050", True, False, id="beyond 2: 3 × 350"),
        pytest.param("1050.00", True, False, id="beyond 2: the portal's two places"),
        pytest.param("1050.01", True, True, id="beyond 2: a kopeck more"),
        pytest.param("999", False, False, id="beyond 2: rows that nobody read"),
    ],
)
def test_lines_add_up_to_the_total(total: str, *, rows_read: bool, wrong: bool) -> None:
    seen = record(ours(1), total=Decimal(total), rows_read=rows_read)
    assert found(seen) == ([(MustNever.LINES_DO_NOT_ADD_UP, (1,), False)] if wrong else [])


def test_no_invoice_without_a_contract() -> None:
    """Beyond 2: an invoice without a contract; asked of this month's invoices only."""
    without = facts(contracts=(DELIVERY,))
    assert found(record(ours(1)), known=without) == [(MustNever.WITHOUT_CONTRACT, (1,), False)]
    old = replace(ours(1), created=date(2022, 1, 10))
    assert found(record(old), known=without) == []
    assert found(record(by_hand(1)), known=without) == []


def test_nothing_is_issued_to_a_skipped_company() -> None:
    """Beyond 2: anything issued by the schedule to a skipped company, by the flag of that day."""
    seen = record(ours(1))
    told = [(MustNever.ISSUED_TO_SKIPPED, (1,), True)]
    assert found(seen, to_skipped=frozenset({seen.external_id})) == told
    assert found(seen, to_skipped=frozenset({"stavbill:another"})) == []


def test_a_customer_who_is_skipped_after_the_invoice_is_no_violation() -> None:
    """Beyond 2: the flag that somebody sets later says nothing of the invoice."""
    assert found(record(ours(1)), known=facts(skip=True)) == []


def test_a_title_counts_for_the_services_of_the_card_only() -> None:
    nothing = replace(facts(), card=card("", fees={FUEL_SENSOR: ""}))
    bare = replace(nothing, card=replace(nothing.card, fees={}))
    assert found(record(by_hand(1)), record(by_hand(2)), known=bare) == []


def test_an_invoice_by_hand_is_judged_by_its_rows_only() -> None:
    """Beyond 3: a title that alone names the month would count for every service."""
    unread = record(by_hand(2), rows_read=False)
    assert found(record(ours(1)), unread) == []
    assert found(record(ours(1)), replace(unread, rows_read=True)) != []


@given(billable(), st.integers(0, 6))
def test_what_the_core_decides_never_breaks_the_list(known: Facts, steps: int) -> None:
    """Beyond 2: month after month, what we write breaks nothing."""
    own = {rule.code: rule.own_company for rule in POLICY.rules}
    for step in range(steps + 1):
        month = FEBRUARY.plus(step)
        on = date(month.year, month.number, 15)
        decision = decide(replace(known, override=Override(sending_day=True)), POLICY, on)
        known = after(known, decision)
        records = tuple(
            record(seen, own_company=own[seen.key.issuer])
            for seen in known.invoices
            if seen.key is not None
        )
        view = PortalView(card=known.card, contracts=known.contracts, invoices=records, since=month)
        assert violations(view, POLICY) == ()
