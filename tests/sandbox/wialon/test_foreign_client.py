"""The emulated host understood by a Wialon client that strangers wrote: python-wialon."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from wialon.api import Wialon, WialonError

from tests.sandbox.wialon.serving import CLIENT, FIRST_UNIT, WORKING, served

SEARCH = {
    "spec": {
        "itemsType": "avl_unit",
        "propName": "sys_name",
        "propValueMask": "*",
        "sortType": "sys_id",
    },
    "force": 1,
    "flags": 261,
    "from": 0,
    "to": 0,
}


async def foreign(work: Callable[[Wialon], Any]) -> Any:  # noqa: ANN401 - the client is untyped
    """Run blocking calls of the foreign client beside the served host."""
    async with served() as wialon:
        client = Wialon(scheme="http", host="127.0.0.1", port=wialon.port)
        return await asyncio.to_thread(work, client)


async def test_the_foreign_client_logs_in_searches_and_leaves() -> None:
    def work(client: Wialon) -> list[int]:
        client.sid = client.token_login(token=WORKING)["eid"]
        found = client.core_search_items(**SEARCH)
        client.avl_evts()
        client.core_logout()
        return [item["id"] for item in found["items"] if item["bact"] == CLIENT]

    assert await foreign(work) == [FIRST_UNIT + n for n in range(4)]


async def test_the_foreign_client_reads_errors_by_their_number() -> None:
    def work(client: Wialon) -> str:
        with pytest.raises(WialonError) as failure:
            client.core_search_items(**SEARCH)
        return str(failure.value)

    assert "Invalid session" in await foreign(work)


async def test_the_foreign_client_batches_and_writes() -> None:
    def work(client: Wialon) -> Any:  # noqa: ANN401 - untyped answers
        client.sid = client.token_login(token=WORKING)["eid"]
        client.unit_set_active(itemId=FIRST_UNIT, active=0)
        call = {"svc": "core/search_item", "params": {"id": FIRST_UNIT, "flags": 261}}
        return client.core_batch([call, call])

    answers = await foreign(work)
    assert [answer["item"]["act"] for answer in answers] == [0, 0]
