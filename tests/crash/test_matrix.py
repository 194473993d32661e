"""SIGKILL before and after every write, and at every commit: the next run ends as if nothing was.

The next run is a process that was started later, or another one that was at work all the time.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from stavbill.sandbox.portal.gate import Passage
from tests.crash.conftest import Undisturbed
from tests.crash.forms import points, struck
from tests.crash.place import COMPANIES, Scene, Seam, scene

# The month has 41 points at the gate and 90 commits; the long form goes a little beyond.
GATE, COMMITS, BATCHES = range(1, 44), range(1, 96), range(1, 11)


async def finished(killed: Scene, undisturbed: Undisturbed) -> None:
    """Run the month again: it ends well, as undisturbed, and one more run writes nothing."""
    report = await killed.place.run(companies=COMPANIES)
    assert report.exit_code == 0, report.document()
    assert killed.end_state() == undisturbed.state
    again = await killed.place.run(companies=COMPANIES)
    assert again.effects.total() == 0
    assert killed.end_state() == undisturbed.state


def test_the_matrix_covers_the_whole_month(undisturbed: Undisturbed) -> None:
    methods = {point.method for point in undisturbed.points}
    assert methods == {
        "",
        "crm.company.update",
        "crm.item.add",
        "crm.item.productrow.set",
        "crm.timeline.comment.add",
        "task.checklistitem.add",
        "task.checklistitem.complete",
        "task.checklistitem.update",
        "tasks.task.add",
        "tasks.task.complete",
    }
    assert len(undisturbed.points) <= GATE[-1]


@pytest.mark.parametrize("passage", [Passage.GO, Passage.DROP], ids=["executed", "dropped"])
@pytest.mark.parametrize("number", points(GATE, [1, 17, 33, 40]))
async def test_killed_at_a_write(
    tmp_path: Path, undisturbed: Undisturbed, number: int, passage: Passage
) -> None:
    """What reached the portal runs although nobody listens, or the rest of it does not run."""
    async with scene(tmp_path) as killed:
        strike = killed.strike(number, signal.SIGKILL, passage)
        strike.process = await killed.month()
        await strike.process.ends(*struck(-signal.SIGKILL))
        killed.portal.gate.watch(None)
        await finished(killed, undisturbed)


@pytest.mark.parametrize("seam", [Seam.COMMITTING, Seam.COMMITTED])
@pytest.mark.parametrize("number", points(COMMITS, [31, 58]))
async def test_killed_at_a_commit(
    tmp_path: Path, undisturbed: Undisturbed, number: int, seam: Seam
) -> None:
    async with scene(tmp_path) as killed:
        await (await killed.month(strike=f"{seam}:{number}:KILL")).ends(*struck(-signal.SIGKILL))
        await finished(killed, undisturbed)


@pytest.mark.parametrize("seam", [Seam.CLAIMED, Seam.LEAVING, Seam.ANSWERED])
@pytest.mark.parametrize("number", points(BATCHES, [4]))
async def test_killed_between_the_store_and_the_portal(
    tmp_path: Path, undisturbed: Undisturbed, number: int, seam: Seam
) -> None:
    async with scene(tmp_path) as killed:
        await (await killed.month(strike=f"{seam}:{number}:KILL")).ends(*struck(-signal.SIGKILL))
        await finished(killed, undisturbed)
