"""`kill -9` while letters go out, and the next pass: every letter once, and none left out."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from stavbill.app.mail import open_desk
from stavbill.operations.sending_desk import sending_log
from stavbill.sandbox.mail.faults import Fault, Trouble
from stavbill.sandbox.mail.server import MailServer
from tests.end_to_end.driving import Installation, installed

COMPANIES = 60
PROGRAM = "from stavbill.cli.main import main; main()"
SENDER = """
[[mail.senders]]
code = "main"
host = "127.0.0.1"
port = {port}
security = "none"
address = "billing@stavbill.example"
name = "Счета"
"""


@asynccontextmanager
async def billed(directory: Path, companies: int = COMPANIES) -> AsyncIterator[Installation]:
    """Bill a month, and let the installation send by the sandbox's mail server."""
    async with installed(directory, companies=companies) as place:
        await place.run()
        with place.config.open("a", encoding="utf-8") as toml:
            toml.write(SENDER.format(port=place.sandbox.mail.smtp_port))
        place.env["STAVBILL_WEB_SECRET"] = "a secret of the test's own, long enough"
        yield place


def server_of(place: Installation) -> MailServer:
    return place.sandbox.mail.mail


def mailbox(place: Installation) -> Counter[tuple[str, str]]:
    """Return how often each letter came, by its recipient and its Message-ID."""
    return Counter(
        (letter.recipients[0], letter.header("Message-ID"))
        for letter in server_of(place).letters
        if not letter.is_report
    )


async def start(place: Installation) -> asyncio.subprocess.Process:
    """Start a pass of sending as a process of its own."""
    words = ["--config", str(place.config), "delivery", "send", "--json"]
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        *words,
        env={**os.environ, **place.env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def finish(place: Installation) -> dict[str, Any]:
    """Make a whole pass and return what came of it."""
    process = await start(place)
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    document: dict[str, Any] = json.loads(out)
    return document


async def kill_after(place: Installation, letters: int) -> None:
    """Start a pass, and kill it when the server has taken so many letters."""
    process = await start(place)
    while process.returncode is None:
        if server_of(place).counts["taken"] >= letters:
            process.kill()
            break
        await asyncio.sleep(0)
    out, err = await process.communicate()
    assert process.returncode == -signal.SIGKILL, (out, err)


async def messages(place: Installation) -> Counter[str]:
    """Return how far the messages came."""
    async with open_desk(place.config, place.env) as (parts, _):
        rows: Any = sending_log(parts, None, limit=1000)["sendings"]
    return Counter(one["stage"] for row in rows for one in row["messages"])


@pytest.mark.parametrize("letters", [1, 20])
async def test_a_killed_pass_is_finished_by_the_next_one(tmp_path: Path, letters: int) -> None:
    async with billed(tmp_path) as place:
        await kill_after(place, letters)
        report = await finish(place)
        stages = await messages(place)
        # What was on the wire is in doubt: it may be there, and is not sent again by itself.
        assert stages["sent"] + stages["unclear"] == stages.total() > letters
        assert stages["unclear"] <= 4
        assert set(mailbox(place).values()) == {1}
        assert stages.total() - stages["unclear"] <= len(mailbox(place)) <= stages.total()
        assert report["sent"] >= stages.total() - len(mailbox(place)) - stages["unclear"]
        assert (await finish(place))["sent"] == 0
        assert set(mailbox(place).values()) == {1}


async def test_what_the_server_has_taken_is_not_sent_again(tmp_path: Path) -> None:
    """Killed while the server takes its time with the answer: taken once, and once it stays."""
    async with billed(tmp_path) as place:
        server_of(place).faults.switch(Fault(Trouble.LATE, seconds=3600.0, times=4))
        await kill_after(place, 4)
        taken = len(mailbox(place))
        report = await finish(place)
        stages = await messages(place)
        assert stages["unclear"] == taken == 4
        assert report["sent"] == stages["sent"] == stages.total() - 4
        assert set(mailbox(place).values()) == {1}
        assert len(mailbox(place)) == stages.total()
