"""Batches: order, references, halting, PHP's maps, limits of length. bitrix24.md §3."""

from __future__ import annotations

from urllib.parse import quote

from stavbill.sandbox.portal.switches import Switches
from tests.sandbox.portal.serving import add_command, served


async def test_rows_follow_the_invoice_made_before_them() -> None:
    async with served() as portal:
        rows = (
            "crm.item.productrow.set?ownerType=SI&ownerId=$result[a][item][id]"
            f"&productRows[0][productName]={quote('Связь & «данные» 100%')}"
            "&productRows[0][price]=350"
        )
        result = await portal.batch({"a": add_command("Счёт & Ко", "k"), "r": rows}, halt=1)
        assert result["result_error"] == []
        assert result["result"]["a"]["item"]["title"] == "Счёт & Ко"
        row = result["result"]["r"]["productRows"][0]
        assert row["ownerId"] == result["result"]["a"]["item"]["id"]
        assert row["productName"] == "Связь & «данные» 100%"
        assert portal.portal.calls.requests == 1


async def test_references_reach_into_lists_and_stand_within_text() -> None:
    async with served() as portal:
        result = await portal.batch({
            "find": "crm.company.list?filter[TITLE]=" + quote("Компания 1"),
            "get": "crm.company.get?id=$result[find][0][ID]",
            "task": "tasks.task.add?fields[TITLE]=T&fields[RESPONSIBLE_ID]=1"
                    "&fields[UF_CRM_TASK][0]=CO_$result[find][0][ID]",
        })  # fmt: skip
        assert result["result"]["get"]["ID"] == "101"
        assert portal.portal.state.tasks.records[1]["UF_CRM_TASK"] == ["CO_101"]


async def test_an_unresolved_reference_is_sent_as_it_stands() -> None:
    async with served() as portal:
        failing = "crm.company.get?id=999"
        rest = {"bad": failing, "next": "crm.company.add?fields[TITLE]=$result[bad][TITLE]"}
        result = await portal.batch(rest)
        made = portal.portal.state.companies.records[result["result"]["next"]]
        assert made["TITLE"] == "$result[bad][TITLE]"
        halted = await portal.batch(rest, halt=1)
        assert halted["result"] == []
        assert halted["result_error"]["bad"] == {"error": "", "error_description": "Not found"}


async def test_failed_commands_leave_no_time_and_the_others_count() -> None:
    async with served(companies=60) as portal:
        result = await portal.batch({"a": "crm.company.list", "b": "crm.company.get?id=9",
                                     "c": "crm.company.add?fields[TITLE]=x&"})  # fmt: skip
        assert set(result["result_time"]) == {"a", "c"}
        assert result["result_total"] == {"a": 61}
        assert result["result_next"] == {"a": 50}
        assert isinstance(result["result"]["c"], int)


async def test_keys_counted_from_zero_make_lists() -> None:
    async with served() as portal:
        result = await portal.call("batch", {"cmd": {"0": "crm.company.list?filter[ID]=100"}})
        assert isinstance(result["result"], list)
        assert isinstance(result["result_time"], list)
        assert result["result_next"] == []
        mixed = await portal.call("batch", {"cmd": {
            "0": "crm.company.get?id=x", "1": "crm.company.get?id=9",
            "100": "crm.company.get?id=100"}})  # fmt: skip
        assert [each["error"] for each in mixed["result_error"]] == ["", ""]
        assert set(mixed["result"]) == {"100"}


async def test_nested_batches_are_refused_alone() -> None:
    async with served() as portal:
        result = await portal.batch({"a": "batch?cmd[x]=profile", "b": "profile"})
        assert result["result_error"]["a"]["error"] == "ERROR_BATCH_METHOD_NOT_ALLOWED"
        assert result["result"]["b"]["ID"] == "1"


async def test_commands_beyond_fifty_fail_one_by_one() -> None:
    async with served() as portal:
        result = await portal.batch({f"c{number}": "server.time" for number in range(52)})
        assert len(result["result"]) == 50
        codes = {each["error"] for each in result["result_error"].values()}
        assert codes == {"ERROR_BATCH_LENGTH_EXCEEDED"}


async def test_a_long_batch_may_be_refused_whole() -> None:
    async with served(switches=Switches(long_batch="whole")) as portal:
        commands = {f"c{number}": "server.time" for number in range(51)}
        found = await portal.refused("batch", {"cmd": commands})
        assert found[:2] == (400, "ERROR_BATCH_LENGTH_EXCEEDED")


async def test_a_batch_by_form_is_encoded_twice() -> None:
    async with served() as portal:
        body = "halt=0&cmd%5Ba%5D=" + quote(add_command("Счёт № 1"), safe="")
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        async with portal.http.post(portal.url + "batch", data=body, headers=headers) as answer:
            result = (await answer.json())["result"]
        assert result["result"]["a"]["item"]["title"] == "Счёт № 1"


async def test_a_short_page_brings_the_first_one_again_in_a_chain() -> None:
    async with served(companies=20) as portal:
        first = "crm.company.list?start=-1&order[ID]=ASC&filter[%3EID]="
        result = await portal.batch({"p0": first + "0", "p1": first + "$result[p0][49][ID]"})
        assert len(result["result"]["p0"]) == 21
        # The reference stayed literal text, and PHP reads a text that is no number as 0.
        assert result["result"]["p1"] == result["result"]["p0"]
