"""The mailbox of notices: whatever lies in it, letters go out, and what is not ours stays."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import pytest
from typing_extensions import override

from stavbill.delivery.mailboxes import (
    ImapBox,
    ImapSettings,
    MailboxError,
    MaildirBox,
    folder_name,
)
from stavbill.delivery.smtp import Security
from stavbill.sandbox.clock import ScaledClock
from stavbill.sandbox.mail.letters import Letter
from stavbill.sandbox.mail.serve import mail_doors
from stavbill.sandbox.mail.server import PASSWORD, MailServer
from tests.delivery.office import Office, message_to, opened
from tests.delivery.test_notices import report

NESTED = b"From: x\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * 2000 + b"x"
HUMAN = b"From: Petrova\r\nSubject: hello\r\n\r\nWhere is my invoice?"


def maildir(folder: Path, *letters: bytes) -> MaildirBox:
    (folder / "new").mkdir(parents=True)
    for number, raw in enumerate(letters):
        (folder / "new" / f"{number}.host").write_bytes(raw)
    return MaildirBox(folder)


async def test_hostile_letters_do_not_stop_sending(tmp_path: Path) -> None:
    parts = "".join(
        f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n' for n in range(1000)
    )
    box = maildir(tmp_path / "mail", NESTED, parts.encode(), b"", b"\xff\xfe\x00")
    async with opened(tmp_path) as office:
        answer = await office.send(boxes=(box,))
        assert answer["sent"] == answer["collected"] > 0
        assert answer["notices"] == {"letters": 0, "learned": 0, "troubles": []}


@pytest.mark.parametrize(
    "day",
    [
        "Mon, 01 Jan 2024 00:00:00 +99999999999999999999",
        "Fri, 31 Dec 9999 23:59:00 -2300",
        "Mon, 01 Jan 0001 00:00:00 +2300",
        "yesterday",
    ],
)
async def test_a_report_with_an_impossible_day_happened_between_sending_and_now(
    tmp_path: Path, day: str
) -> None:
    async with opened(tmp_path) as office:
        await office.send()
        (row,) = (row for row in office.log() if row["company"] == 101)
        raw = _report_to(office, "101@example.ru").replace(
            b"Thu, 10 Dec 2026 06:00:00 +0000", day.encode()
        )
        box = maildir(tmp_path / "mail", raw)
        answer = await office.send(boxes=(box,))
        assert answer["notices"] == {"letters": 1, "learned": 1, "troubles": []}
        event = message_to(office, "101@example.ru")["events"][-1]
        assert row["created"] <= event["at"] <= office.parts.now().isoformat()


async def test_a_bug_with_one_letter_is_told_and_the_others_are_taken_in(tmp_path: Path) -> None:
    class Broken(MaildirBox):
        @override
        async def unread(self, seen: Collection[str]) -> Sequence[tuple[str, bytes]]:
            found = await super().unread(seen)
            # What no mailbox gives: nobody may rely on that.
            return [(name, raw if b"5.1.1" in raw else None) for name, raw in found]  # type: ignore[misc]

    async with opened(tmp_path) as office:
        await office.send()
        folder = tmp_path / "mail"
        maildir(folder, _report_to(office, "101@example.ru"), HUMAN)
        answer = await office.send(boxes=(Broken(folder),))
        assert answer["notices"]["learned"] == 1
        (trouble,) = answer["notices"]["troubles"]
        assert "инцидент" in trouble
        assert (await office.send(boxes=(Broken(folder),)))["notices"]["troubles"] == []


async def test_a_mailbox_with_a_bug_does_not_keep_letters_here(tmp_path: Path) -> None:
    class Broken(MaildirBox):
        @override
        async def unread(self, seen: Collection[str]) -> Sequence[tuple[str, bytes]]:
            raise RuntimeError(str(seen))

    async with opened(tmp_path) as office:
        answer = await office.send(boxes=(Broken(tmp_path),))
        assert answer["sent"] > 0
        assert "инцидент" in answer["troubles"]["notices"]


async def test_what_is_no_report_of_ours_stays_unread(tmp_path: Path) -> None:
    async with opened(tmp_path) as office:
        await office.send()
        folder = tmp_path / "mail"
        box = maildir(folder, HUMAN, _report_to(office, "101@example.ru"), HUMAN)
        answer = await office.send(boxes=(box,))
        assert answer["notices"] == {"letters": 1, "learned": 1, "troubles": []}
        assert sorted(path.name for path in (folder / "new").iterdir()) == ["0.host", "2.host"]
        assert [path.name for path in (folder / "cur").iterdir()] == ["1.host:2,S"]


async def test_another_reader_of_a_maildir_is_no_trouble(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    box = maildir(folder, HUMAN)
    ((name, _),) = await box.unread(())
    (folder / "new" / name).unlink()
    await box.mark_read([name])
    assert await box.unread(()) == []
    (folder / "new").rmdir()
    with pytest.raises(MailboxError, match="не читается"):
        await box.unread(())


async def test_a_mailbox_that_keeps_no_marks_is_told_and_read_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as office:
        sender = office.mail.senders["main"].smtp.sender.address
        await office.send()
        office.server.letters.take(_as_letter(office, sender))
        office.server.keeps_marks = False
        answer = await office.send(boxes=(_imap(office.doors.host, office.doors.imap_port),))
        assert answer["notices"]["learned"] == 1
        (trouble,) = answer["notices"]["troubles"]
        assert "отметить прочитанным нельзя" in trouble


@pytest.mark.parametrize("word", ["пароль", 'quo"te\\'])
async def test_words_that_are_not_ascii_are_a_trouble_at_most(word: str) -> None:
    async with mail_doors(MailServer(ScaledClock())) as doors:
        box = _imap(doors.host, doors.imap_port, password=word)
        with pytest.raises(MailboxError, match="не читается"):
            await box.unread(())


def test_a_folders_name_is_written_in_the_utf_7_of_imap() -> None:
    assert folder_name("INBOX") == '"INBOX"'
    assert folder_name("A & B") == '"A &- B"'
    # RFC 3501, 5.1.3.
    assert folder_name("台北") == '"&U,BTFw-"'
    assert folder_name("Отчёты") == '"&BB4EQgRHBFEEQgRL-"'


def _imap(host: str, port: int, password: str = PASSWORD) -> ImapBox:
    return ImapBox(
        ImapSettings(
            host=host,
            port=port,
            security=Security.NONE,
            user="billing@stavbill.example",
            password=password,
            timeout_s=60.0,
        )
    )


def _report_to(office: Office, recipient: str) -> bytes:
    """Write a bounce of the letter that went to a recipient."""
    (letter,) = office.server.letters.to(recipient)
    name = letter.header("Message-ID").strip("<>")
    return report(envelope=f"Original-Envelope-Id: {name}\r\n")


def _as_letter(office: Office, address: str) -> Letter:
    raw = _report_to(office, "101@example.ru")
    return Letter(
        office.server.letters.next_number(), office.server.clock.now(), "", (address,), raw
    )
