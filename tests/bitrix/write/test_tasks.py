"""Tasks over HTTP: opened once, found by their mark, mended by what is missing."""

from __future__ import annotations

from datetime import date, timedelta, timezone

import pytest

from stavbill.billing.facts import CompanyId
from stavbill.bitrix.write.task_commands import TaskOptions
from stavbill.bitrix.write.tasks import TaskExecutor
from stavbill.plan.effects import (
    EffectKey,
    ItemId,
    ItemText,
    ItemUpdate,
    MendTask,
    OpenTask,
    TaskId,
    UserId,
)
from stavbill.plan.order import Order
from stavbill.plan.outcome import Done, Found, Refused, Rejected, Unclear
from tests.bitrix.write.desk import Desk

MOSCOW = timezone(timedelta(hours=3))


def executor(desk: Desk) -> TaskExecutor:
    options = TaskOptions(default_responsible=UserId(desk.user), zone=MOSCOW)
    return TaskExecutor(desk.gateway, options=options)


def texts(*words: str) -> tuple[ItemText, ...]:
    return tuple(
        ItemText(code=word, text=f"{word}: проверьте карточку & «Где найти»") for word in words
    )


def hold_task(desk: Desk, place: int = 0, *words: str) -> OpenTask:
    company = desk.companies[place]
    return OpenTask(
        key=EffectKey(f"hold:{company}:2026-12-10"),
        company=CompanyId(company),
        title="Биллинг: счёт не выставлен — ООО «Ромашка»",
        description="Исправьте карточку.",
        tag="stavbill-hold",
        responsible=None,
        items=texts(*(words or ("tariff", "count"))),
        due=date(2026, 12, 11),
    )


async def opened(desk: Desk, effect: OpenTask) -> int:
    outcome = (await executor(desk).send([Order(effect)]))[effect.key]
    assert isinstance(outcome, Done)
    assert outcome.portal_id is not None
    return outcome.portal_id


async def test_tasks_with_their_checklists_take_one_request(desk: Desk) -> None:
    tasks, effects = executor(desk), [hold_task(desk, place) for place in range(16)]
    orders = [Order(effect) for effect in effects]
    assert sum(tasks.weigh(order) for order in orders) == 48
    outcomes = await tasks.send(orders)
    assert all(isinstance(outcome, Done) for outcome in outcomes.values()), outcomes
    assert desk.gateway.requests == 1
    found = await tasks.find(effects)
    assert all(seen is not None and seen.complete for seen in found.values())
    (task,) = await desk.tasks(effects[0].company)
    assert task["title"] == effects[0].title
    assert task["responsibleId"] == str(desk.user)


@pytest.mark.parametrize("fault", ["lost_before", "lost_after", "mid_batch", "internal_after"])
async def test_after_a_lost_answer_each_task_stands_once_with_every_item(
    desk: Desk, fault: str
) -> None:
    tasks, effects = executor(desk), [hold_task(desk, place) for place in range(10)]
    desk.fail_next(fault)
    outcomes = await tasks.send([Order(effect) for effect in effects])
    assert all(isinstance(outcome, Unclear) for outcome in outcomes.values())
    found = await tasks.find(effects)
    again = [
        Order(effect, None if seen is None else seen.portal_id)
        for effect in effects
        if (seen := found[effect.key]) is None or not seen.complete
    ]
    outcomes = await tasks.send(again)
    assert all(isinstance(outcome, Done) for outcome in outcomes.values()), outcomes
    for effect in effects:
        (task,) = await desk.tasks(effect.company)
        standing = await desk.items(int(str(task["id"])))
        assert sorted(standing) == sorted(item.text for item in effect.items)


async def test_a_limit_refuses_a_task(desk: Desk) -> None:
    effect = hold_task(desk)
    desk.fail_next("query_limit")
    outcome = (await executor(desk).send([Order(effect)]))[effect.key]
    assert isinstance(outcome, Refused)
    assert await desk.tasks(effect.company) == []


