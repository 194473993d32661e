"""Clocks over 30 s apart are told: which, by how much, what to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from stavbill.bitrix.server_time import ServerTime, server_time
from stavbill.errors import ConfigError
from stavbill.operations.clocks import clocks_apart, require_one_time
from tests.worker.hand_clock import HandClock

NOW = datetime(2026, 12, 10, 6, tzinfo=UTC)
PORTAL = "portal.example"


def seen(ahead_s: float, took_s: float = 1.0) -> ServerTime:
    """Return an answer that a portal gave whose clock is so far ahead."""
    end = NOW + timedelta(seconds=took_s)
    return ServerTime(NOW + timedelta(seconds=ahead_s), asked=NOW, answered=end)


@pytest.mark.parametrize(
    ("ahead_s", "said"),
    [
        pytest.param(0.0, None, id="together"),
        pytest.param(30.0, None, id="half a minute is nothing"),
        pytest.param(-30.0, None, id="nor is it backwards"),
        pytest.param(240.0, "отстают от часов портала portal.example на 3 мин 59 с", id="behind"),
        pytest.param(-240.0, "спешат относительно часов портала", id="ahead"),
        pytest.param(7201.0, "на 2 ч 0 мин", id="set back by two hours"),
    ],
)
def test_a_portals_clock_is_compared(ahead_s: float, said: str | None) -> None:
    found = clocks_apart(HandClock(NOW), seen(ahead_s), portal=PORTAL)
    assert len(found) == (said is not None)
    assert said is None or said in found[0]


def test_a_slow_answer_proves_nothing() -> None:
    assert clocks_apart(HandClock(NOW), seen(50.0, took_s=55.0), portal=PORTAL) == []


def test_an_error_says_what_to_do() -> None:
    with pytest.raises(ConfigError, match=r"timedatectl set-ntp true"):
        require_one_time(HandClock(NOW), seen(240.0), portal=PORTAL)


def test_an_emulated_portal_may_have_a_day_of_its_own() -> None:
    days = seen(9 * 86_400.0)
    assert clocks_apart(HandClock(NOW), days, portal="127.0.0.1:8080") == []
    assert clocks_apart(HandClock(NOW), seen(240.0), portal="127.0.0.1:8080") != []
    assert clocks_apart(HandClock(NOW), days, portal=PORTAL) != []


def test_a_portal_that_shows_true_time_knows_nothing_of_a_sandboxes_clock() -> None:
    answer = seen(7200.0)
    assert clocks_apart(HandClock(NOW), answer, portal=PORTAL, true_now=answer.portal) == []


@pytest.mark.parametrize("text", ["", None, "gestern", "Thu, 10 Dec 2026 06:00:00"])
def test_what_bears_no_time_is_no_time(text: str | None) -> None:
    assert server_time(text, asked=NOW, answered=NOW) is None


def test_a_date_is_read() -> None:
    found = server_time("Thu, 10 Dec 2026 06:00:00 GMT", asked=NOW, answered=NOW)
    assert found is not None
    assert found.ahead == timedelta(0)
