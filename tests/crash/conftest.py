"""What the tests of this folder share: the undisturbed month, and how long the forms are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from stavbill.sandbox.portal.gate import Point
from tests.crash.place import counting, scene


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """A month that nobody disturbed: its end state, the points at the gate that it passed.

    `reached` says how often its process came to each seam.
    """

    state: dict[str, object]
    points: tuple[Point, ...]
    reached: Mapping[str, int]


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """Run the month once, without any trouble."""
    return asyncio.run(_run(tmp_path_factory.mktemp("quiet")))


async def _run(directory: Path) -> Undisturbed:
    seen: list[Point] = []
    async with scene(directory) as quiet:
        quiet.portal.gate.watch(counting(seen))
        seams = directory / "seams.json"
        await quiet.run_month(seams=seams)
        reached = json.loads(seams.read_text(encoding="utf-8"))
        return Undisturbed(quiet.end_state(), tuple(seen), reached)


def _url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue("postgres_database")
    return url


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Give the address of an empty database by its kind; empty for SQLite in the test's folder."""
    return lambda kind: _url(request) if kind == "postgresql" else ""
