"""Delivery status notifications, as a mail server sends them to a message's sender.

Source: RFC 3464 (multipart/report of RFC 6522: text, message/delivery-status, the message's
headers or the message itself); RFC 3463 for the enhanced status codes.
"""

from __future__ import annotations

import email
import email.policy
from datetime import datetime
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime

from stavbill.sandbox.mail.faults import Fault
from stavbill.sandbox.mail.letters import Letter

HOST = "mx.sandbox.example"
DAEMON = f"MAILER-DAEMON@{HOST}"
STATUS = {"failed": "5.1.1", "delayed": "4.4.1", "delivered": "2.0.0", "relayed": "2.0.0"}
SAID = {
    "failed": "The message could not be delivered. It will not be tried again.",
    "delayed": "The message has not been delivered yet. It will be tried again.",
    "delivered": "The message was delivered to the mailbox.",
    "relayed": "The message was handed to a server that sends no reports.",
}


def report(letter: Letter, recipient: str, fault: Fault, now: datetime, number: int) -> bytes:
    """Write the report on one recipient of a letter; lines end in CRLF."""
    whole = MIMEMultipart("report")
    whole.set_param("report-type", "delivery-status")
    whole["From"] = f"Mail Delivery System <{DAEMON}>"
    whole["To"] = letter.sender
    whole["Date"] = format_datetime(now)
    whole["Message-ID"] = f"<report-{number}@{HOST}>"
    whole["Auto-Submitted"] = "auto-replied"
    whole["Subject"] = {
        "failed": "Undelivered Mail Returned to Sender",
        "delayed": "Delayed Mail (still being retried)",
    }.get(fault.action, "Successful Mail Delivery Report")
    whole.attach(MIMEText(f"{SAID[fault.action]}\n\n<{recipient}>\n", "plain", "utf-8"))
    whole.attach(_status(letter, recipient, fault))
    whole.attach(_returned(letter, whole=fault.whole))
    return whole.as_bytes(policy=email.policy.SMTP)


def _status(letter: Letter, recipient: str, fault: Fault) -> Message:
    """Write the part that programs read: one group for the message, one for the recipient."""
    of_message, of_recipient = Message(), Message()
    of_message["Reporting-MTA"] = f"dns; {HOST}"
    of_message["Arrival-Date"] = format_datetime(letter.received_at)
    of_recipient["Final-Recipient"] = f"rfc822; {recipient}"
    of_recipient["Original-Recipient"] = f"rfc822;{recipient}"
    of_recipient["Action"] = fault.action
    words = fault.answer().split()
    explained = fault.action == "failed" and words[1].count(".") == 2
    of_recipient["Status"] = words[1] if explained else STATUS[fault.action]
    if fault.action in ("failed", "delayed"):
        of_recipient["Remote-MTA"] = f"dns; mx.{recipient.rpartition('@')[2]}"
        of_recipient["Diagnostic-Code"] = f"smtp; {fault.answer()}"
    part = MIMEBase("message", "delivery-status")
    part.set_payload([of_message, of_recipient])
    return part


def _returned(letter: Letter, *, whole: bool) -> Message:
    original = email.message_from_bytes(letter.raw)
    if whole:
        part: Message = MIMEBase("message", "rfc822")
        part.set_payload([original])
        return part
    head = letter.raw.partition(b"\r\n\r\n")[0].decode("ascii", "replace")
    part = MIMEText(head.replace("\r\n", "\n") + "\n", "rfc822-headers", "us-ascii")
    del part["MIME-Version"]
    return part
