"""The doctor looks at what the issuers will print: tax number and bank account."""

from __future__ import annotations

from pathlib import Path

from stavbill.sandbox.portal.state import State
from tests.app.installation import Installation, installation, of_status

MATVEEV = "ИП Матвеев"


def company_named(state: State, name: str) -> int:
    """Find an own company by its name."""
    return next(int(record["ID"]) for record in state.companies if record["TITLE"] == name)


def change_requisites(place: Installation, name: str, **new: str) -> int:
    """Change every requisite of an own company; give the company's id."""
    state = place.sandbox.portal.state
    company = company_named(state, name)
    for record in list(state.requisites.having("ENTITY_ID", company)):
        found = state.requisites.records[int(record)]
        state.requisites.put(found["ID"], found | new)
    return company


def change_banks(place: Installation, name: str, **new: str) -> int:
    """Change every bank detail of an own company; give the company's id."""
    state = place.sandbox.portal.state
    company = company_named(state, name)
    for requisite in list(state.requisites.having("ENTITY_ID", company)):
        for detail in list(state.bank_details.having("ENTITY_ID", int(requisite))):
            found = state.bank_details.records[int(detail)]
            state.bank_details.put(found["ID"], found | new)
    return company


async def warnings(place: Installation) -> dict[str, tuple[str, str]]:
    found = of_status("warn", await place.examine())
    return {name: told for name, told in found.items() if name.startswith("own_papers")}


async def test_filled_papers_are_good_for_every_issuer(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await place.set_up()
        document = await place.examine()
        good = [name for name in of_status("ok", document) if name.startswith("own_papers.")]

        assert len(good) == 3
        assert await warnings(place) == {}


async def test_an_issuer_without_a_tax_number_is_told_where_to_put_it(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await place.set_up()
        company = change_requisites(place, MATVEEV, RQ_INN="")
        found = await warnings(place)
        text, fix = found[f"own_papers.{company}.requisite"]

        assert list(found) == [f"own_papers.{company}.requisite"]
        assert MATVEEV in text
        assert "ИНН" in fix


async def test_an_account_without_its_bank_is_no_account(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await place.set_up()
        company = change_banks(place, "ТОО «Автотрэкер КЗ»", RQ_BIC="")
        found = await warnings(place)

        assert list(found) == [f"own_papers.{company}.bank"]
        assert "БИК" in found[f"own_papers.{company}.bank"][0]
        assert (await place.examine())["exit_code"] == 0


async def test_an_issuer_without_any_requisites_lacks_both(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await place.set_up()
        state = place.sandbox.portal.state
        company = company_named(state, MATVEEV)
        for requisite in list(state.requisites.having("ENTITY_ID", company)):
            state.requisites.remove(int(requisite))

        lacking = {f"own_papers.{company}.requisite", f"own_papers.{company}.bank"}
        assert (await warnings(place)).keys() == lacking
