"""A connection to a mail server: every way in which handing over may end, over real SMTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from stavbill.delivery.answers import Answer, Doubt, Later, Never, SenderTrouble, Taken, Withdrawn
from stavbill.delivery.letter import PDF, Attachment, Letter, Mailbox
from stavbill.delivery.smtp import Security, SmtpLine, SmtpSettings
from stavbill.sandbox.clock import ScaledClock
from stavbill.sandbox.mail.faults import Fault, Trouble
from stavbill.sandbox.mail.serve import MailDoors, mail_doors
from stavbill.sandbox.mail.server import PASSWORD, MailServer
from tests.delivery.scripted import scripted
from tests.support.waiting import SILENCE_S

TO, REFERENCE = "accountant@example.ru", "00112233445566778899aabbccddeeff@stavbill.example"
LETTER = Letter(
    sender=Mailbox("Автотрэкер", "billing@stavbill.example"),
    reply_to="",
    recipient=TO,
    subject="Счёт № 7",
    text=".\nточка в начале строки\n..\n",
    html="<p>Счёт</p>",
    attachments=(Attachment("Счёт.pdf", PDF, b"%PDF-1.7\r\n.\r\n..x\r\n"),),
    message_id=REFERENCE,
    at=datetime(2026, 12, 10, 6, tzinfo=UTC),
)


SETTINGS = SmtpSettings(
    host="127.0.0.1", port=0, security=Security.NONE, sender=LETTER.sender, timeout_s=60.0
)


class Look:
    """The last look: counts how often it was taken, and answers what it was told."""

    def __init__(self, *, allows: bool = True) -> None:
        self.taken = 0
        self._allows = allows

    async def __call__(self) -> bool:
        self.taken += 1
        return self._allows


@asynccontextmanager
async def doors() -> AsyncIterator[tuple[MailDoors, SmtpSettings]]:
    async with mail_doors(MailServer(ScaledClock())) as opened:
        yield (
            opened,
            SmtpSettings(
                host=opened.host,
                port=opened.smtp_port,
                security=Security.NONE,
                sender=LETTER.sender,
                timeout_s=60.0,
            ),
        )


@asynccontextmanager
async def line(settings: SmtpSettings) -> AsyncIterator[SmtpLine]:
    opened = SmtpLine(settings)
    yield opened
    await opened.quit()


async def test_a_letter_arrives_as_it_was_written() -> None:
    async with doors() as (mail, settings), line(settings) as connection:
        look = Look()
        encoded = LETTER.encoded()
        answer = await connection.send(TO, encoded, REFERENCE, last_look=look)
        assert answer == Taken(REFERENCE, "2.0.0 OK: queued as 00000001")
        assert look.taken == 1
        (letter,) = mail.mail.letters
        assert letter.remarks() == ()
        assert letter.header("Message-ID") == f"<{REFERENCE}>"
        assert letter.text.replace("\r\n", "\n") == LETTER.text
        assert [file.content for file in letter.attachments] == [LETTER.attachments[0].body]
        assert letter.raw == encoded


async def test_one_connection_carries_many_letters() -> None:
    async with doors() as (mail, settings), line(settings) as connection:
        for number in range(5):
            to = f"r{number}@example.ru"
            answer = await connection.send(to, LETTER.encoded(), REFERENCE, last_look=Look())
            assert isinstance(answer, Taken)
        assert mail.mail.counts["connections"] == 1


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        pytest.param(550, "", Never, id="550 no such user"),
        pytest.param(553, "5.1.3 bad address", Never, id="553 bad address"),
        pytest.param(450, "", Later, id="450 busy"),
        pytest.param(452, "", Later, id="452 full"),
    ],
)
async def test_a_refused_recipient(code: int, text: str, expected: type) -> None:
    async with doors() as (mail, settings), line(settings) as connection:
        mail.mail.faults.switch(Fault(Trouble.REFUSE, code=code, text=text, times=1))
        look = Look()
        answer = await connection.send(TO, LETTER.encoded(), REFERENCE, last_look=look)
        assert isinstance(answer, expected)
        assert str(code) in str(answer)
        assert look.taken == 0
        # The connection is good for the next one.
        answer = await connection.send(TO, LETTER.encoded(), REFERENCE, last_look=look)
        assert isinstance(answer, Taken)
        assert mail.mail.counts["connections"] == 1


@pytest.mark.parametrize(
    ("fault", "expected", "taken"),
    [
        pytest.param(Fault(Trouble.UNAVAILABLE), (SenderTrouble,), 0, id="421"),
        pytest.param(Fault(Trouble.DROP_BEFORE_DATA), (Later,), 0, id="cut before the text"),
        pytest.param(Fault(Trouble.DROP_UNTAKEN), (Doubt,), 0, id="cut after the text, not taken"),
        pytest.param(Fault(Trouble.DROP_AFTER_DATA), (Doubt,), 1, id="cut after the text, taken"),
        pytest.param(Fault(Trouble.LATE, seconds=60), (Doubt,), 1, id="no answer to the text"),
        pytest.param(Fault(Trouble.SILENT, seconds=60), (Later,), 0, id="no answer to RCPT"),
        pytest.param(Fault(Trouble.REFUSE_CONTENT), (Never,), 0, id="554 to the text"),
        pytest.param(Fault(Trouble.REFUSE_CONTENT, code=451), (Later,), 0, id="451 to the text"),
        pytest.param(Fault(Trouble.REFUSE_CONTENT, code=251), (Taken,), 0, id="251 to the text"),
        pytest.param(Fault(Trouble.REFUSE_CONTENT, code=354), (Doubt,), 0, id="354 to the text"),
    ],
)
async def test_only_after_the_last_byte_there_is_doubt(
    fault: Fault, expected: tuple[type, ...], taken: int
) -> None:
    async with doors() as (mail, settings):
        mail.mail.faults.switch(replace(fault, times=1))
        look = Look()
        # Only what never answers is given up: nobody else may be thought to be silent.
        quick = settings
        if fault.kind is Trouble.LATE:
            quick = replace(settings, answer_s=SILENCE_S)
        elif fault.kind is Trouble.SILENT:
            quick = replace(settings, timeout_s=SILENCE_S)
        async with line(quick) as connection:
            answer = await connection.send(TO, LETTER.encoded(), REFERENCE, last_look=look)
            assert isinstance(answer, expected), answer
            assert len(mail.mail.letters) == taken
            # A doubt exists only where the last look was taken; and a line mends itself.
            assert look.taken == 1 or not isinstance(answer, Doubt)
            again = await connection.send("b@example.ru", LETTER.encoded(), "x", last_look=Look())
            assert isinstance(again, Taken)


async def test_a_forbidding_look_takes_the_letter_back() -> None:
    async with doors() as (mail, settings), line(settings) as connection:
        look = Look(allows=False)
        answer = await connection.send(TO, LETTER.encoded(), REFERENCE, last_look=look)
        assert answer == Withdrawn()
        assert isinstance(
            await connection.send(TO, LETTER.encoded(), REFERENCE, last_look=Look()), Taken
        )
        assert len(mail.mail.letters) == 1


async def test_a_look_that_fails_takes_the_letter_back() -> None:
    async def failing() -> bool:
        msg = "the database is away"
        raise OSError(msg)

    async with doors() as (mail, settings), line(settings) as connection:
        answer = await connection.send(TO, LETTER.encoded(), REFERENCE, last_look=failing)
        assert isinstance(answer, Later)
        assert len(mail.mail.letters) == 0


async def test_an_unreachable_server_is_the_senders_trouble() -> None:
    async with doors() as (_, settings), line(replace(settings, port=1)) as connection:
        answer = await connection.send(TO, LETTER.encoded(), REFERENCE, last_look=Look())
        assert isinstance(answer, SenderTrouble)
        assert "почтовый сервер не принимает соединение" in answer.reason
        problem = await connection.check()
        assert problem is not None
        assert f"{settings.host}:1" in problem


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
async def test_tls_with_the_servers_own_certificate(security: Security) -> None:
    async with doors() as (mail, settings):
        if mail.trust is None:
            pytest.skip("no openssl here")
        port = mail.smtp_port if security is Security.STARTTLS else mail.smtps_port
        secure = replace(
            settings,
            port=port,
            security=security,
            ca_file=mail.trust,
            user="billing",
            password=PASSWORD,
        )
        async with line(secure) as connection:
            answer = await connection.send(TO, LETTER.encoded(), REFERENCE, last_look=Look())
            assert isinstance(answer, Taken)
            assert await connection.check() is None
        (letter,) = mail.mail.letters
        assert letter.over_tls
        assert "billing" in letter.user
        # Without the certificate nobody is trusted, and nothing is said to the server.
        async with line(replace(secure, ca_file=None)) as connection:
            answer = await connection.send(TO, LETTER.encoded(), REFERENCE, last_look=Look())
            assert isinstance(answer, SenderTrouble)
            assert "сертификат" in answer.reason
        assert len(mail.mail.letters) == 1


async def test_a_server_without_tls_gets_no_letter_where_tls_is_demanded() -> None:
    server = MailServer(ScaledClock())
    async with mail_doors(server) as opened:
        settings = SmtpSettings(
            host=opened.host,
            port=opened.imap_port,
            security=Security.STARTTLS,
            sender=LETTER.sender,
            timeout_s=60.0,
        )
        async with line(settings) as connection:
            answer = await connection.send(TO, LETTER.encoded(), REFERENCE, last_look=Look())
            assert isinstance(answer, SenderTrouble)


async def test_a_wrong_password_is_the_senders_trouble_and_is_not_told() -> None:
    async with doors() as (mail, settings):
        wrong = replace(settings, user="billing", password="not the one")
        async with line(wrong) as connection:
            answer = await connection.send(TO, LETTER.encoded(), REFERENCE, last_look=Look())
            assert isinstance(answer, SenderTrouble)
            assert "вход не принят" in answer.reason
            assert "not the one" not in answer.reason
        assert mail.mail.counts["refused_logins"] > 0
        assert len(mail.mail.letters) == 0


@pytest.mark.parametrize("verb", ["RCPT", "DOT", "MAIL"])
async def test_what_a_server_says_in_another_alphabet_can_be_kept(verb: str) -> None:
    code = "250" if verb == "DOT" else "550"
    async with scripted(**{verb: f"{code} Ящик\r\n".encode("cp1251")}) as server:
        settings = server.at(SETTINGS)
        async with line(settings) as connection:
            answer = await connection.send(TO, LETTER.encoded(), REFERENCE, last_look=Look())
            assert str(answer).encode()
            assert code == "250" or code in str(answer)


@pytest.mark.parametrize(
    ("verb", "says", "expected"),
    [
        ("RCPT", "550 5.1.1 no such user", Never("550 5.1.1 no such user")),
        ("RCPT", "550 no such user", Never("550 no such user")),
        ("RCPT", "552 5.2.2 full", Never("552 5.2.2 full")),
        ("RCPT", "530 log in first", Never("530 log in first", of_address=False)),
        ("RCPT", "554 5.7.1 no relay", Never("554 5.7.1 no relay", of_address=False)),
        ("RCPT", "550 5.4.1 denied", Never("550 5.4.1 denied", of_address=False)),
        ("DOT", "554 spam", Never("554 spam", of_address=False)),
        ("DOT", "552 5.3.4 too big", Never("552 5.3.4 too big", of_address=False)),
        ("DOT", "550 5.1.1 no such user", Never("550 5.1.1 no such user")),
        ("DATA", "550 5.7.1 no", Never("550 5.7.1 no", of_address=False)),
        ("MAIL", "421 busy", SenderTrouble("сервер не принимает отправителя: 421 busy")),
        ("RCPT", "421 busy", Later("421 busy", counts=False)),
        ("DATA", "421 busy", Later("421 busy", counts=False)),
        ("RCPT", "452 full", Later("452 full")),
        ("DATA", "250 ok", Later("250 ok", counts=False)),
        ("DATA", "300 what", Later("300 what", counts=False)),
        ("MAIL", "", SenderTrouble("сервер оборвал соединение: сервер закрыл соединение")),
        (
            "RCPT",
            "",
            Later("соединение потеряно до письма: сервер закрыл соединение", counts=False),
        ),
    ],
)
async def test_whom_a_refusal_is_about(verb: str, says: str, expected: Answer) -> None:
    said = f"{says}\r\n".encode() if says else b""
    async with scripted(**{verb: said}) as server, line(server.at(SETTINGS)) as connection:
        answer = await connection.send(TO, LETTER.encoded(), REFERENCE, last_look=Look())
        assert answer == expected
        # Whoever was not understood is not talked to any more.
        assert server.lines("RSET") == [] or said[:1] in {b"4", b"5"}


async def test_notices_are_asked_for_from_the_first_letter() -> None:
    async with scripted() as server:
        async with line(replace(server.at(SETTINGS), notify=True)) as connection:
            await connection.send(TO, LETTER.encoded(), REFERENCE, last_look=Look())
            await connection.send(TO, LETTER.encoded(), REFERENCE, last_look=Look())
        assert all("ENVID=" in said for said in server.lines("MAIL"))
        assert ["NOTIFY=" in said for said in server.lines("RCPT")] == [True, True]
        assert len(server.lines("EHLO")) == 1


async def test_the_look_comes_after_the_body_has_left() -> None:
    """A server that takes its time with a body is not in doubt: the dot has not been written."""

    async def never_reads(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        for said in (b"250 here\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n"):
            await reader.readline()
            writer.write(said)
        await done.wait()
        writer.close()

    done = asyncio.Event()
    look = Look()
    big = replace(LETTER, attachments=(Attachment("a.pdf", PDF, bytes(12_000_000)),))
    async with await asyncio.start_server(never_reads, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        quick = replace(SETTINGS, host="127.0.0.1", port=port, answer_s=SILENCE_S)
        async with line(quick) as connection:
            answer = await connection.send(TO, big.encoded(), REFERENCE, last_look=look)
        done.set()
        assert isinstance(answer, Later)
        assert look.taken == 0
