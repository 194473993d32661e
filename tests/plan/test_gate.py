"""The gate before the first write (operations page, «Safety»)."""

from __future__ import annotations

from collections import Counter
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
    Facts,
    InvoiceKey,
    InvoiceState,
    IssuedInvoice,
    SeparateInvoices,
)
from stavbill.billing.period import DayOfMonth, Month, ServicePeriod
from stavbill.plan.gate import (
    Ask,
    CompanyShare,
    Deviation,
    GateAnswer,
    Go,
    MonthTotals,
    Permission,
    Purse,
    Stop,
    Tally,
    gate,
    share_of,
)
from stavbill.plan.records import InvoiceRecord
from stavbill.plan.shared_causes import CauseKind, SharedCause
from tests.billing.world import KZ, ME, POLICY, PS_LINE, TENTH, facts, invoice
from tests.plan.world import record

OURS, THEIRS = Purse(2, "RUB"), Purse(4, "KZT")
YES, BAND = Permission(yes=True), Permission(accept_band=True)
RANK = {Go: 0, Ask: 1, Stop: 2}
FEBRUARY = Month(2022, 2)


def totals(now: tuple[int, int], before: tuple[int, int] | None, invoices: int = 1) -> MonthTotals:
    """Return totals of one purse: companies and rubles now and before."""
    return MonthTotals(
        now={OURS: Tally(now[0], now[1] * 100)},
        before={} if before is None else {OURS: Tally(before[0], before[1] * 100)},
        invoices=invoices,
    )


@pytest.mark.parametrize(
    ("month", "permission", "answer"),
    [
        pytest.param(totals((100, 1000), (100, 1000)), YES, Go(), id="Safety: like last month"),
        pytest.param(
            totals((100, 1000), (100, 1000)),
            Permission(unattended=True),
            Go(),
            id="Safety: nobody sits there to say yes to a month like the last one",
        ),
        pytest.param(
            totals((100, 1000), None),
            Permission(unattended=True),
            Ask(first_run=True),
            id="Safety: the very first run asks, unattended too",
        ),
        pytest.param(
            totals((100, 1000), (100, 1000)), Permission(), Ask(first_run=False),
            id="Safety: inside the band, nobody said yes",
        ),
        pytest.param(totals((120, 1200), (100, 1000)), YES, Go(), id="Safety: exactly 20 % more"),
        pytest.param(totals((80, 800), (100, 1000)), YES, Go(), id="Safety: exactly 20 % less"),
        pytest.param(
            totals((9, 900), None), Permission(), Ask(first_run=True), id="Safety: the first run"
        ),
        pytest.param(totals((9, 900), None), YES, Go(), id="Safety: the first run, yes"),
        pytest.param(
            totals((100, 2000), (100, 1000)), BAND, Go(), id="Safety: outside, and accepted"
        ),
        pytest.param(
            totals((5, 500), (100, 1000)), replace(YES, partial=True), Go(),
            id="Safety: named companies are no month",
        ),
        pytest.param(
            totals((5, 500), (100, 1000)), Permission(partial=True), Ask(first_run=False),
            id="Safety: named companies, nobody said yes",
        ),
        pytest.param(
            totals((0, 0), (100, 1000), 0), Permission(max_invoices=0), Go(),
            id="Safety: nothing to write",
        ),
        pytest.param(
            totals((9, 9), (9, 9), 10), replace(BAND, max_invoices=9), Stop(too_many=10),
            id="Safety: --max-invoices, whatever is accepted",
        ),
        pytest.param(
            totals((100, 1100), (100, 1000), 10), replace(YES, band_percent=5, max_invoices=9),
            Stop((Deviation(OURS, 100, 100, 100000, 110000),), 10),
            id="Safety: outside the band and too many, told at once",
        ),
        pytest.param(
            totals((9, 9), (9, 9), 9), replace(YES, max_invoices=9), Go(),
            id="Safety: as many as --max-invoices",
        ),
        pytest.param(
            totals((100, 1100), (100, 1000)), replace(YES, band_percent=5),
            Stop((Deviation(OURS, 100, 100, 100000, 110000),)), id="Safety: a narrower band",
        ),
    ],
)  # fmt: skip
def test_the_gate(month: MonthTotals, permission: Permission, answer: GateAnswer) -> None:
    assert gate(month, permission) == answer


