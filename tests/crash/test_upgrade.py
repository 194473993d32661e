"""An upgrade in the middle: the version before began the month, this one finishes it.

`STAVBILL_PREVIOUS` names another version than the commit before. It is also begun with the
last version that had the first tables only, so that a migration lies between.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stavbill.sandbox.portal.gate import Passage
from tests.crash.place import COMPANIES, ROOT, Scene, month_words, scene

MIDDLE = 9
BEFORE = os.environ.get("STAVBILL_PREVIOUS", "HEAD~1")
FIRST_TABLES = "the last version without v0002_service"


def git(*words: str) -> str:
    """Ask git about the checkout; empty when it has no answer."""
    said = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return said.stdout.strip() if said.returncode == 0 else ""


def commit_of(version: str) -> str:
    """Return the commit of a version, empty when this clone does not know it."""
    if version == FIRST_TABLES:
        added = "src/stavbill/store/migrations/versions/v0002_service.py"
        born = git("log", "--diff-filter=A", "--format=%H", "--", added).splitlines()
        return git("rev-parse", "--verify", f"{born[-1]}~1") if born else ""
    return git("rev-parse", "--verify", f"{version}^{{commit}}")


@pytest.fixture(params=[BEFORE, FIRST_TABLES])
def previous(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Give the source folder of an earlier version."""
    commit = commit_of(request.param) if shutil.which("git") else ""
    if not commit:
        pytest.skip(f"this checkout does not know {request.param}: no git, or a shallow clone")
    folder = tmp_path / "previous"
    folder.mkdir()
    archive = subprocess.run(
        ["git", "archive", "--format=tar", commit, "src"], cwd=ROOT, capture_output=True, check=True
    )
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    yield folder / "src"
    shutil.rmtree(folder)


async def set_up_by(source: Path, made: Scene) -> None:
    """Let the earlier version write the settings that it understands."""
    config = made.place.config
    config.unlink()
    hosts = [f"{name}={url}" for name, url in made.place.sandbox.wialon_urls.items()]
    words = [word for host in hosts for word in ("--wialon", host)]
    folder = ["--dir", str(config.parent), "--non-interactive"]
    await (await made.start("init", *folder, *words, source=source)).ends(0)


def without_words(state: dict[str, Any]) -> dict[str, Any]:
    """Leave out how tasks are worded: the version before says it in its own way."""
    tasks = [
        {name: len(value) if isinstance(value, list) else value for name, value in task.items()}
        | {"description": ""}
        for task in state["tasks"]
    ]
    return state | {"tasks": sorted(tasks, key=str)}


async def test_a_month_that_the_version_before_began_is_finished_by_this_one(
    tmp_path: Path, previous: Path
) -> None:
    async with scene(tmp_path / "quiet", past=False) as quiet:
        await quiet.place.run(companies=COMPANIES)
        undisturbed = quiet.end_state()
    async with scene(tmp_path / "upgraded", past=False) as made:
        await set_up_by(previous, made)
        strike = made.strike(MIDDLE, signal.SIGKILL, Passage.GO)
        strike.process = await made.start(*month_words(), source=previous)
        await strike.process.ends(-signal.SIGKILL)
        made.portal.gate.watch(None)
        assert made.place.writes()
        await (await made.start("db", "upgrade")).ends(0)
        report = await made.place.run(companies=COMPANIES)
        assert report.exit_code == 0, report.document()
        assert without_words(made.end_state()) == without_words(undisturbed)
        assert (await made.place.run(companies=COMPANIES)).effects.total() == 0
