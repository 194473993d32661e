"""The world on loopback: what the hosts show is what the world says."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from datetime import date
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiohttp
import aiosmtplib
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


async def test_the_portal_shows_cards_contracts_and_invoices() -> None:
    async with running_sandbox(companies=300, seed=12) as sandbox, aiohttp.ClientSession() as http:
        read = Reading(http, sandbox.webhook)
        cards = await read.every("crm.company.list", {"select": ["ID", "TITLE", "UF_*", "*"]})
        codes = {field.attribute: field for field in sandbox.world.fields if field.attribute}
        shown = {int(card["ID"]): card for card in cards if card["IS_MY_COMPANY"] == "N"}
        told = {company.id: company for company in sandbox.world.companies()}
        assert shown.keys() == told.keys()
        for company in told.values():
            card = shown[company.id]
            assert card["TITLE"] == company.title
            for attribute in ("tariff", "fuel", "account", "emails", "sending"):
                assert card[codes[attribute].code] == getattr(company.card, attribute), attribute
            count = card[codes["card_count"].code]
            assert (int(float(count)) if count not in (None, "") else None) == (
                company.card.card_count
            )
            assert bool(card[codes["status"].code]) == (company.card.status is not None)
        papers = await read.every("crm.documentgenerator.document.list", {"select": ["*"]})
        assert Counter(int(each["entityId"]) for each in papers) == Counter(
            {company.id: len(company.documents) for company in told.values() if company.documents}
        )
        invoices = await read.every(
            "crm.item.list", {"entityTypeId": 31, "select": ["id", "opportunity", "title"]}
        )
        wanted = {each.id: each for company in told.values() for each in company.invoices}
        assert {each["id"]: each["title"] for each in invoices} == {
            number: each.title for number, each in wanted.items()
        }
        assert all(each["opportunity"] * 100 == wanted[each["id"]].total for each in invoices)


class Reading:
    """Reads lists page by page, as the documentation shows it."""

    def __init__(self, http: aiohttp.ClientSession, webhook: str) -> None:
        self.http, self.webhook = http, webhook

    async def every(self, method: str, params: dict[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        start: int | None = 0
        while start is not None:
            given = params | {"start": start}
            async with self.http.post(f"{self.webhook}{method}.json", json=given) as answer:
                body = await answer.json()
            rows = body["result"]
            found += next(iter(rows.values())) if isinstance(rows, dict) else rows
            start = body.get("next")
        return found


async def test_ready_names_every_way_in() -> None:
    async with running_sandbox(companies=20) as sandbox:
        ready = sandbox.ready()
        environment = ready["environment"]
        assert isinstance(environment, dict)
        # A process that is told this has the world's day.
        assert environment.pop("STAVBILL_CLOCK_START").startswith("2026-12-10T06:00:")
        assert float(environment.pop("STAVBILL_CLOCK_SINCE")) > 0
        assert environment == {
            "STAVBILL_CLOCK_SCALE": "1.0",
            "STAVBILL_PORTAL_URL": sandbox.webhook,
            "STAVBILL_WIALON_TOKEN_STAVROS": sandbox.tokens["stavros"],
            "STAVBILL_WIALON_TOKEN_STAVROS1": sandbox.tokens["stavros1"],
            "STAVBILL_WHATSAPP_TOKEN": sandbox.whatsapp.token,
        }


async def test_mail_and_whatsapp_are_in_the_sandbox_and_say_where() -> None:
    async with running_sandbox(companies=20) as sandbox, aiohttp.ClientSession() as http:
        mail, chats = sandbox.ready()["mail"], sandbox.ready()["whatsapp"]
        assert isinstance(mail, dict)
        assert isinstance(chats, dict)
        message = EmailMessage()
        message["From"], message["To"] = "schet@avtotrek.example", "buh@romashka.example"
        message["Subject"] = "Счёт № 1"
        message.set_content("Добрый день!")
        await aiosmtplib.send(
            message,
            hostname=mail["host"],
            port=mail["smtp_port"],
            start_tls=mail["certificate"] is not None,
            cert_bundle=mail["certificate"],
        )
        async with http.get(mail["page"]) as page:
            shown = await page.text()
            assert "Счёт № 1" in shown
            assert chats["page"] in shown
        async with http.get(mail["control"]) as listed:
            assert len(await listed.json()) == 1
        way = f"{chats['url']}/waInstance{chats['instance']}/getStateInstance/{chats['token']}"
        async with http.get(way) as state:
            assert await state.json() == {"stateInstance": "authorized"}
        async with http.get(chats["control"]) as told:
            assert await told.json() == []


async def test_as_a_process_it_tells_addresses_and_stops_when_told(tmp_path: Path) -> None:
    ready, answers = tmp_path / "ready.json", tmp_path / "expected.json"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "stavbill.sandbox.serve", "--companies", "160", "--seed", "5",
        "--ready-file", str(ready), "--expectations-file", str(answers),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = json.loads(await process.stdout.readline())
        async with (
            aiohttp.ClientSession() as http,
            http.get(line["portal_control"] + "state") as up,
        ):
            assert (await up.json())["companies"] == 160 + 4
        assert len(json.loads(answers.read_text("utf-8"))) == 160
    finally:
        process.terminate()
        assert await process.wait() == 0
