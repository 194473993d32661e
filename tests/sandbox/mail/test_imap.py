"""The senders' mailboxes as imaplib reads them, and the delivery reports that stand there."""

from __future__ import annotations

import asyncio
import email
import email.policy
import imaplib
import mailbox
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest

from stavbill.sandbox.mail.faults import Fault, Trouble
from stavbill.sandbox.mail.reports import DAEMON
from stavbill.sandbox.mail.server import PASSWORD
from tests.sandbox.mail.posting import CUSTOMER, SENDER, Post, letter, posting


@contextmanager
def logged_in(port: int, *, readonly: bool = False) -> Iterator[imaplib.IMAP4]:
    client = imaplib.IMAP4("127.0.0.1", port, timeout=60)
    try:
        client.login(SENDER, PASSWORD)
        client.select(readonly=readonly)
        yield client
    finally:
        client.logout()


def fetched(client: imaplib.IMAP4, number: str, what: str) -> bytes:
    _, told = client.uid("FETCH", number, what)
    assert isinstance(told[0], tuple)
    raw: bytes = told[0][1]
    return raw


def parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def groups(report: EmailMessage) -> list[dict[str, str]]:
    """Give the groups of a report's second part: the message's, then the recipients'."""
    [_, status, _] = report.iter_parts()
    assert status.get_content_type() == "message/delivery-status"
    return [dict(group.items()) for group in status.iter_parts()]


async def test_a_delayed_bounce_stands_in_the_senders_mailbox() -> None:
    async with posting() as post:
        post.mail.faults.switch(Fault(Trouble.REPORT, seconds=3600, to=CUSTOMER))
        await post.send()
        assert len(post.mail.letters) == 1
        await post.clock.advance(3600)
        raw = await asyncio.to_thread(first_unseen, post.doors.imap_port)
        report = parsed(raw)
        assert report.get_content_type() == "multipart/report"
        assert report.get_param("report-type") == "delivery-status"
        assert DAEMON in report["From"]
        of_message, of_recipient = groups(report)
        assert of_message["Reporting-MTA"].startswith("dns;")
        assert of_recipient["Final-Recipient"] == f"rfc822; {CUSTOMER}"
        assert (of_recipient["Action"], of_recipient["Status"]) == ("failed", "5.1.1")
        assert of_recipient["Diagnostic-Code"] == "smtp; 550 5.1.1 No such user here"
        [_, _, returned] = report.iter_parts()
        assert returned.get_content_type() == "text/rfc822-headers"
        assert "Message-ID: <inv-1@avtotrek.example>" in returned.get_content()


def first_unseen(port: int) -> bytes:
    with logged_in(port) as client:
        _, [found] = client.uid("SEARCH", "UNSEEN")
        [number] = found.decode().split()
        raw = fetched(client, number, "(BODY.PEEK[])")
        client.uid("STORE", number, "+FLAGS", "(\\Seen)")
        _, [left] = client.uid("SEARCH", "(UNSEEN)")
        assert left == b""
        return raw


@pytest.mark.parametrize(("action", "status"), [("delayed", "4.4.1"), ("delivered", "2.0.0")])
async def test_reports_of_delay_and_of_delivery(action: str, status: str) -> None:
    async with posting() as post:
        post.mail.faults.switch(Fault(Trouble.REPORT, action=action, whole=True, seconds=1))
        await post.send()
        assert post.mail.settle() == 1
        [report] = [each.message for each in post.mail.letters if each.is_report]
        assert (groups(report)[1]["Action"], groups(report)[1]["Status"]) == (action, status)
        [_, _, returned] = report.iter_parts()
        assert returned.get_content_type() == "message/rfc822"
        [original] = returned.iter_parts()
        assert original["Message-ID"] == "<inv-1@avtotrek.example>"


