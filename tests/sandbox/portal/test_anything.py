"""Whatever is sent, the portal answers with a documented envelope and stays whole."""

from __future__ import annotations

import asyncio

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from stavbill.sandbox.clock import VirtualClock
from stavbill.sandbox.portal.limits import Limits
from stavbill.sandbox.portal.portal import Portal
from stavbill.sandbox.portal.registry import METHODS
from stavbill.sandbox.portal.seed import Seed
from stavbill.sandbox.portal.wire import Json
from tests.sandbox.portal.serving import line

NAMES = some.sampled_from([
    "id", "ID", "filter", "order", "select", "start", "fields", "entityTypeId", "entityId",
    "ownerType", "ownerId", "productRows", "taskId", "TASKID", "ITEMID", "FIELDS", "TITLE",
    "RESPONSIBLE_ID", "UF_CRM_TASK", "DEADLINE", "PARENT_ID", "companyId", "title", "begindate",
    "stageId", "opportunity", "fm", "PHONE", "EMAIL", "NAME", "ENTITY_ID", "ENTITY_TYPE", "COMMENT",
    ">ID", "@id", "!%title", "=ownerType", "=ownerId", "><x", "logic", "0", "price", "quantity",
    "discountRate", "taxRate", "UF_CRM_X1", "UF_CRM_MANY", "FIELD_NAME", "USER_TYPE_ID", "LIST",
    "cmd", "USER_ID", "MESSAGE", "TAG", "IBLOCK_TYPE_ID", "IBLOCK_ID", "ELEMENT_CODE", "LANG",
    "ENTITY_TYPE_ID", "PRESET_ID", "REQUISITE_ID", "BANK_DETAIL_ID", "MC_REQUISITE_ID",
    "MC_BANK_DETAIL_ID", "RQ_INN", "TYPE_ID", "MEMBERS", "TAGS", "contactIds", "iconCode", "text",
])  # fmt: skip
VALUES = some.one_of(
    some.none(), some.booleans(), some.integers(-5, 200), some.sampled_from([31, 4, 100, 1, -1]),
    some.floats(allow_nan=False, allow_infinity=False),
    some.sampled_from(["", "0", "31", "SI", "Y", "N", "ASC", "2026-12-10", "31-е", "*", "UF_*",
                       "company", "$result[a]", "x", "300|RUB", "nan", "1e999999", "²"]),
)  # fmt: skip
TREES = some.recursive(
    VALUES,
    lambda inner: some.one_of(
        some.lists(inner, max_size=3), some.dictionaries(NAMES, inner, max_size=5)
    ),
    max_leaves=12,
)
PARAMS = some.dictionaries(NAMES, TREES, max_size=5)


def filled() -> Portal:
    portal = Portal(VirtualClock(), limits=Limits(bucket_on=False, operating_on=False))
    seed = Seed(portal.state)
    own = seed.company("ООО «Автотрэкер»", own=True)
    seed.define_userfield("Поле", "enumeration", "X1", options=["a", "b"])
    seed.define_userfield("Поля", "double", "MANY", multiple=True)
    company = seed.company("Компания", id_=100)
    seed.invoice(company, "Счёт", [line()], mycompany=own)
    seed.task("Задача", responsible=1, company=company, items=("a",))
    requisite = seed.papers.requisite(company, "Реквизит", {"RQ_INN": "1"})
    seed.papers.address(requisite, {"CITY": "Ставрополь"})
    seed.papers.document(company, "Договор", "1", template=seed.papers.template("Договор"))
    seed.papers.comment(company, "Запись")
    portal.add_webhook(1, "s")
    return portal


def ask(portal: Portal, method: str, params: Json) -> tuple[int, Json]:
    headers = {"Content-Type": "application/json"}
    answer = asyncio.run(
        portal.handle("POST", f"/rest/1/s/{method}", headers, orjson.dumps(params), "")
    )
    return answer.status, orjson.loads(answer.body)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(calls=some.lists(some.tuples(some.sampled_from(sorted(METHODS)), PARAMS), max_size=6))
