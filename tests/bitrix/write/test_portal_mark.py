"""Marks of installations in the timeline of our own company."""

from __future__ import annotations

import pytest

from stavbill.bitrix.write.portal_mark import PAGE, MarkExecutor
from stavbill.plan.effects import EffectKey, PutMark
from stavbill.plan.order import Order
from stavbill.plan.outcome import Done, Found, Outcome, Unclear
from stavbill.plan.portal_marks import PortalMark
from stavbill.sandbox.portal.timeline import put_comment
from tests.bitrix.write.desk import Desk


def put(desk: Desk, name: str, after: str = "", replaces: tuple[int, ...] = ()) -> PutMark:
    mark = PortalMark(id="aa01", epoch=1, lineage=1, name=name, after=after, host="billing-1")
    key = EffectKey(f"installation:{name}")
    return PutMark(key=key, own_company=desk.own_company, mark=mark, replaces=replaces)


async def send(marks: MarkExecutor, effect: PutMark) -> Outcome:
    return (await marks.send([Order(effect)]))[effect.key]


def names(marks: MarkExecutor) -> list[str] | None:
    return None if marks.standing is None else [one.mark.name for one in marks.standing]


async def test_a_mark_is_added_and_listed_in_one_request(desk: Desk) -> None:
    marks, before = MarkExecutor(desk.gateway), desk.gateway.requests
    assert isinstance(await send(marks, put(desk, "a1")), Done)
    assert desk.gateway.requests == before + 1
    assert names(marks) == ["a1"]


async def test_the_next_mark_takes_those_away_that_no_longer_count(desk: Desk) -> None:
    marks = MarkExecutor(desk.gateway)
    first = await send(marks, put(desk, "a1"))
    assert isinstance(first, Done)
    assert isinstance(await send(marks, put(desk, "b1", "a1")), Done)
    # One that people deleted already keeps nothing from happening.
    gone = (first.portal_id or 0, 99_999)
    assert isinstance(await send(marks, put(desk, "c1", "b1", gone)), Done)
    await marks.list_marks(desk.own_company)
    assert names(marks) == ["c1", "b1"]


@pytest.mark.parametrize("fault", ["lost_before", "lost_after"])
async def test_after_a_lost_answer_a_mark_stands_once(desk: Desk, fault: str) -> None:
    one, marks = put(desk, "a1"), MarkExecutor(desk.gateway)
    desk.fail_next(fault)
    assert isinstance(await send(marks, one), Unclear)
    assert marks.standing is None
    if (await marks.find([one]))[one.key] is None:
        await send(marks, one)
    await marks.list_marks(desk.own_company)
    assert names(marks) == ["a1"]


async def test_a_mark_is_found_behind_many_comments_of_people(desk: Desk) -> None:
    one, marks = put(desk, "a1"), MarkExecutor(desk.gateway)
    outcome = await send(marks, one)
    assert isinstance(outcome, Done)
    for number in range(PAGE + 5):
        put_comment(desk.portal.state, ("company", desk.own_company), f"Запись {number}", 1)
    assert await marks.find([one]) == {one.key: Found(outcome.portal_id or 0, complete=True)}
