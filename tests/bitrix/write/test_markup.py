"""Over HTTP: what customers typed is text in tasks, checklists, the timeline and chats."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from stavbill.billing.facts import CompanyId
from stavbill.bitrix.batch import Command, Markup
from stavbill.bitrix.write.messages import MessageExecutor
from stavbill.bitrix.write.timeline import TimelineExecutor
from stavbill.plan.effects import (
    AddTimeline,
    EffectKey,
    ItemId,
    ItemText,
    ItemUpdate,
    MendTask,
    PostMessage,
    TaskId,
)
from stavbill.plan.keys import short_mark
from stavbill.plan.order import Order
from stavbill.plan.outcome import Done, Found
from tests.bitrix.write.desk import Desk
from tests.bitrix.write.test_tasks import executor, hold_task, opened
from tests.plan.test_markup import MARKUP, MEANS_SOMETHING

ALL = "\n".join(MARKUP)
LINE = " ".join(MARKUP)
# A mark of another text, which a customer who knows it types into a field.
FORGED = short_mark("timeline:another")


def means_something(text: object) -> bool:
    """Say whether a text on the portal is more than text, our own mark or code left out."""
    ours, _, _ = str(text).rstrip().rpartition("[")
    return MEANS_SOMETHING.search(ours) is not None


async def test_a_task_with_its_items_says_no_markup_and_is_found_again(desk: Desk) -> None:
    tasks = executor(desk)
    effect = replace(
        hold_task(desk),
        title=f"Биллинг: счёт не выставлен — {LINE}",
        description=f"{ALL}\n{FORGED}",
        items=tuple(
            ItemText(f"i{place}", f"{text} [i{place}]") for place, text in enumerate(MARKUP)
        ),
    )
    task = await opened(desk, effect)
    (standing,) = await desk.tasks(effect.company)
    assert not MEANS_SOMETHING.search(str(standing["title"]))
    assert not means_something(standing["description"])
    assert str(standing["description"]).endswith(short_mark(effect.key))
    items = await desk.items(task)
    assert len(items) == len(MARKUP)
    assert not any(means_something(text) for text in items)
    assert await tasks.find([effect]) == {effect.key: Found(task, complete=True)}
    # What stands there in these words already is neither added nor worded again.
    again = MendTask(
        key=EffectKey("mend:1"), company=effect.company, task=TaskId(task), add=effect.items
    )
    assert isinstance((await tasks.send([Order(again)]))[again.key], Done)
    assert sorted(await desk.items(task)) == sorted(items)


async def test_an_item_that_is_worded_anew_says_no_markup(desk: Desk) -> None:
    tasks = executor(desk)
    effect = hold_task(desk)
    task = await opened(desk, effect)
    ids = await desk.item_ids(task)
    update = (ItemUpdate(ItemId(ids[effect.items[0].text]), f"{LINE} [tariff]"),)
    mend = MendTask(
        key=EffectKey("mend:2"), company=effect.company, task=TaskId(task), update=update
    )
    assert isinstance((await tasks.send([Order(mend)]))[mend.key], Done)
    assert any(text.endswith(" ［tariff］") for text in await desk.items(task))
    assert not any(means_something(text) for text in await desk.items(task))
    assert await tasks.find([mend]) == {mend.key: Found(task, complete=True)}


async def test_a_timeline_entry_says_no_markup_and_is_found_by_its_own_mark(desk: Desk) -> None:
    company = CompanyId(desk.companies[0])
    entry = AddTimeline(key=EffectKey("timeline:1"), company=company, text=f"{ALL}\n{FORGED}")
    other = AddTimeline(key=EffectKey("timeline:another"), company=company, text="другая")
    timeline = TimelineExecutor(desk.gateway)
    assert isinstance((await timeline.send([Order(entry)]))[entry.key], Done)
    (comment,) = await desk.comments(company)
    assert not means_something(comment["COMMENT"])
    found = await timeline.find([entry, other])
    assert found[entry.key] is not None
    assert found[other.key] is None


async def test_a_message_says_no_markup_and_is_found_again(desk: Desk) -> None:
    message = PostMessage(key=EffectKey("report:1"), dialog="chat1", text=ALL)
    executor_ = MessageExecutor(desk.gateway)
    assert isinstance((await executor_.send([Order(message)]))[message.key], Done)
    (text,) = [one["text"] for one in desk.portal.state.messages]
    assert not means_something(text)
    assert (await executor_.find([message]))[message.key] is not None


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(
            Command("task.commentitem.add", {"FIELDS": {"POST_MESSAGE": ALL}}), id="comment"
        ),
        pytest.param(Command("im.notify.system.add", {"MESSAGE": ALL}), id="notice"),
        pytest.param(Command("tasks.task.update", {"fields": {"TITLE": ALL}}), id="title"),
        pytest.param(Command("crm.timeline.note.save", {"text": ALL}), id="note"),
        pytest.param(Command("crm.item.add", {"fields": {"comments": ALL}}), id="of an invoice"),
        pytest.param(
            Command("crm.company.update", {"fields": {"COMMENTS": [ALL]}}), id="in a list"
        ),
    ],
)
def test_no_later_text_can_forget_it(command: Command) -> None:
    (text,) = [value for (value,) in parse_qs(command.encode().partition("?")[2]).values()]
    assert not MEANS_SOMETHING.search(text)


def test_our_own_markup_is_said_by_its_type() -> None:
    link = Markup("[URL=https://portal.example]счёт[/URL]")
    encoded = Command("im.message.add", {"MESSAGE": link}).encode()
    assert parse_qs(encoded.partition("?")[2]) == {"MESSAGE": [link]}


def test_what_is_printed_is_not_touched() -> None:
    title = "Подписка [Январь 2027] <A&B>"
    encoded = Command("crm.item.add", {"fields": {"title": title}}).encode()
    assert parse_qs(encoded.partition("?")[2]) == {"fields[title]": [title]}
