"""A month that does not look like the last one stops before its first write."""

from __future__ import annotations

from pathlib import Path

from tests.end_to_end.driving import DAY, Installation, installed
from tests.end_to_end.people import Told, command, edit_card, invoices

NEXT_DAY = "2027-01-11"


async def month(place: Installation, day: str, *words: str) -> Told:
    return await command(place, "run", "month", "--as-of", day, *words, "--json")


async def test_a_month_far_from_the_last_one_stops_until_somebody_accepts_it(
    tmp_path: Path,
) -> None:
    async with installed(tmp_path, companies=60) as place:
        assert (await month(place, DAY.isoformat(), "--yes")).code == 0
        billed = [id_ for id_ in range(101, 161) if invoices(place, id_)]
        for company in billed[: len(billed) // 2]:
            await edit_card(place, company, skip=True)
        state = place.end_state()
        stopped = await month(place, NEXT_DAY, "--yes")
        told = stopped.document
        assert stopped.code == told["exit_code"] == 3
        assert told["state"] == "waiting_approval"
        assert told["gate"]["answer"] == "stop"
        assert told["gate"]["deviations"]
        for purse in told["gate"]["deviations"]:
            assert purse["companies_now"] < purse["companies_before"]
        assert place.writes() == []
        assert place.end_state() == state
        accepted = await month(place, NEXT_DAY, "--yes", "--accept-band")
        assert (accepted.code, accepted.document["state"]) == (0, "done")
        assert accepted.document["counts"]["billed"] > 0


async def test_the_operator_reads_what_deviates_and_what_to_type(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=60) as place:
        await command(place, "run", "month", "--as-of", DAY.isoformat(), "--yes")
        for company in range(101, 131):
            await edit_card(place, company, skip=True)
        told = await command(place, "run", "month", "--as-of", NEXT_DAY, "--yes")
        assert told.code == 3
        assert "--accept-band" in told.out
        applied = await command(place, "run", "apply", "--yes", "--accept-band", "--json")
        assert (applied.code, applied.document["state"]) == (0, "done")


async def test_more_invoices_than_allowed_stop_even_an_accepted_month(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=60) as place:
        words = ("--yes", "--accept-band", "--max-invoices", "5")
        stopped = await month(place, DAY.isoformat(), *words)
        assert (stopped.code, stopped.document["gate"]["too_many_invoices"]) == (3, 31)
        assert place.writes() == []


async def test_the_first_month_asks_and_a_yes_lets_it_go(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        asked = await month(place, DAY.isoformat())
        assert (asked.code, asked.document["gate"]) == (3, {"answer": "ask", "first_run": True})
        assert place.writes() == []
        assert (await month(place, DAY.isoformat(), "--yes")).code == 0
