"""An invoice of ours that stands twice: writing stops everywhere until a person says go."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from stavbill.app.build import open_parts
from stavbill.billing.facts import CompanyId
from stavbill.store.decisions import latest_bill, put_decisions
from tests.end_to_end.driving import DAY, Installation, installed
from tests.end_to_end.people import Told, ask, command, edit_card, invoices, move_invoice, tasks

BILLED, OTHER = 101, 105
PERSON = 7
ON = DAY.isoformat()


async def month(place: Installation, *words: str) -> Told:
    return await command(place, "run", "month", "--as-of", ON, "--yes", *words, "--json")


async def copied(place: Installation, by: int | None = None) -> int:
    """Bill one company, and copy its invoice with our key, as if we had written it twice.

    `by` names the person who copied it.
    """
    assert (await month(place, "--company", str(BILLED))).code == 0
    [first] = invoices(place, BILLED)
    fields = {
        name: first[name]
        for name in ("title", "companyId", "mycompanyId", "xmlId", "currencyId", "opportunity")
    }
    made = await ask(place, "crm.item.add", {"entityTypeId": 31, "fields": fields})
    copy: int = made["item"]["id"]
    if by is not None:
        table = place.sandbox.portal.state.invoices
        table.put(copy, table.records[copy] | {"createdBy": by})
    return copy


async def test_our_key_twice_stops_this_run_and_the_next_ones(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        copy = await copied(place)
        stopped = await month(place)
        told = stopped.document
        assert stopped.code == told["exit_code"] == 4
        assert told["state"] == "stopped"
        [violation] = [each for each in told["violations"] if each["ours"]]
        assert violation["company"] == BILLED
        assert copy in violation["invoices"]
        assert len(tasks(place, BILLED, "stavbill-parked")) == 1

        # Nothing is written any more, by whatever command.
        await edit_card(place, OTHER, tariff="4*490")
        state = place.end_state()
        refused = await month(place)
        assert refused.code == refused.document["exit_code"] == 4
        assert refused.document["error"]
        rerun = await command(place, "company", "rerun", str(OTHER), "--as-of", ON, "--json")
        assert rerun.code == 4
        assert place.writes() == []
        assert place.end_state() == state
        assert (await command(place, "status", "--json")).code == 4
        assert (await command(place, "go", "--json")).code == 4, "a plain go is not enough"

        # Reading and planning go on.
        plan = await command(place, "run", "plan", "--as-of", ON, "--json")
        assert plan.code == 0


async def test_after_a_person_has_cleared_it_the_work_goes_on(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        copy = await copied(place)
        assert (await month(place)).code == 4
        await move_invoice(place, copy, "DT31_5:D")
        cleared = await command(place, "go", "--after-violation", "--json")
        assert (cleared.code, cleared.document["stopped"]) == (0, False)
        await command(place, "company", "release", str(BILLED), "--by", "Бухгалтер", "--json")
        await edit_card(place, OTHER, tariff="4*490")
        after = await month(place)
        assert after.code == 0
        assert len(invoices(place, OTHER)) == 1
        assert (await command(place, "check", "--json")).code == 0


async def test_a_copy_by_a_person_parks_its_company_and_the_others_go_on(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        copy = await copied(place, by=PERSON)
        after = await month(place)
        assert after.code == 0
        [violation] = after.document["violations"]
        assert (violation["ours"], violation["company"]) == (False, BILLED)
        assert copy in violation["invoices"]
        assert [one["company"] for one in after.document["parked"]] == [BILLED]
        assert after.document["written"]["put_invoice:done"] > 0
        assert len(tasks(place, BILLED, "stavbill-parked")) == 1
        assert (await command(place, "status", "--json")).code == 0


async def test_the_check_names_it_without_writing(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        await copied(place)
        told = await command(place, "check", "--json")
        assert told.code == told.document["exit_code"] == 4
        assert place.writes() == []


async def test_a_company_that_is_skipped_after_its_invoice_is_left_in_peace(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        assert (await month(place, "--company", str(BILLED))).code == 0
        await edit_card(place, BILLED, skip=True)
        later = await month(place, "--company", str(BILLED))
        assert (later.code, later.document["violations"]) == (0, [])
        assert later.document["parked"] == []
        assert (await command(place, "check", "--json")).document["violations"] == []
        nightly = await command(place, "check", "--nightly", "--json")
        assert (nightly.document["violation"], nightly.document["parked"]) == ("", [])


async def decided_skipped(place: Installation) -> None:
    """Bill a company, and make its stored decision say that it was skipped: a bug of ours."""
    assert (await month(place, "--company", str(BILLED))).code == 0
    async with open_parts(place.config, place.env) as parts:
        with parts.store.write() as db:
            stored = latest_bill(db, parts.portal, CompanyId(BILLED))
            assert stored is not None
            facts = replace(stored.facts, card=replace(stored.facts.card, skip=True))
            decided = [(facts, stored.decision)]
            put_decisions(db, stored.run, decided, portal=parts.portal, at=stored.decided)


async def test_an_invoice_decided_for_a_skipped_company_stops_writing(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        await decided_skipped(place)
        stopped = await month(place)
        assert (stopped.code, stopped.document["state"]) == (4, "stopped")
        [violation] = [each for each in stopped.document["violations"] if each["ours"]]
        assert violation["company"] == BILLED
        assert (await command(place, "status", "--json")).code == 4


async def test_the_nightly_check_sees_it_too(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        await decided_skipped(place)
        told = await command(place, "check", "--nightly", "--json")
        assert told.code == 4
        assert "Пропускать" in told.document["violation"]
