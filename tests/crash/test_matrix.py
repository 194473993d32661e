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
from tests.crash.place import COMPANIES, DAY, Scene, Seam, change_card, scene

# The month has 41 points at the gate and 90 commits; the long form goes a little beyond.
GATE, COMMITS, BATCHES = range(1, 44), range(1, 96), range(1, 11)
# How many commits fewer another process may come to, because it waits at other times.
SPREAD = 5
BILLED = 183
RERUN = ("company", "rerun", str(BILLED), "--as-of", DAY.isoformat(), "--json")
NIGHTLY = ("check", "--nightly", "--json")


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
    assert undisturbed.reached[Seam.COMMITTED] <= COMMITS[-1]
    assert undisturbed.reached[Seam.CLAIMED] <= BATCHES[-1]


@pytest.mark.parametrize("passage", [Passage.GO, Passage.DROP], ids=["executed", "dropped"])
@pytest.mark.parametrize("number", points(GATE, [1, 17, 33, 40]))
async def test_killed_at_a_write(
    tmp_path: Path, undisturbed: Undisturbed, number: int, passage: Passage
) -> None:
    """What reached the portal runs although nobody listens, or the rest of it does not run."""
    async with scene(tmp_path) as killed:
        strike = killed.strike(number, signal.SIGKILL, passage)
        strike.process = await killed.month()
        ends = struck(-signal.SIGKILL, number, len(undisturbed.points))
        await strike.process.ends(*ends)
        killed.portal.gate.watch(None)
        await finished(killed, undisturbed)


@pytest.mark.parametrize("seam", [Seam.COMMITTING, Seam.COMMITTED])
@pytest.mark.parametrize("number", points(COMMITS, [31, 58]))
async def test_killed_at_a_commit(
    tmp_path: Path, undisturbed: Undisturbed, number: int, seam: Seam
) -> None:
    async with scene(tmp_path) as killed:
        ends = struck(-signal.SIGKILL, number, undisturbed.reached[seam], spread=SPREAD)
        await (await killed.month(strike=f"{seam}:{number}:KILL")).ends(*ends)
        await finished(killed, undisturbed)


@pytest.mark.parametrize("seam", [Seam.CLAIMED, Seam.LEAVING, Seam.ANSWERED])
@pytest.mark.parametrize("number", points(BATCHES, [4]))
async def test_killed_between_the_store_and_the_portal(
    tmp_path: Path, undisturbed: Undisturbed, number: int, seam: Seam
) -> None:
    async with scene(tmp_path) as killed:
        ends = struck(-signal.SIGKILL, number, undisturbed.reached[seam], spread=1)
        await (await killed.month(strike=f"{seam}:{number}:KILL")).ends(*ends)
        await finished(killed, undisturbed)


@pytest.mark.parametrize("number", points(GATE, [9]))
async def test_taken_over_when_the_claim_has_run_out(
    tmp_path: Path, undisturbed: Undisturbed, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Of a process on another machine nobody knows that it is dead: its claim has to run out."""
    async with scene(tmp_path) as killed:
        strike = killed.strike(number, signal.SIGKILL, Passage.GO)
        strike.process = await killed.month()
        await strike.process.ends(*struck(-signal.SIGKILL, number, len(undisturbed.points)))
        killed.portal.gate.watch(None)
        monkeypatch.setattr("stavbill.app.journals.owner_is_gone", lambda _owner: False)
        await finished(killed, undisturbed)


@pytest.mark.parametrize("number", [1, 3])
async def test_killed_in_a_rerun(tmp_path: Path, undisturbed: Undisturbed, number: int) -> None:
    async with scene(tmp_path) as killed:
        strike = killed.strike(number, signal.SIGKILL, Passage.GO)
        strike.process = await killed.start(*RERUN)
        await strike.process.ends(-signal.SIGKILL)
        killed.portal.gate.watch(None)
        await finished(killed, undisturbed)


async def counted_otherwise(made: Scene) -> None:
    """Bill the month; then somebody changes what a card counts."""
    await made.run_month()
    fields = {field.attribute: field.code for field in made.place.sandbox.world.fields}
    await change_card(made, BILLED, {fields["card_count"]: "99"})


@pytest.mark.parametrize("passage", [Passage.GO, Passage.DROP], ids=["executed", "dropped"])
@pytest.mark.parametrize("number", [1, 3])
async def test_killed_in_the_nightly_check(tmp_path: Path, number: int, passage: Passage) -> None:
    """The next check ends what it began: everybody is asked once, as by one that nobody killed."""
    async with scene(tmp_path / "quiet") as quiet:
        await counted_otherwise(quiet)
        await (await quiet.start(*NIGHTLY)).ends(0)
        state = quiet.end_state()
    async with scene(tmp_path / "killed") as killed:
        await counted_otherwise(killed)
        strike = killed.strike(number, signal.SIGKILL, passage)
        strike.process = await killed.start(*NIGHTLY)
        await strike.process.ends(-signal.SIGKILL)
        killed.portal.gate.watch(None)
        for _ in range(2):
            await (await killed.start(*NIGHTLY)).ends(0)
            assert killed.end_state() == state
