"""Requisites, links, addresses, documents, timeline, groups, users, elements. §5.5–§7, §9."""

from __future__ import annotations

from tests.sandbox.portal.serving import Served, line, served


async def test_a_company_is_found_by_its_inn() -> None:
    async with served() as portal:
        portal.seed.papers.requisite(100, "Организация", {"RQ_INN": "2600000001"})
        params = {"filter": {"RQ_INN": "2600000001", "ENTITY_TYPE_ID": 4},
                  "select": ["ID", "ENTITY_ID", "RQ_KPP"]}  # fmt: skip
        found = await portal.call("crm.requisite.list", params)
        assert found == [{"ID": "1", "ENTITY_ID": "100", "RQ_KPP": None}]
        presets = await portal.call("crm.requisite.preset.list", {"select": ["ID", "NAME"]})
        assert presets[0] == {"ID": "1", "NAME": "Организация"}


async def test_requisites_are_written_and_what_is_not_sent_stays() -> None:
    async with served() as portal:
        fields = {"ENTITY_TYPE_ID": 4, "ENTITY_ID": 100, "PRESET_ID": 1, "NAME": "Организация",
                  "RQ_INN": "2600000001", "NONSENSE": "x"}  # fmt: skip
        made = await portal.call("crm.requisite.add", {"fields": fields})
        change = {"id": made, "fields": {"RQ_KPP": "260001001"}}
        assert await portal.call("crm.requisite.update", change) is True
        read = await portal.call("crm.requisite.get", {"id": made})
        assert (read["RQ_INN"], read["RQ_KPP"]) == ("2600000001", "260001001")
        assert "NONSENSE" not in read
        found = await portal.refused("crm.requisite.get", {"id": 99})
        assert found == (400, "", "The Requisite with ID '99' is not found")
        wrong = {"fields": fields | {"ENTITY_TYPE_ID": 2}}
        assert (await portal.refused("crm.requisite.add", wrong))[1] == ""
        bank = {"ENTITY_ID": made, "NAME": "Счёт", "RQ_BIK": "040000000"}
        bank_id = await portal.call("crm.requisite.bankdetail.add", {"fields": bank})
        listed = await portal.call("crm.requisite.bankdetail.list", {"filter": {"ENTITY_ID": made}})
        assert [(row["ID"], row["RQ_BIK"]) for row in listed] == [(str(bank_id), "040000000")]


async def invoice_with_requisites(portal: Served) -> tuple[int, int, int]:
    buyer = portal.seed.papers.requisite(100, "Покупатель", {"RQ_INN": "2600000001"})
    ours = portal.seed.papers.requisite(portal.own, "Мы", {"RQ_INN": "2600000002"})
    return portal.seed.invoice(100, "A", [line()], mycompany=portal.own), buyer, ours


async def test_links_are_checked_against_the_invoices_companies() -> None:
    async with served() as portal:
        invoice, buyer, ours = await invoice_with_requisites(portal)
        fields = {"ENTITY_TYPE_ID": 31, "ENTITY_ID": invoice, "REQUISITE_ID": buyer,
                  "BANK_DETAIL_ID": 0, "MC_REQUISITE_ID": ours, "MC_BANK_DETAIL_ID": 0}  # fmt: skip
        owner = {"entityTypeId": 31, "entityId": invoice}
        assert await portal.refused("crm.requisite.link.get", owner) == (400, "", "Not found")
        for _ in range(2):
            assert await portal.call("crm.requisite.link.register", {"fields": fields}) is True
        assert await portal.call("crm.requisite.link.get", owner) == {
            "ENTITY_TYPE_ID": 31, "ENTITY_ID": invoice, "REQUISITE_ID": str(buyer),
            "BANK_DETAIL_ID": "0", "MC_REQUISITE_ID": str(ours), "MC_BANK_DETAIL_ID": "0",
        }  # fmt: skip
        listed = await portal.call("crm.requisite.link.list", {"filter": {"ENTITY_ID": invoice}})
        assert listed[0]["ENTITY_TYPE_ID"] == "31"
        assert len(listed) == 1
        swapped = {"fields": fields | {"REQUISITE_ID": ours}}
        _, code, text = await portal.refused("crm.requisite.link.register", swapped)
        assert code == ""
        assert text == f"The Requisite with ID '{ours}' is not assigned to Company with ID '100'"


async def test_an_address_type_stands_once() -> None:
    async with served() as portal:
        requisite = portal.seed.papers.requisite(100, "Организация", {})
        portal.seed.papers.address(requisite, {"CITY": "Ставрополь", "ADDRESS_1": "Вымышленная, 1"})
        listed = await portal.call("crm.address.list", {"filter": {"ANCHOR_ID": 100}})
        assert (listed[0]["CITY"], listed[0]["ANCHOR_TYPE_ID"]) == ("Ставрополь", "4")
        assert "ID" not in listed[0]
        again = {"TYPE_ID": 6, "ENTITY_TYPE_ID": 8, "ENTITY_ID": requisite, "CITY": "x"}
        found = await portal.refused("crm.address.add", {"fields": again})
        assert found == (400, "", "TypeAddress exists.")


