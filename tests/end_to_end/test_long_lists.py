"""A portal with more templates and presets than a page, and a company with more papers than one."""

from __future__ import annotations

from pathlib import Path

from stavbill.billing.facts import CompanyId
from stavbill.operations.reading import learn_portal, learn_with_company, read_portal
from stavbill.sandbox.world.verdict import differences
from stavbill.store.mirror import portfolios
from tests.end_to_end.driving import Installation, installed
from tests.end_to_end.test_month_on_sandbox import parked

FILLERS, BEHIND = 60, 1000
BILLED = CompanyId(101)


def put_behind_others(place: Installation) -> None:
    """Give the templates and presets that are in use their place behind a whole page of others."""
    state = papers = place.sandbox.portal.state
    for name, user, table, link in (
        ("id", papers.documents, state.templates, "templateId"),
        ("ID", papers.requisites, state.presets, "PRESET_ID"),
    ):
        old = [dict(record) for record in table]
        for record in old:
            table.remove(int(record[name]))
            moved = int(record[name]) + BEHIND
            table.put(moved, record | {name: moved})
        for number in range(1, FILLERS + 1):
            label = {"NAME": f"Прочий {number}", "name": f"Прочий {number}"}
            table.put(number, old[0] | label | {name: number})
        for record in list(user):
            key = int(record[name])
            user.put(key, record | {link: int(record[link]) + BEHIND})
    # Nothing but its template tells what a document is, where the portal has that template.
    for record in list(papers.documents):
        if state.templates.get(int(record["templateId"])) is None:
            continue
        papers.documents.put(int(record["id"]), record | {"title": "Документ"})


async def test_what_stands_behind_the_first_page_decides_as_ever(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=60) as place:
        put_behind_others(place)
        report = await place.run()
        assert report.exit_code == 0
        assert parked(differences(place.sandbox.world, place.end_state())) == []  # type: ignore[arg-type]


async def test_a_company_read_alone_has_all_its_contracts_and_requisites(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place, place.parts() as parts:
        papers = place.sandbox.portal.state
        for table in (papers.documents, papers.requisites):
            owner = "entityId" if table is papers.documents else "ENTITY_ID"
            key = "id" if table is papers.documents else "ID"
            one = next(record for record in table if int(record[owner]) == BILLED)
            for _ in range(FILLERS):
                fresh = table.new_id()
                table.put(fresh, one | {key: fresh})
        await read_portal(parts, await learn_portal(parts), (), parts.today())
        with parts.store.read() as db:
            together = portfolios(db, parts.portal, [BILLED])[BILLED]
        await learn_with_company(parts, BILLED)
        with parts.store.read() as db:
            alone = portfolios(db, parts.portal, [BILLED])[BILLED]
        assert len(alone.contracts) > FILLERS
        assert len(alone.requisites) > FILLERS
        assert alone == together
