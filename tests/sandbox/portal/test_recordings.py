"""Facts taken from recorded answers of real portals, said again in our own words.

Source: fast_bitrix24, folder tests/real_responses, named in each test.
"""

from __future__ import annotations

from datetime import datetime

from stavbill.sandbox.portal.switches import Switches
from stavbill.sandbox.portal.wire import Json, Record
from tests.sandbox.portal.serving import add_command, line, served

SECONDS = {"start", "finish", "duration", "processing"}
NONE = type(None)


def kinds(record: Record) -> dict[str, type]:
    return {name: type(value) for name, value in record.items()}


async def test_time_as_in_crm_category_list() -> None:
    async with served() as portal:
        _, body = await portal.ask("crm.category.list", {"entityTypeId": 31})
        time = body["time"]
        assert {type(time[name]) for name in SECONDS} <= {float, int}
        assert isinstance(time["operating_reset_at"], int)
        assert datetime.fromisoformat(time["date_finish"]).tzinfo is not None
        first = body["result"]["categories"][0]
        for name, kind in {
            "id": int, "name": str, "sort": int, "entityTypeId": int, "isDefault": str,
        }.items():  # fmt: skip
            assert isinstance(first[name], kind)
        assert body["total"] == len(body["result"]["categories"])
        assert "next" not in body


async def test_a_mixed_batch_as_in_crm_get_batch_mix_success_and_errors() -> None:
    async with served() as portal:
        commands = {"0": "crm.company.get?id=", "1": "crm.company.get?id=999",
                    "100": "crm.company.get?id=100"}  # fmt: skip
        result = await portal.call("batch", {"cmd": commands})
        assert result["result_error"] == [
            {"error": "", "error_description": "ID is not defined or invalid."},
            {"error": "", "error_description": "Not found"},
        ]
        assert list(result["result"]) == list(result["result_time"]) == ["100"]
        assert result["result_total"] == result["result_next"] == []


async def test_only_errors_as_in_crm_get_batch_of_two_error() -> None:
    async with served() as portal:
        result = await portal.batch({"a": "crm.company.get?id=998", "b": "crm.company.get?id=999"})
        assert result["result"] == result["result_time"] == []
        assert set(result["result_error"]) == {"a", "b"}


async def test_an_empty_list_in_a_batch_as_in_batch_list_empty() -> None:
    async with served() as portal:
        key = "order0000000000"
        result = await portal.batch({key: "crm.requisite.list?filter[ENTITY_ID]=100"})
        assert result["result"] == {key: []}
        assert result["result_total"] == {key: 0}
        assert result["result_next"] == result["result_error"] == []


async def test_scalars_in_a_batch_as_in_crm_contact_add_batch_and_lists_element_add_batch() -> None:
    async with served() as portal:
        result = await portal.batch({
            "order0000000000": "crm.company.add?fields[TITLE]=x",
            "order0000000001": "lists.element.add?IBLOCK_TYPE_ID=lists&IBLOCK_ID=1&ELEMENT_CODE=c"
                               "&FIELDS[NAME]=x",
        })  # fmt: skip
        assert [type(each) for each in result["result"].values()] == [int, int]


async def test_an_item_made_in_a_batch_as_in_crm_item_add() -> None:
    async with served(switches=Switches(unset_xml_id="empty")) as portal:
        result = await portal.batch({"order0000000000": add_command("Имя\n")})
        item = result["result"]["order0000000000"]["item"]
        assert item["title"] == "Имя\n"
        assert (item["xmlId"], item["entityTypeId"]) == ("", 31)
        found = kinds(item)
        assert {found[name] for name in ("id", "createdBy", "updatedBy", "movedBy")} == {int}
        assert {found[name] for name in ("createdTime", "updatedTime", "movedTime")} == {str}


async def test_selected_fields_and_dates_as_in_crm_item_list() -> None:
    async with served() as portal:
        invoice = portal.seed.invoice(100, "A", [line()], mycompany=portal.own)
        params = {"entityTypeId": 31, "select": ["id", "title", "begindate"]}
        _, body = await portal.ask("crm.item.list", params)
        assert body["result"]["items"] == [
            {"id": invoice, "title": "A", "begindate": "2026-12-10T03:00:00+03:00"}
        ]
        assert body["total"] == 1


async def test_rows_as_in_crm_item_productrow_list() -> None:
    expected: dict[str, set[type]] = {
        "id": {int}, "ownerId": {int}, "ownerType": {str}, "productId": {int},
        "productName": {str}, "price": {int, float}, "priceAccount": {int, float},
        "priceExclusive": {int, float}, "priceNetto": {int, float}, "priceBrutto": {int, float},
        "quantity": {int, float}, "discountTypeId": {int}, "discountRate": {int, float},
        "discountSum": {int, float}, "taxRate": {NONE, int, float}, "taxIncluded": {str},
        "customized": {str}, "measureCode": {int}, "measureName": {str}, "sort": {int},
        "xmlId": {str}, "type": {int},
    }  # fmt: skip
    async with served() as portal:
        invoice = portal.seed.invoice(100, "A", [line(many="0.06")], mycompany=portal.own)
        query = f"crm.item.productrow.list?filter[%3DownerType]=SI&filter[%3DownerId]={invoice}"
        result = await portal.batch({"cmd0000000000": query})
        row = result["result"]["cmd0000000000"]["productRows"][0]
        assert set(row) == set(expected)
        found = kinds(row)
        wrong = {name: row[name] for name in row if found[name] not in expected[name]}
        assert wrong == {}
        assert (row["quantity"], row["taxRate"], row["taxIncluded"]) == (0.06, None, "Y")
        assert result["result_total"] == {"cmd0000000000": 1}


async def test_a_task_as_in_single_add() -> None:
    strings = ("id", "title", "description", "descriptionInBbcode", "priority", "status",
               "notViewed", "multitask", "stageId", "responsibleId", "timeEstimate", "replicate",
               "deadline", "createdBy", "createdDate", "changedBy", "changedDate",
               "statusChangedBy", "statusChangedDate",
               "allowChangeDeadline", "allowTimeTracking", "matchWorkTime",
               "taskControl", "addInReport", "groupId", "siteId", "subordinate")  # fmt: skip
    nothing = ("declineReason", "dateStart", "durationFact", "timeSpentInLogs", "startDatePlan",
               "endDatePlan", "closedBy", "closedDate", "xmlId", "mark", "forumTopicId", "parentId",
               "commentsCount", "forumId", "exchangeModified", "exchangeId")  # fmt: skip
    fields: Json = {"TITLE": "A", "RESPONSIBLE_ID": 1, "DEADLINE": "2026-12-20 00:00:00"}
    async with served() as portal:
        task = (await portal.call("tasks.task.add", {"fields": fields}))["task"]
        assert {name: type(task[name]) for name in strings} == dict.fromkeys(strings, str)
        assert [task[name] for name in nothing] == [None] * len(nothing)


async def test_groups_as_in_socialnetwork_api_workgroup_list() -> None:
    async with served(switches=Switches(next_after_full_page=True)) as portal:
        for number in range(50):
            portal.seed.workgroup(f"Группа {number}")
        _, body = await portal.ask("socialnetwork.api.workgroup.list")
        assert {type(each["id"]) for each in body["result"]["workgroups"]} == {str}
        assert {tuple(each) for each in body["result"]["workgroups"]} == {("id",)}
        # A next page is named although all fifty are here.
        assert (len(body["result"]["workgroups"]), body["total"], body["next"]) == (50, 50, 50)
