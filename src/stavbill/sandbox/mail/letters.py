"""Letters as they arrived: envelope, raw bytes, and what a mail program would show of them."""

from __future__ import annotations

import email
import email.policy
import mailbox
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from functools import cached_property
from pathlib import Path
from typing import Any

MUST_HAVE = ("From", "To", "Date", "Message-ID", "Subject")
LONGEST_LINE = 998
"""Octets of a line without its end. Source: RFC 5322 §2.1.1."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that a mail program shows as a file, or as a picture inside the text (`cid`)."""

    name: str
    content_type: str
    content: bytes
    cid: str = ""


@dataclass(frozen=True)
class Letter:
    """One message as the server took it; `sender` is empty for delivery reports.

    `number` counts from 1 in the order of arrival, `received_at` is aware UTC.
    """

    number: int
    received_at: datetime
    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    over_tls: bool = False
    user: str = ""

    @cached_property
    def message(self) -> EmailMessage:
        """The message, parsed."""
        parsed = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)  # noqa: S101 - the policy's own promise
        return parsed

    def header(self, name: str) -> str:
        """Return a header's text, empty without it or when it cannot be read."""
        try:
            return str(self.message.get(name, ""))
        except (ValueError, IndexError, AttributeError):
            return ""

    @property
    def is_report(self) -> bool:
        """Whether it is a delivery status notification."""
        return self.message.get_content_type() == "multipart/report"

    @property
    def text(self) -> str:
        """The plain text, empty without one."""
        return self._body("plain")

    @property
    def html(self) -> str:
        """The HTML text, empty without one."""
        return self._body("html")

    def _body(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        content = part.get_content() if part is not None else ""
        return content if isinstance(content, str) else ""

    @cached_property
    def attachments(self) -> tuple[Attachment, ...]:
        """The files, pictures inside the HTML text included."""
        found: list[Attachment] = []
        for part in self.message.walk():
            name, cid = part.get_filename(), str(part.get("Content-ID", "")).strip("<> ")
            if part.is_multipart() or not (name or cid or part.is_attachment()):
                continue
            content = part.get_payload(decode=True)
            kind = part.get_content_type()
            raw = content if isinstance(content, bytes) else b""
            found.append(Attachment(name or f"part-{len(found) + 1}", kind, raw, cid))
        return tuple(found)

    def remarks(self) -> tuple[str, ...]:
        """Say what a strict receiver would dislike: missing headers, long lines, broken parts."""
        found = [f"no {name}" for name in MUST_HAVE if name not in self.message]
        found += [f"{name} twice" for name in MUST_HAVE if len(self.message.get_all(name, ())) > 1]
        if any(len(line) > LONGEST_LINE for line in self.raw.splitlines()):
            found.append(f"a line longer than {LONGEST_LINE} octets")
        head = self.raw.partition(b"\r\n\r\n")[0]
        if not head.isascii():
            found.append("a header that is not ASCII")
        for part in self.message.walk():
            found += [type(each).__name__ for each in part.defects]
        return tuple(found)

    def shown(self) -> dict[str, Any]:
        """Return it as JSON, without the bodies."""
        return {
            "number": self.number,
            "received_at": self.received_at.isoformat(),
            "sender": self.sender,
            "recipients": list(self.recipients),
            "message_id": self.header("Message-ID"),
            "from": self.header("From"),
            "to": self.header("To"),
            "reply_to": self.header("Reply-To"),
            "subject": self.header("Subject"),
            "is_report": self.is_report,
            "over_tls": self.over_tls,
            "user": self.user,
            "size": len(self.raw),
            "attachments": [
                {"name": each.name, "type": each.content_type, "size": len(each.content)}
                for each in self.attachments
            ],
            "remarks": list(self.remarks()),
        }

    def whole(self) -> dict[str, Any]:
        """Return it as JSON, with the bodies."""
        return self.shown() | {"text": self.text, "html": self.html}


@dataclass(slots=True)
class Letters:
    """All letters of the server; those to a `local` address also go into its maildir, if any.

    A maildir is written for the address of a sender who awaits delivery reports.
    """

    maildirs: dict[str, Path] = field(default_factory=dict)
    _all: list[Letter] = field(default_factory=list)
    _taken: int = 0

    def __iter__(self) -> Iterator[Letter]:
        """Give the letters in the order of arrival."""
        return iter(tuple(self._all))

    def __len__(self) -> int:
        """Count the letters."""
        return len(self._all)

    def next_number(self) -> int:
        """Return the number that the next letter bears."""
        return self._taken + 1

    def take(self, letter: Letter) -> None:
        """Keep a letter."""
        self._taken = letter.number
        self._all.append(letter)
        for address in letter.recipients:
            folder = self.maildirs.get(address.lower())
            if folder is not None:
                mailbox.Maildir(folder, create=True).add(letter.raw)

    def kept(self) -> list[tuple[Any, ...]]:
        """Return every letter as plain values."""
        return [
            (
                letter.number,
                letter.received_at,
                letter.sender,
                letter.recipients,
                letter.raw,
                letter.over_tls,
                letter.user,
            )
            for letter in self._all
        ]

    def put_back(self, kept: list[tuple[Any, ...]]) -> None:
        """Hold what `kept` returned."""
        self._all = [Letter(*values) for values in kept]
        self._taken = max((letter.number for letter in self._all), default=0)

    def find(self, number: int) -> Letter | None:
        """Return the letter with this number."""
        return next((letter for letter in self._all if letter.number == number), None)

    def to(self, address: str) -> tuple[Letter, ...]:
        """Return the letters whose envelope names this address."""
        wanted = address.lower()
        return tuple(
            letter for letter in self if wanted in (each.lower() for each in letter.recipients)
        )

    def forget(self) -> None:
        """Forget all letters; numbers go on."""
        self._all.clear()
