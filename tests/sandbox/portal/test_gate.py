"""The gate at the writes: where its points are, and what becomes of a request that ends there."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from stavbill.sandbox.portal.gate import Passage, Point
from stavbill.sandbox.portal.wire import Json
from tests.sandbox.portal.serving import Served, add_command, served

BATCH: Json = {"cmd": {"a": add_command("A"), "b": "crm.company.list", "c": add_command("C")}}


def titles(portal: Served) -> list[str]:
    return [invoice["title"] for invoice in portal.portal.state.invoices]


async def control(portal: Served, name: str, body: Json = None) -> Json:
    verb = "GET" if body is None else "PUT"
    url = f"{portal.host}/_sandbox/{name}"
    async with portal.http.request(verb, url, json=body) as answer:
        return orjson.loads(await answer.read())


async def test_points_stand_before_each_write_and_before_the_answer() -> None:
    async with served() as portal:
        seen: list[Point] = []

        async def guard(point: Point) -> Passage:
            seen.append(point)
            return Passage.GO

        await portal.call("crm.company.list")
        portal.portal.gate.watch(guard)
        await portal.call("crm.company.list")
        await portal.call("batch", BATCH)
        assert [(point.number, point.shown) for point in seen] == [
            (1, "before crm.item.add"),
            (2, "before crm.item.add"),
            (3, "before the answer"),
        ]


@pytest.mark.parametrize(("number", "made"), [(1, []), (2, ["A"]), (3, ["A", "C"])])
async def test_a_request_dropped_at_a_point_has_done_what_stands_before_it(
    number: int, made: list[str]
) -> None:
    async with served() as portal:

        async def guard(point: Point) -> Passage:
            return Passage.DROP if point.number == number else Passage.GO

        portal.portal.gate.watch(guard)
        await portal.lost("batch", BATCH)
        assert titles(portal) == made
        assert portal.portal.calls.answers_lost == 1


async def test_a_request_is_held_from_outside_until_it_is_released() -> None:
    async with served() as portal:
        await control(portal, "gate", {"hold": 2})
        asked = asyncio.ensure_future(portal.call("batch", BATCH))
        shown = await control(portal, "gate")
        while shown["held"] is None:
            shown = await control(portal, "gate")
        assert shown["held"] == {"number": 2, "what": "before crm.item.add"}
        assert titles(portal) == ["A"]
        assert not asked.done()
        assert (await control(portal, "gate", {"release": "go"}))["released"] is True
        await asked
        assert titles(portal) == ["A", "C"]
        assert (await control(portal, "gate", {"release": "go"}))["released"] is False


async def test_opening_the_gate_lets_the_held_request_go() -> None:
    async with served() as portal:
        portal.portal.gate.hold(1)
        asked = asyncio.ensure_future(portal.call("batch", BATCH))
        shown = await control(portal, "gate")
        while shown["held"] is None:
            shown = await control(portal, "gate")
        await control(portal, "gate", {})
        await asked
        assert titles(portal) == ["A", "C"]
