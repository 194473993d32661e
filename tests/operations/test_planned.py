"""What planning came to survives being stored, and adds up whatever the chunks were."""

from __future__ import annotations

import json
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from stavbill.operations.planned import Planned, planned_of, sum_of
from stavbill.operations.report import Counts, IssuerSum
from stavbill.plan.gate import MonthTotals, Purse, Tally

numbers = st.integers(0, 10**9)
names = st.sampled_from(["covered", "tariff", "no_contract", "count_mismatch"])
counters = st.dictionaries(names, st.integers(1, 10**6)).map(Counter)
tallies = st.builds(Tally, numbers, numbers)
purses = st.builds(Purse, st.integers(1, 9), st.sampled_from(["RUB", "KZT"]))
values: st.SearchStrategy[object] = numbers
documents = st.lists(st.dictionaries(names, values), max_size=3)


@st.composite
def planneds(draw: st.DrawFn) -> Planned:
    issuers = st.tuples(st.sampled_from(["rf", "kz"]), st.sampled_from(["RUB", "KZT"]))
    sums = st.dictionaries(issuers, st.builds(IssuerSum, numbers, numbers, numbers))
    counts = Counts(
        companies=draw(numbers),
        billed=draw(numbers),
        invoices=draw(numbers),
        skipped=draw(counters),
        held=draw(counters),
        warnings=draw(counters),
        held_companies=draw(numbers),
        parked=draw(numbers),
        waiting=draw(numbers),
        failed=draw(numbers),
        sums=draw(sums),
    )
    totals = MonthTotals(
        now=draw(st.dictionaries(purses, tallies)),
        before=draw(st.dictionaries(purses, tallies)),
        invoices=draw(numbers),
    )
    return Planned(
        counts=counts,
        totals=totals,
        effects=draw(counters),
        violations=draw(documents),
        parked=draw(documents),
        failures=draw(documents),
    )


@given(planneds())
def test_a_plan_is_the_same_after_it_was_stored(planned: Planned) -> None:
    assert planned_of(json.loads(json.dumps(planned.document()))) == planned


@given(st.lists(planneds(), max_size=4))
def test_chunks_add_up_in_any_order(chunks: list[Planned]) -> None:
    forth = sum_of(chunk.document() for chunk in chunks)
    back = sum_of(chunk.document() for chunk in reversed(chunks))
    assert forth.counts == back.counts
    assert forth.totals == back.totals
    assert forth.effects == back.effects
    assert forth.counts.companies == sum(chunk.counts.companies for chunk in chunks)
    assert forth.totals.invoices == sum(chunk.totals.invoices for chunk in chunks)
