"""Companies and their user fields in both worlds. bitrix24.md §5.1–§5.4."""

from __future__ import annotations

import pytest

from stavbill.sandbox.portal.schema import universal_name
from stavbill.sandbox.portal.switches import Switches
from stavbill.sandbox.portal.wire import Json
from tests.sandbox.portal.serving import Served, served


async def test_old_ids_are_strings_and_add_gives_a_number() -> None:
    async with served() as portal:
        made = await portal.call("crm.company.add", {"fields": {"TITLE": "ООО «Вымысел»", "X": 1}})
        assert isinstance(made, int)
        read = await portal.call("crm.company.get", {"id": made})
        assert read["ID"] == str(made)
        assert read["ASSIGNED_BY_ID"] == "1"
        assert read["REVENUE"] == "0"
        assert read["HAS_PHONE"] == "N"
        assert read["IS_MY_COMPANY"] == "N"
        assert read["DATE_CREATE"] == "2026-12-10T09:00:00+03:00"
        assert "X" not in read
        assert "PHONE" not in read


async def test_a_missing_company_is_an_error_with_an_empty_code() -> None:
    async with served() as portal:
        assert await portal.refused("crm.company.get", {"id": 999}) == (400, "", "Not found")
        status, code, text = await portal.refused("crm.company.get", {"id": "x"})
        assert (status, code) == (400, "")
        assert text == "ID is not defined or invalid."
        assert (await portal.refused("crm.company.update", {"id": 100}))[1] == ""


async def test_selection_by_masks_leaves_multiple_fields_out() -> None:
    async with served() as portal:
        one = portal.seed.define_userfield("Тариф", "string", "TARIFF")
        many = portal.seed.define_userfield("Теги", "string", "TAGS", multiple=True)
        company = portal.seed.company(
            "С полями", {one.name: "3*350", many.name: ["a"], "PHONE": [{"VALUE": "+70000000000"}]}
        )
        query: dict[str, Json] = {"filter": {"ID": company}}
        default = (await portal.call("crm.company.list", query))[0]
        assert default[one.name] == "3*350"
        assert many.name not in default
        assert "PHONE" not in default
        named = await portal.call("crm.company.list", query | {"select": ["PHONE", many.name]})
        assert set(named[0]) == {"ID", "PHONE", many.name}
        assert named[0]["PHONE"][0]["VALUE_TYPE"] == "WORK"
        whole = await portal.call("crm.company.get", {"id": company})
        assert whole[many.name] == ["a"]
        assert whole["PHONE"][0]["VALUE"] == "+70000000000"


async def test_rows_of_contacts_are_added_changed_and_never_lost() -> None:
    async with served() as portal:

        async def emails() -> list[dict[str, str]]:
            rows: list[dict[str, str]] = (await portal.call("crm.company.get", {"id": 100}))[
                "EMAIL"
            ]
            return rows

        async def write(rows: Json) -> None:
            await portal.call("crm.company.update", {"id": 100, "fields": {"EMAIL": rows}})

        await write([{"VALUE": "a@example.ru"}, {"VALUE": "b@example.ru"}])
        first, second = await emails()
        await write([{"ID": first["ID"], "VALUE": "c@example.ru"}])
        assert [row["VALUE"] for row in await emails()] == ["c@example.ru", "b@example.ru"]
        found = await portal.call("crm.company.list", {"filter": {"EMAIL": second["VALUE"]}})
        assert [row["ID"] for row in found] == ["100"]
        status, code, _ = await portal.refused(
            "crm.company.update", {"id": 100, "fields": {"EMAIL": [{"VALUE": "nonsense"}]}}
        )
        assert (status, code) == (400, "ERROR_CORE")


