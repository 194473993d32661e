"""Every fault that can be switched on, and what the journal says of it."""

from __future__ import annotations

import pytest

from stavbill.sandbox.portal.faults import Fault, Faults, Trouble
from stavbill.sandbox.portal.wire import Json
from tests.sandbox.portal.serving import Served, add_command, served

ADD: Json = {"entityTypeId": 31, "fields": {"title": "A", "xmlId": "k"}}
BATCH: Json = {"cmd": {f"c{number}": add_command(f"A{number}") for number in range(10)}}


def made(portal: Served) -> int:
    return len(portal.portal.state.invoices)


async def test_lost_before_execution_nothing_happened() -> None:
    async with served() as portal:
        portal.portal.faults.switch(Fault(Trouble.LOST_BEFORE, nth=(1,)))
        await portal.lost("crm.item.add", ADD)
        assert made(portal) == 0
        await portal.call("crm.item.add", ADD)
        assert made(portal) == 1
        noted = next(iter(portal.portal.calls))
        assert (noted.executed, noted.lost, noted.status) == (False, True, 0)
        assert portal.portal.calls.answers_lost == 1


async def test_lost_after_execution_everything_happened() -> None:
    async with served() as portal:
        portal.portal.faults.switch(Fault(Trouble.LOST_AFTER, nth=(1,)))
        await portal.lost("crm.item.add", ADD)
        assert made(portal) == 1
        noted = next(iter(portal.portal.calls))
        assert (noted.executed, noted.lost) == (True, True)


async def test_lost_in_mid_batch_a_prefix_ran() -> None:
    async with served() as portal:
        portal.portal.faults.switch(Fault(Trouble.LOST_MID_BATCH, nth=(1,)), seed=3)
        await portal.lost("batch", BATCH)
        assert 0 < made(portal) < 10
        titles = [invoice["title"] for invoice in portal.portal.state.invoices]
        assert titles == [f"A{number}" for number in range(made(portal))]
        assert sum(noted.in_batch for noted in portal.portal.calls) == made(portal)


async def test_late_execution_happens_at_its_own_moment() -> None:
    async with served() as portal:
        portal.portal.faults.switch(Fault(Trouble.LATE, nth=(1,), seconds=40))
        await portal.lost("batch", BATCH)
        assert portal.portal.waiting() == 1
        await portal.virtual.advance(39)
        listed = await portal.call("crm.item.list", {"entityTypeId": 31})
        assert listed["items"] == []
        await portal.virtual.advance(20)
        listed = await portal.call("crm.item.list", {"entityTypeId": 31})
        assert len(listed["items"]) == 10
        assert listed["items"][0]["createdTime"] == "2026-12-10T09:00:40+03:00"
        assert portal.portal.waiting() == 0


async def test_what_waits_can_be_run_at_once() -> None:
    async with served() as portal:
        portal.portal.faults.switch(Fault(Trouble.LATE, rate=1, seconds=3600, writes_only=True))
        await portal.lost("crm.item.add", ADD)
        await portal.call("profile")
        assert portal.portal.settle(everything=True) == 1
        assert made(portal) == 1


@pytest.mark.parametrize(
    ("kind", "executed"), [(Trouble.ERROR_BEFORE, 0), (Trouble.ERROR_AFTER, 1)]
)
async def test_server_errors_before_and_after(kind: Trouble, executed: int) -> None:
    async with served() as portal:
        portal.portal.faults.switch(
            Fault(kind, nth=(1,), status=500, code="INTERNAL_SERVER_ERROR", text="Internal error")
        )
        found = await portal.refused("crm.item.add", ADD)
        assert found == (500, "INTERNAL_SERVER_ERROR", "Internal error")
        assert made(portal) == executed


async def test_an_error_without_a_code_is_a_proxys_page() -> None:
    async with served() as portal:
        portal.portal.faults.switch(Fault(Trouble.ERROR_BEFORE, nth=(1,)))
        async with portal.http.post(portal.url + "profile") as answer:
            assert (answer.status, answer.content_type) == (502, "text/html")


async def test_slow_answers_take_their_time() -> None:
    async with served() as portal:
        portal.portal.faults.switch(Fault(Trouble.SLOW, nth=(1,), seconds=25))
        status, _ = await portal.advancing("crm.item.add", ADD, 25)
        assert status == 200
        assert portal.clock.monotonic() == 25


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (Trouble.QUERY_LIMIT, 503, "QUERY_LIMIT_EXCEEDED"),
        (Trouble.OVERLOAD, 503, "OVERLOAD_LIMIT"),
        (Trouble.OPERATION_TIME, 429, "OPERATION_TIME_LIMIT"),
    ],
)
async def test_limit_errors_on_demand(kind: Trouble, status: int, code: str) -> None:
    async with served() as portal:
        portal.portal.faults.switch(Fault(kind, nth=(1,)))
        assert (await portal.refused("crm.item.add", ADD))[:2] == (status, code)
        assert made(portal) == 0
        await portal.call("crm.item.add", ADD)


async def test_one_command_of_a_batch_can_be_refused() -> None:
    async with served() as portal:
        portal.portal.faults.switch(
            Fault(Trouble.REFUSED, nth=(3,), methods=("crm.item.add",), status=400,
                  code="ACCESS_DENIED", text="Access denied")
        )  # fmt: skip
        result = await portal.call("batch", BATCH)
        assert result["result_error"] == {
            "c2": {"error": "ACCESS_DENIED", "error_description": "Access denied"}
        }
        assert made(portal) == 9


async def test_rows_come_and_go_behind_a_lists_back() -> None:
    async with served() as portal:
        portal.portal.faults.switch(
            Fault(Trouble.ROW_DELETED, nth=(1,), methods=("crm.company.list",)),
            Fault(Trouble.ROW_ADDED, nth=(2,), methods=("crm.company.list",)),
        )
        first = await portal.call("crm.company.list")
        second = await portal.call("crm.company.list")
        third = await portal.call("crm.company.list")
        assert [len(first), len(second), len(third)] == [4, 3, 4]
        assert third[-1]["ID"] == "103"


async def test_faults_can_strike_writes_and_named_methods_only() -> None:
    async with served() as portal:
        portal.portal.faults.switch(
            Fault(Trouble.QUERY_LIMIT, rate=1, writes_only=True, times=1),
            Fault(Trouble.OVERLOAD, rate=1, methods=("crm.company.list",)),
        )
        await portal.call("profile")
        assert (await portal.refused("batch", BATCH))[1] == "QUERY_LIMIT_EXCEEDED"
        await portal.call("batch", BATCH)
        assert (await portal.refused("crm.company.list"))[1] == "OVERLOAD_LIMIT"
        reading = {"cmd": {"a": "crm.company.list"}}
        assert (await portal.refused("batch", reading))[1] == "OVERLOAD_LIMIT"


def strikes(seed: int, *more: Fault) -> list[bool]:
    faults = Faults()
    faults.switch(Fault(Trouble.LOST_AFTER, rate=0.2), *more, seed=seed)
    return [
        Trouble.LOST_AFTER in faults.strike_request(("crm.item.add",), writes=True)
        for _ in range(500)
    ]


def test_the_same_seed_strikes_the_same_requests_whatever_else_is_on() -> None:
    assert strikes(1) == strikes(1, Fault(Trouble.SLOW, rate=0.5))
    assert strikes(1) != strikes(2)
    assert 60 < sum(strikes(1)) < 140
