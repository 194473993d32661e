"""Two passes at once, on both databases: every letter once, every word in the portal once."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

from stavbill.app.build import open_parts
from stavbill.operations.present import Document
from stavbill.operations.sending import send_due
from stavbill.sandbox.portal import dump
from tests.delivery.office import Office, opened


def make_a_pass(office: Office, number: int, together: threading.Barrier) -> Document:
    """Make one pass as a process of its own would: other connections, another loop."""

    async def whole() -> Document:
        place = office.installation
        async with open_parts(place.config, place.env) as parts:
            mail = replace(office.mail, owner=f"host:{number}:test")
            await asyncio.to_thread(together.wait, 30)
            return await send_due(parts, mail)

    return asyncio.run(whole())


async def test_two_passes_at_once_send_and_tell_once(tmp_path: Path, store_url: str) -> None:
    async with opened(tmp_path, companies=40, database=store_url) as office:
        together = threading.Barrier(2)
        reports = await asyncio.gather(
            *(asyncio.to_thread(make_a_pass, office, number, together) for number in (1, 2))
        )
        sent = sum(int(str(report["sent"])) for report in reports)
        assert (await office.send())["sent"] == 0
        assert sent == len(office.mailbox) == len(office.messages())
        assert set(office.mailbox.values()) == {1}
        office.installation.sandbox.portal.settle(everything=True)
        told = dump.timeline(office.installation.sandbox.portal.state)
        entries = Counter(str(row["text"]) for row in told if "Отправлено: " in str(row["text"]))
        assert set(entries.values()) == {1}
        assert sum(entries.values()) == len({row["company"] for row in office.log()})
