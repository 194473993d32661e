"""Tasks and checklists. bitrix24.md §8."""

from __future__ import annotations

import pytest

from stavbill.sandbox.portal.switches import Switches
from stavbill.sandbox.portal.wire import Json, Record
from tests.sandbox.portal.serving import Served, served


async def add(portal: Served, **fields: Json) -> Record:
    given = {"TITLE": "Проверить карточку", "RESPONSIBLE_ID": 1, **fields}
    task: Record = (await portal.call("tasks.task.add", {"fields": given}))["task"]
    return task


async def test_a_task_comes_back_in_camel_case_with_strings() -> None:
    async with served() as portal:
        group = portal.seed.workgroup("Повторные прозвоны МПП")
        task = await add(portal, GROUP_ID=group, DEADLINE="2026-12-20T11:30:00+03:00", TAGS=["к"])
        assert task["id"] == "1"
        assert (task["status"], task["subStatus"]) == ("2", "2")
        assert task["responsibleId"] == "1"
        assert task["deadline"] == "2026-12-20T11:30:00+03:00"
        assert task["group"]["name"] == "Повторные прозвоны МПП"
        assert task["tags"] == {"1": {"id": 1, "title": "к"}}
        assert "ufCrmTask" not in task
        assert (await add(portal))["group"] == []


async def test_dates_are_in_the_users_zone() -> None:
    async with served(switches=Switches(user_offset_h=4)) as portal:
        task = await add(portal, DEADLINE="2026-12-20 00:00:00")
        assert task["deadline"] == "2026-12-20T01:00:00+04:00"


async def test_a_missing_task_is_an_empty_result() -> None:
    async with served() as portal:
        status, body = await portal.ask("tasks.task.get", {"taskId": 99})
        assert (status, body["result"]) == (200, [])
        found = await portal.refused("tasks.task.update", {"taskId": 99, "fields": {"TITLE": "x"}})
        assert found[:2] == (400, "0")


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "100"),
        ({"fields": {}}, "100"),
        ({"fields": {"RESPONSIBLE_ID": 1}}, "ERROR_CORE"),
        ({"fields": {"TITLE": "x"}}, "ERROR_CORE"),
        ({"fields": {"TITLE": "x", "RESPONSIBLE_ID": 77}}, "ERROR_CORE"),
        ({"fields": {"title": "x", "responsibleId": 1}}, "ERROR_CORE"),
    ],
)
async def test_what_a_task_needs(params: Json, code: str) -> None:
    async with served() as portal:
        assert (await portal.refused("tasks.task.add", params))[:2] == (400, code)


async def test_links_come_only_when_named_and_odd_ones_are_dropped() -> None:
    async with served(switches=Switches(tasks_take_invoices=False)) as portal:
        task = await add(portal, UF_CRM_TASK=["CO_100", "SI_5", "XX_1", "100"])
        params = {"taskId": task["id"], "select": ["ID", "TITLE", "UF_CRM_TASK"]}
        read = (await portal.call("tasks.task.get", params))["task"]
        assert read["ufCrmTask"] == ["CO_100"]
        assert read["ufTaskWebdavFiles"] is False
        other = await add(portal)
        params["taskId"] = other["id"]
        assert (await portal.call("tasks.task.get", params))["task"]["ufCrmTask"] is False


async def test_lists_find_by_link_group_tag_and_real_status() -> None:
    async with served() as portal:
        wanted = await add(portal, UF_CRM_TASK=["CO_100"], TAGS=["биллинг"])
        done = await add(portal, UF_CRM_TASK=["CO_100"])
        await portal.call("tasks.task.complete", {"taskId": done["id"]})
        await add(portal, UF_CRM_TASK=["CO_101"])

        async def ids(given: Json) -> list[str]:
            found = await portal.call("tasks.task.list", {"filter": given, "select": ["ID"]})
            return [task["id"] for task in found["tasks"]]

        assert await ids({"UF_CRM_TASK": "CO_100", "<REAL_STATUS": 5}) == [wanted["id"]]
        assert await ids({"UF_CRM_TASK": ["CO_100"]}) == [done["id"], wanted["id"]]
        assert await ids({"TAG": "биллинг"}) == [wanted["id"]]
        assert await ids({"REAL_STATUS": "5"}) == [done["id"]]
        assert await ids({"GROUP_ID": 9}) == []