KINDS: list[tuple[str, Json, Json, Json]] = [
    ("string", "3*350", "3*350", "3*350"),
    ("integer", "19", "19", 19),
    ("double", "1 234,5", "1234.5", 1234.5),
    ("boolean", "Y", "1", "Y"),
    ("boolean", 0, "0", "N"),
    ("date", "2026-12-10", "2026-12-10T03:00:00+03:00", "2026-12-10T03:00:00+03:00"),
    ("date", "10.12.2026", "2026-12-10T03:00:00+03:00", "2026-12-10T03:00:00+03:00"),
    ("datetime", "2026-12-10T10:00:00+05:00", "2026-12-10T08:00:00+03:00",
     "2026-12-10T08:00:00+03:00"),
    ("money", "300|RUB", "300|RUB", "300|RUB"),
    ("money", "300", "300|RUB", "300|RUB"),
    ("employee", "1", "1", 1),
    ("address", "Ставрополь, Вымышленная, 1", "Ставрополь, Вымышленная, 1",
     "Ставрополь, Вымышленная, 1"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "sent", "old", "new"), KINDS)
async def test_user_fields_read_in_both_worlds(kind: str, sent: Json, old: Json, new: Json) -> None:
    async with served() as portal:
        what = portal.seed.define_userfield("Поле", kind, "X1")
        await portal.call("crm.company.update", {"id": 100, "fields": {what.name: sent}})
        assert (await portal.call("crm.company.get", {"id": 100}))[what.name] == old
        params = {"entityTypeId": 4, "id": 100, "useOriginalUfNames": "Y"}
        assert (await portal.call("crm.item.get", params))["item"][what.name] == new


async def test_enumerations_take_ids_of_their_own_options_only() -> None:
    async with served() as portal:
        where = portal.seed.define_userfield(
            "Где найти", "enumeration", "WHERE", options=["stavros", "stavros1"]
        )
        option = where.options["stavros1"]
        await portal.call("crm.company.update", {"id": 100, "fields": {where.name: option}})
        await portal.call("crm.company.update", {"id": 100, "fields": {where.name: 9999}})
        assert (await portal.call("crm.company.get", {"id": 100}))[where.name] == str(option)
        fields = (await portal.call("crm.company.fields"))[where.name]
        assert fields["type"] == "enumeration"
        assert {"ID": str(option), "VALUE": "stavros1"} in fields["items"]
        found = await portal.call("crm.company.list", {"filter": {where.name: option}})
        assert [row["ID"] for row in found] == ["100"]


SWITCHED = [
    (Switches(old_booleans="yn"), "boolean", "Y", "Y"),
    (Switches(old_booleans="json"), "boolean", "Y", True),
    (Switches(old_empty="null"), "string", "", None),
    (Switches(old_empty="empty"), "integer", "", ""),
    (Switches(), "integer", "", None),
]


@pytest.mark.parametrize(("switches", "kind", "sent", "read"), SWITCHED)
async def test_conflicts_of_the_documents_are_switches(
    switches: Switches, kind: str, sent: Json, read: Json
) -> None:
    async with served(switches=switches) as portal:
        what = portal.seed.define_userfield("Поле", kind, "X1")
        await portal.call("crm.company.update", {"id": 100, "fields": {what.name: sent}})
        got = (await portal.call("crm.company.get", {"id": 100}))[what.name]
        assert got == read
        assert type(got) is type(read)


async def test_boolean_user_fields_are_filtered_with_one_and_zero() -> None:
    async with served() as portal:
        flag = portal.seed.define_userfield("Партнер", "boolean", "PARTNER")
        await portal.call("crm.company.update", {"id": 100, "fields": {flag.name: "Y"}})

        async def count(value: Json) -> int:
            params = {"entityTypeId": 4, "useOriginalUfNames": "Y", "filter": {flag.name: value}}
            return len((await portal.call("crm.item.list", params))["items"])

        assert [await count(value) for value in (1, "1", 0, "Y")] == [1, 1, 3, 0]


