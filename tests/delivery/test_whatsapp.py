"""Green-API over real HTTP: every answer's meaning, and a lost one that is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest
from aiohttp.test_utils import TestServer

from stavbill.delivery.answers import Answer, Doubt, Later, Never, SenderTrouble, Taken, Withdrawn
from stavbill.delivery.letter import PDF, Attachment
from stavbill.delivery.status import Status
from stavbill.delivery.whatsapp import (
    GreenApi,
    GreenApiSettings,
    chat_of,
    mark_of,
    marked_name,
    report_of,
)
from stavbill.sandbox.clock import ScaledClock
from stavbill.sandbox.whatsapp.faults import Fault, Trouble
from stavbill.sandbox.whatsapp.instance import Instance, Manner, State
from stavbill.sandbox.whatsapp.life import Life
from stavbill.sandbox.whatsapp.methods import Provider
from stavbill.sandbox.whatsapp.web import whatsapp_app
from tests.support.waiting import SILENCE_S

NUMBER, MARK = "+79001234567", "1f0c9a2b7d"
PAPER = Attachment("Счёт № 7.pdf", PDF, b"%PDF-1.7 paper")


async def allowed() -> bool:
    return True


async def forbidden() -> bool:
    return False


@asynccontextmanager
async def provider(scale: float = 1000.0) -> AsyncIterator[tuple[Instance, GreenApi]]:
    instance = Instance(ScaledClock(scale))
    server = TestServer(whatsapp_app(Provider(instance, Life(instance))), host="127.0.0.1")
    await server.start_server()
    try:
        async with httpx.AsyncClient() as http:
            yield instance, GreenApi(settings_of(instance, str(server.make_url(""))), http)
    finally:
        await server.close()


def settings_of(instance: Instance, url: str) -> GreenApiSettings:
    return GreenApiSettings(
        url=url, media_url=url, instance=str(instance.id), token=instance.token, timeout_s=SILENCE_S
    )


async def send(api: GreenApi, number: str = NUMBER) -> Answer:
    return await api.send(number, "Счёт № 7", PAPER, MARK, last_look=allowed)


async def test_a_document_is_taken_with_its_words_and_our_mark() -> None:
    async with provider() as (instance, api):
        answer = await send(api)
        (message,) = instance.messages
        assert answer == Taken(message.id)
        assert (message.chat, message.caption) == ("79001234567@c.us", "Счёт № 7")
        assert (message.file_name, message.file) == (f"Счёт № 7 ({MARK}).pdf", PAPER.body)


async def test_without_the_last_look_nothing_leaves() -> None:
    async with provider() as (instance, api):
        answer = await api.send(NUMBER, "Счёт", PAPER, MARK, last_look=forbidden)
        assert answer == Withdrawn()
        assert instance.calls == []


@pytest.mark.parametrize(
    ("fault", "expected", "taken"),
    [
        pytest.param(Fault(Trouble.LOST_BEFORE), Doubt, 0, id="cut, not taken"),
        pytest.param(Fault(Trouble.LOST_AFTER), Doubt, 1, id="cut, taken"),
        pytest.param(Fault(Trouble.LATE, seconds=600_000), Doubt, 1, id="no answer"),
        pytest.param(Fault(Trouble.ERROR_AFTER), Doubt, 1, id="502, taken"),
        pytest.param(Fault(Trouble.ERROR_BEFORE), Doubt, 0, id="502, not taken"),
        pytest.param(Fault(Trouble.RATE_LIMIT), Later, 0, id="429"),
        pytest.param(Fault(Trouble.QUOTA), SenderTrouble, 0, id="466"),
        pytest.param(Fault(Trouble.ERROR_BEFORE, status=404), SenderTrouble, 0, id="404"),
        pytest.param(Fault(Trouble.ERROR_BEFORE, status=405), SenderTrouble, 0, id="405"),
        pytest.param(Fault(Trouble.ERROR_BEFORE, status=302), SenderTrouble, 0, id="302"),
        pytest.param(Fault(Trouble.ERROR_BEFORE, status=413), Never, 0, id="413"),
        pytest.param(
            Fault(Trouble.ERROR_BEFORE, status=400, text='{"message": "Validation failed"}'),
            Never,
            0,
            id="400",
        ),
        pytest.param(
            Fault(Trouble.ERROR_BEFORE, status=400, text="instance is starting or not authorized"),
            SenderTrouble,
            0,
            id="400, the instance is to blame",
        ),
        pytest.param(
            Fault(Trouble.ERROR_BEFORE, status=200, text="<html>proxy</html>"),
            Doubt,
            0,
            id="200 of somebody else",
        ),
    ],
)
async def test_what_every_trouble_means(fault: Fault, expected: type, taken: int) -> None:
    async with provider() as (instance, api):
        instance.faults.switch(replace(fault, times=1))
        assert isinstance(await send(api), expected)
        assert len(instance.messages) == taken


async def test_a_wrong_token_is_the_senders_trouble_and_is_not_told() -> None:
    async with provider() as (instance, api):
        url = api._settings.url
        async with httpx.AsyncClient() as http:
            wrong = GreenApi(replace(settings_of(instance, url), token="6b" * 25), http)
            answer = await send(wrong)
            assert isinstance(answer, SenderTrouble)
            assert "6b6b" not in answer.reason
            assert "6b6b" not in repr(wrong._settings)
            assert await wrong.check() is not None
        assert await api.check() is None


async def test_nobody_at_the_address_is_the_senders_trouble() -> None:
    async with provider() as (instance, _), httpx.AsyncClient() as http:
        away = GreenApi(settings_of(instance, "http://127.0.0.1:1"), http)
        assert isinstance(await send(away), SenderTrouble)
        assert "недоступен" in str(await away.check())
        assert await away.find(NUMBER, MARK) is None


@pytest.mark.parametrize("state", [State.NOT_AUTHORIZED, State.BLOCKED, State.STARTING])
async def test_an_instance_that_is_not_authorized_is_told_by_the_doctor(state: State) -> None:
    async with provider() as (instance, api):
        instance.state = state
        assert state.value in str(await api.check())


# ------------------------------------------------------------------------- after a lost answer
async def test_a_lost_answer_is_found_in_the_queue_or_the_journal() -> None:
    async with provider(scale=1.0) as (instance, api):
        instance.state = State.NOT_AUTHORIZED
        instance.faults.switch(Fault(Trouble.LOST_AFTER, times=1))
        assert isinstance(await send(api), Doubt)
        found = await api.find(NUMBER, MARK)
        assert found is not None
        assert (found.reference, found.status) == (instance.messages[0].id, Status.SENT)


@pytest.mark.parametrize(
    ("manner", "status"),
    [
        (Manner.READS, Status.OPENED),
        (Manner.RECEIVES, Status.DELIVERED),
        (Manner.OFF, Status.SENT),
        (Manner.NO_ACCOUNT, Status.BOUNCED),
        (Manner.FAILS, Status.BOUNCED),
    ],
)
async def test_the_journal_knows_how_far_it_came(manner: Manner, status: Status) -> None:
    async with provider() as (instance, api):
        instance.manner = manner
        instance.faults.switch(Fault(Trouble.LOST_AFTER, times=1))
        assert isinstance(await send(api), Doubt)
        await instance.clock.sleep(30)
        found = await api.find(NUMBER, MARK)
        assert found is not None
        assert found.status is status


async def test_what_was_not_taken_is_not_found() -> None:
    async with provider() as (instance, api):
        instance.faults.switch(Fault(Trouble.LOST_BEFORE, times=1))
        assert isinstance(await send(api), Doubt)
        assert await api.find(NUMBER, MARK) is None
        await api.send("+79007654321", "Счёт", PAPER, MARK, last_look=allowed)
        assert await api.find(NUMBER, MARK) is None


# ------------------------------------------------------------------------------------ callbacks
def test_names_of_chats_and_files() -> None:
    assert chat_of("+79001234567") == "79001234567@c.us"
    assert mark_of("00112233445566@x.example") == "0011223344"
    assert marked_name('a"/b.pdf', MARK) == f"a_b ({MARK}).pdf"


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("sent", Status.SENT),
        ("delivered", Status.DELIVERED),
        ("read", Status.OPENED),
        ("failed", Status.BOUNCED),
        ("noAccount", Status.BOUNCED),
        ("yellowCard", Status.BOUNCED),
    ],
)
def test_a_callbacks_word(word: str, status: Status) -> None:
    document = {
        "typeWebhook": "outgoingMessageStatus",
        "instanceData": {"idInstance": 7},
        "idMessage": "BAE5",
        "status": word,
        "description": "line\r\nline\x00",
        "timestamp": 1796882400,
    }
    report = report_of(document, "7")
    assert report is not None
    assert (report.reference, report.status, report.at) == ("BAE5", status, 1796882400)
    assert report.detail.isprintable()
    assert report_of(document, "8") is None
    assert report_of(document | {"timestamp": True}, "7") == replace(report, at=0)


def test_half_a_sign_in_a_callback_can_be_kept() -> None:
    document = {
        "typeWebhook": "outgoingMessageStatus",
        "instanceData": {"idInstance": 7},
        "idMessage": "BAE\ud800",
        "status": "failed",
        "description": "\udc00 no",
    }
    report = report_of(document, "7")
    assert report is not None
    assert "no" in report.detail
    assert (report.detail + report.reference + report.key).encode()
