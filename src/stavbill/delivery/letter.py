"""A letter as bytes: text, HTML and the document, under headers that nobody can break out of.

Source: delivery page, «E-mail»; RFC 5322; RFC 2045 to 2049.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from binascii import b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from functools import lru_cache

from typing_extensions import override

# Everything that could end a header or hide text: controls, line separators, direction marks. Bytes
# that are no UTF-8 come as lone surrogates, and no database takes those.
UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+"
)
LONGEST_HEADER = 200
# What no system takes in a file's name, and what one takes for its devices.
FORBIDDEN = re.compile(r'[\\/:*?"<>|]+')
DEVICE = re.compile(r"(?i)(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)")
LONGEST_NAME, LONGEST_ENDING = 143, 8
ID_LENGTH = 32
# Stands for a file until the letter is written.
PLACE = b"the file stands here"
PLACE_IN_LETTER = b2a_base64(PLACE, newline=False) + b"\r\n"
LINE_LENGTH = 76
REMEMBERED = 256
PDF = ("application", "pdf")


class _Remembering(EmailPolicy):
    """The policy of mail that goes by SMTP; what stands in letter after letter is made once."""

    @override
    def header_store_parse(self, name: str, value: object) -> tuple[str, str]:
        if isinstance(value, str) and not hasattr(value, "name"):
            return _parsed(name, value)
        return super().header_store_parse(name, value)

    @override
    def fold_binary(self, name: str, value: str) -> bytes:
        return _folded(name, value)


POLICY = _Remembering(linesep="\r\n")


@lru_cache(maxsize=REMEMBERED)
def _parsed(name: str, value: str) -> tuple[str, str]:
    return SMTP.header_store_parse(name, value)


@lru_cache(maxsize=REMEMBERED)
def _folded(name: str, value: str) -> bytes:
    return SMTP.fold_binary(name, value)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A name that people read, and an ASCII address."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file: its name as the customer sees it, its kind (`application/pdf`), its bytes."""

    name: str
    kind: tuple[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message to one recipient. `message_id` is without its angle brackets."""

    sender: Mailbox
    reply_to: str
    recipient: str
    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...]
    message_id: str
    at: datetime

    def encoded(self) -> bytes:
        """Return the letter as a mail server takes it, lines ended by CRLF."""
        mail = EmailMessage(policy=POLICY)
        mail["From"] = Address(one_line(self.sender.name), addr_spec=self.sender.address)
        mail["To"] = Address(addr_spec=self.recipient)
        if self.reply_to:
            mail["Reply-To"] = Address(addr_spec=self.reply_to)
        mail["Subject"] = one_line(self.subject)
        mail["Date"] = self.at
        mail["Message-ID"] = f"<{self.message_id}>"
        # Out-of-office robots and mailing lists leave such letters alone (RFC 3834).
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(self.text, cte="base64")
        mail.add_alternative(self.html, subtype="html", cte="base64")
        for attachment in self.attachments:
            main, sub = attachment.kind
            mail.add_attachment(
                PLACE, maintype=main, subtype=sub, filename=file_name(attachment.name)
            )
        for number, part in enumerate(mail.walk()):
            if part.is_multipart():
                # Given, or every body is searched for it; base64 holds no underscore.
                part.set_boundary(f"=_stavbill_{number}")
        return _filled(mail.as_bytes(), self.attachments)


def _filled(letter: bytes, attachments: Sequence[Attachment]) -> bytes:
    """Return the letter with the files in their places, which are its last parts.

    The library writes a body line by line, which takes as long as all the rest of a letter.
    """
    end = b""
    for attachment in reversed(attachments):
        letter, _, behind = letter.rpartition(PLACE_IN_LETTER)
        end = _in_lines(attachment.body) + behind + end
    return letter + end


def _in_lines(body: bytes) -> bytes:
    """Return a body in base64, in the lines of a letter (RFC 2045, 6.8)."""
    text = b2a_base64(body, newline=False)
    return b"".join(
        text[at : at + LINE_LENGTH] + b"\r\n" for at in range(0, len(text), LINE_LENGTH)
    )


def one_line(text: str) -> str:
    """Return `text` fit for a header: no line ends, no controls, no invisible marks, not long.

    What looks like an encoded word (RFC 2047) is taken apart: it would be decoded on its way into
    the header, and may hide a line's end.
    """
    return _plain(text)[:LONGEST_HEADER]


def file_name(text: str) -> str:
    """Return `text` fit for a file's name on every system and in every mail program.

    No sign that is forbidden anywhere, no name of a device, composed letters, at most 143 bytes (as
    encrypted folders take them); an ending stays.
    """
    plain = unicodedata.normalize("NFC", _plain(text))
    safe = FORBIDDEN.sub("_", plain).strip(". ") or "document"
    if DEVICE.match(safe):
        safe = f"_{safe}"
    stem, dot, ending = safe.rpartition(".")
    if not dot or len(ending) > LONGEST_ENDING:
        return within(safe, LONGEST_NAME)
    return within(stem, LONGEST_NAME - len(f".{ending}".encode())) + f".{ending}"


def _plain(text: str) -> str:
    return " ".join(UNSAFE.sub(" ", text).replace("=?", "= ?").split())


def within(text: str, most: int) -> str:
    """Return the beginning of `text` that takes at most `most` bytes, whole letters only."""
    return text.encode()[:most].decode(errors="ignore").strip(". ")


def message_id(secret: str, domain: str, *parts: object) -> str:
    """Return the name of a message, the same for the same `parts`, told by nobody who lacks them.

    A repeat of the same delivery bears the same name, by which a mail server may know it again; a
    notice that names it comes from somebody who got the message.
    """
    text = "\n".join(f"{len(str(part))}:{part}" for part in parts)
    mac = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()[:ID_LENGTH]
    return f"{mac}@{domain}"
