"""A sandbox in a folder goes on with its world, at the same addresses."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiohttp
import aiosmtplib

from stavbill.cli.service import _next_steps
from stavbill.sandbox.keep import HELD, Drawn, read_held, write_held, write_world
from stavbill.sandbox.portal import dump
from stavbill.sandbox.serve import running_sandbox

COMMENT = {"fields": {"ENTITY_ID": 101, "ENTITY_TYPE": "company", "COMMENT": "до перерыва"}}

OF_COMPANY = {"filter": {"ENTITY_ID": 101, "ENTITY_TYPE": "company"}}


@asynccontextmanager
async def sandbox_in(folder: Path, *words: str) -> AsyncIterator[dict[str, Any]]:
    """Serve the folder's world in a process until the block ends; give what it tells."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "stavbill.sandbox.serve", "--dir", str(folder), *words,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        told: dict[str, Any] = json.loads(await process.stdout.readline())
        yield told
    finally:
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


async def ask(told: dict[str, Any], method: str, params: object) -> Any:  # noqa: ANN401 - JSON
    async with (
        aiohttp.ClientSession() as http,
        http.post(told["portal_url"] + method, json=params) as answer,
    ):
        body = await answer.json()
    assert "result" in body, body
    return body["result"]


async def test_what_was_written_stands_after_a_break(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    async with sandbox_in(folder, "--companies", "40", "--seed", "5") as told:
        first = await ask(told, "crm.timeline.comment.add", COMMENT)
        letter = EmailMessage()
        letter["From"], letter["To"], letter["Subject"] = "a@x.example", "b@x.example", "Счёт"
        letter.set_content("текст")
        await aiosmtplib.send(
            letter, hostname="127.0.0.1", port=told["mail"]["smtp_port"], start_tls=False
        )
    # Other words do not matter any more: the folder's world goes on.
    async with sandbox_in(folder, "--companies", "7", "--seed", "9") as again:
        assert (again["companies"], again["seed"]) == (40, 5)
        [kept] = await ask(again, "crm.timeline.comment.list", OF_COMPANY)
        assert (int(kept["ID"]), kept["COMMENT"]) == (first, "до перерыва")
        second = await ask(again, "crm.timeline.comment.add", COMMENT)
        assert second > first
        async with aiohttp.ClientSession() as http, http.get(again["mail"]["control"]) as letters:
            [known] = await letters.json()
            assert known["subject"] == "Счёт"
    assert (folder / HELD).stat().st_mode & 0o077 == 0


async def test_a_portal_put_back_holds_exactly_what_it_held(tmp_path: Path) -> None:
    async with running_sandbox(companies=60, seed=3) as sandbox:
        drawn = Drawn(60, 3, sandbox.world.as_of, 0)
        write_world(tmp_path, drawn)
        sandbox.portal.state.companies.remove(101)
        write_held(tmp_path, sandbox.hosts())
        before = dump.everything(sandbox.portal.state)
    async with running_sandbox(companies=60, seed=3, held=read_held(tmp_path)) as again:
        assert dump.everything(again.portal.state) == before
        assert again.portal.state.companies.get(101) is None


async def test_the_words_of_the_command_name_every_address_and_secret() -> None:
    async with running_sandbox(companies=20, seed=3) as sandbox:
        words = _next_steps(sandbox)
        for known in (*sandbox.wialon_urls.values(), sandbox.portal_url, sandbox.mail_url):
            assert known in words
        for name, value in sandbox.environment().items():
            # The time of day goes on between two looks.
            wanted = name if name in sandbox.time() else f"{name}={value}"
            assert f"export {wanted}" in words
