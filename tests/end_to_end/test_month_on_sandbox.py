"""A month, from cards to invoices: as an independent reading of the rules says, and only once."""

from __future__ import annotations

from pathlib import Path

import pytest

from stavbill.app.build import open_parts
from stavbill.operations.explain import explain_company
from stavbill.operations.rerun import RerunRequest, rerun_company
from stavbill.sandbox.portal.faults import Fault, Trouble
from stavbill.sandbox.portal.switches import Switches
from stavbill.sandbox.world.verdict import differences
from tests.end_to_end.driving import DAY, installed

E1, E5 = 101, 105


def parked(lines: list[str]) -> list[str]:
    """Leave out the task that tells of a parked company: the rules do not speak of it."""
    return [line for line in lines if "open tasks, 0 expected" not in line]


async def test_the_portal_holds_what_the_rules_ask_for_and_a_second_run_writes_nothing(
    tmp_path: Path,
) -> None:
    async with installed(tmp_path) as place:
        report = await place.run()
        assert report.exit_code == 0
        assert report.state == "done"
        assert report.counts.failed == 0
        state = place.end_state()
        told = parked(differences(place.sandbox.world, state))  # type: ignore[arg-type]
        assert told == []
        place.sandbox.portal.calls.clear()
        again = await place.run()
        assert again.counts.billed == 0
        assert not again.effects
        assert place.writes() == []
        assert place.end_state() == state


async def test_a_dry_run_writes_nothing_and_the_first_run_waits_for_a_yes(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=60) as place:
        place.sandbox.portal.calls.clear()
        plan = await place.run(dry_run=True)
        waiting = await place.run(yes=False)
        assert plan.exit_code == 0
        assert waiting.exit_code == 3
        assert waiting.state == "waiting_approval"
        assert place.writes() == []


@pytest.mark.parametrize(
    "kind", [Trouble.LOST_AFTER, Trouble.LOST_BEFORE, Trouble.LOST_MID_BATCH, Trouble.LATE]
)
async def test_lost_answers_change_nothing_in_the_end(tmp_path: Path, kind: Trouble) -> None:
    async with installed(tmp_path / "quiet", companies=120) as quiet:
        await quiet.run()
        undisturbed = quiet.end_state()
    async with installed(tmp_path / "loud", companies=120) as loud:
        trouble = Fault(kind, rate=0.3, writes_only=True, seconds=20.0)
        loud.sandbox.portal.faults.switch(trouble, seed=5)
        report = await loud.run()
        ((_, struck),) = loud.sandbox.portal.faults.on()
        assert struck > 0
        assert report.exit_code == 0
        assert loud.end_state() == undisturbed


async def test_a_rerun_of_one_company_needs_ten_requests_and_explains_itself(
    tmp_path: Path,
) -> None:
    async with installed(tmp_path, companies=60) as place:
        await place.run(companies=(E5,))
        async with open_parts(place.config, place.env) as parts:
            await place.run(dry_run=True)
            report = await rerun_company(parts, RerunRequest(company=E1, on=DAY))
            assert report.counts.billed == 1
            assert report.requests.portal <= 10
            known = await explain_company(parts, E1, None, live=False)
            held = await explain_company(parts, E5, DAY, live=True)
        assert known["decision"] == "bill"
        assert known["total"] == {"RUB": "1050.00"}
        assert held["decision"] == "hold"
        assert [reason["code"] for reason in held["reasons"]] == ["count_mismatch"]  # type: ignore[attr-defined]


async def test_the_task_about_a_parked_company_survives_lost_answers(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=158) as place:
        lost = Fault(Trouble.LOST_BEFORE, rate=1.0, methods=("tasks.task.add",), times=2)
        place.sandbox.portal.faults.switch(lost)
        report = await place.run()
        assert report.counts.parked == 1
        tasks = place.end_state()["tasks"]
        told = [task for task in tasks if "на паузе" in task["title"]]  # type: ignore[attr-defined]
        assert len(told) == 1


@pytest.mark.parametrize(
    ("seed", "switches"),
    [
        pytest.param(
            5,
            Switches(
                old_booleans="json",
                old_enumerations="number",
                old_empty="empty",
                empty_multiple="false",
                total_uncounted="absent",
                next_after_full_page=True,
                unset_links="null",
                unset_xml_id="empty",
                xml_id_filterable=False,
                time_figures="bare",
                user_offset_h=7,
            ),
            id="JSON booleans, numbers for options, no totals, xmlId not filterable",
        ),
        pytest.param(
            9,
            Switches(
                old_booleans="yn",
                old_empty="null",
                bad_filter_values="error",
                long_batch="whole",
                server_offset_h=5,
            ),
            id="Y and N, nulls, an unresolved reference is an error, another time zone",
        ),
    ],
)
async def test_a_portal_that_chose_otherwise_is_billed_the_same(
    tmp_path: Path, seed: int, switches: Switches
) -> None:
    async with installed(tmp_path, seed=seed, switches=switches) as place:
        report = await place.run()
        assert report.exit_code == 0
        state = place.end_state()
        assert parked(differences(place.sandbox.world, state)) == []  # type: ignore[arg-type]
        assert (await place.run()).effects.total() == 0
