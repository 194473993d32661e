"""What the tests of this folder share: the undisturbed month, and how long the forms are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from stavbill.sandbox.portal.gate import Point
from tests.crash.place import COMPANIES, counting, scene


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """The end state of a month that nobody disturbed, and the points at the gate that it passed."""

    state: dict[str, object]
    points: tuple[Point, ...]


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """Run the month once, without any trouble."""
    return asyncio.run(_run(tmp_path_factory.mktemp("quiet")))


async def _run(directory: Path) -> Undisturbed:
    seen: list[Point] = []
    async with scene(directory) as quiet:
        quiet.portal.gate.watch(counting(seen))
        await quiet.place.run(companies=COMPANIES)
        return Undisturbed(quiet.end_state(), tuple(seen))


def _url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue("postgres_database")
    return url


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Give the address of an empty database by its kind; empty for SQLite in the test's folder."""
    return lambda kind: _url(request) if kind == "postgresql" else ""
