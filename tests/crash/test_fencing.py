"""SIGSTOP around every write: another process takes over and finishes, then the first one wakes up.

Both then believe that the work is theirs. Nothing is written twice, and the end is the undisturbed
one. A process may be paused at the worst moment too: after its last look, with the request on the
way out.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from stavbill.sandbox.portal.gate import Passage
from tests.crash.conftest import Undisturbed
from tests.crash.forms import is_beyond, points
from tests.crash.place import COMPANIES, Process, Scene, Seam, scene
from tests.crash.test_matrix import BATCHES, GATE


async def taken_over(made: Scene, paused: Process, undisturbed: Undisturbed) -> None:
    """Finish the paused process's month in another one, then wake it up."""
    report = await made.place.run(companies=COMPANIES)
    assert report.exit_code == 0, report.document()
    assert made.end_state() == undisturbed.state
    paused.send(signal.SIGCONT)
    # It finds its claims lost, or everything done.
    await paused.ends(0)
    assert made.end_state() == undisturbed.state
    again = await made.place.run(companies=COMPANIES)
    assert again.effects.total() == 0


@pytest.mark.parametrize("passage", [Passage.GO, Passage.DROP], ids=["executed", "dropped"])
@pytest.mark.parametrize("number", points(GATE, [9, 27]))
async def test_paused_while_a_request_is_on_its_way(
    tmp_path: Path, undisturbed: Undisturbed, number: int, passage: Passage
) -> None:
    async with scene(tmp_path) as made:
        strike = made.strike(number, signal.SIGSTOP, passage)
        strike.process = await made.month()
        try:
            still = await strike.process.stands_still()
            assert still or is_beyond(number, len(undisturbed.points))
            if still:
                made.portal.gate.watch(None)
                await taken_over(made, strike.process, undisturbed)
        finally:
            await strike.process.is_ended()


@pytest.mark.parametrize("seam", [Seam.CLAIMED, Seam.ALLOWED, Seam.LEAVING, Seam.ANSWERED])
@pytest.mark.parametrize("number", points(BATCHES, [1]))
async def test_paused_before_it_sends_and_after_the_answer(
    tmp_path: Path, undisturbed: Undisturbed, number: int, seam: Seam
) -> None:
    async with scene(tmp_path) as made:
        paused = await made.month(strike=f"{seam}:{number}:STOP")
        try:
            still = await paused.stands_still()
            assert still or is_beyond(number, undisturbed.reached[seam], spread=1)
            if still:
                await taken_over(made, paused, undisturbed)
        finally:
            await paused.is_ended()
