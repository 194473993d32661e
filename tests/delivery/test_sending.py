"""A pass of sending over real SMTP and a billed month: once each, whatever happens."""

from __future__ import annotations

from pathlib import Path

from tests.delivery.office import opened


async def test_every_invoice_goes_to_every_recipient_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as office:
        report = await office.send()
        assert report["sent"] == len(office.mailbox) > 0
        assert set(office.mailbox.values()) == {1}
        again = await office.send()
        assert again["sent"] == 0
        assert set(office.mailbox.values()) == {1}
        assert {one["status"] for one in office.messages()} == {"sent"}
