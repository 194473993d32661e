"""The provider's callbacks: known by their token, taken once, never moving anything back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from stavbill.store.database import Store
from stavbill.store.messages import MessageId
from tests.web.posted import (
    INSTANCE,
    claim,
    kinds_of,
    put_messages,
    put_sending,
    settle,
    status_of,
    visitors_of,
)
from tests.web.served import NOW, OPTIONS, served
from tests.worker.hand_clock import HandClock

TOKEN = "callback-token"


def callback(status: str, message: str = "BAE5", **changes: object) -> dict[str, Any]:
    """Return a callback as the provider documents it."""
    return {
        "typeWebhook": "outgoingMessageStatus",
        "chatId": "79001234567@c.us",
        "instanceData": {
            "idInstance": int(INSTANCE),
            "wid": "79990000000@c.us",
            "typeInstance": "whatsapp",
        },
        "timestamp": int(NOW.timestamp()),
        "idMessage": message,
        "status": status,
        "sendByApi": True,
        **changes,
    }


def given_to_provider(store: Store, reference: str = "BAE5") -> MessageId:
    sending = put_sending(store, 1)
    put_messages(store, sending, ["+79001234567"], channel="whatsapp")
    claimed = claim(store, sending)
    settle(store, claimed, reference=reference)
    return claimed[0].message


@asynccontextmanager
async def hook(store: Store, token: str = TOKEN) -> AsyncIterator[httpx.AsyncClient]:
    visitors = visitors_of(store, HandClock(NOW))
    options = replace(OPTIONS, whatsapp_token=token)
    async with served(store, options, visitors=visitors) as web:
        web.client.headers["Authorization"] = f"Bearer {TOKEN}"
        yield web.client


async def test_callbacks_in_any_order_end_in_the_greatest_of_them(store: Store) -> None:
    message = given_to_provider(store)
    async with hook(store) as client:
        for word in ("read", "delivered", "sent", "read"):
            answer = await client.post("/hooks/whatsapp", json=callback(word))
            assert (answer.status_code, answer.json()) == (200, {"status": "taken"})
    assert status_of(store, message) == "opened"
    assert [kind for kind, source in kinds_of(store, message) if source == "provider"] == [
        "opened",
        "delivered",
        "sent",
    ]


async def test_a_number_without_whatsapp_is_a_bounce(store: Store) -> None:
    message = given_to_provider(store)
    async with hook(store) as client:
        await client.post("/hooks/whatsapp", json=callback("noAccount", description="SWE004: 1000"))
    assert status_of(store, message) == "bounced"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic callback-token"])
async def test_whoever_does_not_know_the_token_is_refused(store: Store, header: str) -> None:
    message = given_to_provider(store)
    async with hook(store) as client:
        answer = await client.post(
            "/hooks/whatsapp", json=callback("read"), headers={"Authorization": header}
        )
        assert answer.status_code == 403
    assert status_of(store, message) == "sent"


async def test_without_a_configured_token_nobody_may_call_back(store: Store) -> None:
    async with hook(store, token="") as client:
        for header in ("", "Bearer", f"Bearer {TOKEN}"):
            answer = await client.post(
                "/hooks/whatsapp", json=callback("read"), headers={"Authorization": header}
            )
            assert answer.status_code == 403


async def test_a_token_with_its_own_kind_comes_as_it_was_given(store: Store) -> None:
    given_to_provider(store)
    async with hook(store, token="Basic dXNlcjpwYXNz") as client:
        answer = await client.post(
            "/hooks/whatsapp",
            json=callback("read"),
            headers={"Authorization": "Basic dXNlcjpwYXNz"},
        )
        assert answer.status_code == 200


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(callback("read", "another"), id="a message of people"),
        pytest.param(callback("read", instanceData={"idInstance": 5}), id="another instance"),
        pytest.param({"typeWebhook": "incomingMessageReceived"}, id="an answer of a customer"),
        pytest.param(callback("invented"), id="an unknown word"),
        pytest.param(callback("read", idMessage=7), id="a name that is a number"),
        pytest.param([1, 2], id="a list"),
        pytest.param("text", id="a text"),
    ],
)
async def test_what_is_not_about_our_messages_is_taken_and_left(
    store: Store, document: object
) -> None:
    message = given_to_provider(store)
    async with hook(store) as client:
        answer = await client.post("/hooks/whatsapp", json=document)
        assert (answer.status_code, answer.json()) == (200, {"status": "not_ours"})
    assert status_of(store, message) == "sent"


async def test_a_callback_that_is_quicker_than_the_answer_is_asked_for_again(store: Store) -> None:
    sending = put_sending(store, 1)
    put_messages(store, sending, ["+79001234567"], channel="whatsapp")
    leaving = claim(store, sending)
    async with hook(store) as client:
        answer = await client.post("/hooks/whatsapp", json=callback("delivered"))
        assert answer.status_code == 503
        settle(store, leaving, reference="BAE5")
        answer = await client.post("/hooks/whatsapp", json=callback("delivered"))
        assert answer.status_code == 200
    assert status_of(store, leaving[0].message) == "delivered"


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 3000], ids=["cut", "bytes", "deep"])
async def test_what_is_no_json_is_refused(store: Store, body: bytes) -> None:
    async with hook(store) as client:
        assert (await client.post("/hooks/whatsapp", content=body)).status_code == 400


async def test_a_long_body_is_refused(store: Store) -> None:
    async with hook(store) as client:
        answer = await client.post("/hooks/whatsapp", content=b"x" * 100_000)
        assert answer.status_code == 413
