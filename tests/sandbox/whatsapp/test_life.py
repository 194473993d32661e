"""What becomes of messages: queue, statuses, and the notifications posted about them."""

from __future__ import annotations

from typing import Any

import pytest

from stavbill.sandbox.whatsapp.faults import Fault, Trouble
from stavbill.sandbox.whatsapp.instance import OWN_NUMBER, Manner, State
from tests.sandbox.whatsapp.provider import CHAT, Asked, provider


@pytest.mark.parametrize(
    ("manner", "statuses"),
    [
        (Manner.READS, ["sent", "delivered", "read"]),
        (Manner.READS_AT_ONCE, ["sent", "read"]),
        (Manner.RECEIVES, ["sent", "delivered"]),
        (Manner.OFF, ["sent"]),
        (Manner.FAILS, ["failed"]),
        (Manner.NO_ACCOUNT, ["noAccount"]),
    ],
)
async def test_each_owner_of_a_number_takes_messages_in_his_manner(
    manner: Manner, statuses: list[str]
) -> None:
    async with provider() as asked:
        asked.instance.manners["79001234567"] = manner
        message = await asked.send()
        await asked.pass_time(6)
        assert asked.listener.statuses(message) == statuses


async def test_a_notification_has_the_documented_fields() -> None:
    async with provider() as asked:
        asked.instance.manner = Manner.NO_ACCOUNT
        message = await asked.send()
        await asked.pass_time(2)
        [told] = asked.listener.heard
        at = told.pop("timestamp")
        assert isinstance(at, int)
        assert told == {
            "typeWebhook": "outgoingMessageStatus",
            "chatId": CHAT,
            "instanceData": {
                "idInstance": asked.instance.id,
                "wid": f"{OWN_NUMBER}@c.us",
                "typeInstance": "whatsapp",
            },
            "idMessage": message,
            "status": "noAccount",
            "description": "SWE004: 1000",
            "sendByApi": True,
        }


async def test_the_queue_sends_one_after_the_other() -> None:
    async with provider() as asked:
        asked.instance.settings.delaySendMessagesMilliseconds = 10_000
        asked.instance.manner = Manner.OFF
        first, second = await asked.send(), await asked.send()
        assert [each["messageID"] for each in await asked.call("showMessagesQueue")] == [
            first, second,
        ]  # fmt: skip
        await asked.pass_time(11)
        assert asked.listener.statuses(first) == ["sent"]
        assert asked.listener.statuses(second) == []
        assert await asked.call("clearMessagesQueue") == {"isCleared": True}
        await asked.pass_time(11)
        assert asked.listener.statuses(second) == []


async def test_an_instance_without_authorization_keeps_messages_for_a_day() -> None:
    async with provider() as asked:
        asked.instance.state = State.NOT_AUTHORIZED
        old = await asked.send()
        await asked.clock.advance(24 * 3600 + 1)
        fresh = await asked.send()
        await authorize(asked)
        await asked.pass_time(6)
        assert asked.listener.statuses(old) == []
        assert asked.listener.statuses(fresh) == ["sent", "delivered", "read"]


async def authorize(asked: Asked) -> None:
    answer = await asked.http.put(
        f"{asked.url}/_sandbox/whatsapp/state", json={"state": "authorized"}
    )
    assert answer.status_code == 200


async def test_a_listener_that_fails_hears_the_same_again_and_in_order() -> None:
    async with provider() as asked:
        asked.listener.refusals += [500, 503]
        await asked.send()
        await asked.pass_time(6)
        assert asked.listener.heard == []
        await asked.pass_time(121)
        assert asked.listener.statuses() == ["sent", "delivered", "read"]


async def test_notifications_bear_the_token() -> None:
    async with provider() as asked:
        asked.instance.settings.webhookUrlToken = "invented-token"
        await asked.send()
        await asked.pass_time(6)
        assert asked.listener.tokens == ["Bearer invented-token"] * 3


async def test_statuses_can_be_switched_off_but_not_the_failures() -> None:
    async with provider() as asked:
        asked.instance.settings.outgoingWebhook = "no"
        asked.instance.manners["79000000001"] = Manner.FAILS
        await asked.send()
        await asked.send("79000000001@c.us")
        await asked.pass_time(6)
        assert asked.listener.statuses() == ["failed"]


@pytest.mark.parametrize(
    ("fault", "heard"),
    [
        (Fault(Trouble.WEBHOOK_LOST, methods=("delivered",)), ["sent", "read"]),
        (Fault(Trouble.WEBHOOK_TWICE, methods=("sent",)), ["sent", "sent", "delivered", "read"]),
        (
            Fault(Trouble.WEBHOOK_LATE, methods=("delivered",), seconds=60),
            ["sent", "read", "delivered"],
        ),
    ],
)
async def test_notifications_get_lost_come_twice_or_late(fault: Fault, heard: list[str]) -> None:
    async with provider() as asked:
        asked.instance.faults.switch(fault)
        await asked.send()
        await asked.pass_time(70)
        assert asked.listener.statuses() == heard


async def control(asked: Asked, name: str, body: object) -> tuple[int, Any]:
    answer = await asked.http.put(f"{asked.url}/_sandbox/whatsapp/{name}", json=body)
    return answer.status_code, answer.json()


async def test_everything_can_be_steered_from_outside() -> None:
    async with provider() as asked:
        assert await control(asked, "numbers", {"*": "off", "79000000001": "fails"}) == (200, {})
        assert await control(asked, "limits", {"per_second": 5, "chats": 9}) == (200, {})
        fault = {"kind": "lost_after", "nth": [9]}
        assert await control(asked, "faults", {"seed": 1, "faults": [fault]}) == (200, {})
        message = await asked.send()
        await asked.pass_time(3)
        assert await control(asked, "status", {"id": message, "status": "read"}) == (200, {})
        await asked.settle()
        assert asked.listener.statuses() == ["sent", "read"]
        base = f"{asked.url}/_sandbox/whatsapp"
        [told] = (await asked.http.get(base)).json()
        assert (told["chat"], told["statuses"]) == (CHAT, ["sent", "read"])
        assert [each["status"] for each in (await asked.http.get(f"{base}/posted")).json()] == [
            "sent", "read",
        ]  # fmt: skip
        [on] = (await asked.http.get(f"{base}/faults")).json()
        assert (on["kind"], on["struck"]) == ("lost_after", 0)
        [call] = (await asked.http.get(f"{base}/calls")).json()
        assert (call["method"], call["status"]) == ("sendMessage", 200)
        for name, wrong in (
            ("numbers", {"*": "eats"}), ("state", {}), ("nonsense", {}), ("status", {"id": "x"}),
            ("faults", {"faults": [{"kind": "x"}]}),
        ):  # fmt: skip
            assert (await control(asked, name, wrong))[0] == 400
        page = (await asked.http.get(asked.url + "/")).text
        assert "прочитано" in page
        assert "Счёт готов" in page
        await asked.http.delete(base)
        assert (await asked.http.get(base)).json() == []
