"""A plan is approved, people go on working, and only what is still as approved is written."""

from __future__ import annotations

from pathlib import Path

from tests.end_to_end.driving import DAY, installed
from tests.end_to_end.people import command, edit_card, invoices

REPRICED, FLAGGED, UNTOUCHED = 101, 102, 103
ON = DAY.isoformat()


async def test_companies_that_changed_are_left_out_and_named(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=60) as place:
        plan = await command(place, "run", "plan", "--as-of", ON, "--json")
        planned = plan.document
        assert (plan.code, planned["counts"]["billed"]) == (0, 31)
        await edit_card(place, REPRICED, tariff="3*400")
        await edit_card(place, FLAGGED, skip=True)
        applied = await command(place, "run", "apply", planned["run_id"], "--yes", "--json")
        assert applied.code == 0
        assert applied.document["changed_since_plan"] == [REPRICED, FLAGGED]
        assert invoices(place, REPRICED) == []
        assert invoices(place, FLAGGED) == []
        assert len(invoices(place, UNTOUCHED)) == 1
        # What was left out is decided by the next run, at the new price.
        after = await command(place, "run", "month", "--as-of", ON, "--yes", "--json")
        assert (after.code, after.document["counts"]["billed"]) == (0, 1)
        [made] = invoices(place, REPRICED)
        assert [row["price"] for row in made["rows"]] == ["400.00"]
        assert invoices(place, FLAGGED) == []


async def test_the_operator_reads_which_companies_were_left_out(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        await command(place, "run", "plan", "--as-of", ON)
        await edit_card(place, REPRICED, tariff="3*400")
        told = await command(place, "run", "apply", "--yes")
        assert told.code == 0
        assert str(REPRICED) in told.out
        assert invoices(place, REPRICED) == []


async def test_applying_twice_writes_nothing_more(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        plan = (await command(place, "run", "plan", "--as-of", ON, "--json")).document["run_id"]
        assert (await command(place, "run", "apply", plan, "--yes", "--json")).code == 0
        state = place.end_state()
        again = await command(place, "run", "apply", plan, "--yes", "--json")
        assert (again.code, again.document["effects"]) == (0, {})
        assert place.end_state() == state


async def test_a_company_named_is_applied_alone(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        await command(place, "run", "plan", "--as-of", ON)
        words = ("run", "apply", "--company", str(REPRICED), "--yes", "--json")
        told = await command(place, *words)
        assert (told.code, told.document["counts"]["billed"]) == (0, 1)
        assert len(invoices(place, REPRICED)) == 1
        assert invoices(place, UNTOUCHED) == []


async def test_a_plan_that_is_not_there_is_named(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        told = await command(place, "run", "apply", "2026-12-10-nothing", "--yes", "--json")
        assert told.code == told.document["exit_code"] == 2
        assert "2026-12-10-nothing не найден" in told.document["error"]
