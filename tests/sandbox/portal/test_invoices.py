"""Smart invoices, their rows, stages, payments. bitrix24.md §6."""

from __future__ import annotations

from decimal import Decimal

import pytest

from stavbill.sandbox.portal.switches import Switches
from stavbill.sandbox.portal.wire import Json, Record
from tests.sandbox.portal.serving import Served, line, served

ITEM = {"entityTypeId": 31}


async def add(portal: Served, **fields: Json) -> Record:
    item: Record = (await portal.call("crm.item.add", {**ITEM, "fields": fields}))["item"]
    return item


async def get(portal: Served, id_: int) -> Record:
    item: Record = (await portal.call("crm.item.get", {**ITEM, "id": id_}))["item"]
    return item


async def put_rows(portal: Served, id_: int, *rows: Json) -> list[Record]:
    params = {"ownerType": "SI", "ownerId": id_, "productRows": list(rows)}
    found: list[Record] = (await portal.call("crm.item.productrow.set", params))["productRows"]
    return found


async def test_a_new_invoice_has_the_portals_defaults() -> None:
    async with served() as portal:
        portal.seed.company("Второе юрлицо", own=True, id_=2)
        item = await add(portal, companyId=100)
        assert isinstance(item["id"], int)
        assert item["title"] == f"Счёт #{item['id']}"
        assert item["stageId"] == "DT31_5:N"
        # Nobody named the own company: the portal takes its first one without a word.
        assert item["mycompanyId"] == portal.own
        assert item["begindate"] == "2026-12-10T03:00:00+03:00"
        assert item["closedate"] == "2026-12-17T03:00:00+03:00"
        assert item["currencyId"] == "RUB"
        assert (item["opened"], item["isManualOpportunity"]) == ("Y", "N")
        assert item["opportunity"] == 0
        assert item["assignedById"] == 1
        assert item["xmlId"] is None


async def test_the_same_invoice_twice_is_two_invoices() -> None:
    async with served() as portal:
        first, second = [await add(portal, xmlId="key", companyId=100) for _ in range(2)]
        assert first["id"] != second["id"]
        params = {**ITEM, "filter": {"@xmlId": ["key"]}, "select": ["id"]}
        found = (await portal.call("crm.item.list", params))["items"]
        assert found == [{"id": first["id"]}, {"id": second["id"]}]


async def test_xml_ids_may_be_no_filter() -> None:
    async with served(switches=Switches(xml_id_filterable=False)) as portal:
        params = {**ITEM, "filter": {"xmlId": "key"}}
        assert (await portal.refused("crm.item.list", params))[1] == "INVALID_ARG_VALUE"


async def test_unknown_fields_and_bad_dates_are_dropped_in_silence() -> None:
    async with served() as portal:
        item = await add(portal, title="A", COMPANY_ID=100, closedate="31-е", nothing=1)
        assert item["companyId"] == 0
        assert item["closedate"] == "2026-12-17T03:00:00+03:00"
        assert "nothing" not in item


async def test_bad_dates_may_be_refused() -> None:
    async with served(switches=Switches(bad_dates="error")) as portal:
        params = {**ITEM, "fields": {"closedate": "31-е"}}
        found = await portal.refused("crm.item.add", params)
        assert found[:2] == (400, "CRM_FIELD_ERROR_VALUE_NOT_VALID")


async def test_unknown_types_and_items_are_not_found() -> None:
    async with served() as portal:
        for params, code in (
            ({"entityTypeId": 31, "id": 9}, "NOT_FOUND"),
            ({"entityTypeId": 177, "id": 9}, "NOT_FOUND"),
            ({"entityTypeId": 5, "id": 9}, "ENTITY_TYPE_NOT_SUPPORTED"),
            ({"entityTypeId": 31}, "100"),
        ):
            assert (await portal.refused("crm.item.get", params))[:2] == (400, code)


