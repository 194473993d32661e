"""The gateway's own corners: what every kind of failure says about whether a call was executed."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import AsyncIterator
from decimal import Decimal

import httpx
import pytest
import respx

from stavbill.bitrix.batch import Command
from stavbill.bitrix.budget import Limits
from stavbill.bitrix.failures import (
    AccessLostError,
    CallRefusedError,
    CallRejectedError,
    CallUnclearError,
    PortalMovedError,
)
from stavbill.bitrix.gateway import Gateway, RequestSeen, open_http, parse_webhook
from stavbill.bitrix.limiter import Limiter, MemoryBudgetState
from stavbill.errors import ConfigError, PortalError
from tests.bitrix.clocks import VirtualClock
from tests.sandbox.portal.serving import served

SECRET = "qz8invented"
WEBHOOK = f"https://portal.example/rest/1/{SECRET}/"
ADD = "crm.item.add"


class Desk:
    """A gateway with what its tests look at."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.clock = VirtualClock()
        self.seen: list[RequestSeen] = []
        self.limiter = Limiter(limits=Limits(), clock=self.clock, state=MemoryBudgetState())
        self.gateway = Gateway(
            WEBHOOK,
            http=http,
            limiter=self.limiter,
            clock=self.clock,
            on_request=self.seen.append,
        )


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with open_http() as http:
        yield Desk(http)


def answers(status: int, body: object, headers: dict[str, str] | None = None) -> respx.Route:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = httpx.Response(status, content=content, headers=headers)
    return respx.post(url__startswith=WEBHOOK).mock(return_value=response)


@respx.mock
async def test_a_result_keeps_its_kopecks(desk: Desk) -> None:
    answers(200, b'{"result": {"opportunity": 1050.10}, "total": 7, "time": {"duration": 0.2}}')
    answer = await desk.gateway.call("crm.item.get", {"entityTypeId": 31, "id": 5})
    assert answer.value == {"opportunity": Decimal("1050.10")}
    assert answer.total == 7
    assert answer.spent.seconds == 0.2


FAILURES = [
    pytest.param(503, {"error": "QUERY_LIMIT_EXCEEDED"}, CallRefusedError, id="503 over the rate"),
    pytest.param(429, {"error": "OPERATION_TIME_LIMIT"}, CallRefusedError, id="429 over the time"),
    pytest.param(401, {"error": "expired_token"}, CallRefusedError, id="401 expired token"),
    pytest.param(401, {"error": "NO_AUTH_FOUND"}, AccessLostError, id="401 wrong webhook"),
    pytest.param(403, {"error": "insufficient_scope"}, AccessLostError, id="403 lost scope"),
    pytest.param(403, {"error": "INVALID_CREDENTIALS"}, AccessLostError, id="403 lost right"),
    pytest.param(403, {"error": "ACCESS_DENIED"}, AccessLostError, id="403 not commercial"),
    pytest.param(503, {"error": "OVERLOAD_LIMIT"}, AccessLostError, id="503 blocked by hand"),
    pytest.param(
        400, {"error": "ACCESS_DENIED"}, CallRejectedError, id="400 no right to this item"
    ),
    pytest.param(400, {"error": ""}, CallRejectedError, id="400 empty code"),
    pytest.param(400, {"error": 0}, CallRejectedError, id="400 number zero"),
    pytest.param(400, {"error": "0"}, CallRejectedError, id="400 text zero"),
    pytest.param(422, {"error": {"code": "BITRIX_X"}}, CallRejectedError, id="422 error object"),
    pytest.param(200, {"error": "SOMETHING"}, CallRejectedError, id="200 with an error"),
    pytest.param(500, {"error": "INTERNAL_SERVER_ERROR"}, CallUnclearError, id="500 internal"),
    pytest.param(500, {"error": "ERROR_UNEXPECTED_ANSWER"}, CallUnclearError, id="500 unexpected"),
    pytest.param(500, {"error": "WHATEVER"}, CallUnclearError, id="500 unknown code"),
    pytest.param(502, b"<html>Bad Gateway</html>", CallUnclearError, id="502 of a proxy"),
    pytest.param(200, b'{"result": {"it', CallUnclearError, id="200 cut body"),
    pytest.param(200, b"[]", CallUnclearError, id="200 no envelope"),
    pytest.param(200, {"time": {}}, CallUnclearError, id="200 without a result"),
    pytest.param(404, b"<html>Not Found</html>", AccessLostError, id="404 not a portal"),
    pytest.param(500, {"error": "PORTAL_DELETED"}, AccessLostError, id="500 portal deleted"),
]


