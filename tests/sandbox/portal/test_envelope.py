"""Addresses, encodings, the envelope, system errors. bitrix24.md §1."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from stavbill.sandbox.portal.params import parse_query
from stavbill.sandbox.portal.switches import Switches
from stavbill.sandbox.portal.wire import php_map
from tests.sandbox.portal.serving import served


async def test_a_result_stands_beside_total_and_time() -> None:
    async with served() as portal:
        status, body = await portal.ask("crm.company.list")
        assert status == 200
        assert set(body) == {"result", "total", "time"}
        assert body["total"] == 4
        assert isinstance(body["result"], list)


async def test_time_has_the_documented_keys_and_the_servers_offset() -> None:
    async with served() as portal:
        _, body = await portal.ask("server.time")
        time = body["time"]
        assert set(time) == {
            "start", "finish", "duration", "processing", "date_start", "date_finish",
            "operating_reset_at", "operating",
        }  # fmt: skip
        assert isinstance(time["operating_reset_at"], int)
        assert datetime.fromisoformat(time["date_start"]).utcoffset() is not None
        assert body["result"] == "2026-12-10T09:00:00+03:00"


async def test_a_bare_time_has_no_operating_figures() -> None:
    async with served(switches=Switches(time_figures="bare")) as portal:
        _, body = await portal.ask("server.time")
        assert "operating" not in body["time"]


async def test_a_wrong_secret_is_401() -> None:
    async with served() as portal:
        portal.hook = replace(portal.hook, secret="wrong")
        assert (await portal.refused("profile"))[:2] == (401, "NO_AUTH_FOUND")


async def test_an_unknown_method_is_404() -> None:
    async with served() as portal:
        status, code, _ = await portal.refused("crm.company.lst")
        assert (status, code) == (404, "ERROR_METHOD_NOT_FOUND")


async def test_a_missing_scope_is_403_and_basic_methods_need_none() -> None:
    async with served() as portal:
        portal.hook = portal.portal.add_webhook(1, "narrow", frozenset({"crm"}))
        status, code, _ = await portal.refused("tasks.task.list")
        assert (status, code) == (403, "insufficient_scope")
        assert (await portal.call("profile"))["ID"] == "1"
        assert await portal.call("scope") == ["crm"]
        result = await portal.batch(
            {"a": "tasks.task.list", "b": "crm.category.list?entityTypeId=31"}
        )
        assert result["result_error"]["a"]["error"] == "insufficient_scope"


@pytest.mark.parametrize("name", ["crm.company.list", "CRM.Company.List", "crm.company.list.json"])
async def test_method_names_take_any_case_and_a_suffix(name: str) -> None:
    async with served() as portal:
        assert len(await portal.call(name)) == 4


async def test_old_methods_take_parameters_in_both_cases_and_new_ones_do_not() -> None:
    async with served() as portal:
        assert (await portal.call("crm.company.get", {"ID": 100}))["ID"] == "100"
        status, code, _ = await portal.refused("crm.item.get", {"ENTITYTYPEID": 4, "ID": 100})
        assert (status, code) == (400, "100")


async def test_form_and_query_carry_the_same_as_json() -> None:
    async with served() as portal:
        form = "filter%5B%3EID%5D=100&select%5B%5D=ID&order%5BID%5D=DESC"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        url = portal.url + "crm.company.list"
        async with portal.http.post(url, data=form, headers=headers) as posted:
            by_form = await posted.json()
        async with portal.http.get(f"{url}.json?filter[>ID]=100&select[]=ID&order[ID]=DESC") as got:
            by_query = await got.json()
        assert by_form["result"] == by_query["result"] == [{"ID": "102"}, {"ID": "101"}]


def test_brackets_nest_and_numbered_keys_are_lists() -> None:
    given = "fields[fm][0][typeId]=PHONE&fields[fm][1][typeId]=EMAIL&a[]=1&a[]=2&b[2]=x&c[d]=%26"
    assert parse_query(given) == {
        "fields": {"fm": [{"typeId": "PHONE"}, {"typeId": "EMAIL"}]},
        "a": ["1", "2"],
        "b": {"2": "x"},
        "c": {"d": "&"},
    }


@pytest.mark.parametrize(
    ("keys", "kind"),
    [([], list), (["0"], list), (["0", "1"], list), (["1"], dict), (["1", "0"], dict),
     (["2", "4", "8", "0"], dict), (["a"], dict)],
)  # fmt: skip
def test_maps_become_lists_as_php_makes_them(keys: list[str], kind: type) -> None:
    assert isinstance(php_map((key, 1) for key in keys), kind)


async def test_broken_json_is_refused_with_code_100() -> None:
    async with served() as portal:
        headers = {"Content-Type": "application/json"}
        async with portal.http.post(portal.url + "profile", data="{", headers=headers) as answer:
            assert answer.status == 400
            assert (await answer.json())["error"] == "100"


async def test_method_get_tells_what_there_is() -> None:
    async with served() as portal:
        known = await portal.call("method.get", {"name": "crm.item.add"})
        assert known == {"isExisting": True, "isAvailable": True}
        missing = await portal.call("method.get", {"name": "crm.item.batchimport"})
        assert missing == {"isExisting": False, "isAvailable": False}


async def test_plain_http_may_be_refused() -> None:
    async with served(switches=Switches(https_only=True)) as portal:
        assert (await portal.refused("profile"))[:2] == (400, "INVALID_REQUEST")
        headers = {"X-Forwarded-Proto": "https"}
        async with portal.http.post(portal.url + "profile", headers=headers) as answer:
            assert answer.status == 200
