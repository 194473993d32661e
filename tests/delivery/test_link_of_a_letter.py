"""The links of a real letter, followed to `stavbill web`: the page and the very same document."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from stavbill.sandbox.mail.letters import Letter
from tests.delivery.test_killed import billed, finish, server_of
from tests.end_to_end.working import Workers, workers_of

BASE = "https://billing.example"
PERSON = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
LINK = re.compile(rf"{BASE}(/i/[a-z2-7]+(?:\.gif)?)\"")
COMPANIES = 20


@asynccontextmanager
async def sent(directory: Path) -> AsyncIterator[tuple[Letter, Workers]]:
    """Bill a month and send it; give one letter, and what starts programs beside it."""
    async with billed(directory, COMPANIES) as place:
        with place.config.open("a", encoding="utf-8") as toml:
            toml.write(f'\n[web]\npublic_url = "{BASE}"\n')
        await finish(place)
        letters = [one for one in server_of(place).letters if not one.is_report]
        since = "STAVBILL_CLOCK_SINCE"
        # On the clock by which the letters went out: nobody reads one before it was sent.
        async with workers_of(place, **{since: place.env[since]}) as workers:
            yield letters[0], workers


async def status_of(workers: Workers, letter: Letter) -> set[str]:
    """Return what the sending log says of the letter's recipient."""
    log = await workers.ask("delivery", "log", "--limit", "1000")
    return {
        message["status"]
        for row in log["sendings"]
        for message in row["messages"]
        if message["recipient"] == letter.recipients[0]
    }


async def test_the_page_gives_the_document_that_came_with_the_letter(tmp_path: Path) -> None:
    async with sent(tmp_path) as (letter, workers):
        page, picture = LINK.findall(letter.html)
        address = await workers.serve_web()
        # At its start it asks what time it is there.
        calls = len(workers.place.sandbox.portal.calls)
        async with httpx.AsyncClient(
            base_url=address, headers={"User-Agent": PERSON}, timeout=60
        ) as client:
            assert (await client.get(picture)).headers["content-type"] == "image/gif"
            assert await status_of(workers, letter) == {"opened"}
            assert "Показать счёт и оплатить" in (await client.get(page)).text
            assert "Скачать счёт" in (await client.post(page)).text
            assert await status_of(workers, letter) == {"clicked"}
            document = await client.get(f"{page}/document")
        attached = next(one for one in letter.attachments if one.content_type == "application/pdf")
        assert document.content == attached.content
        # Whoever follows a link asks the portal nothing.
        assert len(workers.place.sandbox.portal.calls) == calls
