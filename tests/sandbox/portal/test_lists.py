"""Pages, filters, order, the chain of ids, lists that lag. bitrix24.md §4."""

from __future__ import annotations

import pytest

from stavbill.sandbox.portal.faults import Fault, Trouble
from stavbill.sandbox.portal.switches import Switches
from stavbill.sandbox.portal.table import Table
from tests.sandbox.portal.serving import Served, line, served


async def test_pages_are_of_fifty_and_next_stands_until_the_last() -> None:
    async with served(companies=119) as portal:
        _, first = await portal.ask("crm.company.list", {"order": {"ID": "ASC"}})
        assert (len(first["result"]), first["next"], first["total"]) == (50, 50, 120)
        _, last = await portal.ask("crm.company.list", {"order": {"ID": "ASC"}, "start": 100})
        assert (len(last["result"]), last["total"]) == (20, 120)
        assert "next" not in last


async def test_a_full_last_page_may_still_name_a_next_one() -> None:
    async with served(companies=49, switches=Switches(next_after_full_page=True)) as portal:
        _, body = await portal.ask("crm.company.list")
        assert (len(body["result"]), body["total"], body["next"]) == (50, 50, 50)


@pytest.mark.parametrize(("how", "there"), [("zero", True), ("absent", False)])
async def test_start_minus_one_counts_nothing(how: str, there: bool) -> None:  # noqa: FBT001
    async with served(companies=80, switches=Switches(total_uncounted=how)) as portal:
        _, body = await portal.ask("crm.company.list", {"start": -1, "filter": {">ID": 0}})
        assert len(body["result"]) == 50
        assert "next" not in body
        assert body.get("total") == (0 if there else None)


async def chain(portal: Served, page: str = "crm.company.list") -> list[int]:
    """Read everything by the chain of ids."""
    seen: list[int] = []
    while True:
        params = {"select": ["ID"], "order": {"ID": "ASC"}, "start": -1,
                  "filter": {">ID": seen[-1] if seen else 0}}  # fmt: skip
        rows = await portal.call(page, params)
        seen += [int(row["ID"]) for row in rows]
        if len(rows) < 50:
            return seen


async def test_the_chain_of_ids_misses_nobody_when_rows_come_and_go() -> None:
    async with served(companies=149) as portal:
        portal.portal.faults.switch(
            Fault(Trouble.ROW_DELETED, nth=(2,), methods=("crm.company.list",), target=100),
            Fault(Trouble.ROW_ADDED, nth=(2,), methods=("crm.company.list",)),
        )
        seen = await chain(portal)
        assert 100 not in portal.portal.state.companies.records
        assert set(seen) - {100} == set(portal.portal.state.companies.ids)
        assert len(seen) == len(set(seen)) == 151


async def test_offsets_miss_a_row_when_an_earlier_one_is_deleted() -> None:
    async with served(companies=119) as portal:
        portal.portal.faults.switch(
            Fault(Trouble.ROW_DELETED, nth=(1,), methods=("crm.company.list",), target=100)
        )
        seen: set[str] = set()
        for start in (0, 50, 100):
            page = await portal.call("crm.company.list", {"start": start, "order": {"ID": "ASC"}})
            seen |= {row["ID"] for row in page}
        there = {str(id_) for id_ in portal.portal.state.companies.ids}
        assert len(there - seen) == 1


FILTERS = [
    pytest.param({"ID": 101}, [101], id="equal"),
    pytest.param({"=ID": ["101", 102]}, [101, 102], id="equal to an array"),
    pytest.param({"@ID": [100, 102, 999]}, [100, 102], id="in"),
    pytest.param({"!@ID": [1, 100]}, [101, 102], id="not in"),
    pytest.param({">=ID": 101, "<ID": 102}, [101], id="between"),
    pytest.param({"!ID": 1, "!=TITLE": "Компания 1"}, [100, 102], id="not equal"),
    pytest.param({"%TITLE": "ПАНИЯ"}, [100, 101, 102], id="like"),
    pytest.param({"=%TITLE": "Комп%2"}, [102], id="own percent signs"),
    pytest.param({"IS_MY_COMPANY": "Y"}, [1], id="own companies"),
    pytest.param({"TITLE": "компания 0"}, [100], id="letter case aside"),
    pytest.param({"ORIGIN_ID": "", ">ID": 100}, [101, 102], id="empty"),
    pytest.param({">DATE_CREATE": "2027-01-01"}, [], id="a date"),
    pytest.param({">=DATE_CREATE": "2026-12-10T09:00:00+03:00"}, [1, 100, 101, 102], id="instant"),
]