async def test_a_selection_in_lists_brings_the_group_along() -> None:
    async with served() as portal:
        await add(portal, DEADLINE="2026-12-01")
        found = await portal.call("tasks.task.list", {"select": ["ID", "STATUS"]})
        assert found["tasks"] == [{"id": "1", "status": "2", "group": [], "subStatus": "-1"}]


async def test_completing_twice_is_not_allowed() -> None:
    async with served() as portal:
        task = await add(portal)
        done = await portal.call("tasks.task.complete", {"taskId": task["id"]})
        assert (done["task"]["status"], done["task"]["closedBy"]) == ("5", "1")
        found = await portal.refused("tasks.task.complete", {"taskId": task["id"]})
        assert found == (400, "0", "Action on the task is not allowed")
        assert await portal.call("tasks.task.delete", {"taskId": task["id"]}) == {"task": True}


async def items(portal: Served, task: str) -> list[Record]:
    found: list[Record] = await portal.call("task.checklistitem.getlist", {"TASKID": task})
    return found


async def item(portal: Served, task: str, **fields: Json) -> int:
    params = {"TASKID": task, "FIELDS": fields}
    made: int = await portal.call("task.checklistitem.add", params)
    return made


async def test_items_go_under_the_first_checklist_and_roots_say_zero() -> None:
    async with served() as portal:
        task = (await add(portal))["id"]
        first = await item(portal, task, TITLE="Нет тарифа")
        second = await item(portal, task, TITLE="Нет почты")
        assert isinstance(first, int)
        found = await items(portal, task)
        assert [each["ID"] for each in found] == [str(second), str(first), "1"]
        assert found[-1]["PARENT_ID"] == 0
        assert found[0]["PARENT_ID"] == "1"
        assert (found[0]["IS_COMPLETE"], found[0]["TOGGLED_DATE"]) == ("N", "")


async def test_parent_zero_and_an_unknown_parent_begin_new_checklists() -> None:
    async with served() as portal:
        task = (await add(portal))["id"]
        await item(portal, task, TITLE="Первый", PARENT_ID=0)
        await item(portal, task, TITLE="Второй", PARENT_ID=999)
        assert [each["PARENT_ID"] for each in await items(portal, task)] == [0, 0]


async def test_parameters_are_bound_by_order_not_by_name() -> None:
    async with served() as portal:
        task = (await add(portal))["id"]
        made = await item(portal, task, TITLE="x")
        swapped = {"ITEMID": made, "TASKID": task}
        assert await portal.call("task.checklistitem.complete", swapped) is True
        # The item's number was taken for the task, and item 1, the list itself, was ticked.
        assert portal.portal.state.checklist.records[1]["IS_COMPLETE"] == "Y"
        assert portal.portal.state.checklist.records[made]["IS_COMPLETE"] == "N"
        assert await portal.call("task.checklistitem.complete", [task, made]) is True
        assert portal.portal.state.checklist.records[made]["IS_COMPLETE"] == "Y"


async def test_ticking_is_repeatable_and_an_unknown_item_is_false() -> None:
    async with served() as portal:
        task = (await add(portal))["id"]
        made = await item(portal, task, TITLE="x")
        params = {"TASKID": task, "ITEMID": made}
        for method in ("complete", "complete", "renew", "renew"):
            assert await portal.call(f"task.checklistitem.{method}", params) is True
        wrong = {"TASKID": task, "ITEMID": 999}
        assert await portal.call("task.checklistitem.complete", wrong) is False
        one = await portal.call("task.checklistitem.get", params)
        assert (one["TITLE"], one["IS_COMPLETE"]) == ("x", "N")
        change = {**params, "FIELDS": {"TITLE": "y"}}
        assert await portal.call("task.checklistitem.update", change) is None
        assert await portal.call("task.checklistitem.delete", params) is True
        assert len(await items(portal, task)) == 1
        found = await portal.refused("task.checklistitem.getlist", {"TASKID": 99})
        assert found[:2] == (400, "ERROR_CORE")
