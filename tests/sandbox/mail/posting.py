"""A mail world on loopback and a letter to post."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import aiohttp
import aiosmtplib
from aiohttp import web

from stavbill.sandbox.clock import SandboxClock, VirtualClock
from stavbill.sandbox.mail.serve import MailDoors, mail_doors
from stavbill.sandbox.mail.server import MailServer
from stavbill.sandbox.mail.web import mail_app

SENDER, CUSTOMER = "schet@avtotrek.example", "buh@romashka.example"


def letter(to: str = CUSTOMER, *, number: int = 1, sender: str = SENDER) -> EmailMessage:
    """Write an invoice's letter with both texts, a picture inside, and the PDF."""
    message = EmailMessage()
    message["From"], message["To"] = f"ООО «Автотрэкер» <{sender}>", to
    message["Subject"] = f"Счёт на оплату № {number}"
    message["Date"] = format_datetime(VirtualClock().now())
    message["Message-ID"] = f"<inv-{number}@avtotrek.example>"
    message.set_content("Добрый день! Счёт во вложении.\n")
    message.add_alternative(
        '<p>Добрый день!</p><img src="cid:logo"><script>alert(1)</script>', subtype="html"
    )
    html = message.get_payload()[1]  # type: ignore[index] # both texts stand there
    assert isinstance(html, EmailMessage)
    html.add_related(b"\x89PNG", "image", "png", cid="<logo>", filename="logo.png")
    message.add_attachment(
        b"%PDF-1.7", maintype="application", subtype="pdf", filename=f"Счёт {number}.pdf"
    )
    return message


@dataclass(frozen=True, slots=True)
class Post:
    """The doors, the page's address, and a client of the page."""

    doors: MailDoors
    url: str
    http: aiohttp.ClientSession

    @property
    def mail(self) -> MailServer:
        return self.doors.mail

    @property
    def clock(self) -> VirtualClock:
        assert isinstance(self.mail.clock, VirtualClock)
        return self.mail.clock

    async def send(self, message: EmailMessage | None = None, **words: object) -> str:
        """Post a letter by aiosmtplib, as the product does; return the server's answer."""
        given: dict[str, Any] = {"start_tls": False, "use_tls": False} | words
        given |= {"hostname": self.doors.host, "port": self.doors.smtp_port}
        _, answer = await aiosmtplib.send(message or letter(), **given)
        return answer

    async def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        async with self.http.get(self.url + path) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def put(self, path: str, body: object) -> tuple[int, Any]:
        async with self.http.put(self.url + path, json=body) as answer:
            return answer.status, await answer.json()

    async def page(self, path: str) -> tuple[str, Mapping[str, str]]:
        async with self.http.get(self.url + path) as answer:
            assert answer.status == 200
            return await answer.text(), answer.headers


@asynccontextmanager
async def posting(
    *, clock: SandboxClock | None = None, maildirs: Mapping[str, Path] | None = None
) -> AsyncIterator[Post]:
    """Open a mail world and its page; its clock stands still until a test turns it."""
    mail = MailServer(clock or VirtualClock())
    runner = web.AppRunner(mail_app(mail), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with mail_doors(mail, maildirs=maildirs) as doors, aiohttp.ClientSession() as http:
        try:
            yield Post(doors, url, http)
        finally:
            await runner.cleanup()
