"""E-mail over SMTP: one message to one recipient, and an exact answer to what became of it.

The body is put on the wire without its final dot; when all of it has left this machine comes the
last look, then the dot. A process killed before has certainly sent nothing, and one that lost its
claim meanwhile hangs up. Source: delivery page; RFC 5321 (4.2 replies, 4.5.2 dots, 4.5.3.2 times);
RFC 3461 (notices); RFC 3463 (codes); aiosmtplib 4.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPHeloError,
    SMTPRecipientRefused,
    SMTPResponse,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)

from stavbill.delivery.answers import (
    Answer,
    Doubt,
    LastLook,
    Later,
    Never,
    SenderTrouble,
    Taken,
    Withdrawn,
)
from stavbill.delivery.letter import Mailbox, one_line

START_INPUT, CLOSING = 354, 421
POSITIVE, TEMPORARY, PERMANENT, BEYOND = range(200, 300), 400, 500, 600
# RFC 3463: X.1 and X.2 are about the address and its mailbox, X.3 to X.7 about the mail system, the
# way, the letter and the policy: no address is to blame.
CODE = re.compile(r"\b5\.(\d{1,3})\.\d{1,3}\b")
THE_ADDRESS = frozenset({"1", "2"})
# RFC 4954: who sends has to prove himself first, or by other means.
UNPROVEN = frozenset({530, 534, 535, 538})
DRAIN_STEP_S = 0.01
LONGEST_SAID = 300


class Security(Enum):
    """How the connection is secured: STARTTLS demanded, TLS from the start, or not at all."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSettings:
    """One sender's mail server. Times in seconds; `user` empty means no login.

    `bounces` is the envelope's sender, to which notices come. `notify` asks for notices where the
    server knows them (RFC 3461). `ca_file` is a certificate of the server's own. `timeout_s` is for
    each answer but the one to the whole letter, which may take `answer_s` (RFC 5321, 4.5.3.2.6).
    """

    host: str
    port: int
    security: Security
    sender: Mailbox
    reply_to: str = ""
    bounces: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    notify: bool = False
    timeout_s: float = 60.0
    answer_s: float = 600.0
    helo: str = ""


class SmtpLine:
    """One connection to a sender's mail server, used by one message at a time.

    It is opened by the first message and again after it was lost. Nothing is repeated.
    """

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._client: SMTP | None = None

    async def send(
        self, recipient: str, letter: bytes, reference: str, *, last_look: LastLook
    ) -> Answer:
        """Hand over an encoded letter; `reference` is its Message-ID without brackets."""
        try:
            client = await self._connected()
        except (SMTPException, OSError, ssl.SSLError) as error:
            self.close()
            return SenderTrouble(_told("почтовый сервер не принимает соединение", error))
        try:
            refusal = await self._named(client, reference)
            if refusal is not None:
                return refusal
        except (SMTPException, OSError) as error:
            # No recipient was named yet: any other letter would have met the same.
            self.close()
            return SenderTrouble(_told("сервер оборвал соединение", error))
        try:
            refusal = await self._addressed(client, recipient)
            if refusal is not None:
                return refusal
        except (SMTPException, OSError) as error:
            self.close()
            return Later(_told("соединение потеряно до письма", error), counts=False)
        return await self._body(client, letter, reference, last_look)

    async def check(self) -> str | None:
        """Connect and log in; return what is wrong, None when nothing is."""
        try:
            await self._connected()
        except (SMTPException, OSError, ssl.SSLError) as error:
            return _told(f"{self._settings.host}:{self._settings.port}", error)
        finally:
            await self.quit()
        return None

    async def quit(self) -> None:
        """Say good-bye, if there is anybody to say it to."""
        client, self._client = self._client, None
        if client is not None and client.is_connected:
            try:
                await client.quit(timeout=5)
            except (SMTPException, OSError):
                client.close()

    def close(self) -> None:
        """Hang up."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    async def _connected(self) -> SMTP:
        if self._client is not None and self._client.is_connected:
            return self._client
        known = self._settings
        self._client = SMTP(
            hostname=known.host,
            port=known.port,
            use_tls=known.security is Security.TLS,
            start_tls=known.security is Security.STARTTLS,
            tls_context=None if known.security is Security.NONE else _tls(known.ca_file),
            timeout=known.timeout_s,
            local_hostname=known.helo or known.sender.address.rpartition("@")[2],
        )
        await self._client.connect()
        if known.user:
            await self._client.login(known.user, known.password)
        if self._client.is_ehlo_or_helo_needed:
            # Before the first letter, which may ask for notices only where the server knows them.
            with suppress(SMTPHeloError):
                await self._client.ehlo()
        return self._client

    async def _named(self, client: SMTP, reference: str) -> Answer | None:
        """Name the sender; an answer when that ends it."""
        known = self._settings
        words = [f"ENVID={_xtext(reference)}", "RET=HDRS"] if self._asks_notices(client) else []
        try:
            await client.mail(known.bounces or known.sender.address, options=words)
        except SMTPSenderRefused as error:
            return await self._turned_away(client, error, whose=_Whose.SENDER)
        return None

    async def _addressed(self, client: SMTP, recipient: str) -> Answer | None:
        """Name the recipient and ask for the body; an answer when that ends it."""
        words = (
            ["NOTIFY=SUCCESS,FAILURE,DELAY", f"ORCPT=rfc822;{_xtext(recipient)}"]
            if self._asks_notices(client)
            else []
        )
        try:
            await client.rcpt(recipient, options=words)
        except SMTPRecipientRefused as error:
            return await self._turned_away(client, error, whose=_Whose.RECIPIENT)
        response = await client.execute_command(b"DATA")
        if response.code == START_INPUT:
            return None
        if not TEMPORARY <= response.code < BEYOND:
            # Whatever it means, the server may take what comes next for the letter's text.
            self.close()
            return Later(f"{response.code} {_cut(response.message)}", counts=False)
        refused = SMTPResponseException(response.code, response.message)
        return await self._turned_away(client, refused, whose=_Whose.MESSAGE)

    def _asks_notices(self, client: SMTP) -> bool:
        return self._settings.notify and client.supports_extension("dsn")

    async def _body(
        self, client: SMTP, letter: bytes, reference: str, last_look: LastLook
    ) -> Answer:
        """Put the body on the wire, look once more, end it, and read what the server says."""
        try:
            _write(client, _stuffed(letter))
            await _drained(client, self._settings.answer_s)
            if not await last_look():
                self.close()
                return Withdrawn()
            _write(client, b".\r\n")
        except (SMTPException, OSError) as error:
            # The connection was closed before the dot could leave.
            self.close()
            return Later(_told("соединение потеряно до конца письма", error), counts=False)
        except BaseException:
            # The look itself failed: hanging up before the dot takes the letter back.
            self.close()
            raise
        try:
            response = await _read(client, self._settings.answer_s)
        except (SMTPException, OSError) as error:
            self.close()
            return Doubt(_told("письмо передано, ответа нет", error))
        except asyncio.CancelledError:
            self.close()
            raise
        if response.code in POSITIVE:
            return Taken(reference, _cut(response.message))
        if not TEMPORARY <= response.code < BEYOND:
            # No answer that ends a letter: whether it was taken, nobody knows.
            self.close()
            return Doubt(f"письмо передано, ответ непонятен: {response.code}")
        refused = SMTPResponseException(response.code, response.message)
        return await self._turned_away(client, refused, whose=_Whose.MESSAGE)

    async def _turned_away(
        self, client: SMTP, error: SMTPResponseException, *, whose: _Whose
    ) -> Answer:
        """Return what a refusal means, the connection being ready for the next message."""
        said = f"{error.code} {_cut(error.message)}"
        if error.code == CLOSING:
            self.close()
        else:
            try:
                await client.rset()
            except (SMTPException, OSError):
                self.close()
        if whose is _Whose.SENDER:
            return SenderTrouble(f"сервер не принимает отправителя: {said}")
        if error.code < PERMANENT:
            return Later(said, counts=error.code != CLOSING)
        return Never(said, of_address=_blames_address(error, whose))


def _blames_address(error: SMTPResponseException, whose: _Whose) -> bool:
    """Say whether a refusal for good is about the recipient's address or mailbox."""
    code = CODE.search(error.message)
    if code is not None:
        return code[1] in THE_ADDRESS or (code[1] == "0" and whose is _Whose.RECIPIENT)
    return whose is _Whose.RECIPIENT and error.code not in UNPROVEN


