"""The provider's methods: documented shapes, strict bodies, limits and lost answers."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from stavbill.sandbox.whatsapp.faults import Fault, Trouble
from stavbill.sandbox.whatsapp.instance import Manner, State
from tests.sandbox.whatsapp.provider import CHAT, Asked, provider
from tests.support.waiting import SILENCE_S

PDF = ("Счёт 1.pdf", b"%PDF-1.7", "application/pdf")


async def upload(asked: Asked, file: tuple[str, bytes, str] = PDF, **fields: str) -> httpx.Response:
    return await asked.ask(
        "sendFileByUpload", None, data={"chatId": CHAT} | fields, files={"file": file}
    )


async def test_a_text_is_taken_and_gets_an_id() -> None:
    async with provider() as asked:
        first, second = await asked.send(), await asked.send()
        assert first != second
        assert len(first) == 20
        assert first.startswith("3EB0")
        assert [each.text for each in asked.instance.messages] == ["Счёт готов"] * 2


async def test_a_file_is_uploaded_and_can_be_sent_again_by_its_address() -> None:
    async with provider() as asked:
        told = (await upload(asked, caption="Счёт за март", fileName="schet-1.pdf")).json()
        assert set(told) == {"idMessage", "urlFile"}
        assert (await asked.http.get(told["urlFile"])).content == b"%PDF-1.7"
        again = await asked.call(
            "sendFileByUrl",
            {"chatId": CHAT, "urlFile": told["urlFile"], "fileName": "schet-1.pdf"},
        )
        assert set(again) == {"idMessage"}
        one, other = asked.instance.messages
        assert one.file == other.file == b"%PDF-1.7"
        assert (one.kind, one.file_name, one.caption) == (
            "documentMessage", "schet-1.pdf", "Счёт за март",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"message": "x"}, "'chatId' is required"),
        ({"chatId": 79001234567, "message": "x"}, "'chatId' must be a string"),
        ({"chatId": "79001234567", "message": "x"}, "'chatId' bad format"),
        ({"chatId": "+79001234567@c.us", "message": "x"}, "'chatId' bad format"),
        ({"chatId": CHAT}, "'message' is required"),
        ({"chatId": CHAT, "message": ""}, "'message' is not allowed to be empty"),
        ({"chatId": CHAT, "message": "x" * 20_001}, "less than or equal to 20000"),
        ({"chatId": CHAT, "message": "x", "linkPreview": "no"}, "'linkPreview' must be a boolean"),
        ({"chatId": CHAT, "message": "x", "delay": 1}, "'delay' is not allowed"),
    ],
)
async def test_a_wrong_text_is_refused_with_its_reason(body: dict[str, Any], said: str) -> None:
    async with provider() as asked:
        answer = await asked.ask("sendMessage", body)
        told = answer.json()
        assert answer.status_code == told["statusCode"] == 400
        assert told["message"].startswith("Validation failed. Details: ")
        assert said in told["message"]
        assert told["path"].startswith(f"/waInstance{asked.instance.id}/sendMessage/")
        assert asked.instance.messages == []


async def test_wrong_uploads_are_refused() -> None:
    async with provider() as asked:
        assert "'fileName' must have" in (await upload(asked, ("schet", b"x", "text/plain"))).text
        nothing = await asked.ask("sendFileByUpload", {"chatId": CHAT})
        assert "'file' is required" in nothing.text
        for url, said in (("ftp://x/y.pdf", "valid uri"), ("", "not allowed to be empty")):
            answer = await asked.ask(
                "sendFileByUrl", {"chatId": CHAT, "urlFile": url, "fileName": "y.pdf"}
            )
            assert (answer.status_code, said in answer.text) == (400, True)
        assert asked.instance.messages == []


@pytest.mark.parametrize(
    ("raw", "status"), [(b"{", 400), (b"[]", 400), ("\ufeff{}".encode(), 400), (b"\xff", 400)]
)
async def test_a_body_that_is_no_object_is_refused(raw: bytes, status: int) -> None:
    async with provider() as asked:
        answer = await asked.ask("sendMessage", None, content=raw)
        assert answer.status_code == status


async def test_wrong_addresses_have_their_own_statuses() -> None:
    async with provider() as asked:
        base, token = f"{asked.url}/waInstance{asked.instance.id}", asked.instance.token
        body = {"chatId": CHAT, "message": "x"}
        for url, status in (
            (f"{base}/sendMessage/{'0' * 50}", 401),
            (f"{asked.url}/waInstance42/sendMessage/{token}", 403),
            (f"{base}/sendmessage/{token}", 404),
            (f"{base}/sendPigeon/{token}", 404),
        ):
            assert (await asked.http.post(url, json=body)).status_code == status
        assert (await asked.http.get(f"{base}/sendMessage/{token}")).status_code == 404
        assert asked.instance.messages == []


async def test_a_number_is_looked_up() -> None:
    async with provider() as asked:
        asked.instance.manners["79000000001"] = Manner.NO_ACCOUNT
        assert await asked.call("checkWhatsapp", {"phoneNumber": 79001234567}) == {
            "existsWhatsapp": True
        }
        assert await asked.call("checkWhatsapp", {"phoneNumber": 79000000001}) == {
            "existsWhatsapp": False
        }
        for wrong, said in (
            ({}, "at least 1 key"),
            ({"phoneNumber": "79001234567"}, "must contain only digits"),
            ({"phoneNumber": 123}, "bad phone number, valid from 11 to 16 digits"),
        ):
            answer = await asked.ask("checkWhatsapp", wrong)
            assert (answer.status_code, said in answer.text) == (400, True)
        asked.instance.state = State.STARTING
        answer = await asked.ask("checkWhatsapp", {"phoneNumber": 79001234567})
        assert "instance is starting or not authorized" in answer.text


async def test_state_and_settings_are_told_and_changed() -> None:
    async with provider() as asked:
        assert await asked.call("getStateInstance") == {"stateInstance": "authorized"}
        given = {"delaySendMessagesMilliseconds": 1000, "outgoingWebhook": "no"}
        assert await asked.call("setSettings", given) == {"saveSettings": True}
        told = await asked.call("getSettings")
        assert (told["delaySendMessagesMilliseconds"], told["outgoingWebhook"]) == (1000, "no")
        assert told["webhookUrl"] == asked.listener.url
        for wrong in (
            {},
            {"delaySendMessagesMilliseconds": 100},
            {"outgoingWebhook": True},
            {"outgoingWebhook": "maybe"},
            {"colour": "green"},
        ):
            assert (await asked.ask("setSettings", wrong)).status_code == 400


async def test_too_many_requests_in_a_second() -> None:
    async with provider() as asked:
        body = {"chatId": CHAT, "message": "x"}
        told = await asyncio.gather(*(asked.ask("sendMessage", body) for _ in range(53)))
        assert sorted(each.status_code for each in told) == [200] * 50 + [429] * 3
        assert len(asked.instance.messages) == 50
        await asked.clock.advance(1)
        assert (await asked.ask("sendMessage", body)).status_code == 200


async def test_the_tariffs_quota_answers_466_in_its_documented_shape() -> None:
    async with provider() as asked:
        asked.instance.quota["checkwhatsapp"] = 1
        await asked.call("checkWhatsapp", {"phoneNumber": 79001234567})
        answer = await asked.ask("checkWhatsapp", {"phoneNumber": 79001234567})
        invoked = answer.json()["invokeStatus"]
        assert (answer.status_code, invoked["status"]) == (466, "QUOTE_EXCEEDED")
        assert (invoked["method"], invoked["used"], invoked["total"]) == ("checkwhatsapp", 1, 1)


async def test_the_tariffs_number_of_chats_answers_466_for_a_new_one_only() -> None:
    async with provider() as asked:
        asked.instance.chats = 1
        await asked.send()
        answer = await asked.ask("sendMessage", {"chatId": "79009999999@c.us", "message": "x"})
        told = answer.json()["correspondentsStatus"]
        assert (answer.status_code, told["status"]) == (466, "CORRESPONDENTS_QUOTE_EXCEEDED")
        await asked.send()


@pytest.mark.parametrize(("kind", "taken"), [(Trouble.LOST_BEFORE, 0), (Trouble.LOST_AFTER, 1)])
async def test_a_lost_answer_tells_nothing_of_what_was_taken(kind: Trouble, taken: int) -> None:
    async with provider() as asked:
        asked.instance.faults.switch(Fault(kind, times=1))
        with pytest.raises(httpx.RemoteProtocolError):
            await asked.ask("sendMessage", {"chatId": CHAT, "message": "x"})
        assert len(asked.instance.messages) == taken


@pytest.mark.parametrize(("kind", "taken"), [(Trouble.ERROR_BEFORE, 0), (Trouble.ERROR_AFTER, 1)])
async def test_a_proxys_error_tells_nothing_either(kind: Trouble, taken: int) -> None:
    async with provider() as asked:
        asked.instance.faults.switch(Fault(kind, methods=("sendMessage",)))
        answer = await asked.ask("sendMessage", {"chatId": CHAT, "message": "x"})
        assert (answer.status_code, answer.text[:6]) == (502, "<html>")
        assert len(asked.instance.messages) == taken
        assert await asked.call("getStateInstance") == {"stateInstance": "authorized"}


async def test_a_late_answer_leaves_the_message_taken() -> None:
    async with provider() as asked:
        asked.instance.faults.switch(Fault(Trouble.LATE, seconds=600))
        with pytest.raises(httpx.ReadTimeout):
            await asked.ask("sendMessage", {"chatId": CHAT, "message": "x"}, timeout=SILENCE_S)
        assert len(asked.instance.messages) == 1


async def test_the_journal_shows_what_was_sent_when_an_answer_was_lost() -> None:
    async with provider() as asked:
        asked.instance.faults.switch(Fault(Trouble.LOST_AFTER, times=1))
        with pytest.raises(httpx.RemoteProtocolError):
            await asked.send(message="Счёт 7")
        await asked.pass_time(4)
        await upload(asked)
        [file, text] = await asked.call("lastOutgoingMessages")
        assert (text["textMessage"], text["chatId"], text["statusMessage"]) == (
            "Счёт 7", CHAT, "read",
        )  # fmt: skip
        assert (file["typeMessage"], file["fileName"], file["statusMessage"]) == (
            "documentMessage", "Счёт 1.pdf", "pending",
        )  # fmt: skip
        same = await asked.call("getMessage", {"chatId": CHAT, "idMessage": text["idMessage"]})
        assert same == text
        missing = await asked.ask("getMessage", {"chatId": CHAT, "idMessage": "3EB0"})
        assert missing.status_code == 400
        await asked.clock.advance(3600)
        answer = await asked.http.get(asked.address("lastOutgoingMessages"), params={"minutes": 5})
        assert answer.json() == []
