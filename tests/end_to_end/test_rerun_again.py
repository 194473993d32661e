"""An invoice that a person cancelled is billed again only when a person says so."""

from __future__ import annotations

from pathlib import Path

from tests.end_to_end.driving import DAY, Installation, installed
from tests.end_to_end.people import Told, command, edit_card, invoices, move_invoice

BILLED = 101
ON = DAY.isoformat()
DECLINED = "DT31_5:D"


async def rerun(place: Installation, *words: str) -> Told:
    return await command(place, "company", "rerun", str(BILLED), "--as-of", ON, *words, "--json")


async def test_a_cancelled_invoice_is_issued_again_as_its_second(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        assert (await rerun(place)).code == 0
        [first] = invoices(place, BILLED)
        await move_invoice(place, first["id"], DECLINED)

        held = await rerun(place)
        assert (held.code, held.document["counts"]["held"]) == (0, 1)
        assert len(invoices(place, BILLED)) == 1

        await edit_card(place, BILLED, tariff="3*400")
        again = await rerun(place, "--again")
        assert (again.code, again.document["counts"]["billed"]) == (0, 1)
        assert again.document["requests_detail"]["portal"] <= 10
        cancelled, second = invoices(place, BILLED)
        assert (cancelled["live"], second["live"]) == (False, True)
        assert cancelled["xmlId"].removesuffix(":1") == second["xmlId"].removesuffix(":2")
        assert second["opportunity"] == "1200.00"

        # The word was about the cancelled one: said again, it makes no third.
        await rerun(place, "--again")
        assert len(invoices(place, BILLED)) == 2
        quiet = await command(
            place, "run", "month", "--as-of", ON, "--company", str(BILLED), "--yes", "--json"
        )
        assert quiet.document["effects"] == {}


async def test_a_cancellation_taken_back_beside_the_reissue_parks_its_company_alone(
    tmp_path: Path,
) -> None:
    async with installed(tmp_path, companies=20) as place:
        await rerun(place)
        [first] = invoices(place, BILLED)
        await move_invoice(place, first["id"], DECLINED)
        assert (await rerun(place, "--again")).code == 0
        await place.sandbox.clock.sleep(2)  # the portal's times are whole seconds
        await move_invoice(place, first["id"], "DT31_5:N")

        told = await command(place, "run", "month", "--as-of", ON, "--yes", "--json")

        assert (told.code, told.document["state"]) == (0, "done")
        assert BILLED in {parked["company"] for parked in told.document["parked"]}
        assert told.document["counts"]["billed"] > 0, "the others go on"
        assert not any(found["ours"] for found in told.document["violations"])


async def test_a_month_never_takes_that_word_by_itself(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        await rerun(place)
        [first] = invoices(place, BILLED)
        await move_invoice(place, first["id"], DECLINED)
        told = await command(place, "run", "month", "--as-of", ON, "--yes", "--json")
        assert told.code == 0
        assert told.document["held"].get("cancelled_by_hand") == 1
        assert len(invoices(place, BILLED)) == 1
