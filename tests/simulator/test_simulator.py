"""The simulator itself: a short run, its determinism, and that it finds planted mistakes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from stavbill.journal import lessons
from stavbill.journal.settings import JournalSettings
from tests.simulator.options import EVERYTHING, Options, Violated
from tests.simulator.playing import play

FEWEST, MOST = 4, 9
SHORT = Options(seed=1, nights=6, companies=30, lively_only=True)


def test_nights_with_every_fault_end_well_and_each_struck() -> None:
    struck, seed = Counter[str](), 0
    while seed < FEWEST or (seed < MOST and any(not struck[name] for name in EVERYTHING)):
        seed += 1
        made = play(replace(SHORT, seed=seed, often=2.0))
        assert made.counts["nights"] == SHORT.nights
        assert made.counts["invoices"] > 20
        assert made.counts["as expected: bill"] > 20
        struck.update(made.struck)
    assert [name for name in EVERYTHING if not struck[name]] == []


def test_a_seed_is_the_same_twice() -> None:
    first, second = play(SHORT), play(SHORT)
    assert first.digest == second.digest
    assert first.counts == second.counts


def test_a_month_of_nights_is_mostly_quiet_and_bills_all_the_same() -> None:
    made = play(Options(seed=3, nights=33, companies=30))
    assert made.counts["nights"] == 33
    assert 2 <= made.counts["lively"] <= 12
    # December's and January's.
    assert made.counts["invoices"] > 30


def test_another_seed_is_another_night() -> None:
    options = replace(SHORT, nights=2)
    assert play(options).digest != play(replace(options, seed=2)).digest


def test_an_explanation_that_two_deal_with_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.simulator.actors.POSTS", ("explain",))
    options = Options(seed=1, nights=4, companies=30, faults=("post",), often=10, lively_only=True)
    made = play(options)
    assert made.struck["post"] == 3


def test_a_process_that_read_before_another_billed_parks_nobody() -> None:
    """It was paused in between: what it did not see yet was not deleted by anybody."""
    faults = ("error_before", "query_limit", "overload", "refused", "pause")
    made = play(Options(seed=22, nights=1, faults=faults))
    assert made.struck["pause"] == 1


def test_a_journal_that_repeats_what_is_unclear_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def repeat(self: lessons.Lessons, intent: object, *args: object, **words: object) -> object:
        del args, words
        return self.harmless(intent)  # type: ignore[arg-type]

    monkeypatch.setattr(lessons.Lessons, "of_finding", repeat)
    assert_found(("lost_after", "lost_mid_batch", "late"))


def test_a_journal_that_asks_too_early_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "stavbill.app.journals._journal_settings",
        lambda _settings: JournalSettings(
            late_s=0.0, quiet_s=0.5, request_timeout_s=5.0, claim_s=10.0
        ),
    )
    assert_found(("late", "lost_after"))


def assert_found(faults: tuple[str, ...]) -> None:
    """Some seed shows what was planted."""
    for seed in range(1, 40):
        try:
            play(Options(seed=seed, nights=1, companies=30, faults=faults, often=10))
        except (Violated, TimeoutError):
            return
    pytest.fail("no seed has found the planted mistake")