class _Whose(Enum):
    """Whom a refusal is about."""

    SENDER = "sender"
    RECIPIENT = "recipient"
    MESSAGE = "message"


def _stuffed(letter: bytes) -> bytes:
    """Return the body as it goes over the wire, all but the final dot (RFC 5321, 4.5.2)."""
    stuffed = (b"\n" + letter).replace(b"\n.", b"\n..")[1:]
    return stuffed if stuffed.endswith(b"\r\n") else stuffed + b"\r\n"


def _write(client: SMTP, data: bytes) -> None:
    if client.protocol is None:
        msg = "Connection lost"
        raise SMTPServerDisconnected(msg)
    client.protocol.write(data)


async def _drained(client: SMTP, timeout_s: float) -> None:
    """Wait until everything has left for the network; raises `TimeoutError` and `SMTPException`."""
    async with asyncio.timeout(timeout_s):
        while (transport := client.transport) is not None and not transport.is_closing():
            if not isinstance(transport, asyncio.WriteTransport):
                return
            if not transport.get_write_buffer_size():
                return
            await asyncio.sleep(DRAIN_STEP_S)
    msg = "Connection lost"
    raise SMTPServerDisconnected(msg)


async def _read(client: SMTP, timeout_s: float) -> SMTPResponse:
    if client.protocol is None:
        msg = "Connection lost"
        raise SMTPServerDisconnected(msg)
    return await client.protocol.read_response(timeout=timeout_s)


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    return context


def _xtext(text: str) -> str:
    """Return `text` as RFC 3461 writes parameters: printable ASCII, + and = escaped."""
    return "".join(
        c if "!" <= c <= "~" and c not in "+=" else f"+{ord(c) & 0xFF:02X}" for c in text
    )


def _told(what: str, error: Exception) -> str:
    # The library's word for a connection that failed hides why it did.
    match error.__cause__ if isinstance(error.__cause__, ssl.SSLError) else error:
        case SMTPAuthenticationError() as known:
            return f"{what}: вход не принят ({known.code} {_cut(known.message)})"
        case SMTPResponseException() as known:
            return f"{what}: {known.code} {_cut(known.message)}"
        case SMTPServerDisconnected():
            return f"{what}: сервер закрыл соединение"
        case ssl.SSLError() as known:
            return f"{what}: сертификат или TLS не подходит ({_cut(str(known))})"
        case TimeoutError():
            return f"{what}: сервер не ответил вовремя"
        case _:
            return f"{what}: {_cut(str(error)) or type(error).__name__}"


def _cut(text: str) -> str:
    return one_line(text)[:LONGEST_SAID]
