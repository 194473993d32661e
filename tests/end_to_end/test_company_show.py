"""`company show --live`: one company as the portal has it now, with what an invoice prints."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from stavbill.app.build import open_parts
from stavbill.cli.tables import print_company
from stavbill.errors import ConfigError
from stavbill.operations.looking import look_at_company
from stavbill.sandbox.portal.state import State
from tests.end_to_end.driving import Installation, installed


@asynccontextmanager
async def small(directory: Path) -> AsyncIterator[Installation]:
    async with installed(directory, companies=8) as place:
        yield place


async def look(place: Installation, company: int) -> dict[str, Any]:
    async with open_parts(place.config, place.env) as parts:
        return await look_at_company(parts, company)


def with_account(state: State) -> tuple[int, dict[str, Any], dict[str, Any]]:
    """Find a customer with a bank account: its id, a requisite and a bank detail."""
    own = {int(each["ID"]) for each in state.companies if each["IS_MY_COMPANY"] in ("Y", True, 1)}
    for detail in state.bank_details:
        requisite = state.requisites.records[int(detail["ENTITY_ID"])]
        if int(requisite["ENTITY_ID"]) not in own and requisite.get("RQ_KPP"):
            return int(requisite["ENTITY_ID"]), requisite, detail
    pytest.fail("this world has no customer with a bank account")


async def test_the_papers_of_the_buyer_and_the_responsible_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with small(tmp_path) as place:
        state = place.sandbox.portal.state
        company, requisite, detail = with_account(state)
        document = await look(place, company)
        user = state.users.records[int(state.companies.records[company]["ASSIGNED_BY_ID"])]

        shown = document["requisites"][0]
        assert (shown["inn"], shown["kpp"]) == (requisite["RQ_INN"], requisite["RQ_KPP"])
        assert document["bank_details"][0]["account"] == detail["RQ_ACC_NUM"]
        assert document["bank_details"][0]["bic"] == detail["RQ_BIK"]
        assert document["responsible"]["id"] == user["ID"]
        assert user["LAST_NAME"] in document["responsible"]["name"]
        assert document["title"]
        assert place.writes() == []

        print_company(document)
        told = capsys.readouterr().out
        assert f"ИНН {requisite['RQ_INN']}, КПП {requisite['RQ_KPP']}" in told
        assert detail["RQ_ACC_NUM"] in told
        assert f"Ответственный: {document['responsible']['name']}, id {user['ID']}" in told


async def test_a_company_that_lost_its_requisites_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with small(tmp_path) as place:
        state = place.sandbox.portal.state
        company, _, _ = with_account(state)
        for requisite in list(state.requisites.having("ENTITY_ID", company)):
            state.requisites.remove(int(requisite))
        document = await look(place, company)

        assert document["requisites"] == []
        assert document["bank_details"] == []
        print_company(document)
        assert "Реквизиты: не заполнены" in capsys.readouterr().out


async def test_without_the_permission_to_see_people_the_rest_is_shown(tmp_path: Path) -> None:
    async with small(tmp_path) as place:
        portal = place.sandbox.portal
        company, _, _ = with_account(portal.state)
        for hook in list(portal.webhooks.values()):
            portal.add_webhook(hook.user_id, hook.secret, hook.scopes - {"user"})
        document = await look(place, company)

        assert document["requisites"]
        assert document["responsible"]["name"] is None


async def test_a_company_that_is_not_there_is_named(tmp_path: Path) -> None:
    async with small(tmp_path) as place:
        with pytest.raises(ConfigError, match="Компании 999999 нет на портале"):
            await look(place, 999_999)
