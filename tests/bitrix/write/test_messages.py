"""Messages in chats and in the chats of tasks: once each, whatever happens to the answers."""

from __future__ import annotations

import pytest

from stavbill.bitrix.write.messages import MessageExecutor
from stavbill.bitrix.write.task_commands import TaskOptions
from stavbill.bitrix.write.tasks import TaskExecutor
from stavbill.plan.effects import NO_COMPANY, EffectKey, OpenTask, PostMessage, UserId
from stavbill.plan.order import Order
from stavbill.plan.outcome import Done, Found, Outcome, Rejected, Unclear
from tests.bitrix.write.desk import Desk
from tests.bitrix.write.test_company import MOSCOW

CHAT = "chat1"


def message(number: int = 1, dialog: str = CHAT) -> PostMessage:
    key = EffectKey(f"run-report:{number}")
    return PostMessage(key=key, dialog=dialog, text="Прогон за январь 2027:\nсчетов 12")


def texts(desk: Desk, dialog: str) -> list[str]:
    return [str(one["text"]) for one in desk.portal.state.messages if one["dialog"] == dialog]


async def post(desk: Desk, *messages: PostMessage) -> list[Outcome]:
    outcomes = await MessageExecutor(desk.gateway).send([Order(one) for one in messages])
    return [outcomes[one.key] for one in messages]


async def test_a_message_stands_in_its_chat_with_its_mark(desk: Desk) -> None:
    one = message()
    (outcome,) = await post(desk, one)
    assert isinstance(outcome, Done)
    (text,) = texts(desk, CHAT)
    assert text.startswith("Прогон за январь 2027:\nсчетов 12\n\n[sb:")
    found = await MessageExecutor(desk.gateway).find([one, message(2)])
    assert found == {one.key: Found(outcome.portal_id or 0, complete=True), message(2).key: None}


@pytest.mark.parametrize("fault", ["lost_before", "lost_after"])
async def test_after_a_lost_answer_a_message_stands_once(desk: Desk, fault: str) -> None:
    one, messages = message(), MessageExecutor(desk.gateway)
    desk.fail_next(fault)
    (outcome,) = await post(desk, one)
    assert isinstance(outcome, Unclear)
    if (await messages.find([one]))[one.key] is None:
        await post(desk, one)
    assert len(texts(desk, CHAT)) == 1


async def test_a_message_is_found_behind_newer_ones(desk: Desk) -> None:
    one = message()
    (outcome,) = await post(desk, one)
    for number in range(2, 62):
        await post(desk, message(number))
    found = await MessageExecutor(desk.gateway).find([one])
    assert isinstance(outcome, Done)
    assert found[one.key] == Found(outcome.portal_id or 0, complete=True)


async def test_a_message_for_a_task_goes_into_the_tasks_chat(desk: Desk) -> None:
    task = await whole_portals_task(desk)
    one = message(dialog=f"task{task}")
    (outcome,) = await post(desk, one)
    assert isinstance(outcome, Done)
    assert len(texts(desk, f"chat{100_000 + task}")) == 1
    found = await MessageExecutor(desk.gateway).find([one])
    assert found[one.key] == Found(outcome.portal_id or 0, complete=True)


async def test_what_cannot_be_posted_says_why_and_stops_nobody_else(desk: Desk) -> None:
    gone, strange, good = message(1, "task999"), message(2, "chat77"), message(3)
    first, second, third = await post(desk, gone, strange, good)
    assert isinstance(first, Rejected)
    assert "999" in first.reason
    assert isinstance(second, Rejected)
    assert "ACCESS_ERROR" in second.reason
    assert isinstance(third, Done)


async def test_a_task_about_the_whole_portal_is_linked_to_no_company(desk: Desk) -> None:
    task = await whole_portals_task(desk)
    stored = desk.portal.state.tasks.get(task)
    assert stored is not None
    assert not stored.get("UF_CRM_TASK")
    executor = TaskExecutor(desk.gateway, options=options())
    assert (await executor.find([waiting()]))[waiting().key] == Found(task, complete=True)


async def whole_portals_task(desk: Desk) -> int:
    executor = TaskExecutor(desk.gateway, options=options())
    outcome = (await executor.send([Order(waiting())]))[waiting().key]
    assert isinstance(outcome, Done)
    return outcome.portal_id or 0


def options() -> TaskOptions:
    return TaskOptions(default_responsible=UserId(1), zone=MOSCOW)


def waiting() -> OpenTask:
    return OpenTask(
        key=EffectKey("run-waits:2026-12-10"),
        company=NO_COMPANY,
        title="Биллинг: прогон ждёт подтверждения",
        description="Посмотрите план.",
        tag="stavbill-run",
        responsible=None,
        items=(),
    )