def test_any_calls_get_an_envelope(calls: list[tuple[str, Json]]) -> None:
    portal = filled()
    for method, params in calls:
        status, body = ask(portal, method, params)
        assert status in (200, 400), (method, params, body)
        assert ("result" in body) is (status == 200)
    portal.snapshot()
    for method in METHODS:
        if method.endswith(("list", "get")):
            ask(portal, method, {"entityTypeId": 31, "entityId": 1, "id": 1, "taskId": 1})


@settings(max_examples=25)
@given(params=PARAMS)
def test_every_method_takes_anything_at_top_level(params: Json) -> None:
    portal = filled()
    for method in METHODS:
        status, body = ask(portal, method, params)
        assert status in (200, 400), (method, body)


ODD: list[tuple[str, Json]] = [
    ("crm.item.productrow.set", {"ownerType": "SI", "ownerId": 1,
                                 "productRows": [{"price": "1e999999"}]}),
    ("crm.item.productrow.set", {"ownerType": "SI", "ownerId": 1,
                                 "productRows": [{"price": 1e11, "quantity": "1e11"}]}),
    ("crm.item.productrow.set", {"ownerType": "SI", "ownerId": 1,
                                 "productRows": [{"price": 10, "taxRate": -100}]}),
    ("crm.item.productrow.set", {"ownerType": "SI", "ownerId": 1,
                                 "productRows": [{"price": 10, "discountRate": 100}]}),
    ("crm.item.add", {"entityTypeId": 31, "fields": {"opportunity": "1e400"}}),
    ("crm.item.add", {"entityTypeId": 31, "fields": {"companyId": 10**18}}),
    ("crm.item.add", {"entityTypeId": 31, "fields": {"begindate": "0001-01-01T00:00:00+14:00"}}),
    ("crm.item.list", {"entityTypeId": 31, "order": {"contactIds": "ASC", "opportunity": "DESC"}}),
    ("crm.item.list", {"entityTypeId": 31, "filter": {"title": {"a": {"b": 1}}, ">title": 5}}),
    ("crm.company.update", {"id": 100, "fields": {"TITLE": ["a"], "UF_CRM_MANY": ["1", {"a": 2}]}}),
    ("crm.company.add", {"fields": {"TITLE": {"x": 1}, "ORIGIN_ID": ["z"]}}),
    ("crm.company.list", {"order": {"TITLE": "ASC"}, "filter": {"%TITLE": "a"}}),
    ("tasks.task.add", {"fields": {"TITLE": "z", "RESPONSIBLE_ID": 1, "TAGS": [["x"]],
                                   "UF_CRM_TASK": [{"a": 1}], "DEADLINE": "9999-12-31"}}),
    ("task.checklistitem.add", [1, {"TITLE": "x", "MEMBERS": ["a"], "SORT_INDEX": "q"}]),
    ("task.checklistitem.getlist", [1, {"TITLE": "asc", "SORT_INDEX": "desc"}]),
    ("crm.company.userfield.add", {"fields": {"USER_TYPE_ID": "enumeration", "FIELD_NAME": "Q",
                                              "LIST": [{"VALUE": ["a"]}, "z"], "SETTINGS": ["x"]}}),
    ("batch", {"cmd": {"a": ["x"], "b": {"c": 1}, "c": "crm.item.list?filter[[[=1"}}),
    ("batch", ["x"]),
]  # fmt: skip


def test_odd_values_are_refused_or_dropped_and_harm_nobody() -> None:
    portal = filled()
    for method, params in ODD:
        status, body = ask(portal, method, params)
        assert status in (200, 400), (method, params, body)
    for method, params in ODD:
        if method.endswith("list"):
            assert ask(portal, method, params)[0] in (200, 400)
    assert portal.snapshot() == portal.snapshot()