async def test_a_task_for_nobody_is_declined_and_the_next_is_untouched(desk: Desk) -> None:
    nobody = TaskExecutor(
        desk.gateway, options=TaskOptions(default_responsible=UserId(999_999), zone=MOSCOW)
    )
    effects = [hold_task(desk, place) for place in range(2)]
    outcomes = await nobody.send([Order(effect) for effect in effects])
    assert isinstance(outcomes[effects[0].key], Rejected)
    assert isinstance(outcomes[effects[1].key], Refused)


async def test_mending_adds_what_is_missing_ticks_and_completes(desk: Desk) -> None:
    tasks, effect = executor(desk), hold_task(desk)
    task = await opened(desk, effect)
    item = next(iter((await desk.item_ids(task)).values()))
    mend = MendTask(
        key=EffectKey("mend"),
        company=effect.company,
        task=TaskId(task),
        add=texts("count", "requisites"),
        tick=(ItemId(item), ItemId(999_999)),
        complete=True,
    )
    assert await tasks.find([mend]) == {mend.key: Found(task, complete=False)}
    assert await tasks.send([Order(mend)]) == {mend.key: Done(task)}
    assert await tasks.find([mend]) == {mend.key: Found(task, complete=True)}
    assert len(await desk.items(task)) == 3
    assert (await desk.tasks(effect.company))[0]["status"] == "5"


async def test_mending_twice_changes_nothing(desk: Desk) -> None:
    tasks, effect = executor(desk), hold_task(desk)
    task = await opened(desk, effect)
    mend = MendTask(
        key=EffectKey("mend"), company=effect.company, task=TaskId(task), add=texts("requisites")
    )
    for _ in range(2):
        assert await tasks.send([Order(mend)]) == {mend.key: Done(task)}
    assert len(await desk.items(task)) == 3


async def test_mending_opens_items_again_and_writes_them_anew(desk: Desk) -> None:
    tasks, effect = executor(desk), hold_task(desk)
    task = await opened(desk, effect)
    ids = await desk.item_ids(task)
    ticked, reworded = (ItemId(ids[item.text]) for item in effect.items)
    close = MendTask(
        key=EffectKey("close"), company=effect.company, task=TaskId(task), tick=(ticked,)
    )
    assert await tasks.send([Order(close)]) == {close.key: Done(task)}
    mend = MendTask(
        key=EffectKey("mend"),
        company=effect.company,
        task=TaskId(task),
        renew=(ticked, ItemId(999_999)),
        update=(ItemUpdate(reworded, "count: стало иначе"), ItemUpdate(ItemId(999_999), "-")),
    )
    assert tasks.weigh(Order(mend)) == 4
    assert await tasks.find([mend]) == {mend.key: Found(task, complete=False)}
    assert await tasks.send([Order(mend)]) == {mend.key: Done(task)}
    assert await tasks.find([mend]) == {mend.key: Found(task, complete=True)}
    assert sorted(await desk.items(task)) == ["count: стало иначе", effect.items[0].text]
    requests = desk.gateway.requests
    assert await tasks.send([Order(mend)]) == {mend.key: Done(task)}
    assert desk.gateway.requests == requests + 1, "nothing is missing: only the look"


async def test_a_task_that_a_person_removed_is_named(desk: Desk) -> None:
    tasks, effect = executor(desk), hold_task(desk)
    mend = MendTask(
        key=EffectKey("mend"), company=effect.company, task=TaskId(999_999), add=texts("count")
    )
    assert await tasks.find([mend]) == {mend.key: None}
    outcome = (await tasks.send([Order(mend)]))[mend.key]
    assert isinstance(outcome, Rejected)
    assert "999999" in outcome.reason


async def test_more_items_than_a_batch_holds_come_in_two(desk: Desk) -> None:
    tasks, effect = executor(desk), hold_task(desk, 0, *(f"reason{n}" for n in range(70)))
    assert tasks.weigh(Order(effect)) == 50
    first = (await tasks.send([Order(effect)]))[effect.key]
    assert isinstance(first, Unclear)
    assert await tasks.send([Order(effect, first.portal_id)]) == {effect.key: Done(first.portal_id)}
    assert len(await desk.items(first.portal_id or 0)) == 70
