"""The system's clock: the wall's when it is unscaled, its own otherwise."""

from __future__ import annotations

from datetime import UTC, datetime

import time_machine

from stavbill.clock import SystemClock

MORNING = datetime(2026, 12, 10, 6, tzinfo=UTC)
EVENING = datetime(2026, 12, 10, 18, tzinfo=UTC)
LEAP_DAY = datetime(2028, 2, 29, 6, tzinfo=UTC)


def test_a_machine_that_was_suspended_knows_how_late_it_is() -> None:
    """The monotonic clock has stood still meanwhile."""
    with time_machine.travel(MORNING, tick=False) as traveller:
        clock = SystemClock()
        traveller.move_to(EVENING)
        assert clock.now() == EVENING


def test_scaled_clocks_of_several_processes_agree() -> None:
    with time_machine.travel(MORNING, tick=False):
        began = MORNING.timestamp() - 10
        early, late = SystemClock(60.0, began), SystemClock(60.0, began)
        assert abs((early.now() - late.now()).total_seconds()) < 60


def test_a_clock_of_the_sandbox_shows_its_day_at_the_moment_that_it_was_set() -> None:
    with time_machine.travel(EVENING, tick=False):
        set_at = EVENING.timestamp() - 10
        clock = SystemClock(since=set_at, start=LEAP_DAY)
        assert abs((clock.now() - LEAP_DAY).total_seconds() - 10) < 1
        scaled = SystemClock(60.0, set_at, LEAP_DAY)
        assert abs((scaled.now() - LEAP_DAY).total_seconds() - 600) < 60
