"""The bucket, operating time, delays and the cut, on a clock turned by hand. bitrix24.md §2."""

from __future__ import annotations

from stavbill.sandbox.clock import ScaledClock
from stavbill.sandbox.portal.limits import Bucket, Limits, Operating
from tests.sandbox.portal.serving import add_command, served


async def test_the_fifty_first_request_is_refused_and_two_a_second_come_back() -> None:
    async with served(limits=Limits()) as portal:
        found = [(await portal.ask("profile"))[0] for _ in range(52)]
        assert found == [200] * 50 + [503] * 2
        assert (await portal.refused("profile"))[1] == "QUERY_LIMIT_EXCEEDED"
        await portal.virtual.advance(1)
        assert [(await portal.ask("profile"))[0] for _ in range(3)] == [200, 200, 503]
        assert portal.portal.calls.refused_by_rate == 4


async def test_a_batch_is_one_request_for_the_bucket() -> None:
    async with served(limits=Limits()) as portal:
        commands = {f"c{number}": "server.time" for number in range(50)}
        for _ in range(50):
            await portal.batch(commands)
        assert (await portal.ask("profile"))[0] == 503


def test_an_enterprise_portal_has_a_bigger_bucket() -> None:
    bucket = Bucket(Limits(bucket_capacity=250, bucket_drain=5))
    assert sum(bucket.admits(0.0) for _ in range(300)) == 250
    assert sum(bucket.admits(2.0) for _ in range(300)) == 10


def test_refused_requests_may_fill_the_bucket_too() -> None:
    limits = Limits(bucket_capacity=2, bucket_drain=1, refused_count=True)
    bucket = Bucket(limits)
    assert [bucket.admits(0.0) for _ in range(4)] == [True, True, False, False]
    assert not bucket.admits(1.0)
    limits.bucket_on = False
    assert bucket.admits(1.0)


async def test_the_call_that_crosses_the_operating_limit_still_succeeds() -> None:
    limits = Limits(bucket_on=False, operating_limit_s=1.0, cost_s={"*": 0.4})
    async with served(limits=limits) as portal:
        used = []
        for _ in range(3):
            _, body = await portal.ask("crm.company.list")
            used.append(round(body["time"]["operating"], 6))
        assert used == [0.4, 0.8, 1.2]
        found = await portal.refused("crm.company.list")
        assert found[:2] == (429, "OPERATION_TIME_LIMIT")
        # Another method has an account of its own.
        assert (await portal.ask("crm.company.get", {"id": 100}))[0] == 200
        assert portal.portal.calls.refused_by_operating == 1


async def test_baskets_drop_out_one_by_one_at_the_told_moment() -> None:
    limits = Limits(bucket_on=False, operating_limit_s=0.5, cost_s={"*": 0.4})
    async with served(limits=limits) as portal:
        await portal.ask("server.time")
        await portal.virtual.advance(120)
        _, body = await portal.ask("server.time")
        assert (await portal.ask("server.time"))[0] == 429
        wait = body["time"]["operating_reset_at"] - portal.clock.now().timestamp()
        await portal.virtual.advance(wait - 1)
        assert (await portal.ask("server.time"))[0] == 429
        await portal.virtual.advance(1)
        _, body = await portal.ask("server.time")
        assert round(body["time"]["operating"], 6) == 0.8


async def test_every_command_of_a_batch_counts_and_the_batch_itself_does_not() -> None:
    limits = Limits(bucket_on=False, operating_limit_s=1.0, cost_s={"*": 0.3})
    async with served(limits=limits) as portal:
        commands = {f"c{number}": add_command("x") for number in range(6)}
        _, body = await portal.ask("batch", {"cmd": commands})
        result = body["result"]
        assert set(result["result"]) == {"c0", "c1", "c2", "c3"}
        assert {each["error"] for each in result["result_error"].values()} == {
            "OPERATION_TIME_LIMIT"
        }
        assert round(result["result_time"]["c3"]["operating"], 6) == 1.2
        assert body["time"]["operating"] == 0
        assert len(portal.portal.state.invoices) == 4


def test_each_webhook_has_its_own_operating_account() -> None:
    operating = Operating(Limits(operating_limit_s=1.0))
    operating.spend(("one", "m"), 0.0, 2.0)
    assert operating.exhausted(("one", "m"), 1.0)
    assert not operating.exhausted(("two", "m"), 1.0)
    assert not operating.exhausted(("one", "m"), 600.0)


async def test_delays_take_the_cost_of_every_command() -> None:
    limits = Limits(bucket_on=False, delay_on=True, cost_s={"*": 2.0})
    async with served(limits=limits) as portal:
        commands = {"a": add_command("A"), "b": add_command("B")}
        status, body = await portal.advancing("batch", {"cmd": commands}, 4.0)
        assert status == 200
        assert portal.clock.monotonic() == 4.0
        assert body["time"]["duration"] == 4.0
        made = [body["result"]["result"][key]["item"]["createdTime"][-9:-6] for key in ("a", "b")]
        assert made == [":02", ":04"]


async def test_a_batch_is_cut_after_a_minute_with_a_prefix_done() -> None:
    limits = Limits(bucket_on=False, delay_on=True, cost_s={"*": 25.0})
    async with served(limits=limits) as portal:
        commands = {f"c{number}": add_command("x") for number in range(4)}
        url = portal.url + "batch"

        async def ask() -> tuple[int, str]:
            async with portal.http.post(url, json={"cmd": commands}) as answer:
                return answer.status, answer.content_type

        status, kind = await portal.while_advancing(ask(), 60.0)
        assert (status, kind) == (504, "text/html")
        assert len(portal.portal.state.invoices) == 2


async def test_a_scaled_clock_drains_the_bucket_as_many_times_faster() -> None:
    async with served(limits=Limits(), clock=ScaledClock(scale=100_000.0)) as portal:
        assert [(await portal.ask("profile"))[0] for _ in range(200)] == [200] * 200
        assert portal.portal.calls.refused_by_rate == 0
