"""A month that decides «today» by itself, on every day on which that could go otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from stavbill.sandbox.world.verdict import differences
from tests.bitrix.clocks import VirtualClock
from tests.days import DAYS, Day
from tests.end_to_end.driving import installed
from tests.end_to_end.test_month_on_sandbox import parked


@pytest.mark.parametrize("day", DAYS, ids=[day.name for day in DAYS])
async def test_a_month_without_a_given_day_is_as_the_rules_say(tmp_path: Path, day: Day) -> None:
    clock = VirtualClock(day.moment)
    async with installed(tmp_path, companies=60, day=day.in_portal, clock=clock) as place:
        report = await place.run(on=None)
        assert report.exit_code == 0, report.document()
        assert report.document()["on"] == day.in_portal.isoformat()
        assert parked(differences(place.sandbox.world, place.end_state())) == []  # type: ignore[arg-type]
        assert (await place.run(on=None)).effects.total() == 0
