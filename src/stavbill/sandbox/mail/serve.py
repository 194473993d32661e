"""The mail world on loopback: SMTP with and without TLS from the start, IMAP, and the page."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from stavbill.sandbox.mail.certificate import make_certificate
from stavbill.sandbox.mail.imap import Mailboxes, serve_session
from stavbill.sandbox.mail.server import PASSWORD, MailServer

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class MailDoors:
    """Where the mail world listens.

    `smtp_port` offers STARTTLS when there is a certificate, `smtps_port` speaks TLS at once (0
    without a certificate). `trust` is the certificate's file, None without one.
    """

    mail: MailServer
    host: str
    smtp_port: int
    smtps_port: int
    imap_port: int
    trust: Path | None

    def ready(self) -> dict[str, object]:
        """Return what a client must know, as JSON."""
        return {
            "host": self.host,
            "smtp_port": self.smtp_port,
            "smtps_port": self.smtps_port or None,
            "imap_port": self.imap_port,
            "password": PASSWORD,
            "certificate": None if self.trust is None else str(self.trust),
        }


@asynccontextmanager
async def mail_doors(
    mail: MailServer,
    *,
    host: str = LOOPBACK,
    ports: tuple[int, int, int] = (0, 0, 0),
    maildirs: Mapping[str, Path] | None = None,
) -> AsyncIterator[MailDoors]:
    """Open the doors of `mail` until the block ends.

    `ports` are those of SMTP, SMTP over TLS and IMAP; 0 takes a free one. `maildirs` names the
    addresses whose letters also go into a folder, delivery reports to a sender above all.
    """
    mail.letters.maildirs |= {
        address.lower(): folder for address, folder in (maildirs or {}).items()
    }
    # Every broken session would be a traceback there; breaking them is this server's trade.
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    boxes = Mailboxes(mail)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="stavbill-mail-")))
        certificate = await make_certificate(folder)
        tls = None if certificate is None else certificate.context
        stack.push_async_callback(mail.close)
        smtp = await stack.enter_async_context(
            _listening(lambda: mail.protocol(tls), host, ports[0])
        )
        smtps = 0
        if tls is not None:
            smtps = await stack.enter_async_context(
                _listening(mail.protocol, host, ports[1], tls=tls)
            )
        imap = await asyncio.start_server(
            lambda reader, writer: serve_session(boxes, reader, writer), host, ports[2]
        )
        await stack.enter_async_context(imap)
        yield MailDoors(
            mail=mail,
            host=host,
            smtp_port=smtp,
            smtps_port=smtps,
            imap_port=imap.sockets[0].getsockname()[1],
            trust=None if certificate is None else certificate.trust,
        )


@asynccontextmanager
async def _listening(
    protocol: Callable[[], asyncio.BaseProtocol],
    host: str,
    port: int,
    *,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, host, port, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]
