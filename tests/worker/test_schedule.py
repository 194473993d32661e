"""When schedules are due, what was missed, and that nothing begins twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from stavbill.billing.period import Month
from stavbill.errors import ConfigError
from stavbill.store.database import Store
from stavbill.workdays import RussianWorkdays
from stavbill.worker.catching_up import month_missed, runs_today
from stavbill.workflows.schedule import Schedule, begin_due, slots_due, trigger_of
from tests.worker.hand_clock import HandClock

ZONE = "Europe/Moscow"
PORTAL = "portal.example"
THURSDAY = datetime(2026, 12, 10, 7, 0, tzinfo=UTC)


class Begun:
    """Remembers for which slots something was begun, the last of each time."""

    def __init__(self) -> None:
        self.slots: list[datetime] = []

    def __call__(self, due: Sequence[datetime]) -> str:
        self.slots.append(due[-1])
        return f"job:{due[-1].isoformat()}"


def daily(begun: Begun) -> Schedule:
    return Schedule("month", trigger_of("0 10 * * *", ZONE), begun)


def test_a_slot_is_told_in_the_portals_time_zone() -> None:
    trigger = trigger_of("0 10 * * *", ZONE)
    slots = slots_due(trigger, THURSDAY - timedelta(hours=1), THURSDAY)
    assert slots == [THURSDAY]  # ten in Moscow is seven in UTC
    assert slots_due(trigger, THURSDAY, THURSDAY + timedelta(hours=23)) == []


@pytest.mark.parametrize("days", ["1-5", "mon-fri"])
def test_days_of_the_week_are_those_of_crontab(days: str) -> None:
    trigger = trigger_of(f"0 10 * * {days}", ZONE)
    saturday = THURSDAY + timedelta(days=2)
    slots = slots_due(trigger, THURSDAY - timedelta(days=1), saturday + timedelta(days=1))
    assert slots == [THURSDAY, THURSDAY + timedelta(days=1)]
    sunday = trigger_of("0 10 * * 0", ZONE)
    assert slots_due(sunday, THURSDAY, THURSDAY + timedelta(days=5)) == [THURSDAY + timedelta(3)]


def test_a_text_that_is_no_schedule_is_a_clear_error() -> None:
    with pytest.raises(ConfigError, match="пять полей"):
        trigger_of("every day", ZONE)


def test_a_new_schedule_begins_with_its_next_slot(store: Store) -> None:
    begun, clock = Begun(), HandClock(THURSDAY + timedelta(hours=5))
    assert begin_due(store, clock, PORTAL, daily(begun)) is None
    clock.move(timedelta(hours=18))
    assert begin_due(store, clock, PORTAL, daily(begun)) is None
    clock.move(timedelta(hours=2))
    assert begin_due(store, clock, PORTAL, daily(begun)) is not None
    assert begun.slots == [THURSDAY + timedelta(days=1)]


def test_several_missed_slots_are_begun_once(store: Store) -> None:
    begun, clock = Begun(), HandClock(THURSDAY - timedelta(hours=1))
    begin_due(store, clock, PORTAL, daily(begun))
    clock.move(timedelta(days=3))
    for _ in range(3):
        begin_due(store, clock, PORTAL, daily(begun))
    assert begun.slots == [THURSDAY + timedelta(days=2)]


def test_whoever_dies_before_noting_begins_the_same_slot_again(store: Store) -> None:
    clock = HandClock(THURSDAY - timedelta(hours=1))
    begin_due(store, clock, PORTAL, daily(Begun()))
    clock.move(timedelta(hours=2))
    begun = Begun()

    def dies(due: Sequence[datetime]) -> str:
        begun(due)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        begin_due(store, clock, PORTAL, Schedule("month", trigger_of("0 10 * * *", ZONE), dies))
    begin_due(store, clock, PORTAL, daily(begun))
    assert begun.slots == [THURSDAY, THURSDAY]


def test_what_may_not_begin_yet_is_asked_for_again(store: Store) -> None:
    clock = HandClock(THURSDAY - timedelta(hours=1))
    begin_due(store, clock, PORTAL, daily(Begun()))
    clock.move(timedelta(hours=2))
    waits = Schedule("month", trigger_of("0 10 * * *", ZONE), lambda _: None)
    assert begin_due(store, clock, PORTAL, waits) is None
    begun = Begun()
    assert begin_due(store, clock, PORTAL, daily(begun)) is not None
    assert begun.slots == [THURSDAY]


def day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("due", "today", "before", "now"),
    [
        pytest.param(["2026-10-29"], "2026-10-29", None, True, id="an ordinary Thursday"),
        pytest.param(["2026-10-24"], "2026-10-24", None, False, id="an ordinary Saturday"),
        pytest.param(
            ["2026-10-23", "2026-10-24"], "2026-10-24", None, False, id="Friday missed, Monday will"
        ),
        pytest.param(
            ["2026-10-30", "2026-10-31"],
            "2026-10-31",
            None,
            True,
            id="the month's last Friday missed, Monday is the next month's",
        ),
        pytest.param(["2026-10-31"], "2026-10-31", None, False, id="Friday's run has been"),
        pytest.param(
            ["2026-10-30", "2026-10-31", "2026-11-01", "2026-11-02"],
            "2026-11-02",
            Month(2026, 10),
            True,
            id="back on Monday",
        ),
        pytest.param(
            ["2026-10-30", "2026-10-31", "2026-11-01"],
            "2026-11-01",
            Month(2026, 10),
            False,
            id="back on Sunday",
        ),
        pytest.param(
            ["2026-10-31", "2026-11-01", "2026-11-02"], "2026-11-02", None, True, id="days off only"
        ),
    ],
)
def test_a_month_whose_last_working_days_were_missed_is_billed_all_the_same(
    due: list[str], today: str, before: Month | None, *, now: bool
) -> None:
    days, calendar = [day(one) for one in due], RussianWorkdays()
    assert month_missed(days, day(today), calendar) == before
    assert runs_today(days, day(today), calendar) is now
