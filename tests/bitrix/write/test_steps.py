"""One batch, many effects: every way in which it can end halfway, told for each effect."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest
import respx

from stavbill.bitrix.batch import Command, Json, Reference
from stavbill.bitrix.budget import Limits
from stavbill.bitrix.failures import AccessLostError, CallRejectedError
from stavbill.bitrix.gateway import Gateway, open_http
from stavbill.bitrix.limiter import Limiter, MemoryBudgetState
from stavbill.bitrix.write.steps import HALTED, Step, send_steps
from stavbill.bitrix.write.values import id_at
from stavbill.plan.effects import EffectKey
from stavbill.plan.outcome import Done, Refused, Rejected, Unclear
from tests.bitrix.clocks import VirtualClock

WEBHOOK = "https://portal.example/rest/1/invented/"
A, B = EffectKey("a"), EffectKey("b")


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    clock = VirtualClock()
    limiter = Limiter(limits=Limits(), clock=clock, state=MemoryBudgetState())
    async with open_http() as http:
        yield Gateway(WEBHOOK, http=http, limiter=limiter, clock=clock)


def step(key: EffectKey) -> Step:
    """An object and its part."""
    return Step(
        key,
        lambda first: (
            Command("crm.item.add"),
            Command("crm.item.productrow.set", {"ownerId": Reference(first, ("item", "id"))}),
        ),
        read_id=lambda value: id_at(value, "item", "id"),
    )


def portal(ran: dict[str, Json], failed: dict[str, str]) -> None:
    errors = {key: {"error": code, "error_description": "x<br>"} for key, code in failed.items()}
    body: object = {"result": {"result": ran or [], "result_error": errors or []}}
    respx.post(WEBHOOK + "batch").mock(return_value=httpx.Response(200, json=body))


ITEM: Json = {"item": {"id": 7}}
ROWS: Json = {"productRows": []}


@respx.mock
async def test_everything_ran(gateway: Gateway) -> None:
    portal({"s0_0": ITEM, "s0_1": ROWS, "s1_0": {"item": {"id": "8"}}, "s1_1": ROWS}, {})
    assert await send_steps(gateway, [step(A), step(B)], halt=True) == {A: Done(7), B: Done(8)}


@respx.mock
async def test_one_declined_leaves_the_next_untouched(gateway: Gateway) -> None:
    portal({}, {"s0_0": "CRM_FIELD_ERROR_VALUE_NOT_VALID"})
    outcomes = await send_steps(gateway, [step(A), step(B)], halt=True)
    assert outcomes == {
        A: Rejected(
            "Битрикс24 отклонил crm.item.add: CRM_FIELD_ERROR_VALUE_NOT_VALID: x",
        ),
        B: Refused(HALTED),
    }


@respx.mock
async def test_a_part_declined_parks_and_names_what_stands(gateway: Gateway) -> None:
    portal({"s0_0": ITEM}, {"s0_1": "INVALID_ARG_VALUE"})
    outcome = (await send_steps(gateway, [step(A)], halt=True))[A]
    assert isinstance(outcome, Rejected)
    assert "объект 7 уже создан" in outcome.reason
    assert outcome.portal_id == 7


@pytest.mark.parametrize("code", ["OPERATION_TIME_LIMIT", "INTERNAL_SERVER_ERROR"])
@respx.mock
async def test_a_part_not_done_leaves_the_object_known(gateway: Gateway, code: str) -> None:
    portal({"s0_0": ITEM}, {"s0_1": code})
    outcome = (await send_steps(gateway, [step(A)], halt=True))[A]
    assert isinstance(outcome, Unclear)
    assert outcome.portal_id == 7


@respx.mock
async def test_over_the_operating_time_nothing_happened(gateway: Gateway) -> None:
    portal({}, {"s0_0": "OPERATION_TIME_LIMIT"})
    outcomes = await send_steps(gateway, [step(A), step(B)], halt=True)
    assert isinstance(outcomes[A], Refused)
    assert isinstance(outcomes[B], Refused)


@respx.mock
async def test_a_server_error_inside_a_batch_is_unclear(gateway: Gateway) -> None:
    portal({}, {"s0_0": "INTERNAL_SERVER_ERROR"})
    outcomes = await send_steps(gateway, [step(A), step(B)], halt=True)
    assert isinstance(outcomes[A], Unclear)
    assert outcomes[B] == Refused(HALTED)


@respx.mock
async def test_an_object_without_a_number_is_unclear(gateway: Gateway) -> None:
    portal({"s0_0": [], "s0_1": ROWS}, {})
    assert isinstance((await send_steps(gateway, [step(A)], halt=True))[A], Unclear)


@respx.mock
async def test_a_lost_scope_stops_everybody_when_nothing_was_done(gateway: Gateway) -> None:
    portal({}, {"s0_0": "insufficient_scope"})
    with pytest.raises(AccessLostError, match="разрешения"):
        await send_steps(gateway, [step(A), step(B)], halt=True)


@respx.mock
async def test_a_scope_lost_on_the_way_keeps_what_was_done(gateway: Gateway) -> None:
    portal({"s0_0": ITEM, "s0_1": ROWS}, {"s1_0": "insufficient_scope"})
    outcomes = await send_steps(gateway, [step(A), step(B)], halt=True)
    assert outcomes[A] == Done(7)
    assert isinstance(outcomes[B], Refused)


@respx.mock
async def test_a_refused_batch_says_how_long_to_wait(gateway: Gateway) -> None:
    answer = httpx.Response(
        503, json={"error": "QUERY_LIMIT_EXCEEDED"}, headers={"retry-after": "9"}
    )
    respx.post(WEBHOOK + "batch").mock(return_value=answer)
    (outcome,) = (await send_steps(gateway, [step(A)], halt=True)).values()
    assert isinstance(outcome, Refused)
    assert outcome.retry_after_s == 9.0


@respx.mock
async def test_a_lost_batch_is_unclear_and_remembers_what_stood_before(gateway: Gateway) -> None:
    respx.post(WEBHOOK + "batch").mock(side_effect=httpx.ReadTimeout(""))
    rows = Step(A, lambda _: (Command("crm.item.productrow.set"),), portal_id=7)
    (outcome,) = (await send_steps(gateway, [rows], halt=True)).values()
    assert isinstance(outcome, Unclear)
    assert outcome.portal_id == 7


@respx.mock
async def test_a_batch_declined_as_a_whole_is_a_mistake_of_ours(gateway: Gateway) -> None:
    answer = httpx.Response(400, json={"error": "ERROR_BATCH_LENGTH_EXCEEDED"})
    respx.post(WEBHOOK + "batch").mock(return_value=answer)
    with pytest.raises(CallRejectedError):
        await send_steps(gateway, [step(A)], halt=True)


@respx.mock
async def test_every_effect_has_commands_of_its_own(gateway: Gateway) -> None:
    portal({"s0_0": ITEM, "s0_1": ROWS, "s1_0": ITEM, "s1_1": ROWS}, {})
    await send_steps(gateway, [step(A), step(B)], halt=True)
    sent = json.loads(respx.calls.last.request.content)
    assert sent == {
        "halt": 1,
        "cmd": {
            "s0_0": "crm.item.add",
            "s0_1": "crm.item.productrow.set?ownerId=$result[s0_0][item][id]",
            "s1_0": "crm.item.add",
            "s1_1": "crm.item.productrow.set?ownerId=$result[s1_0][item][id]",
        },
    }
