"""Days on which billing could go otherwise, and the suite as if today were one of them.

`python -m tests.days` runs the whole suite on each; in the suite itself a month is decided on each
(`tests/end_to_end/test_days.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

PORTAL_ZONE = ZoneInfo("Europe/Moscow")


@dataclass(frozen=True, slots=True)
class Day:
    """A moment that the machine's clock may show, and the time zone that the machine stands in."""

    name: str
    moment: datetime
    zone: str = "UTC"

    @property
    def in_portal(self) -> date:
        """The date as the portal has it."""
        return self.moment.astimezone(PORTAL_ZONE).date()


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


DAYS = (
    Day("first", _at("2026-12-01T06:00")),
    Day("ninth", _at("2026-12-09T06:00")),
    # In Moscow the sending day begins at nine in the evening of the ninth, Greenwich time.
    Day("sending-day-begins", _at("2026-12-09T21:05")),
    Day("sending-day", _at("2026-12-10T06:00")),
    Day("saturday", _at("2026-12-12T06:00")),
    Day("last-of-a-month", _at("2026-11-30T06:00")),
    Day("28-february", _at("2027-02-28T06:00")),
    Day("29-february", _at("2028-02-29T06:00")),
    Day("31-december", _at("2026-12-31T06:00")),
    # Already the first of January in Moscow, still the last of December on the machine.
    Day("new-year-night", _at("2026-12-31T21:05"), "America/New_York"),
    Day("1-january", _at("2027-01-01T06:00")),
    # An hour is left out, and one comes twice, at one in the morning, Greenwich time.
    Day("spring-forward", _at("2027-03-28T00:45"), "Europe/Berlin"),
    Day("fall-back", _at("2026-10-25T00:45"), "Europe/Berlin"),
)
