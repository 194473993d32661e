"""Lines of a crontab: read as cron reads them, or refused by name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stavbill.crontab import check_crontab, crontab_values
from stavbill.errors import ConfigError
from stavbill.workflows.schedule import slots_due, trigger_of

ZONE = "Europe/Moscow"
# A Sunday.
SUNDAY = datetime(2026, 3, 1, tzinfo=UTC)
WEEK = ["вс", "пн", "вт", "ср", "чт", "пт", "сб"]


def days_due(crontab: str) -> str:
    """Return the days of a week, Sunday first, on which a line is due."""
    slots = slots_due(trigger_of(crontab, ZONE), SUNDAY, SUNDAY + timedelta(days=7))
    return " ".join(WEEK[(slot.weekday() + 1) % 7] for slot in slots)


@pytest.mark.parametrize(
    ("days", "due"),
    [
        pytest.param("0-6", "вс пн вт ср чт пт сб", id="F16 every day"),
        pytest.param("*", "вс пн вт ср чт пт сб", id="star"),
        pytest.param("1-7", "вс пн вт ср чт пт сб", id="Monday to Sunday"),
        pytest.param("0-4", "вс пн вт ср чт", id="F16 Sunday to Thursday"),
        pytest.param("*/2", "вс вт чт сб", id="F16 every second day"),
        pytest.param("0,6", "вс сб", id="F16 the weekend"),
        pytest.param("7", "вс", id="F16 7 is Sunday"),
        pytest.param("5-7", "вс пт сб", id="up to Sunday"),
        pytest.param("1-5", "пн вт ср чт пт", id="working days"),
        pytest.param("1-5/2", "пн ср пт", id="a range in steps"),
        pytest.param("MON-fri", "пн вт ср чт пт", id="names in any case"),
        pytest.param("sun,3", "вс ср", id="a list of both"),
    ],
)
def test_days_of_the_week(days: str, due: str) -> None:
    assert days_due(f"0 7 * * {days}") == due


@pytest.mark.parametrize(
    ("crontab", "named"),
    [
        ("60 7 * * *", "минуты «60»"),
        ("0 24 * * *", "часы «24»"),
        ("0 7 0 * *", "день месяца «0»"),
        ("0 7 32 * *", "день месяца «32»"),
        ("0 7 * 13 *", "месяц «13»"),
        ("0 7 * foo *", "месяц «foo»"),
        ("0 7 * * 8", "день недели «8»"),
        ("0 7 * * 5-1", "день недели «5-1»"),
        ("0 7 * * */0", "день недели «*/0»"),
        ("5/15 7 * * *", "минуты «5/15»"),
        ("0 7 L * *", "день месяца «L»"),
        ("0 7 * * 5#2", "день недели «5#2»"),
        ("0 7 ? * 1", "день месяца «?»"),
        ("0 7 * * 1,,2", "день недели «1,,2»"),
        ("٠ 7 * * *", "минуты «٠»"),
        ("0 7 1 * 1", "день месяца и день недели вместе"),
        ("@daily", "ожидалось пять полей"),
        ("0 7 * *", "ожидалось пять полей"),
    ],
)
def test_what_is_not_done_is_refused_by_name(crontab: str, named: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        check_crontab(crontab)
    assert named in str(refused.value)
    with pytest.raises(ConfigError):
        trigger_of(crontab, ZONE)


def test_an_empty_line_is_never() -> None:
    assert check_crontab("") == ""


@given(st.text(alphabet="0123456789*-/,abcmonsufri #@L ", max_size=20))
def test_any_text_at_all_is_read_or_refused(text: str) -> None:
    try:
        values = crontab_values(text)
    except ValueError:
        return
    assert all(values), "never due would be a schedule that silently does nothing"