@pytest.mark.parametrize(
    ("now", "before"),
    [
        pytest.param((121, 1000), (100, 1000), id="Safety: too many companies"),
        pytest.param((79, 1000), (100, 1000), id="Safety: too few companies"),
        pytest.param((100, 1201), (100, 1000), id="Safety: the sum alone, no company more"),
        pytest.param((99, 799), (100, 1000), id="Safety: the sum alone, one company less"),
        pytest.param((0, 0), (1, 10), id="Safety: a whole issuer is gone"),
    ],
)
@pytest.mark.parametrize("permission", [YES, Permission()])
def test_outside_the_band_the_run_stops(
    now: tuple[int, int], before: tuple[int, int], permission: Permission
) -> None:
    """Safety: companies billed and sum, each by itself; `--yes` does not answer it."""
    assert isinstance(gate(totals(now, before), permission), Stop)


def test_each_issuer_and_currency_is_compared_with_itself() -> None:
    """Safety: per issuer and currency."""
    month = totals((100, 1000), (100, 1000))
    month.now[THEIRS] = Tally(1, 100)
    assert gate(month, YES) == Stop((Deviation(THEIRS, 0, 1, 0, 100),))


amounts = st.integers(0, 10**6)
tallies = st.tuples(st.integers(0, 500), amounts)
permissions = st.builds(
    Permission,
    band_percent=st.integers(0, 100),
    max_invoices=st.one_of(st.none(), st.integers(0, 600)),
    yes=st.booleans(),
    accept_band=st.booleans(),
    partial=st.booleans(),
)


@given(tallies, st.integers(0, 500), amounts, st.integers(0, 100))
def test_the_band_is_the_same_upwards_and_downwards(
    before: tuple[int, int], companies: int, rubles: int, percent: int
) -> None:
    companies, rubles = min(companies, before[0]), min(rubles, before[1])
    permission = Permission(yes=True, band_percent=percent)
    up = gate(totals((before[0] + companies, before[1] + rubles), before), permission)
    down = gate(totals((before[0] - companies, before[1] - rubles), before), permission)
    assert type(up) is type(down)


@given(tallies, tallies, permissions, st.integers(1, 600))
def test_more_permission_never_stops_more(
    now: tuple[int, int], before: tuple[int, int], given_: Permission, invoices: int
) -> None:
    month = totals(now, before, invoices)
    answer = RANK[type(gate(month, given_))]
    wider = [
        replace(given_, yes=True),
        replace(given_, accept_band=True),
        replace(given_, band_percent=given_.band_percent + 10),
        replace(given_, max_invoices=None),
    ]
    assert all(RANK[type(gate(month, more))] <= answer for more in wider)


@given(tallies, tallies, permissions, st.integers(1, 600), amounts)
def test_a_greater_difference_is_never_safer(
    now: tuple[int, int], before: tuple[int, int], given_: Permission, invoices: int, more: int
) -> None:
    step = more if now[1] >= before[1] else -min(more, now[1])
    nearer = gate(totals(now, before, invoices), given_)
    farther = gate(totals((now[0], now[1] + step), before, invoices), given_)
    assert RANK[type(farther)] >= RANK[type(nearer)]
    assert RANK[type(gate(totals(now, before, invoices + 1), given_))] >= RANK[type(nearer)]


# ---------------------------------------------------------------------- one company's share


def ours(number: int, month: Month, months: int = 1, **fields: object) -> IssuedInvoice:
    key = InvoiceKey(ME, (SUBSCRIPTION,), ServicePeriod(month, months), "ps-rf")
    return invoice(number, "", (PS_LINE,), key=key, **fields)  # type: ignore[arg-type]


def share(known: Facts, *records: InvoiceRecord) -> CompanyShare:
    seen = replace(known, invoices=tuple(one.issued for one in records))
    return share_of(decide(seen, POLICY, TENTH), known.card, records, POLICY, FEBRUARY)


LAST = record(ours(1, Month(2022, 2)))


