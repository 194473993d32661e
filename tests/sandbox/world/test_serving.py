"""The world on loopback: what the hosts show is what the world says."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import date
from typing import Any

from wialon.api import Wialon

from stavbill.sandbox.serve import running_sandbox
from stavbill.sandbox.world.build import build_world

SPEC = {"propName": "sys_name", "propValueMask": "*", "sortType": "sys_id"}


def read_all(url: str, token: str) -> dict[str, list[dict[str, Any]]]:
    """Read a service by the foreign client, in pages, as a stranger would."""
    client = Wialon(scheme="http", host="127.0.0.1", port=int(url.rpartition(":")[2]))
    client.sid = client.token_login(token=token)["eid"]
    found: dict[str, list[dict[str, Any]]] = {}
    for items_type in ("avl_resource", "avl_unit"):
        read: list[dict[str, Any]] = []
        while True:
            page = client.core_search_items(
                **{
                    "spec": SPEC | {"itemsType": items_type},
                    "force": int(not read),
                    "flags": 269,
                    "from": len(read),
                    "to": len(read) + 99,
                }
            )
            read += page["items"]
            if len(read) >= page["totalItemsCount"]:
                break
        found[items_type] = read
    client.core_logout()
    return found


async def test_wialon_shows_the_worlds_units_and_states() -> None:
    async with running_sandbox(companies=300, seed=11) as sandbox:
        shown: Counter[tuple[int, object]] = Counter()
        parents: dict[int, int] = {}
        for name, url in sandbox.wialon_urls.items():
            read = await asyncio.to_thread(read_all, url, sandbox.tokens[name])
            shown.update((unit["bact"], unit.get("act")) for unit in read["avl_unit"])
            parents |= {each["id"]: each["bpact"] for each in read["avl_resource"]}
        told: Counter[tuple[int, object]] = Counter()
        for cluster in sandbox.world.clusters():
            for unit in cluster.units:
                told[unit.account_id, None if unit.state_unknown else int(unit.active)] += 1
            for account in cluster.accounts:
                assert account.parent_id is None or parents[account.id] == account.parent_id
        assert shown == told


async def test_the_clock_starts_on_the_worlds_day() -> None:
    world = build_world(150, 1, date(2026, 3, 16))
    async with running_sandbox(world) as sandbox:
        assert sandbox.clock.now().date() == world.as_of
        assert sandbox.ready()["as_of"] == "2026-03-16"
