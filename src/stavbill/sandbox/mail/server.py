"""The SMTP server: takes letters, or fails to, as its faults say.

The protocol itself is aiosmtpd's, so that senders meet somebody else's reading of RFC 5321.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from typing_extensions import override

from stavbill.sandbox.clock import SandboxClock
from stavbill.sandbox.mail.faults import Fault, Faults, Trouble
from stavbill.sandbox.mail.letters import Letter, Letters
from stavbill.sandbox.mail.reports import HOST, report

BIGGEST = 25 * 1024 * 1024
PASSWORD = "sandbox-mail"  # noqa: S105 - everybody may know it
"""Opens the server to any user name; mail without authentication is taken too."""


@dataclass(slots=True)
class MailServer:
    """What the server has taken, what goes wrong, and what it counted.

    `counts` has `connections`, `taken`, `refused_recipients`, `refused_logins` and one entry for
    each kind of fault that struck. Without `keeps_marks` mailboxes take no flags, as an archive's.
    """

    clock: SandboxClock
    letters: Letters = field(default_factory=Letters)
    faults: Faults = field(default_factory=Faults)
    counts: Counter[str] = field(default_factory=Counter)
    keeps_marks: bool = True
    _reports: dict[asyncio.Task[None], Callable[[], None]] = field(default_factory=dict)

    def protocol(self, tls: ssl.SSLContext | None = None) -> SMTP:
        """Return the protocol of one connection; `tls` offers STARTTLS.

        To be called inside the running loop, as the factory of `loop.create_server`.
        """
        self.counts["connections"] += 1
        return _Smtp(
            _Handler(self),
            hostname=HOST,
            ident="stavbill sandbox",
            data_size_limit=BIGGEST,
            enable_SMTPUTF8=True,
            tls_context=tls,
            auth_require_tls=False,
            authenticator=self._authenticate,
            loop=asyncio.get_running_loop(),
        )

    def _authenticate(self, *call: object) -> AuthResult:
        """Let anybody in who knows the password; the last word of `call` is what was given."""
        given = call[-1]
        if isinstance(given, LoginPassword) and given.password == PASSWORD.encode():
            return AuthResult(success=True, auth_data=given.login.decode("utf-8", "replace"))
        self.counts["refused_logins"] += 1
        return AuthResult(success=False, handled=False)

    def strike(self, kind: Trouble, *recipients: str) -> Fault | None:
        """Return the fault of this kind that hits now, and count it."""
        fault = self.faults.strike(kind, *recipients)
        if fault is not None:
            self.counts[kind] += 1
        return fault

    def take(self, session: Session, envelope: Envelope, *, over_tls: bool) -> Letter:
        """Keep the message; reports on its recipients will follow where a fault says so."""
        content = envelope.original_content
        letter = Letter(
            number=self.letters.next_number(),
            received_at=self.clock.now(),
            sender=envelope.mail_from or "",
            recipients=tuple(envelope.rcpt_tos),
            raw=content if content is not None else b"",
            over_tls=over_tls,
            user=str(cast("object", session.auth_data) or ""),
        )
        self.letters.take(letter)
        self.counts["taken"] += 1
        # Nobody reports on a report.
        for recipient in letter.recipients if letter.sender else ():
            fault = self.strike(Trouble.REPORT, recipient)
            if fault is not None:
                self._report_later(letter, recipient, fault)
        return letter

    def settle(self) -> int:
        """Deliver every report that still waits for its time; return how many."""
        waiting = [(task, deliver) for task, deliver in self._reports.items() if not task.done()]
        for task, deliver in waiting:
            task.cancel()
            deliver()
        self._reports.clear()
        return len(waiting)

    async def close(self) -> None:
        """Forget the reports that wait."""
        waiting = tuple(self._reports)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        self._reports.clear()

    def _report_later(self, letter: Letter, recipient: str, fault: Fault) -> None:
        def deliver() -> None:
            number, now = self.letters.next_number(), self.clock.now()
            raw = report(letter, recipient, fault, now, number)
            self.letters.take(Letter(number, now, "", (letter.sender,), raw))

        async def wait() -> None:
            await self.clock.sleep(fault.seconds)
            deliver()

        task = asyncio.get_running_loop().create_task(wait())
        self._reports[task] = deliver
        task.add_done_callback(lambda done: self._reports.pop(done, None))


async def _cut(server: SMTP) -> str:
    """Break the connection: aiosmtpd cancels the session's coroutine while this waits."""
    if isinstance(server.transport, asyncio.WriteTransport):
        server.transport.abort()
    await asyncio.Event().wait()
    return ""


class _Smtp(SMTP):
    """aiosmtpd's protocol, that may break off when DATA is asked for."""

    @override
    async def smtp_DATA(self, arg: str) -> None:
        handler: Any = self.event_handler
        recipients = tuple(self.envelope.rcpt_tos) if self.envelope is not None else ()
        if recipients and handler.mail.strike(Trouble.DROP_BEFORE_DATA, *recipients):
            await _cut(self)
        await super().smtp_DATA(arg)

    @override
    async def _handle_client(self) -> None:
        # A sender that leaves without QUIT is ordinary here, not worth a traceback.
        with contextlib.suppress(ConnectionError):
            await super()._handle_client()


class _Handler:
    """The hooks that aiosmtpd calls; a string is the answer."""

    def __init__(self, mail: MailServer) -> None:
        self.mail = mail

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        del session
        fault = self.mail.strike(Trouble.UNAVAILABLE, "")
        if fault is not None:
            # The answer is on its way before the connection closes. RFC 5321 §3.8.
            if server.transport is not None:
                asyncio.get_running_loop().call_soon(server.transport.close)
            return fault.answer()
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Sender OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        del server, session
        mail = self.mail
        silent = mail.strike(Trouble.SILENT, address)
        if silent is not None:
            await mail.clock.sleep(silent.seconds)
        refused = mail.strike(Trouble.REFUSE, address) or mail.faults.greylists(
            envelope.mail_from or "", address, mail.clock.monotonic()
        )
        if refused is not None:
            mail.counts["refused_recipients"] += 1
            return refused.answer()
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Recipient OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        mail, recipients = self.mail, tuple(envelope.rcpt_tos)
        if mail.strike(Trouble.DROP_UNTAKEN, *recipients):
            return await _cut(server)
        refused = mail.strike(Trouble.REFUSE_CONTENT, *recipients)
        if refused is not None:
            return refused.answer()
        over_tls = server.transport is not None and bool(
            server.transport.get_extra_info("ssl_object")
        )
        letter = mail.take(session, envelope, over_tls=over_tls)
        if mail.strike(Trouble.DROP_AFTER_DATA, *recipients):
            return await _cut(server)
        late = mail.strike(Trouble.LATE, *recipients)
        if late is not None:
            await mail.clock.sleep(late.seconds)
        return f"250 2.0.0 OK: queued as {letter.number:08X}"
