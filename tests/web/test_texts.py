"""Texts that cannot be encoded or stored, in every place of a request: refused, without a trace."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from stavbill.store.database import Store
from stavbill.web.signing import sign
from tests.web.posted import visitors_of
from tests.web.served import API, FORM, NOW, OPTIONS, PORTAL, SECRET, TOKEN, Web, served
from tests.worker.hand_clock import HandClock

JSON = {"Content-Type": "application/json"}
BEARER = {"Authorization": f"Bearer {API}"}
CALLBACK = "whatsapp-token"
# Half a sign and NUL, as JSON escapes and as bytes; then bytes that are no UTF-8 at all.
IN_JSON = (rb"\ud800", rb"a\udfffb", rb"\u0000", b"\x00", b"\xed\xa0\x80", b"\xff\xfe")
IN_FORMS = (b"%ED%A0%80", b"%00", b"%FF", b"\x00", b"\xff")
HEAD = b"POST %s HTTP/1.1\r\nHost: web\r\nContent-Length: 0\r\nConnection: close\r\n"
SIGNED = sign(SECRET, "robot", PORTAL, "bill")


def refused(web: Web, status: int, document: dict[str, str], place: object) -> None:
    assert (status, document["error"]) in {(400, "malformed"), (403, "forged")}, place
    assert document["text"], place
    assert web.waiting() == (), place


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"company": 7, "note": "%s"}', id="value"),
        pytest.param(b'{"company": 7, "%s": 1}', id="name"),
        pytest.param(b'{"company": 7, "a": [{"b": ["%s"]}]}', id="deep"),
        pytest.param(b'{"event": "ONCRMCOMPANYUPDATE", "ts": "%s"}', id="of an event"),
        pytest.param(b'{"auth": {"application_token": "%s"}}', id="token"),
        pytest.param(b'{"workflow_id": "%s", "document_id": ["crm", "", "COMPANY_7"]}', id="robot"),
    ],
)
async def test_json(store: Store, capfd: pytest.CaptureFixture[str], body: bytes) -> None:
    options = replace(OPTIONS, whatsapp_token=CALLBACK)
    clock = HandClock(NOW)
    async with served(store, options, visitors=visitors_of(store, clock), clock=clock) as web:
        for path, headers in (
            ("/api/v1/bill", BEARER),
            ("/hooks/bitrix", {}),
            (f"/hooks/robot/bill?sign={SIGNED}", {}),
            ("/hooks/whatsapp", {"Authorization": f"Bearer {CALLBACK}"}),
        ):
            for text in IN_JSON:
                content = body.replace(b"%s", text)
                answer = await web.client.post(path, content=content, headers={**JSON, **headers})
                refused(web, answer.status_code, answer.json(), (path, content))
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"note=%s", id="value"),
        pytest.param(b"%s=1", id="name"),
        pytest.param(b"workflow_id=%s&document_id[]=crm&document_id[]=COMPANY_7", id="robot"),
        pytest.param(b"auth[application_token]=%s", id="token"),
    ],
)
async def test_forms(store: Store, capfd: pytest.CaptureFixture[str], body: bytes) -> None:
    known = b"event=ONCRMCOMPANYUPDATE&data[FIELDS][ID]=7&"
    if b"application_token" not in body:
        known += b"auth[application_token]=" + TOKEN.encode() + b"&"
    async with served(store) as web:
        for path in ("/hooks/bitrix", f"/hooks/robot/bill?sign={SIGNED}"):
            for text in IN_FORMS:
                content = known + body.replace(b"%s", text)
                answer = await web.client.post(path, content=content, headers=FORM)
                refused(web, answer.status_code, answer.json(), (path, content))
    assert "Traceback" not in capfd.readouterr().err


async def test_addresses(store: Store, capfd: pytest.CaptureFixture[str]) -> None:
    async with served(store) as web:
        for target in (
            b"/hooks/robot/%ED%A0%80",
            b"/hooks/robot/%00",
            b"/hooks/robot/\xff",
            b"/hooks/robot/bill?sign=%ED%A0%80",
            b"/hooks/robot/bill?sign=%00",
            b"/hooks/robot/bill?%FF=%FF&company=%00",
            b"/hooks/robot/bill?company=%00&sign=" + SIGNED.encode(),
            b"/hooks/robot/bill?company=%ED%A0%80&sign=" + SIGNED.encode(),
            b"/hooks/robot/task-completed?id=%00&sign=" + SIGNED.encode(),
            b"/api/v1/bill\x00",
        ):
            head = (
                b"POST %s HTTP/1.1\r\nHost: web\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            await check(web, head % target)
    assert capfd.readouterr().err == ""


async def test_headers(store: Store, capfd: pytest.CaptureFixture[str]) -> None:
    async with served(store) as web:
        for path in (b"/api/v1/bill", b"/hooks/robot/bill"):
            for name in (b"Authorization", b"Content-Type", b"\xff", b"User-Agent"):
                for value in (b"\x00", b"\xff", b"\xed\xa0\x80", b"a\rb"):
                    await check(web, HEAD % path + b"%s: Bearer %s\r\n\r\n" % (name, value))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("value", [b"\xff", b"\xed\xa0\x80"])
async def test_a_name_of_a_request_may_be_any_bytes(store: Store, value: bytes) -> None:
    async with served(store) as web:
        headers = {b"Authorization": b"Bearer " + API.encode(), b"Idempotency-Key": value}
        answers = [
            await web.client.post("/api/v1/bill", json={"company": 7}, headers=headers)
            for _ in range(2)
        ]
        assert [answer.json()["status"] for answer in answers] == ["accepted", "known"]


async def test_what_is_no_http(store: Store, capfd: pytest.CaptureFixture[str]) -> None:
    chunked = b"POST /hooks/bitrix HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with served(store) as web:
        for garbage in (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
            b"GET\r\n\r\n",
            b"\x00\r\n\r\n",
            chunked + b"5\r\nhello\r\nno number\r\n",
        ):
            await check(web, garbage)
    assert capfd.readouterr().err == ""


async def test_a_client_that_leaves_in_the_middle_is_no_trouble(
    store: Store, capfd: pytest.CaptureFixture[str]
) -> None:
    head = b"POST /hooks/bitrix HTTP/1.1\r\nHost: web\r\nContent-Length: 100\r\n\r\n"
    async with served(store) as web:
        for _ in range(5):
            _, writer = await asyncio.open_connection("127.0.0.1", web.port)
            writer.write(head + b"half")
            await writer.drain()
            writer.close()
        assert (await web.client.get("/healthz")).status_code == 200
    assert capfd.readouterr().err == ""


async def check(web: Web, request: bytes) -> None:
    """Send a request that is the connection's last, and look at the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", web.port)
    writer.write(request)
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    refused(web, int(head.split()[1]), json.loads(body), request)
