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


async def set_up(place: Installation, settings: str = "") -> None:
    """Set up, and write what only an accountant knows: the codes of payments in Kazakhstan."""
    await place.set_up()
    codes = '\n[[documents.issuers]]\nissuer = "ps-kz"\npurpose_code = "851"\n'
    place.config.write_text(place.text + codes + settings, encoding="utf-8")


async def test_filled_papers_are_good_for_every_issuer(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await set_up(place)
        document = await place.examine()
        good = [name for name in of_status("ok", document) if name.startswith("own_papers.")]

        assert len(good) == 3
        assert await warnings(place) == {}


async def test_an_issuer_without_a_tax_number_is_told_where_to_put_it(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await set_up(place)
        company = change_requisites(place, MATVEEV, RQ_INN="")
        found = await warnings(place)
        text, fix = found[f"own_papers.{company}.requisite"]

        assert list(found) == [f"own_papers.{company}.requisite"]
        assert MATVEEV in text
        assert "ИНН" in fix


async def test_an_account_without_its_bank_is_no_account(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await set_up(place)
        company = change_banks(place, "ТОО «Автотрэкер КЗ»", RQ_BIC="")
        found = await warnings(place)

        assert list(found) == [f"own_papers.{company}.bank"]
        assert "БИК" in found[f"own_papers.{company}.bank"][0]
        assert (await place.examine())["exit_code"] == 0


async def test_an_issuer_without_any_requisites_lacks_both(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await set_up(place)
        state = place.sandbox.portal.state
        company = company_named(state, MATVEEV)
        for requisite in list(state.requisites.having("ENTITY_ID", company)):
            state.requisites.remove(int(requisite))

        lacking = {f"own_papers.{company}.requisite", f"own_papers.{company}.bank"}
        assert (await warnings(place)).keys() == lacking


async def test_a_wrong_digit_of_an_account_is_found_before_the_month(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await set_up(place)
        company = change_banks(place, MATVEEV, RQ_ACC_NUM="40802810000000000001")
        found = await warnings(place)

        assert list(found) == [f"own_papers.{company}.print"]
        assert "ключ не сходится" in found[f"own_papers.{company}.print"][0]


async def test_a_kazakh_issuer_without_its_code_of_payments(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await place.set_up()
        company = company_named(place.sandbox.portal.state, "ТОО «Автотрэкер КЗ»")
        found = await warnings(place)

        assert list(found) == [f"own_papers.{company}.purpose_code"]
        assert "documents.issuers.ps-kz" in found[f"own_papers.{company}.purpose_code"][1]


async def test_several_accounts_and_none_chosen(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await set_up(place)
        state = place.sandbox.portal.state
        company = company_named(state, MATVEEV)
        (requisite,) = state.requisites.having("ENTITY_ID", company)
        (detail,) = state.bank_details.having("ENTITY_ID", int(requisite))
        found = state.bank_details.records[int(detail)]
        state.bank_details.put(9001, found | {"ID": 9001})
        told = await warnings(place)
        assert list(told) == [f"own_papers.{company}.account"]
        assert "documents.issuers.ao-rf.account" in told[f"own_papers.{company}.account"][1]

        # An account in dollars is no choice for invoices in rubles.
        state.bank_details.put(9001, found | {"ID": 9001, "RQ_ACC_CURRENCY": "USD"})
        assert await warnings(place) == {}


async def test_what_is_seldom_right_is_asked_about(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await set_up(place)
        company = change_banks(place, MATVEEV, RQ_COR_ACC_NUM="")
        found = await warnings(place)

        assert list(found) == [f"own_papers.{company}.correspondent"]