async def test_labels_come_only_for_a_language() -> None:
    async with served() as portal:
        portal.seed.define_userfield("Где найти", "enumeration", "WHERE", options=["stavros"])
        bare = (await portal.call("crm.company.userfield.list"))[0]
        assert "EDIT_FORM_LABEL" not in bare
        assert bare["LIST"][0]["VALUE"] == "stavros"
        assert isinstance(bare["ID"], str)
        labelled = (await portal.call("crm.company.userfield.list", {"filter": {"LANG": "ru"}}))[0]
        assert labelled["EDIT_FORM_LABEL"] == labelled["LIST_COLUMN_LABEL"] == "Где найти"
        one = await portal.call("crm.company.userfield.get", {"id": bare["ID"]})
        assert one["EDIT_FORM_LABEL"]["ru"] == "Где найти"


async def test_user_fields_are_made_changed_and_deleted() -> None:
    async with served() as portal:
        fields = {"USER_TYPE_ID": "string", "FIELD_NAME": "tariff", "LABEL": "Тариф"}
        made = await portal.call("crm.company.userfield.add", {"fields": fields})
        _, code, text = await portal.refused("crm.company.userfield.add", {"fields": fields})
        assert (code, "already exists" in text) == ("", True)
        await portal.call("crm.company.update", {"id": 100, "fields": {"UF_CRM_TARIFF": "1*1"}})
        change = {"id": made, "fields": {"LIST_COLUMN_LABEL": {"ru": "Цена"}}}
        assert await portal.call("crm.company.userfield.update", change) is True
        listed = await portal.call("crm.company.userfield.list", {"filter": {"LANG": "ru"}})
        assert listed[0]["LIST_COLUMN_LABEL"] == "Цена"
        assert await portal.call("crm.company.userfield.delete", {"id": made}) is True
        assert "UF_CRM_TARIFF" not in await portal.call("crm.company.get", {"id": 100})
        missing = await portal.refused("crm.company.userfield.get", {"id": made})
        assert missing[:2] == (400, "ERROR_NOT_FOUND")


@pytest.mark.parametrize(
    ("name", "converted"),
    [
        ("UF_CRM_3_DIGIT", "ufCrm3Digit"),
        ("UF_CRM_3_1747309727", "ufCrm3_1747309727"),
        ("UF_CRM_3_DIGIT10", "ufCrm_3_DIGIT10"),
        ("UF_CRM_1747309879", "ufCrm_1747309879"),
    ],
)
def test_names_are_converted_as_documented(name: str, converted: str) -> None:
    assert universal_name(name) == converted


async def test_original_names_are_ignored_in_silence_unless_asked_for() -> None:
    async with served() as portal:
        what = portal.seed.define_userfield("Долг", "string", "1747309879")
        await _write(portal, {what.name: "1"})
        assert await _read(portal, "ufCrm_1747309879") is None
        await _write(portal, {"ufCrm_1747309879": "2"})
        assert await _read(portal, "ufCrm_1747309879") == "2"
        await _write(portal, {what.name: "3"}, original="Y")
        assert await _read(portal, "ufCrm_1747309879") == "3"


async def _write(portal: Served, fields: Json, *, original: str = "N") -> None:
    params = {"entityTypeId": 4, "id": 100, "fields": fields, "useOriginalUfNames": original}
    await portal.call("crm.item.update", params)


async def _read(portal: Served, name: str) -> Json:
    return (await portal.call("crm.item.get", {"entityTypeId": 4, "id": 100}))["item"][name]


async def test_a_scalar_for_a_multiple_field_is_refused_by_items() -> None:
    async with served() as portal:
        what = portal.seed.define_userfield("Теги", "string", "TAGS", multiple=True)
        params = {"entityTypeId": 4, "id": 100, "fields": {what.name: "a"},
                  "useOriginalUfNames": "Y"}  # fmt: skip
        assert (await portal.refused("crm.item.update", params))[:2] == (400, "100")
