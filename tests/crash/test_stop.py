"""The kill switch pulled in the middle of a month: not one request more, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from stavbill.sandbox.portal.gate import Passage, Point
from tests.crash.conftest import Undisturbed
from tests.crash.forms import points
from tests.crash.place import COMPANIES, scene
from tests.crash.test_matrix import GATE
from tests.support.waiting import until

STOP = ("stop", "--reason", "проверка сумм", "--who", "оператор", "--json")


@pytest.mark.parametrize("number", points(GATE, [1, 9]))
async def test_a_stopped_month_sends_nothing_more_and_goes_on_afterwards(
    tmp_path: Path, undisturbed: Undisturbed, number: int
) -> None:
    async with scene(tmp_path) as made:
        later: list[Point] = []
        stopped = False

        async def guard(point: Point) -> Passage:
            nonlocal stopped
            if stopped and all(point.request != known.request for known in later):
                later.append(point)
            if point.number == number:
                await (await made.start(*STOP)).ends(0)
                # What was on its way has come by now; behind it nothing may follow.
                later.clear()
                later.append(point)
                stopped = True
                # Held for longer than any portal takes, it may not run any more.
                return Passage.DROP
            return Passage.GO

        made.portal.gate.watch(guard)
        month = await made.month()
        code = await month.ends(4, 0)
        assert len(later) <= 1, [point.shown for point in later]
        if code == 0:
            # Nothing was left to be sent when the switch was pulled.
            assert made.end_state() == undisturbed.state
        else:
            # The month may have ended by the switch before the one who pulled it was told so.
            await until(lambda: stopped)
            assert "проверка сумм" in month.output()
            await (await made.month()).ends(4)
        made.portal.gate.watch(None)
        await (await made.start("go", "--json")).ends(0)
        report = await made.place.run(companies=COMPANIES)
        assert report.exit_code == 0
        assert made.end_state() == undisturbed.state


async def test_the_switch_needs_no_portal_and_everybody_is_told(tmp_path: Path) -> None:
    async with scene(tmp_path) as made:
        seen = made.portal.calls.requests
        stop = await made.start(*STOP)
        await stop.ends(0)
        status = await made.start("status", "--json")
        await status.ends(4)
        (flag,) = status.document()["flags"]
        assert (flag["flag"], flag["reason"], flag["who"]) == (
            "kill_switch",
            "проверка сумм",
            "оператор",
        )
        assert made.portal.calls.requests == seen
        doctor = await made.start("doctor", "--json")
        await doctor.ends()
        checks = {check["name"]: check for check in doctor.document()["checks"]}
        assert "проверка сумм" in checks["writing"]["text"]
        go = await made.start("go", "--json")
        await go.ends(0)
        assert go.document()["lowered"] == ["kill_switch"]
        await (await made.start("status", "--json")).ends(0)