@pytest.mark.parametrize(
    ("known", "records", "now", "before", "invoices"),
    [
        pytest.param(facts(), (LAST,), {OURS: 105000}, {OURS: 105000}, 1, id="E1, billed before"),
        pytest.param(facts(), (), {OURS: 105000}, {}, 1, id="Safety: a new customer"),
        pytest.param(
            facts(months=3), (record(ours(1, Month(2021, 12), 3)),), {OURS: 105000},
            {OURS: 35000}, 1, id="E10 Safety: several months are spread over them",
        ),
        pytest.param(facts(contracts=()), (LAST,), {}, {OURS: 105000}, 0, id="E7 held"),
        pytest.param(facts(skip=True), (LAST,), {}, {OURS: 105000}, 0, id="E8 skipped now"),
        pytest.param(
            facts(sending_day=DayOfMonth(20)), (LAST,), {}, {}, 0,
            id="Safety: not its day, compared when it comes",
        ),
        pytest.param(
            facts(), (LAST, record(ours(2, Month(2022, 3)))), {OURS: 105000}, {OURS: 105000}, 0,
            id="Safety: billed already, planned again",
        ),
        pytest.param(
            facts(), (record(ours(1, Month(2022, 2), state=InvoiceState.CANCELLED)),),
            {OURS: 105000}, {}, 1, id="Safety: a cancelled invoice counts for nothing",
        ),
        pytest.param(
            facts(previous_month=True), (record(ours(1, Month(2021, 12))),), {OURS: 105000},
            {OURS: 105000}, 1, id="E9 Safety: the service month before the one billed",
        ),
        pytest.param(
            facts(previous_month=True, months=2), (record(ours(1, Month(2021, 11))),),
            {OURS: 105000}, {OURS: 105000}, 1, id="Safety: several months in arrears",
        ),
        pytest.param(
            facts(contracts=(KZ,)),
            (record(ours(1, Month(2022, 2)), own_company=None, currency="KZT"),),
            {THEIRS: 105000}, {Purse(0, "KZT"): 105000}, 1, id="Safety: an issuer unknown before",
        ),
    ],
)  # fmt: skip
def test_one_companys_share(
    known: Facts, records: tuple[InvoiceRecord, ...], now: dict[Purse, int],
    before: dict[Purse, int], invoices: int,
) -> None:  # fmt: skip
    assert share(known, *records) == CompanyShare(now, before, invoices)


def test_two_invoices_of_a_company_are_one_company() -> None:
    """Safety: the number of companies billed, not of invoices."""
    apart = facts(fees={FUEL_SENSOR: "1*100"}, separate=SeparateInvoices(each=True))
    month = MonthTotals()
    month.add_company(share(apart))
    month.add_company(share(facts(), LAST))
    assert month.now == {OURS: Tally(2, 220000)}
    assert month.before == {OURS: Tally(1, 105000)}
    assert month.invoices == 3


def test_invoices_of_people_are_no_measure() -> None:
    """Safety: beside another biller the first month has nothing to be compared with."""
    by_hand = record(invoice(1, "(Февраль 2022)", (PS_LINE,), created=date(2022, 1, 10)))
    assert by_hand.total == Decimal(1050)
    assert share(facts(), by_hand).before == {}


UNREAD = SharedCause(CauseKind.CONNECTION, "stavros1")
NO_ISSUER = SharedCause(CauseKind.ISSUER, "ООО «Автотрэкер»")


def waiting(cause: SharedCause, number: int, *, judged: int, invoices: int = 1) -> MonthTotals:
    """Return totals like last month's, but for companies that wait."""
    month = totals((100, 1000), (100, 1000), invoices)
    return replace(month, judged=judged, causes=Counter({cause: number}))


@pytest.mark.parametrize(
    ("month", "answer"),
    [
        pytest.param(waiting(UNREAD, 1, judged=500), Stop(shared=(UNREAD,)), id="a host, always"),
        pytest.param(waiting(NO_ISSUER, 10, judged=500), Stop(shared=(NO_ISSUER,)), id="2 percent"),
        pytest.param(waiting(NO_ISSUER, 9, judged=500), Go(), id="less: each company's own"),
        pytest.param(waiting(NO_ISSUER, 4, judged=4), Go(), id="four are not many"),
        pytest.param(waiting(NO_ISSUER, 5, judged=5), Stop(shared=(NO_ISSUER,)), id="five are"),
        pytest.param(
            waiting(UNREAD, 3, judged=3, invoices=0), Stop(shared=(UNREAD,)), id="nothing billed"
        ),
    ],
)
def test_a_trouble_that_many_share_stops_the_gate(month: MonthTotals, answer: GateAnswer) -> None:
    assert gate(month, YES) == answer
    assert gate(month, Permission(unattended=True)) == answer
    assert gate(month, BAND) == Go()
    assert gate(month, replace(YES, partial=True)) == Go()


def test_a_first_run_stops_for_a_shared_trouble_too() -> None:
    month = replace(waiting(UNREAD, 7, judged=50), before={})
    assert gate(month, YES) == Stop(shared=(UNREAD,))