async def test_the_sum_follows_the_rows_unless_it_is_kept_by_hand() -> None:
    async with served() as portal:
        item = await add(portal, title="A")
        rows = await put_rows(
            portal, item["id"],
            {"productName": "Абонплата", "price": 350.5, "quantity": 2},
            {"productName": "ДУТ", "price": "100", "quantity": 3, "taxRate": 22,
             "taxIncluded": "Y"},
        )  # fmt: skip
        assert [row["sort"] for row in rows] == [10, 20]
        read = await get(portal, item["id"])
        assert (read["opportunity"], read["taxValue"]) == (1001, 54.1)
        params = {**ITEM, "id": item["id"]}
        manual = {"isManualOpportunity": "Y", "opportunity": 7}
        await portal.call("crm.item.update", params | {"fields": manual})
        await put_rows(portal, item["id"], {"productName": "x", "price": 1})
        assert (await get(portal, item["id"]))["opportunity"] == 7
        await portal.call("crm.item.update", params | {"fields": {"isManualOpportunity": "N"}})
        assert (await get(portal, item["id"]))["opportunity"] == 1


async def test_set_replaces_all_rows_and_their_ids() -> None:
    async with served() as portal:
        item = await add(portal, title="A")
        first = await put_rows(portal, item["id"], {"productName": "a"}, {"productName": "b"})
        second = await put_rows(portal, item["id"], {"id": first[0]["id"], "productName": "c"})
        assert {row["id"] for row in first}.isdisjoint(row["id"] for row in second)
        params = {"filter": {"=ownerType": "SI", "=ownerId": item["id"]}}
        _, body = await portal.ask("crm.item.productrow.list", params)
        assert [row["productName"] for row in body["result"]["productRows"]] == ["c"]
        assert body["total"] == 1


async def test_prices_are_derived_as_in_the_documented_sample() -> None:
    async with served() as portal:
        item = await add(portal, title="A")
        row = (await put_rows(portal, item["id"], {
            "productName": "x", "price": 80000, "taxRate": 20, "taxIncluded": "Y",
            "discountTypeId": 2, "discountRate": 20,
        }))[0]  # fmt: skip
        assert (row["priceExclusive"], row["priceNetto"]) == (66666.67, 83333.34)
        # 83333.34 × 1.2 is 100000.008, written as …01 in the sample.
        assert (row["discountSum"], row["priceBrutto"]) == (16666.67, 100000.01)


async def test_rows_are_added_changed_and_deleted_one_by_one() -> None:
    async with served() as portal:
        item = await add(portal, title="A")
        fields = {"ownerType": "SI", "ownerId": item["id"], "productName": "a", "price": 10}
        made = (await portal.call("crm.item.productrow.add", {"fields": fields}))["productRow"]
        assert (made["measureCode"], made["measureName"], made["taxRate"]) == (796, "шт", None)
        change = {"id": made["id"], "fields": {"quantity": 3}}
        await portal.call("crm.item.productrow.update", change)
        read = await portal.call("crm.item.productrow.get", {"id": made["id"]})
        assert read["productRow"]["quantity"] == 3
        assert (await get(portal, item["id"]))["opportunity"] == 30
        assert await portal.call("crm.item.productrow.delete", {"id": made["id"]}) is None
        assert (await get(portal, item["id"]))["opportunity"] == 0
        wrong = {"ownerType": "SI", "ownerId": 9, "productRows": []}
        assert (await portal.refused("crm.item.productrow.set", wrong))[1] == "OWNER_NOT_FOUND"
        wrong = {"ownerType": "si", "ownerId": item["id"], "productRows": []}
        code = (await portal.refused("crm.item.productrow.set", wrong))[1]
        assert code == "ENTITY_TYPE_NOT_SUPPORTED"