@pytest.mark.parametrize(("status", "body", "failure"), FAILURES)
@respx.mock
async def test_a_failure_says_whether_it_was_executed_and_nothing_is_repeated(
    desk: Desk, status: int, body: object, failure: type[PortalError]
) -> None:
    route = answers(status, body)
    with pytest.raises(failure) as caught:
        await desk.gateway.call(ADD, {"entityTypeId": 31})
    assert type(caught.value) is failure
    assert route.call_count == 1
    assert desk.gateway.requests == 1
    assert desk.seen[0].outcome == failure.__name__


TRANSPORT = [
    pytest.param(httpx.ConnectError("no"), CallRefusedError, id="connection refused"),
    pytest.param(httpx.ConnectTimeout("no"), CallRefusedError, id="no connection in time"),
    pytest.param(httpx.PoolTimeout("no"), CallRefusedError, id="no free connection"),
    pytest.param(httpx.ReadTimeout("no"), CallUnclearError, id="no answer in time"),
    pytest.param(httpx.WriteError("no"), CallUnclearError, id="broken while sending"),
    pytest.param(httpx.ReadError("no"), CallUnclearError, id="broken while reading"),
    pytest.param(httpx.RemoteProtocolError("no"), CallUnclearError, id="closed without answer"),
]


@pytest.mark.parametrize(("error", "failure"), TRANSPORT)
@respx.mock
async def test_what_was_sent_is_unclear_what_was_not_is_refused(
    desk: Desk, error: Exception, failure: type[PortalError]
) -> None:
    route = respx.post(url__startswith=WEBHOOK).mock(side_effect=error)
    with pytest.raises(failure) as caught:
        await desk.gateway.batch({"a": Command(ADD)}, halt=True)
    assert type(caught.value) is failure
    assert route.call_count == 1


@respx.mock
async def test_a_moved_portal_names_its_new_host_and_is_not_followed(desk: Desk) -> None:
    target = f"https://new.example/rest/1/{SECRET}/batch"
    route = answers(302, b"", {"location": target})
    with pytest.raises(PortalMovedError, match=r"new\.example"):
        await desk.gateway.batch({"a": Command(ADD)}, halt=True)
    assert route.call_count == 1


@respx.mock
async def test_after_a_503_nobody_asks_for_a_while(desk: Desk) -> None:
    answers(503, {"error": "QUERY_LIMIT_EXCEEDED"})
    with pytest.raises(CallRefusedError):
        await desk.gateway.call("profile")
    await desk.limiter.reserve({})
    assert desk.clock.elapsed >= 2.0


@respx.mock
async def test_after_a_429_the_method_waits_until_the_portal_releases_it(desk: Desk) -> None:
    time = {"finish": 1_800_000_000.5, "operating_reset_at": 1_800_000_120}
    answers(429, {"error": "OPERATION_TIME_LIMIT", "time": time})
    with pytest.raises(CallRefusedError) as caught:
        await desk.gateway.call(ADD)
    assert caught.value.retry_after_s == 119.5
    await desk.limiter.reserve({"crm.company.update": 1})
    assert desk.clock.elapsed < 1.0
    await desk.limiter.reserve({ADD: 1})
    assert desk.clock.elapsed >= 119.5


