"""The SMTP server as smtplib and aiosmtplib meet it: what is taken, and what goes wrong."""

from __future__ import annotations

import asyncio
import smtplib
import ssl

import aiosmtplib
import pytest

from stavbill.sandbox.mail.faults import Fault, Trouble
from stavbill.sandbox.mail.server import PASSWORD
from tests.sandbox.mail.posting import CUSTOMER, SENDER, Post, letter, posting
from tests.support.waiting import SILENCE_S


def faulty(post: Post, kind: Trouble, **words: object) -> None:
    post.mail.faults.switch(Fault(kind, **words))  # type: ignore[arg-type] # a fault's fields


async def test_a_letter_arrives_with_its_envelope_texts_and_files() -> None:
    async with posting() as post:
        assert "queued as 00000001" in await post.send()
        [taken] = post.mail.letters
        assert (taken.sender, taken.recipients) == (SENDER, (CUSTOMER,))
        assert taken.header("Subject") == "Счёт на оплату № 1"
        assert "Счёт во вложении" in taken.text
        assert "Добрый день!" in taken.html
        assert [(file.name, file.cid) for file in taken.attachments] == [
            ("logo.png", "logo"), ("Счёт 1.pdf", ""),
        ]  # fmt: skip
        assert taken.attachments[1].content == b"%PDF-1.7"
        assert taken.remarks() == ()
        assert not taken.over_tls


def by_smtplib(host: str, port: int, trust: str, *, at_once: bool) -> None:
    context = ssl.create_default_context(cafile=trust)
    if at_once:
        with smtplib.SMTP_SSL(host, port, context=context, timeout=60) as client:
            client.send_message(letter())
        return
    with smtplib.SMTP(host, port, timeout=60) as client:
        client.starttls(context=context)
        client.login("schet", PASSWORD)
        client.send_message(letter())


@pytest.mark.parametrize("at_once", [False, True], ids=["STARTTLS", "TLS at once"])
async def test_tls_with_a_certificate_that_can_be_trusted(*, at_once: bool) -> None:
    async with posting() as post:
        doors = post.doors
        if doors.trust is None:
            pytest.skip("openssl is not here: no certificate")
        port = doors.smtps_port if at_once else doors.smtp_port
        await asyncio.to_thread(by_smtplib, doors.host, port, str(doors.trust), at_once=at_once)
        [taken] = post.mail.letters
        assert taken.over_tls
        assert taken.user == ("" if at_once else "schet")


async def test_a_stranger_does_not_trust_the_certificate() -> None:
    async with posting() as post:
        if post.doors.trust is None:
            pytest.skip("openssl is not here: no certificate")
        with pytest.raises(ssl.SSLCertVerificationError):
            await post.send(start_tls=True)
        assert len(post.mail.letters) == 0


async def test_a_wrong_password_is_refused() -> None:
    async with posting() as post:
        with pytest.raises(aiosmtplib.SMTPAuthenticationError) as refused:
            await post.send(username="schet", password="wrong")
        assert refused.value.code == 535
        assert (
            post.mail.counts["refused_logins"] >= 1
        )  # once for each mechanism that the client tries
        await post.send(username="schet", password=PASSWORD)
        assert [each.user for each in post.mail.letters] == ["schet"]


async def test_an_unknown_recipient_is_refused_and_the_other_one_is_served() -> None:
    async with posting() as post:
        faulty(post, Trouble.REFUSE, to="net@romashka.example")
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
            await post.send(letter("net@romashka.example"))
        assert refused.value.recipients[0].code == 550
        await post.send(letter(f"net@romashka.example, {CUSTOMER}"))
        assert [each.recipients for each in post.mail.letters] == [(CUSTOMER,)]


async def test_a_full_mailbox_is_refused_for_now() -> None:
    async with posting() as post:
        faulty(post, Trouble.REFUSE, code=452)
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
            await post.send()
        assert (refused.value.recipients[0].code, len(post.mail.letters)) == (452, 0)