async def test_stages_are_known_by_their_semantics() -> None:
    async with served() as portal:
        funnels = (await portal.call("crm.category.list", ITEM))["categories"]
        default = next(each for each in funnels if each["isDefault"] == "Y")
        entity = f"SMART_INVOICE_STAGE_{default['id']}"
        params = {"filter": {"ENTITY_ID": entity}, "order": {"SORT": "ASC"}}
        stages = await portal.call("crm.status.list", params)
        assert [stage["SEMANTICS"] for stage in stages] == [None, None, "S", "F"]
        assert [stage["NAME"] for stage in stages][1] == "Отправлен клиенту"
        assert all(isinstance(stage["ID"], str) for stage in stages)
        assert all("EXTRA" not in stage for stage in stages)
        assert all(stage["STATUS_ID"].startswith(f"DT31_{default['id']}:") for stage in stages)


async def test_a_moved_invoice_remembers_whence_and_an_unknown_stage_is_refused() -> None:
    async with served() as portal:
        item = await add(portal, title="A")
        await portal.virtual.advance(5)
        params = {**ITEM, "id": item["id"], "fields": {"stageId": "DT31_5:S"}}
        moved = (await portal.call("crm.item.update", params))["item"]
        assert (moved["stageId"], moved["previousStageId"]) == ("DT31_5:S", "DT31_5:N")
        assert moved["movedTime"] == "2026-12-10T09:00:05+03:00"
        again = (await portal.call("crm.item.update", params))["item"]
        assert again["updatedTime"] == moved["updatedTime"]
        params["fields"] = {"stageId": "DT31_5:PAID"}
        code = (await portal.refused("crm.item.update", params))[1]
        assert code == "CRM_FIELD_ERROR_VALUE_NOT_VALID"


async def test_a_deleted_invoice_takes_its_rows_along() -> None:
    async with served() as portal:
        item = await add(portal, title="A")
        await put_rows(portal, item["id"], {"productName": "a"})
        assert await portal.call("crm.item.delete", {**ITEM, "id": item["id"]}) == []
        assert len(portal.portal.state.rows) == 0
        again = await portal.refused("crm.item.delete", {**ITEM, "id": item["id"]})
        assert again[:2] == (400, "NOT_FOUND")


async def test_fields_are_described_with_their_upper_names() -> None:
    async with served() as portal:
        fields = (await portal.call("crm.item.fields", ITEM))["fields"]
        assert fields["mycompanyId"]["upperName"] == "MYCOMPANY_ID"
        assert fields["accountNumber"]["isReadOnly"] is True
        assert fields["xmlId"]["isReadOnly"] is False


@pytest.mark.parametrize(("moves", "stage"), [(False, "DT31_5:N"), (True, "DT31_5:P")])
async def test_payments_and_whether_they_move_the_stage(moves: bool, stage: str) -> None:  # noqa: FBT001
    async with served(switches=Switches(payment_moves_stage=moves)) as portal:
        invoice = portal.seed.invoice(100, "A", [line()], mycompany=portal.own)
        owner = {"entityTypeId": 31, "entityId": invoice}
        payment = await portal.call("crm.item.payment.add", owner)
        assert isinstance(payment, int)
        assert (await portal.call("crm.item.payment.list", owner))[0]["paid"] == "N"
        assert await portal.call("crm.item.payment.pay", {"id": payment}) is True
        paid = (await portal.call("crm.item.payment.list", owner))[0]
        assert (paid["paid"], paid["sum"], paid["currency"]) == ("Y", 1050, "RUB")
        assert (await get(portal, invoice))["stageId"] == stage
        assert (await portal.refused("crm.item.payment.pay", {"id": 99}))[:2] == (400, 0)
        assert await portal.call("crm.item.payment.list", {"entityTypeId": 2, "entityId": 1}) == []


async def test_seeded_invoices_add_up() -> None:
    async with served() as portal:
        id_ = portal.seed.invoice(
            100, "A", [line(many="2"), line("Скидка", "0", "1")], mycompany=portal.own, stage="S"
        )
        assert portal.portal.state.invoices.records[id_]["opportunity"] == Decimal(700)
        assert (await get(portal, id_))["stageId"] == "DT31_5:S"
