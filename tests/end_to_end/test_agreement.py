"""`check`, `check --nightly` and `status` say the same of the same violations."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.driving import SCALE, installed
from tests.end_to_end.people import Told, command
from tests.end_to_end.test_violation import BILLED, PERSON, copied


def of_standing(told: Told) -> list[str]:
    """Return what a command says of writing and of companies on pause."""
    beginnings = ("Запись ", "На паузе с", "Разберитесь", "Снять")
    return [line for line in told.out.splitlines() if line.startswith(beginnings)]


@pytest.mark.parametrize(("by", "code"), [(None, 4), (PERSON, 0)], ids=["ours", "a person's"])
@pytest.mark.parametrize("first", ["check", "nightly"])
async def test_the_three_agree(tmp_path: Path, by: int | None, code: int, first: str) -> None:
    async with installed(tmp_path, companies=20) as place:
        await copied(place, by)
        # Two hours later: the nightly check leaves alone what was written a moment ago.
        later = str(float(place.env["STAVBILL_CLOCK_SINCE"]) - 2 * 3600 / SCALE)
        ways = {"check": ("check",), "nightly": ("check", "--nightly")}
        order = [first, *(way for way in ways if way != first)]
        told = [
            await command(place, *words, STAVBILL_CLOCK_SINCE=later)
            for words in (*(ways[way] for way in order), ("status",))
        ]

        assert [each.code for each in told] == [code] * 3
        lines = [of_standing(each) for each in told]
        assert lines[0] == lines[1] == lines[2]
        assert any(line.startswith("На паузе с") and f" {BILLED} " in line for line in lines[0])
        expected = "Запись остановлена: нарушение" if code else "Запись разрешена."
        assert lines[0][0].startswith(expected)
