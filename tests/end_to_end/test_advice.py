"""What a run that waits tells to type works when it is typed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from stavbill.sandbox.portal import dump
from tests.end_to_end.driving import DAY, Installation, installed
from tests.end_to_end.people import Told, command


def advised(told: Told) -> list[str]:
    """Return the words of the command that the run tells to type."""
    found = re.search(r"Если план верен: stavbill (.+)", told.out)
    assert found is not None, told.out
    return shlex.split(found[1])


def ours(place: Installation) -> int:
    found = dump.invoices(place.sandbox.portal.state)
    return sum(str(each["xmlId"] or "").startswith("stavbill:") for each in found)


@pytest.mark.parametrize(
    "words",
    [
        ("run", "month", "--as-of", DAY.isoformat(), "--yes", "--max-invoices", "3"),
        ("run", "month", "--as-of", DAY.isoformat(), "--limit", "12", "--max-invoices", "1"),
        ("run", "month", "--as-of", DAY.isoformat()),
        ("run", "month", "--as-of", DAY.isoformat(), "--dry-run", "--max-invoices", "3"),
        ("run", "month", "--month", "2026-11", "--max-invoices", "1"),
    ],
)
async def test_what_it_tells_to_type_applies_the_plan(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    async with installed(tmp_path, companies=20) as place:
        told = await command(place, *words)
        assert told.code == (0 if "--dry-run" in words else 3), told.err
        planned = int(re.search(r"счёт: (\d+)", told.out)[1])  # type: ignore[index]
        assert planned > 1
        before = ours(place)

        applied = await command(place, *advised(told), "--json")

        assert applied.code == 0, applied.out + applied.err
        assert applied.document["changed_since_plan"] == []
        assert ours(place) - before >= planned
