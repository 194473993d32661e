"""Delivery status notices: what a mail server reports of a letter after it took it.

Source: RFC 3464 (fields), RFC 3462 (multipart/report), RFC 3463 (status codes), RFC 3461 (the
envelope id, which we set to the letter's Message-ID).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from email.utils import parsedate_to_datetime

from stavbill.delivery.letter import one_line
from stavbill.delivery.status import Status

MESSAGE_ID = re.compile(r"<?([0-9a-f]{32}@[A-Za-z0-9.-]+)>?")
XTEXT = re.compile(r"\+([0-9A-F]{2})")
# What a server did with the letter, by the word of RFC 3464, 2.3.3. Relayed and expanded mean that
# it went on to where no notices come from: no more is known than that it was taken.
ACTIONS = {
    "failed": Status.BOUNCED,
    "delivered": Status.DELIVERED,
    "relayed": Status.SENT,
    "expanded": Status.SENT,
    "delayed": Status.SENT,
}
PARSED = "message/delivery-status"
FOR_PROGRAMS = frozenset({PARSED, "message/global-delivery-status"})
ENCODED = frozenset({"base64", "quoted-printable"})
DAEMONS = re.compile(r"mailer-daemon|postmaster", re.IGNORECASE)
NOT_DELIVERED = re.compile(
    r"wasn't able to deliver|could not be delivered|undeliver|delivery.{0,20}failed|не доставлено",
    re.IGNORECASE,
)
OUR_LETTER = re.compile(r"(?im)^Message-ID:\s*<([0-9a-f]{32}@[A-Za-z0-9.-]+)>")
QMAIL_RECIPIENT = re.compile(r"<[^<>\s]+@[^<>\s]+>:")
LARGEST = 512 * 1024


@dataclass(frozen=True, slots=True)
class Notice:
    """What is reported of one letter. `reference` is its Message-ID without brackets.

    `key` is the same for the same notice read twice.
    """

    reference: str
    status: Status
    detail: str
    key: str
    at: datetime | None


def notices_in(raw: bytes) -> tuple[Notice, ...]:
    """Return what a letter reports of our letters; nothing when it is no report, or not of ours.

    Anything may stand in such a mailbox: what cannot be read is no notice, never an error. Each of
    our letters has one recipient, so of several recipients in a report the worst is not guessed:
    each of the report's groups counts.
    """
    try:
        return _reported(message_from_bytes(raw[:LARGEST], policy=compat32))
    except RecursionError:
        # Letters in letters, hundreds deep: no mail server writes so.
        return ()


def _reported(mail: Message) -> tuple[Notice, ...]:
    groups = _groups(mail)
    if not groups:
        return _written_for_people(mail)
    reference = _reference(mail, groups[0])
    if reference is None:
        return ()
    found = []
    for group in groups[1:]:
        action = _field(group, "Action").partition(" ")[0].casefold()
        if action not in ACTIONS:
            continue
        code, said = _field(group, "Status"), _field(group, "Diagnostic-Code")
        detail = one_line(" ".join(part for part in (code, said.partition(";")[2] or said) if part))
        mark = hashlib.sha256(f"{reference}|{action}|{code}|{said}".encode()).hexdigest()[:16]
        found.append(Notice(reference, ACTIONS[action], detail, f"dsn:{mark}", _date(mail)))
    return tuple(found)


def _groups(mail: Message) -> list[Message]:
    """Return the groups of fields of the report: about the letter, then about each recipient.

    A gateway may have wrapped the report, or encoded the part that programs read.
    """
    for report in mail.walk():
        if report.get_content_type() != "multipart/report":
            continue
        for part in report.walk():
            if part.get_content_type() in FOR_PROGRAMS:
                return _fields(part)
    return []


def _fields(part: Message) -> list[Message]:
    payload = part.get_payload()
    groups = payload if isinstance(payload, list) else []
    encoded = str(part.get("Content-Transfer-Encoding", "")).strip().casefold()
    if encoded in ENCODED or not groups or part.get_content_type() != PARSED:
        # The parser took it for a letter, or the encoded text for the fields themselves.
        text = "\n\n".join(str(group) for group in groups if isinstance(group, Message))
        plain = Message(policy=compat32)
        plain["Content-Transfer-Encoding"] = encoded
        plain.set_payload(text.strip() if groups else str(payload))
        decoded = plain.get_payload(decode=True)
        body = decoded if isinstance(decoded, bytes) else b""
        chunks = re.split(rb"\r?\n\r?\n", body.strip())
        groups = [message_from_bytes(chunk + b"\n", policy=compat32) for chunk in chunks]
    return [group for group in groups if isinstance(group, Message) and group.keys()]


def _written_for_people(mail: Message) -> tuple[Notice, ...]:
    """Return the bounce that a server wrote in words alone, as qmail does: it names our letter.

    Only a letter that says by its sender and first words that it is one. Source: QSBMF.
    """
    sender = str(mail.get("From", "")) + str(mail.get("Return-Path", ""))
    if not DAEMONS.search(sender) or mail.get_content_type() != "text/plain":
        return ()
    body = mail.get_payload(decode=True)
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else ""
    text = text.replace("\r\n", "\n")
    named = OUR_LETTER.search(text)
    if named is None or not NOT_DELIVERED.search(text[: named.start()]):
        return ()
    said = next((part for part in text.split("\n\n") if QMAIL_RECIPIENT.match(part.strip())), "")
    detail = one_line(said)
    mark = hashlib.sha256(f"{named[1]}|text|{detail}".encode()).hexdigest()[:16]
    return (Notice(named[1], Status.BOUNCED, detail, f"dsn:{mark}", _date(mail)),)


def _reference(mail: Message, head: Message) -> str | None:
    """Return which letter is meant: by the envelope's id, else by what was returned of it."""
    envelope = XTEXT.sub(lambda code: chr(int(code[1], 16)), _field(head, "Original-Envelope-Id"))
    if found := MESSAGE_ID.fullmatch(envelope):
        return found[1]
    for headers in _returned(mail):
        if found := MESSAGE_ID.fullmatch(_field(headers, "Message-ID")):
            return found[1]
    return None


def _returned(mail: Message) -> Iterator[Message]:
    """Yield what was returned of the letter: all of it, or its headers."""
    for part in mail.walk():
        payload = part.get_payload()
        if part.get_content_type() == "message/rfc822" and isinstance(payload, list):
            yield from (inner for inner in payload[:1] if isinstance(inner, Message))
        elif part.get_content_type() == "text/rfc822-headers":
            text = part.get_payload(decode=True)
            yield message_from_bytes(text if isinstance(text, bytes) else b"")


def _field(message: Message, name: str) -> str:
    return " ".join(str(message.get(name, "")).split())


def _date(mail: Message) -> datetime | None:
    try:
        found = parsedate_to_datetime(str(mail.get("Date", "")))
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