async def test_documents_have_string_ids_and_templates_are_keyed() -> None:
    async with served() as portal:
        template = portal.seed.papers.template(
            "Подписка на сервис удаленного управления автопарком РФ"
        )
        title = "Подписка на сервис удаленного управления автопарком РФ ПС-2021-147"
        made = portal.seed.papers.document(100, title, "ПС-2021-147", template=template)
        params = {"filter": {"entityTypeId": 4, "entityId": [100]}, "select": ["*"]}
        _, body = await portal.ask("crm.documentgenerator.document.list", params)
        document = body["result"]["documents"][0]
        assert (document["id"], document["entityId"]) == (str(made), "100")
        assert (document["number"], document["templateId"]) == ("ПС-2021-147", str(template))
        assert body["total"] == 1
        bad = {"select": ["id", "entityTypeId"]}
        found = await portal.refused("crm.documentgenerator.document.list", bad)
        assert found[:2] == (400, "100")
        keyed = (await portal.call("crm.documentgenerator.template.list"))["templates"]
        assert keyed[str(template)]["entityTypeId"] == ["4"]
        missing = await portal.refused("crm.documentgenerator.document.get", {"id": 99})
        assert missing == (400, "0", "Document not found")


async def test_a_comment_is_deleted_once() -> None:
    async with served() as portal:
        fields = {"ENTITY_TYPE": "company", "ENTITY_ID": 101, "COMMENT": "Запись"}
        made = await portal.call("crm.timeline.comment.add", {"fields": fields})
        other = {"id": made, "ownerTypeId": 4, "ownerId": 102}
        assert (await portal.refused("crm.timeline.comment.delete", other))[1] == "OWNER_NOT_FOUND"
        assert await portal.call("crm.timeline.comment.delete", {"id": made}) is None
        gone = await portal.refused("crm.timeline.comment.delete", {"id": made})
        assert gone[1] == "NOT_FOUND"


async def test_comments_belong_to_an_owner_that_nobody_checks() -> None:
    async with served() as portal:
        fields = {"ENTITY_ID": 100, "ENTITY_TYPE": "company", "COMMENT": "Счёт выставлен [k1]"}
        made = await portal.call("crm.timeline.comment.add", {"fields": fields})
        await portal.call("crm.timeline.comment.add", {"fields": fields | {"ENTITY_ID": 101}})
        params = {"filter": {"ENTITY_ID": 100, "ENTITY_TYPE": "company"}}
        listed = await portal.call("crm.timeline.comment.list", params)
        assert [row["ID"] for row in listed] == [str(made)]
        assert listed[0]["COMMENT"].endswith("[k1]")
        nowhere = {"fields": fields | {"ENTITY_ID": 4321}}
        assert isinstance(await portal.call("crm.timeline.comment.add", nowhere), int)
        wrong = {"fields": fields | {"ENTITY_TYPE": "firm"}}
        assert (await portal.refused("crm.timeline.comment.add", wrong))[1] == "OWNER_NOT_FOUND"
        upper = await portal.refused("crm.timeline.comment.add", {"FIELDS": fields})
        assert upper[1] == "100"


async def test_log_messages_come_by_ten() -> None:
    async with served() as portal:
        fields = {"entityTypeId": 4, "entityId": 100, "title": "t", "text": "x", "iconCode": "info"}
        for _ in range(12):
            await portal.call("crm.timeline.logmessage.add", {"fields": fields})
        owner = {"entityTypeId": 4, "entityId": 100}
        _, body = await portal.ask("crm.timeline.logmessage.list", owner)
        assert (len(body["result"]), body["next"], body["total"]) == (10, 10, 12)
        wrong = {"fields": fields | {"entityId": 4321}}
        assert (await portal.refused("crm.timeline.logmessage.add", wrong))[1] == "OWNER_NOT_FOUND"


async def test_users_groups_and_currencies() -> None:
    async with served() as portal:
        anna = portal.seed.user("Анна", "Вымышленная")
        group = portal.seed.workgroup("Заявки на возврат")
        found = await portal.call("user.get", {"FILTER": {"LAST_NAME": "Вымышленная"}})
        assert [(user["ID"], user["ACTIVE"]) for user in found] == [(str(anna), True)]
        assert (await portal.call("user.current"))["ID"] == "1"
        groups = await portal.call("sonet_group.get", {"FILTER": {"NAME": "Заявки на возврат"}})
        assert groups[0]["ID"] == str(group)
        named = await portal.call("socialnetwork.api.workgroup.list", {"select": ["ID", "NAME"]})
        assert named["workgroups"] == [{"id": str(group), "name": "Заявки на возврат"}]
        _, body = await portal.ask("crm.currency.list")
        assert body["total"] == 0
        assert [row["CURRENCY"] for row in body["result"]] == ["RUB", "KZT"]


async def test_an_element_code_stands_once_and_update_clears_what_is_not_sent() -> None:
    async with served() as portal:
        where = {"IBLOCK_TYPE_ID": "lists", "IBLOCK_CODE": "units", "ELEMENT_CODE": "unit-7"}
        fields = {"NAME": "А 007 АА 00", "PROPERTY_1": "25292"}
        made = await portal.call("lists.element.add", {**where, "FIELDS": fields})
        found = await portal.refused("lists.element.add", {**where, "FIELDS": fields})
        assert found[:2] == (400, "ERROR_ELEMENT_ALREADY_EXISTS")
        read = (await portal.call("lists.element.get", where))[0]
        assert read["ID"] == str(made)
        assert list(read["PROPERTY_1"].values()) == ["25292"]
        assert await portal.call("lists.element.update", {**where, "FIELDS": {"NAME": "x"}}) is True
        assert "PROPERTY_1" not in (await portal.call("lists.element.get", where))[0]


async def test_a_notification_with_the_same_tag_takes_the_older_ones_place() -> None:
    async with served() as portal:
        params = {"USER_ID": 1, "MESSAGE": "Остановлено", "TAG": "stop"}
        first, second = [await portal.call("im.notify.system.add", params) for _ in range(2)]
        assert first != second
        assert len(portal.portal.state.notifications) == 1
