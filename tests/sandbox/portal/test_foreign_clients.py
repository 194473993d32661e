"""The portal as two clients of other people understand it: fast_bitrix24 and b24pysdk."""

from __future__ import annotations

import asyncio
import importlib

import pytest
from b24pysdk import BitrixWebhook, Client
from b24pysdk.errors import BitrixAPIError
from fast_bitrix24 import BitrixAsync
from fast_bitrix24.server_response import ErrorInServerResponseException

from stavbill.sandbox.portal.wire import Json
from tests.sandbox.portal.serving import Served, line, served


def fast(portal: Served) -> BitrixAsync:
    return BitrixAsync(portal.url, verbose=False)


async def test_fast_bitrix24_reads_all_pages() -> None:
    async with served(companies=449) as portal:
        found = await fast(portal).get_all("crm.company.list", {"select": ["ID", "TITLE"]})
        assert sorted(int(row["ID"]) for row in found) == portal.portal.state.companies.ids
        # One page to learn the total, the other eight in one batch.
        assert portal.portal.calls.requests == 2


async def test_fast_bitrix24_reads_items_by_id() -> None:
    async with served() as portal:
        for number in range(60):
            portal.seed.invoice(100, f"Счёт {number}", [line()], mycompany=portal.own)
        client = fast(portal)
        found = await client.get_all("crm.item.list", {"entityTypeId": 31})
        assert len(found) == 60
        by_id = await client.get_by_ID("crm.company.get", [100, 101])
        assert {key: row["TITLE"] for key, row in by_id.items()} == {
            "100": "Компания 0", "101": "Компания 1",
        }  # fmt: skip
        with pytest.raises(ErrorInServerResponseException):
            await client.get_by_ID("crm.company.get", [100, 999])


async def test_fast_bitrix24_writes_and_chains_commands() -> None:
    async with served() as portal:
        client = fast(portal)
        added = await client.call(
            "crm.company.add", [{"fields": {"TITLE": f"Новая {number}"}} for number in range(3)]
        )
        assert len(added) == 3
        result = await client.call_batch({
            "halt": 1,
            "cmd": {
                "a": "crm.item.add?entityTypeId=31&fields[title]=A",
                "r": "crm.item.productrow.set?ownerType=SI&ownerId=$result[a][item][id]"
                     "&productRows[0][productName]=x&productRows[0][price]=350",
            },
        })  # fmt: skip
        assert result["r"]["productRows"][0]["price"] == 350
        tasks: Json = {"fields": {"TITLE": "T", "RESPONSIBLE_ID": 1}}
        assert (await client.call("tasks.task.add", tasks))["id"] == "1"


async def test_fast_bitrix24_reads_pages_by_a_batch_of_its_own() -> None:
    async with served(companies=249) as portal:
        pages = {f"p{page}": f"crm.company.list?start={page * 50}&select[]=ID" for page in range(5)}
        found = await fast(portal).call_batch({"halt": 0, "cmd": pages})
        assert sum(len(rows) for rows in found.values()) == 250
        assert portal.portal.calls.requests == 1


@pytest.fixture
def plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let b24pysdk, which knows HTTPS alone, speak HTTP to loopback: only its base address."""
    module = importlib.import_module("b24pysdk.api.callers.call_method")
    url = property(lambda caller: f"http://{caller._domain}/rest")
    monkeypatch.setattr(module._MethodCaller, "_base_url", url)


def sdk(portal: Served) -> Client:
    token = f"{portal.hook.user_id}/{portal.hook.secret}"
    return Client(BitrixWebhook(domain=f"127.0.0.1:{portal.port}", webhook_token=token))


@pytest.mark.usefixtures("plain_http")
async def test_b24pysdk_reads_lists_both_ways() -> None:
    async with served(companies=119) as portal:
        client = sdk(portal)

        def read() -> tuple[list[Json], list[Json]]:
            whole = list(client.crm.company.list(select=["ID"]).as_list().result)
            chained = list(client.crm.company.list(select=["ID"]).as_list_fast().result)
            return whole, chained

        whole, chained = await asyncio.to_thread(read)
        assert [int(row["ID"]) for row in whole] == portal.portal.state.companies.ids
        assert [int(row["ID"]) for row in chained] == portal.portal.state.companies.ids


@pytest.mark.usefixtures("plain_http")
async def test_b24pysdk_writes_in_batches_and_understands_errors() -> None:
    async with served() as portal:
        client = sdk(portal)

        def work() -> tuple[Json, Json]:
            adds = {
                f"a{number}": client.crm.item.add(
                    entity_type_id=31, fields={"title": f"Счёт {number}", "companyId": 100}
                )
                for number in range(3)
            }
            made = client.call_batch(adds, halt=True).result
            one = client.crm.item.get(bitrix_id=1, entity_type_id=31).result
            return made, one

        made, one = await asyncio.to_thread(work)
        assert {item["item"]["title"] for item in made.result.values()} == {
            "Счёт 0", "Счёт 1", "Счёт 2",
        }  # fmt: skip
        assert one["item"]["companyId"] == 100

        def fail() -> None:
            client.crm.item.get(bitrix_id=999, entity_type_id=31).call()

        with pytest.raises(BitrixAPIError, match="Element not found"):
            await asyncio.to_thread(fail)
