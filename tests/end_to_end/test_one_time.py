"""A machine whose clock is off writes nothing, and is told by how much."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stavbill.app.doctor import examine
from stavbill.errors import ConfigError
from tests.end_to_end.driving import Installation, installed

COMPANIES, SCALE = 31, 1.0


def set_wrong(place: Installation, by_s: float) -> Installation:
    """Return the installation on a machine whose clock is ahead by so many seconds."""
    since = float(place.env["STAVBILL_CLOCK_SINCE"]) - by_s / SCALE
    return replace(place, env={**place.env, "STAVBILL_CLOCK_SINCE": str(since)})


async def test_a_clock_that_is_240_s_ahead_writes_nothing(tmp_path: Path) -> None:
    async with installed(tmp_path / "place", companies=COMPANIES, scale=SCALE) as place:
        with pytest.raises(ConfigError, match="спешат относительно часов портала"):
            await set_wrong(place, 240.0).run()
        assert place.writes() == []
        assert (await place.run(companies=(101,))).exit_code == 0


async def test_a_clock_that_was_set_back_two_hours_is_told_by_doctor(tmp_path: Path) -> None:
    async with installed(tmp_path / "place", companies=COMPANIES, scale=SCALE) as place:
        # A process cannot have begun in the future: the portal's clock is put ahead instead.
        place.sandbox.portal.switches.clock_ahead_s = 7200.0
        document = await examine(place.config, place.env)
        (told,) = (one for one in document["checks"] if one["name"] == "clock")
        assert told["status"] == "fail"
        assert "отстают от часов портала" in told["text"]
        assert "на 1 ч 59 мин" in told["text"] or "на 2 ч 0 мин" in told["text"]
        place.sandbox.portal.switches.clock_ahead_s = 0.0
        document = await examine(place.config, place.env)
        (told,) = (one for one in document["checks"] if one["name"] == "clock")
        assert told["status"] == "ok"