async def test_greylisting_lets_the_same_pair_in_after_its_time() -> None:
    async with posting() as post:
        faulty(post, Trouble.GREYLIST, seconds=300)
        for _ in range(2):
            with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
                await post.send()
            assert refused.value.recipients[0].code == 451
        await post.clock.advance(300)
        await post.send()
        assert len(post.mail.letters) == 1


@pytest.mark.parametrize(
    ("kind", "taken"),
    [
        (Trouble.DROP_BEFORE_DATA, 0),
        (Trouble.DROP_UNTAKEN, 0),
        (Trouble.DROP_AFTER_DATA, 1),
    ],
)
async def test_a_dropped_connection_tells_nothing_of_what_was_taken(
    kind: Trouble, taken: int
) -> None:
    async with posting() as post:
        faulty(post, kind, times=1)
        with pytest.raises(aiosmtplib.SMTPServerDisconnected):
            await post.send()
        assert len(post.mail.letters) == taken
        assert post.mail.counts[kind] == 1
        await post.send()
        assert len(post.mail.letters) == taken + 1


async def test_silence_lets_the_sender_give_up_with_nothing_taken() -> None:
    async with posting() as post:
        faulty(post, Trouble.SILENT, seconds=600)
        with pytest.raises(aiosmtplib.SMTPTimeoutError):
            await post.send(timeout=SILENCE_S)
        assert len(post.mail.letters) == 0


async def test_a_late_answer_leaves_the_letter_taken() -> None:
    async with posting() as post:
        faulty(post, Trouble.LATE, seconds=600)
        with pytest.raises(aiosmtplib.SMTPTimeoutError):
            await post.send(timeout=SILENCE_S)
        assert len(post.mail.letters) == 1


async def test_an_unavailable_server_says_so_and_hangs_up() -> None:
    async with posting() as post:
        faulty(post, Trouble.UNAVAILABLE, nth=(1,))
        with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
            await post.send()
        assert refused.value.code == 421
        await post.send()
        assert len(post.mail.letters) == 1


async def test_refused_content_is_not_taken() -> None:
    async with posting() as post:
        faulty(post, Trouble.REFUSE_CONTENT)
        with pytest.raises(aiosmtplib.SMTPDataError) as refused:
            await post.send()
        assert (refused.value.code, len(post.mail.letters)) == (554, 0)


async def test_faults_are_drawn_from_their_seed() -> None:
    async def outcome(seed: int) -> list[bool]:
        async with posting() as post:
            post.mail.faults.switch(Fault(Trouble.REFUSE_CONTENT, rate=0.5), seed=seed)
            told = []
            for number in range(12):
                try:
                    await post.send(letter(number=number))
                    told.append(True)
                except aiosmtplib.SMTPDataError:
                    told.append(False)
            return told

    assert await outcome(3) == await outcome(3) != await outcome(4)


async def test_a_careless_message_is_taken_with_remarks() -> None:
    async with posting() as post:
        raw = b"From: a@b.example\r\nSubject: x\r\nSubject: y\r\n\r\n" + b"z" * 999 + b"\r\n"
        async with aiosmtplib.SMTP(
            hostname=post.doors.host, port=post.doors.smtp_port, start_tls=False
        ) as client:
            await client.sendmail(SENDER, [CUSTOMER], raw)
        [taken] = post.mail.letters
        assert set(taken.remarks()) == {
            "no To", "no Date", "no Message-ID", "Subject twice", "a line longer than 998 octets",
        }  # fmt: skip


async def test_many_letters_in_one_session_and_many_sessions_at_once() -> None:
    async with posting() as post:

        async def session(first: int) -> None:
            async with aiosmtplib.SMTP(
                hostname=post.doors.host, port=post.doors.smtp_port, start_tls=False
            ) as client:
                for number in range(first, first + 25):
                    await client.send_message(letter(number=number))

        await asyncio.gather(*(session(first) for first in range(0, 100, 25)))
        told = {each.header("Message-ID") for each in post.mail.letters}
        assert len(told) == len(post.mail.letters) == 100
        assert post.mail.counts["connections"] == 4
