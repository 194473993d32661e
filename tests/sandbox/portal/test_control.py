"""The control address and the end-state dump."""

from __future__ import annotations

import orjson

from stavbill.sandbox.portal import dump
from stavbill.sandbox.portal.wire import Json, to_bytes
from tests.sandbox.portal.serving import Served, add_command, line, served


async def control(portal: Served, method: str, name: str, body: Json = None) -> tuple[int, Json]:
    url = f"{portal.host}/_sandbox/{name}"
    async with portal.http.request(method, url, json=body) as answer:
        return answer.status, orjson.loads(await answer.read())


async def test_state_counts_requests_and_calls_without_counting_itself() -> None:
    async with served() as portal:
        await portal.batch({"a": add_command("A"), "b": "crm.company.list"})
        await control(portal, "GET", "state")
        status, found = await control(portal, "GET", "state")
        assert status == 200
        assert (found["companies"], found["invoices"], found["requests"]) == (4, 1, 1)
        assert found["by_method"] == {"batch": 1, "crm.company.list": 1, "crm.item.add": 1}
        assert found["webhooks"] == [portal.hook.path]


async def test_the_journal_tells_every_command() -> None:
    async with served() as portal:
        await portal.batch({"a": add_command("A"), "b": "crm.company.get?id=9"})
        _, calls = await control(portal, "GET", "calls")
        assert [(call["method"], call["in_batch"], call["error"]) for call in calls] == [
            ("crm.item.add", True, None), ("crm.company.get", True, ""), ("batch", False, None),
        ]  # fmt: skip
        assert calls[0]["executed"] is True
        assert '"title":"A"' in calls[0]["params"]
        _, later = await control(portal, "GET", "calls?since=1")
        assert later == []
        await control(portal, "POST", "clear")
        assert (await control(portal, "GET", "state"))[1]["requests"] == 0


async def test_faults_are_put_and_taken_off_from_outside() -> None:
    async with served() as portal:
        wanted = {"seed": 5, "faults": [{"kind": "query_limit", "nth": [1], "writes_only": True}]}
        assert (await control(portal, "PUT", "faults", wanted))[1] == {"on": 1}
        await portal.call("profile")
        assert (await portal.ask("crm.item.add", {"entityTypeId": 31, "fields": {}}))[0] == 503
        _, on = await control(portal, "GET", "faults")
        assert (on[0]["kind"], on[0]["struck"]) == ("query_limit", 1)
        assert (await control(portal, "PUT", "faults", {}))[1] == {"on": 0}
        status, wrong = await control(portal, "PUT", "faults", {"faults": [{"kind": "earthquake"}]})
        assert status == 400
        assert "earthquake" in wrong["error"]
        status, _ = await control(portal, "PUT", "faults", {"faults": [{"kind": "late", "x": 1}]})
        assert status == 400


async def test_switches_and_limits_are_changed_from_outside() -> None:
    async with served() as portal:
        _, found = await control(
            portal, "PUT", "switches", {"list_lag_s": 30, "bad_dates": "error"}
        )
        assert (found["list_lag_s"], found["bad_dates"]) == (30, "error")
        assert portal.portal.state.companies.remembers
        _, found = await control(portal, "PUT", "limits", {"bucket_capacity": 250})
        assert portal.portal.limits.bucket_capacity == 250
        status, wrong = await control(portal, "PUT", "switches", {"bad_date": "x"})
        assert status == 400
        assert "bad_dates" in wrong["error"]
        assert (await control(portal, "GET", "nothing"))[0] == 404


async def fill(portal: Served, order: tuple[int, ...]) -> None:
    """Make the same things in another order."""
    for company in order:
        portal.seed.task("Проверить", responsible=1, company=company, items=("a", "b"))
        portal.seed.papers.comment(company, f"Счёт {company}")
        portal.seed.invoice(company, f"Счёт {company}", [line()], mycompany=portal.own)


async def test_the_end_state_does_not_depend_on_the_order_of_work() -> None:
    found = []
    for order in ((100, 101), (101, 100)):
        async with served() as portal:
            await fill(portal, order)
            await portal.virtual.advance(7)
            found.append(to_bytes((await control(portal, "GET", "dump"))[1]))
            assert found[-1] == to_bytes(portal.portal.snapshot())
    assert found[0] == found[1]


async def test_a_cancelled_invoice_is_not_live() -> None:
    async with served() as portal:
        portal.seed.invoice(100, "A", [line()], mycompany=portal.own, xml_id="k")
        portal.seed.invoice(100, "B", [line()], mycompany=portal.own, stage="D")
        _, found = await control(portal, "GET", "invoices")
        assert [(each["title"], each["live"], each["stage"]) for each in found] == [
            ("A", True, "Новый"), ("B", False, "Не оплачен"),
        ]  # fmt: skip
        assert found[0]["opportunity"] == "1050.00"
        assert found[0]["rows"][0]["price"] == "350"
        assert dump.summary(portal.portal.state)["invoices_live"] == 1


async def test_late_work_is_run_on_demand() -> None:
    async with served() as portal:
        late = {"faults": [{"kind": "late", "nth": [1], "seconds": 99}]}
        await control(portal, "PUT", "faults", late)
        await portal.lost("crm.company.add", {"fields": {"TITLE": "x"}})
        assert (await control(portal, "GET", "state"))[1]["waiting"] == 1
        assert (await control(portal, "POST", "settle"))[1] == {"ran": 1}
        assert len(portal.portal.state.companies) == 5
