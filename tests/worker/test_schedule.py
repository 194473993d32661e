"""When schedules are due, what was missed, and that nothing begins twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from stavbill.errors import ConfigError
from stavbill.store.database import Store
from stavbill.workflows.schedule import Schedule, begin_due, latest_slot, trigger_of
from tests.worker.hand_clock import HandClock

ZONE = "Europe/Moscow"
PORTAL = "portal.example"
THURSDAY = datetime(2026, 12, 10, 7, 0, tzinfo=UTC)


class Begun:
    """Remembers which slots were begun."""

    def __init__(self) -> None:
        self.slots: list[datetime] = []

    def __call__(self, slot: datetime) -> str:
        self.slots.append(slot)
        return f"job:{slot.isoformat()}"


def daily(begun: Begun) -> Schedule:
    return Schedule("month", trigger_of("0 10 * * *", ZONE), begun)


def test_a_slot_is_told_in_the_portals_time_zone() -> None:
    trigger = trigger_of("0 10 * * *", ZONE)
    slot = latest_slot(trigger, THURSDAY - timedelta(hours=1), THURSDAY)
    assert slot == THURSDAY  # ten in Moscow is seven in UTC
    assert latest_slot(trigger, THURSDAY, THURSDAY + timedelta(hours=23)) is None


@pytest.mark.parametrize("days", ["1-5", "mon-fri"])
def test_days_of_the_week_are_those_of_crontab(days: str) -> None:
    trigger = trigger_of(f"0 10 * * {days}", ZONE)
    saturday = THURSDAY + timedelta(days=2)
    slot = latest_slot(trigger, THURSDAY - timedelta(days=1), saturday + timedelta(days=1))
    assert slot == THURSDAY + timedelta(days=1)
    sunday = trigger_of("0 10 * * 0", ZONE)
    assert latest_slot(sunday, THURSDAY, THURSDAY + timedelta(days=5)) == THURSDAY + timedelta(3)


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

    def dies(slot: datetime) -> str:
        begun(slot)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        begin_due(store, clock, PORTAL, Schedule("month", trigger_of("0 10 * * *", ZONE), dies))
    begin_due(store, clock, PORTAL, daily(begun))
    assert begun.slots == [THURSDAY, THURSDAY]
