"""What is taken, what is refused, and that everything taken stands in the store once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from stavbill.store.database import Store
from stavbill.store.inbox import Post, PostState, end_post, note_attempt, put_off, put_posts
from stavbill.web.signing import robot_url, sign
from tests.web.served import API, FORM, NOW, OPTIONS, PORTAL, SECRET, TOKEN, served
from tests.worker.hand_clock import HandClock

COMPANY = {"data[FIELDS][ID]": "7"}
INVOICE = {"data[FIELDS][ID]": "77", "data[FIELDS][ENTITY_TYPE_ID]": "31"}
TASK = {"data[FIELDS_BEFORE][ID]": "9", "data[FIELDS_AFTER][ID]": "9"}


@pytest.mark.parametrize(
    ("name", "words", "expected"),
    [
        ("ONCRMCOMPANYUPDATE", COMPANY, ("company_changed", 7, {})),
        ("ONCRMCOMPANYDELETE", COMPANY, ("company_changed", 7, {})),
        ("ONCRMDYNAMICITEMUPDATE", INVOICE, ("invoice_changed", None, {"invoice": 77})),
        (
            "ONCRMDYNAMICITEMADD_31",
            {"data[FIELDS][ID]": "77"},
            ("invoice_changed", None, {"invoice": 77}),
        ),
        ("ONTASKUPDATE", TASK, ("task_changed", None, {"task": 9})),
    ],
)
async def test_an_event_is_stored_before_it_is_answered(
    store: Store,
    name: str,
    words: Mapping[str, str],
    expected: tuple[str, int | None, dict[str, int]],
) -> None:
    async with served(store) as web:
        answer = await web.event(name, **words)
        assert (answer.status_code, answer.json()["status"]) == (200, "accepted")
        (post,) = web.waiting()
        assert (post.kind, post.company, post.body) == expected


async def test_the_same_post_twice_is_stored_once(store: Store) -> None:
    async with served(store) as web:
        answers = [await web.event("ONCRMCOMPANYUPDATE", **COMPANY) for _ in range(3)]
        assert [answer.json()["status"] for answer in answers] == ["accepted", "known", "known"]
        (post,) = web.waiting()
        assert post.times == 3


async def test_many_at_once_are_each_stored_once(store: Store) -> None:
    async with served(store) as web:
        answers = await asyncio.gather(
            *(web.event("ONCRMCOMPANYUPDATE", **{"data[FIELDS][ID]": str(n % 40 + 1)})
              for n in range(120))
        )  # fmt: skip
        assert {answer.status_code for answer in answers} == {200}
        told = [answer.json()["status"] for answer in answers]
        assert told.count("accepted") == 40
        assert len(web.waiting()) == 40


@pytest.mark.parametrize(
    "words",
    [
        {"auth[application_token]": "forged"},
        {"auth[application_token]": ""},
        {"auth[application_token]": TOKEN[:-1]},
    ],
)
async def test_a_forged_event_is_refused_and_not_stored(
    store: Store, words: Mapping[str, str]
) -> None:
    async with served(store) as web:
        answer = await web.event("ONCRMCOMPANYUPDATE", **{**COMPANY, **words})
        assert (answer.status_code, answer.json()["error"]) == (403, "forged")
        assert web.waiting() == ()


async def test_without_a_secret_nobody_is_let_in(store: Store) -> None:
    closed = replace(OPTIONS, application_token=None, web_secret=None, api_token=None)
    async with served(store, closed) as web:
        answers = [
            await web.event("ONCRMCOMPANYUPDATE", **{**COMPANY, "auth[application_token]": ""}),
            await web.client.post("/hooks/robot/bill?company=7&sign="),
            await web.client.post("/api/v1/bill", json={"company": 7}),
        ]
        assert [answer.status_code for answer in answers] == [403, 403, 403]


@pytest.mark.parametrize("age", [86_401, -301])
async def test_a_replayed_or_future_event_is_refused(store: Store, age: int) -> None:
    async with served(store) as web:
        stamp = str(int(NOW.timestamp()) - age)
        answer = await web.event("ONCRMCOMPANYUPDATE", **{**COMPANY, "ts": stamp})
        assert (answer.status_code, answer.json()["error"]) == (400, "too_old")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ONTASKADD", {"data[FIELDS_AFTER][ID]": "9"}),
        ("ONCRMDYNAMICITEMUPDATE", {**INVOICE, "data[FIELDS][ENTITY_TYPE_ID]": "128"}),
        ("ONAPPTEST", {}),
    ],
)
async def test_events_that_are_nothing_to_us_are_answered_and_forgotten(
    store: Store, name: str, words: Mapping[str, str]
) -> None:
    async with served(store) as web:
        answer = await web.event(name, **words)
        assert (answer.status_code, answer.json()) == (200, {"status": "ignored"})
        assert web.waiting() == ()


@pytest.mark.parametrize("number", ["", "0", "-1", "seven", "9" * 30, "٧"])
async def test_an_event_without_a_usable_id_is_malformed(store: Store, number: str) -> None:
    async with served(store) as web:
        answer = await web.event("ONCRMCOMPANYUPDATE", **{"data[FIELDS][ID]": number})
        assert (answer.status_code, answer.json()["error"]) == (400, "malformed")


async def test_an_oversized_post_is_refused_however_it_comes(store: Store) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"a=" + b"x" * 1000 + b"&"

    async with served(store) as web:
        answer = await web.client.post("/hooks/bitrix", content=endless(), headers=FORM)
        assert (answer.status_code, answer.json()["error"]) == (413, "too_large")


async def test_another_content_type_is_refused(store: Store) -> None:
    async with served(store) as web:
        answer = await web.client.post(
            "/hooks/bitrix", content=b"<event/>", headers={"Content-Type": "text/xml"}
        )
        assert (answer.status_code, answer.json()["error"]) == (415, "not_a_form")


@pytest.mark.parametrize("domain", ["renamed.example", PORTAL.upper(), ""])
async def test_the_token_proves_an_event_whatever_the_portal_is_called(
    store: Store, domain: str
) -> None:
    async with served(store) as web:
        answer = await web.event("ONCRMCOMPANYUPDATE", **{**COMPANY, "auth[domain]": domain})
        assert answer.json()["status"] == "accepted"


async def test_json_says_the_same_as_a_form(store: Store) -> None:
    event = {
        "event": "ONCRMCOMPANYUPDATE",
        "data": {"FIELDS": {"ID": 7}},
        "ts": int(NOW.timestamp()),
        "auth": {"domain": PORTAL, "application_token": TOKEN},
    }
    robot = {
        "document_id": ["crm", "CCrmDocumentCompany", "COMPANY_8"],
        "more": {"a": [None, True]},
    }
    async with served(store) as web:
        answers = [
            await web.client.post("/hooks/bitrix", json=event),
            await web.client.post(robot_url("", SECRET, PORTAL, "bill"), json=robot),
        ]
        assert [answer.json()["status"] for answer in answers] == ["accepted", "accepted"]
        assert [post.company for post in web.waiting()] == [7, 8]


@pytest.mark.parametrize("body", [b"[1]", b"{", b'{"a":' * 20 + b"1" + b"}" * 20, b"7", b'"x"'])
async def test_json_that_is_no_event_is_malformed(store: Store, body: bytes) -> None:
    async with served(store) as web:
        answer = await web.client.post(
            robot_url("", SECRET, PORTAL, "bill"),
            content=body,
            headers={"Content-Type": "application/json"},
        )
        assert (answer.status_code, answer.json()["error"]) == (400, "malformed")


async def test_a_robot_names_its_company_by_its_document(store: Store) -> None:
    address = robot_url("", SECRET, PORTAL, "bill")
    form = b"document_id[]=crm&document_id[]=CCrmDocumentCompany&document_id[]=COMPANY_7"
    async with served(store) as web:
        for _ in range(2):
            answer = await web.client.post(address, content=form, headers=FORM)
            assert answer.status_code == 200
        (post,) = web.waiting()
        assert (post.kind, post.company, post.times) == ("bill", 7, 2)
        # Another workflow is another request, within the same minute too.
        more = form + b"&workflow_id=abc"
        assert (await web.client.post(address, content=more, headers=FORM)).is_success
        assert len(web.waiting()) == 2


TASK_CLASS = "Bitrix\\Tasks\\Integration\\Bizproc\\Document\\Task"
INVOICE_CLASS = "Bitrix\\Crm\\Integration\\BizProc\\Document\\SmartInvoice"


def document_id(*parts: str) -> str:
    return urlencode([(f"document_id[{number}]", part) for number, part in enumerate(parts)])


@pytest.mark.parametrize(
    "document",
    [
        ("tasks", TASK_CLASS, "77"),
        ("lists", "BizprocDocument", "77"),
        ("disk", "Bitrix\\Disk\\BizProcDocument", "77"),
        ("crm", "CCrmDocumentDeal", "DEAL_77"),
        ("crm", "CCrmDocumentCompany", "CO_77"),
        ("tasks", TASK_CLASS, "COMPANY_77"),
        ("77",),
    ],
)
async def test_the_number_of_another_thing_bills_nobody(
    store: Store, document: tuple[str, ...]
) -> None:
    async with served(store) as web:
        answer = await web.client.post(
            robot_url("", SECRET, PORTAL, "bill"), content=document_id(*document), headers=FORM
        )
        assert (answer.status_code, answer.json()["error"]) == (400, "malformed")
        assert web.waiting() == ()


@pytest.mark.parametrize(
    ("action", "document", "body"),
    [
        ("invoice-changed", ("crm", INVOICE_CLASS, "SMART_INVOICE_3"), {"invoice": 3}),
        ("invoice-changed", ("crm", "Dynamic", "DYNAMIC_31_3"), {"invoice": 3}),
        ("invoice-changed", ("crm", "Dynamic", "DYNAMIC_147_3"), None),
        ("invoice-changed", ("tasks", TASK_CLASS, "3"), None),
        ("task-completed", ("tasks", TASK_CLASS, "49728"), {"task": 49728}),
        ("task-completed", ("lists", "BizprocDocument", "49728"), None),
        ("task-completed", (), None),
    ],
)
async def test_a_robot_of_an_invoice_or_a_task_names_it_by_its_document(
    store: Store, action: str, document: tuple[str, ...], body: dict[str, int] | None
) -> None:
    async with served(store) as web:
        answer = await web.client.post(
            robot_url("", SECRET, PORTAL, action), content=document_id(*document), headers=FORM
        )
        assert answer.status_code == (400 if body is None else 200)
        assert [post.body for post in web.waiting()] == ([] if body is None else [body])


async def test_a_post_that_cannot_be_stored_takes_no_other_with_it(store: Store) -> None:
    # A rule of the database that one of many offends against, as an unknown mistake would.
    async with served(store) as web:
        with store.write() as db:
            db.exec_driver_sql("CREATE UNIQUE INDEX one_company ON inbox (company)")
            put_posts(db, PORTAL, [Post(event="E", kind="bill", company=13)], at=NOW)
        answers = await asyncio.gather(
            *(web.event("ONCRMCOMPANYUPDATE", **{"data[FIELDS][ID]": str(n)}) for n in range(1, 31))
        )
        refused = [n for n, answer in enumerate(answers, start=1) if answer.status_code != 200]
        assert refused == [13]


async def test_a_button_pressed_again_before_it_is_done_is_one_request(store: Store) -> None:
    clock, address = HandClock(NOW), robot_url("", SECRET, PORTAL, "bill") + "&company=7"
    async with served(store, clock=clock) as web:
        first = (await web.client.post(address)).json()
        clock.move(timedelta(minutes=5))
        assert (await web.client.post(address)).json() == {**first, "status": "known"}
        with store.write() as db:
            end_post(db, PORTAL, first["event"], PostState.DONE, at=NOW)
        after = (await web.client.post(address)).json()
        assert after["status"] == "accepted"
        assert after["event"] != first["event"]


async def test_pressed_again_within_the_second_in_which_it_was_done_is_a_new_request(
    store: Store,
) -> None:
    headers = {"Authorization": f"Bearer {API}"}
    async with served(store) as web:
        names = set()
        for _ in range(3):
            answer = await web.client.post("/api/v1/bill", json={"company": 7}, headers=headers)
            assert answer.json()["status"] == "accepted"
            names.add(answer.json()["event"])
            with store.write() as db:
                end_post(db, PORTAL, answer.json()["event"], PostState.DONE, at=NOW)
        assert len(names) == 3


async def test_an_event_like_one_that_is_being_read_is_read_again(store: Store) -> None:
    async with served(store) as web:
        await web.event("ONCRMCOMPANYUPDATE", **COMPANY)
        (begun,) = web.waiting()
        with store.write() as db:
            note_attempt(db, PORTAL, begun, "read:1", due=NOW)
        again = await web.event("ONCRMCOMPANYUPDATE", **COMPANY)
        assert again.json()["status"] == "accepted"
        assert len(web.waiting()) == 2


@pytest.mark.parametrize("company", ["7", "COMPANY_7", "CO_7"])
async def test_a_robot_may_name_its_company_in_the_address(store: Store, company: str) -> None:
    address = robot_url("", SECRET, PORTAL, "explain") + f"&company={company}"
    async with served(store) as web:
        assert (await web.client.post(address)).is_success
        assert web.waiting()[0].company == 7


async def test_a_signature_is_good_for_its_action_and_portal_alone(store: Store) -> None:
    async with served(store) as web:
        for forged in (
            sign(SECRET, "robot", PORTAL, "explain"),
            sign(SECRET, "robot", "other.example", "bill"),
            sign("guess", "robot", PORTAL, "bill"),
            "",
        ):
            answer = await web.client.post(f"/hooks/robot/bill?company=7&sign={forged}")
            assert answer.status_code == 403
        assert web.waiting() == ()


async def test_other_programs_ask_in_json_and_name_their_request(store: Store) -> None:
    headers = {"Authorization": f"Bearer {API}", "Idempotency-Key": "order-5"}
    async with served(store) as web:
        told = [
            (await web.client.post("/api/v1/rerun", json={"company": 7}, headers=headers)).json()
            for _ in range(2)
        ]
        assert [one["status"] for one in told] == ["accepted", "known"]
        assert told[0]["event"] == told[1]["event"]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"[]", 400), (b'{"company": "7"}', 400), (b'{"company": true}', 400),
     (b'{"company": -7}', 400), (b'{"company": 1000000000000000000}', 400),
     (b'{"company": 999999999999999999}', 200), (b'{"company": 7}', 200)],
)  # fmt: skip
async def test_json_has_to_name_a_company(store: Store, body: bytes, status: int) -> None:
    headers = {"Authorization": f"Bearer {API}"}
    async with served(store) as web:
        answer = await web.client.post("/api/v1/bill", content=body, headers=headers)
        assert answer.status_code == status


async def test_an_unknown_action_is_told_to_those_who_are_let_in_alone(store: Store) -> None:
    async with served(store) as web:
        answer = await web.client.post("/api/v1/pay", json={})
        assert answer.status_code == 403
        headers = {"Authorization": f"Bearer {API}"}
        answer = await web.client.post("/api/v1/pay", json={}, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (404, "unknown_action")


async def test_health_is_told_and_the_api_page_only_on_request(store: Store) -> None:
    async with served(store) as web:
        assert (await web.client.get("/healthz")).json() == {"status": "ok"}
        ready = (await web.client.get("/readyz")).json()
        assert ready["writing_stopped"] == []
        assert ready["worker_heartbeat_s"] is None
        assert "stavbill_writing_stopped 0.0" in (await web.client.get("/metrics")).text
        assert (await web.client.get("/docs")).status_code == 404
    async with served(store, replace(OPTIONS, docs=True)) as web:
        assert (await web.client.get("/docs")).status_code == 200
        assert "/hooks/bitrix" in (await web.client.get("/openapi.json")).json()["paths"]


async def test_readiness_tells_of_posts_that_are_tried_again(store: Store) -> None:
    async with served(store) as web:
        for company in (7, 8):
            await web.event("ONCRMCOMPANYUPDATE", **{"data[FIELDS][ID]": str(company)})
        tried, _ = web.waiting()
        with store.write() as db:
            put_off(db, PORTAL, tried.event, NOW, detail="портал не отвечает")
        ready = (await web.client.get("/readyz")).json()
        assert (ready["posts_waiting"], ready["posts_tried"]) == (2, 1)


async def test_the_api_page_tells_how_to_ask_and_every_answer(store: Store) -> None:
    async with served(store, replace(OPTIONS, docs=True)) as web:
        document = (await web.client.get("/openapi.json")).json()
        told = document["paths"]["/api/v1/{action}"]["post"]
        assert set(told["responses"]) == {
            "200",
            "400",
            "403",
            "404",
            "408",
            "413",
            "503",
            "default",
        }
        named = {one["name"]: one for one in told["parameters"]}
        assert set(named) == {"action", "Idempotency-Key"}
        assert "bill" in named["action"]["schema"]["enum"]
        schemas = told["requestBody"]["content"]["application/json"]["schema"]["oneOf"]
        assert [one["title"] for one in schemas] == ["company", "invoice", "task"]
        (scheme,) = [name for one in told["security"] for name in one]
        assert document["components"]["securitySchemes"][scheme]["scheme"] == "bearer"


async def test_a_database_that_is_away_is_answered_so_that_it_is_tried_again(
    store: Store,
) -> None:
    async with served(store) as web:
        with store.write() as db:
            db.exec_driver_sql("ALTER TABLE inbox RENAME TO inbox_gone")
        answer = await web.event("ONCRMCOMPANYUPDATE", **COMPANY)
        assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")
        assert answer.headers["Retry-After"]