async def test_each_recipient_is_reported_alone_and_reports_have_no_report() -> None:
    async with posting() as post:
        post.mail.faults.switch(Fault(Trouble.REPORT, seconds=60))
        await post.send(letter(f"{CUSTOMER}, dir@romashka.example"))
        assert post.mail.settle() == 2
        assert [each.recipients for each in post.mail.letters if each.is_report] == [(SENDER,)] * 2
        assert all(each.sender == "" for each in post.mail.letters if each.is_report)
        assert post.mail.settle() == 0


def walked(port: int) -> None:
    with logged_in(port) as client:
        _, [found] = client.search(None, "FROM", "avtotrek.example")
        assert found == b"1 2 3"
        _, [found] = client.search(None, "HEADER", "Message-ID", "inv-2@")
        assert found == b"2"
        assert parsed(fetched(client, "3", "(RFC822)"))["Message-ID"] == "<inv-3@avtotrek.example>"
        _, [seen] = client.search(None, "SEEN")
        assert seen == b"3"
        _, told = client.fetch("1:2", "(FLAGS)")
        assert told == [b"1 (FLAGS ())", b"2 (FLAGS ())"]
        client.store("1,3", "+FLAGS", "\\Deleted")
        _, gone = client.expunge()
        assert gone == [b"3", b"1"]
        _, [left] = client.uid("SEARCH", "ALL")
        assert left == b"2"
    with logged_in(port, readonly=True) as client:
        fetched(client, "2", "(BODY[])")
        _, [seen] = client.search(None, "SEEN")
        assert seen == b""
        assert client.list()[0] == "OK"


async def test_letters_are_found_marked_and_removed() -> None:
    async with posting() as post:
        for number in (1, 2, 3):
            await post.send(letter(SENDER, number=number))
        await asyncio.to_thread(walked, post.doors.imap_port)
        # What a mail program removes from its mailbox, the page still shows.
        assert len(post.mail.letters) == 3


def turned_away(port: int) -> None:
    client = imaplib.IMAP4("127.0.0.1", port, timeout=60)
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        client.login(SENDER, "wrong")
    client.logout()
    client = imaplib.IMAP4("127.0.0.1", port, timeout=60)
    client.login(SENDER, PASSWORD)
    assert client.select("Sent")[0] == "NO"
    client.logout()


async def test_a_wrong_password_and_an_unknown_folder_are_refused() -> None:
    async with posting() as post:
        await asyncio.to_thread(turned_away, post.doors.imap_port)


async def said(post: Post, *lines: str) -> list[str]:
    reader, writer = await asyncio.open_connection("127.0.0.1", post.doors.imap_port)
    await reader.readline()
    for line in lines:
        writer.write(line.encode() + b"\r\n")
    writer.write(b"end LOGOUT\r\n")
    told = (await reader.read()).decode().splitlines()
    writer.close()
    return [line for line in told if not line.startswith(("*", "end"))]


async def test_commands_out_of_place_are_refused() -> None:
    async with posting() as post:
        assert await said(post, "a FETCH 1 FLAGS", "b NONSENSE", "c") == [
            "a BAD log in first", "b BAD NONSENSE is not known here",
            "c BAD nothing is not known here",
        ]  # fmt: skip
        login = f'a LOGIN "{SENDER}" "{PASSWORD}"'
        assert (await said(post, login, "b FETCH 1 FLAGS"))[1] == "b BAD select a mailbox first"
        told = await said(post, login, "b SELECT INBOX", "c STORE 1", "d SEARCH BEFORE 1")
        assert told[2:] == [
            "c BAD STORE: wrong words", "d BAD SEARCH BEFORE is not known here",
        ]  # fmt: skip


async def test_a_maildir_gets_the_reports_too(tmp_path: Path) -> None:
    folder = tmp_path / "bounces"
    async with posting(maildirs={SENDER: folder}) as post:
        post.mail.faults.switch(Fault(Trouble.REPORT, seconds=60))
        await post.send()
        await post.clock.advance(60)
    [report] = mailbox.Maildir(folder, create=False)
    assert report.get_content_type() == "multipart/report"
