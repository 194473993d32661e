"""A mail server that says what it is told to, byte for byte: what no library's server would say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from stavbill.delivery.smtp import SmtpSettings

USUAL: Mapping[str, bytes] = {
    "EHLO": b"250-here\r\n250-DSN\r\n250 8BITMIME\r\n",
    "DATA": b"354 go on\r\n",
    "DOT": b"250 taken\r\n",
    "QUIT": b"221 bye\r\n",
}
OK = b"250 ok\r\n"
# Said instead of an answer: the connection is closed.
HANG_UP = b""


@dataclass(slots=True)
class Scripted:
    """What the server says to each verb, and every line that it heard."""

    port: int = 0
    says: dict[str, bytes] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)

    def at(self, settings: SmtpSettings) -> SmtpSettings:
        """Return settings that lead here."""
        return replace(settings, host="127.0.0.1", port=self.port)

    def lines(self, verb: str) -> list[str]:
        """Return what was heard that begins with a verb."""
        return [line for line in self.heard if line.startswith(verb)]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak on one connection until it ends."""
        writer.write(self.says.get("HELLO", b"220 here\r\n"))
        body = False
        while line := await reader.readline():
            text = line.decode("ascii", "replace").strip()
            if body and text != ".":
                continue
            verb = "DOT" if body else text[:4].upper().strip()
            body = False
            self.heard.append(verb if verb == "DOT" else text)
            said = self.says.get(verb, USUAL.get(verb, OK))
            if said == HANG_UP:
                break
            writer.write(said)
            await writer.drain()
            if verb == "QUIT":
                break
            body = verb == "DATA" and said.startswith(b"354")
        writer.close()


@asynccontextmanager
async def scripted(**says: bytes) -> AsyncIterator[Scripted]:
    """Open a server on a port of its own; `says` is by verb: HELLO, EHLO, MAIL, RCPT, DATA, DOT."""
    server = Scripted(says=says)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield server