@respx.mock
async def test_a_429_inside_a_batch_blocks_that_method_alone(desk: Desk) -> None:
    errors = {"b": {"error": "OPERATION_TIME_LIMIT", "error_description": ""}}
    answers(200, {"result": {"result": {"a": True}, "result_error": errors}})
    commands = {"a": Command("crm.company.update"), "b": Command(ADD)}
    answer = await desk.gateway.batch(commands, halt=False)
    assert set(answer.ran) == {"a"}
    await desk.limiter.reserve({"crm.company.update": 1})
    assert desk.clock.elapsed < 1.0
    await desk.limiter.reserve({ADD: 1})
    assert desk.clock.elapsed >= 60.0


@pytest.mark.parametrize(
    "commands",
    [
        pytest.param({}, id="none"),
        pytest.param({f"k{n}": Command("m") for n in range(51)}, id="fifty-one"),
        pytest.param({"0": Command("m")}, id="a number as key"),
    ],
)
async def test_a_batch_that_the_portal_would_garble_is_not_sent(
    desk: Desk, commands: dict[str, Command]
) -> None:
    with pytest.raises(ValueError, match="batch"):
        await desk.gateway.batch(commands, halt=False)
    assert desk.gateway.requests == 0


@respx.mock
async def test_what_may_no_longer_be_sent_stays_here(desk: Desk) -> None:
    route = answers(200, {"result": True})
    async with open_http() as http:
        fenced = Gateway(
            WEBHOOK, http=http, limiter=desk.limiter, clock=desk.clock, may_send=lambda: False
        )
        with pytest.raises(CallRefusedError):
            await fenced.batch({"a": Command(ADD)}, halt=True)
    assert route.call_count == 0
    assert fenced.requests == 0


async def test_a_request_that_became_too_late_while_it_connected_is_not_executed(
    desk: Desk,
) -> None:
    """The process may be paused between its last look and the wire."""
    async with served() as portal, open_http() as http:
        looks = iter([True, False])
        late = Gateway(
            portal.url,
            http=http,
            limiter=desk.limiter,
            clock=desk.clock,
            is_in_time=lambda: next(looks),
        )
        add = Command(ADD, {"entityTypeId": 31, "fields": {"title": "A"}})
        await late.batch({"a": add}, halt=True)
        with pytest.raises(CallRefusedError):
            await late.batch({"a": add}, halt=True)
        assert len(portal.portal.state.invoices) == 1


@respx.mock
async def test_the_secret_stands_in_no_message_no_trace_and_no_log(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown = [repr(parse_webhook(WEBHOOK)), str(parse_webhook(WEBHOOK))]
    failing = (
        httpx.Response(401, json={"error": "NO_AUTH_FOUND"}),
        httpx.Response(302, headers={"location": WEBHOOK.replace("portal", "new")}),
        httpx.Response(502, content=b""),
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("refused"),
    )
    for answer in failing:
        respx.post(url__startswith=WEBHOOK).mock(side_effect=[answer])
        with pytest.raises(PortalError) as caught:
            await desk.gateway.call("profile")
        shown.append("".join(traceback.format_exception(caught.value)))
    assert SECRET not in "".join(shown) + caplog.text + repr(desk.seen)


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://a.example/rest/1/s3cret", "https://a.example/rest/1/s3cret/"),
        (" https://a.example/rest/1/s3cret/profile.json ", "https://a.example/rest/1/s3cret/"),
        ("http://127.0.0.1:8080/rest/7/x/", "http://127.0.0.1:8080/rest/7/x/"),
    ],
)
def test_a_webhook_is_taken_as_people_paste_it(url: str, base: str) -> None:
    assert parse_webhook(url).base == base


@pytest.mark.parametrize(
    "url", ["", "a.example", "https://a.example/crm/", "https://a.example/rest/"]
)
def test_what_is_no_webhook_is_named_before_the_first_request(url: str) -> None:
    with pytest.raises(ConfigError, match="STAVBILL_PORTAL_URL"):
        parse_webhook(url)
