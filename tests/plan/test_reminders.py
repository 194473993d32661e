"""The ladder of reminders: which step is due on which day, and what silences it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stavbill.plan.reminders import Audience, Ladder, Step, Unpaid, due_step

LADDER = Ladder(
    (Step("soon", -3), Step("today", 0), Step("week", 7), Step("call", 14, Audience.MANAGER)),
    quiet_days=2,
)
PAY_BY = date(2026, 12, 21)
INVOICE = Unpaid(pay_by=PAY_BY, reached=True)


def due(days: int, invoice: Unpaid = INVOICE) -> str | None:
    step = due_step(invoice, LADDER, PAY_BY + timedelta(days=days))
    return None if step is None else step.code


@pytest.mark.parametrize(
    ("days", "code"),
    [(-4, None), (-3, "soon"), (-1, "soon"), (0, "today"), (6, "today"), (7, "week"), (99, "call")],
)
def test_the_last_step_that_has_come_is_due(days: int, code: str | None) -> None:
    assert due(days) == code


@pytest.mark.parametrize(
    "silent",
    [
        replace(INVOICE, paid=True),
        replace(INVOICE, cancelled=True),
        replace(INVOICE, reached=False),
        replace(INVOICE, promised=PAY_BY + timedelta(days=30)),
        replace(INVOICE, last=PAY_BY + timedelta(days=6)),
        replace(INVOICE, reminded=("week",)),
    ],
)
def test_who_is_not_reminded(silent: Unpaid) -> None:
    assert due(7, silent) is None


def test_a_promise_that_was_not_kept_is_followed_by_the_step_that_has_come() -> None:
    promised = replace(INVOICE, promised=PAY_BY + timedelta(days=5), reminded=("today",))
    assert due(5, promised) is None
    assert due(6, promised) is None
    assert due(7, promised) == "week"


def test_two_reminders_are_quiet_days_apart() -> None:
    reminded = replace(INVOICE, reminded=("today",), last=PAY_BY + timedelta(days=6))
    assert due(7, reminded) is None
    assert due(8, reminded) == "week"


def test_the_last_step_may_be_for_our_manager() -> None:
    step = due_step(INVOICE, LADDER, PAY_BY + timedelta(days=14))
    assert step is not None
    assert step.audience is Audience.MANAGER


@pytest.mark.parametrize(
    "steps",
    [(Step("a", 1), Step("b", 0)), (Step("a", 1), Step("b", 1)), (Step("a", 0), Step("a", 1))],
)
def test_a_ladder_that_goes_back_or_repeats_is_refused(steps: tuple[Step, ...]) -> None:
    with pytest.raises(ValueError, match="ladder"):
        Ladder(steps)


@given(st.lists(st.integers(-10, 40), min_size=1, max_size=40))
def test_nobody_hears_a_step_twice_or_two_at_once(days: list[int]) -> None:
    """Whatever days somebody looks on: each step once, in order, quiet days between them."""
    invoice, told = INVOICE, list[tuple[str, int]]()
    for day in sorted(set(days)):
        step = due_step(invoice, LADDER, PAY_BY + timedelta(days=day))
        if step is not None:
            told.append((step.code, day))
            reminded = (*invoice.reminded, step.code)
            invoice = replace(invoice, reminded=reminded, last=PAY_BY + timedelta(days=day))
    codes = [code for code, _ in told]
    assert codes == sorted(set(codes), key=[step.code for step in LADDER.steps].index)
    times = [day for _, day in told]
    assert all(later - one >= LADDER.quiet_days for one, later in pairwise(times))