@pytest.mark.parametrize(("given", "found"), FILTERS)
async def test_filters(given: dict[str, object], found: list[int]) -> None:
    async with served() as portal:
        rows = await portal.call("crm.company.list", {"filter": given, "order": {"ID": "ASC"}})
        assert [int(row["ID"]) for row in rows] == found


async def test_order_by_another_field_and_both_directions() -> None:
    async with served() as portal:
        by_title = await portal.call("crm.company.list", {"order": {"TITLE": "DESC"}})
        assert [row["ID"] for row in by_title] == ["1", "102", "101", "100"]
        by_id = await portal.call("crm.company.list", {"order": {"ID": "DESC"}, "start": 1})
        assert [row["ID"] for row in by_id] == ["101", "100", "1"]


async def test_unknown_filter_fields_are_refused() -> None:
    async with served() as portal:
        for method, params, code in (
            (
                "crm.item.list",
                {"entityTypeId": 31, "filter": {"companyID": 1}},
                "INVALID_ARG_VALUE",
            ),
            (
                "crm.item.list",
                {"entityTypeId": 31, "filter": {"COMPANY_ID": 1}},
                "INVALID_ARG_VALUE",
            ),
            ("crm.item.list", {"entityTypeId": 31, "order": {"id": "up"}}, "INVALID_ARG_VALUE"),
            ("crm.item.productrow.list", {"filter": {"ownerId": 1}}, "INVALID_ARG_VALUE"),
            ("crm.company.list", {"filter": {"title": "x"}}, ""),
            ("tasks.task.list", {"order": {"NOTHING": "asc"}}, "0"),
        ):
            status, found, _ = await portal.refused(method, params)
            assert (status, found) == (400, code)


async def test_or_joins_conditions_of_items_only() -> None:
    async with served() as portal:
        given = {"0": {"logic": "OR", "0": {"id": 100}, "1": {"=title": "Компания 2"}}}
        found = await portal.call("crm.item.list", {"entityTypeId": 4, "filter": given})
        assert [item["id"] for item in found["items"]] == [100, 102]


async def test_lists_lag_behind_writes_and_get_does_not() -> None:
    async with served() as portal:
        portal.portal.state.lag(30)
        invoice = portal.seed.invoice(100, "A", [line()], mycompany=portal.own)
        listed = {"entityTypeId": 31, "filter": {"companyId": 100}}
        rows = {"filter": {"=ownerType": "SI", "=ownerId": invoice}}
        assert (await portal.call("crm.item.list", listed))["items"] == []
        assert (await portal.call("crm.item.productrow.list", rows))["productRows"] == []
        current = await portal.call("crm.item.get", {"entityTypeId": 31, "id": invoice})
        assert current["item"]["title"] == "A"
        await portal.virtual.advance(31)
        assert len((await portal.call("crm.item.list", listed))["items"]) == 1
        assert len((await portal.call("crm.item.productrow.list", rows))["productRows"]) == 1


async def test_a_lagging_list_still_shows_what_was_changed_or_deleted() -> None:
    async with served() as portal:
        portal.portal.state.lag(30)
        await portal.virtual.advance(60)
        await portal.call("crm.company.update", {"id": 100, "fields": {"TITLE": "Новая"}})
        await portal.call("crm.company.delete", {"id": 101})
        rows = await portal.call("crm.company.list", {"order": {"ID": "ASC"}})
        assert [row["TITLE"] for row in rows[1:]] == ["Компания 0", "Компания 1", "Компания 2"]
        await portal.virtual.advance(30)
        rows = await portal.call("crm.company.list", {"order": {"ID": "ASC"}})
        assert [row["TITLE"] for row in rows[1:]] == ["Новая", "Компания 2"]


def test_a_page_of_a_long_table_costs_a_page() -> None:
    table = Table(lambda: 0.0, {})
    for id_ in range(1, 100_001):
        table.put(id_, {"ID": id_})
    window = table.view().between(99_000, None)
    assert len(window) == 1000
    assert window[:2] == [99_001, 99_002]
    # The window is a view of the table's own ids, not a copy.
    table.put(100_001, {"ID": 100_001})
    assert len(table.view().between(99_000, None)) == 1001
    assert len(window) == 1000


@pytest.mark.parametrize(("how", "status"), [("cast", 200), ("refuse", 400)])
async def test_a_filter_value_that_is_no_number(how: str, status: int) -> None:
    async with served(switches=Switches(bad_filter_values=how)) as portal:
        params = {"entityTypeId": 4, "filter": {">id": "$result[p0][items][49][id]"}}
        found, body = await portal.ask("crm.item.list", params)
        assert found == status
        if status == 400:
            assert body["error"] == "INVALID_ARG_VALUE"
        else:
            assert len(body["result"]["items"]) == 4
