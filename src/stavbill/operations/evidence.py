"""What comes back about messages: notices by mail, a provider's callbacks, visits of our links.

Everything is evidence with a key of its own: twice is once, late is never backwards.
Source: delivery page; reference on Russian documents 5.5; beyond 11.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from sqlalchemy import Connection

from stavbill.billing.facts import InvoiceState
from stavbill.clock import Clock
from stavbill.delivery.letter import Attachment
from stavbill.delivery.links import Purpose, message_of
from stavbill.delivery.mailboxes import MailboxError
from stavbill.delivery.notices import Notice, notices_in
from stavbill.delivery.status import TAKEN, Status
from stavbill.delivery.texts import Standing
from stavbill.delivery.visits import Crowd, Visit, looks_automatic, presses_by_itself
from stavbill.delivery.whatsapp import ProviderReport, mark_of, report_of
from stavbill.drawn import drawn_name
from stavbill.errors import StavbillError
from stavbill.log import get_logger
from stavbill.operations.handing import OUTWEIGHS
from stavbill.operations.letters import WHATSAPP
from stavbill.operations.mail_parts import MailOptions, NoDocument
from stavbill.operations.parts import Parts
from stavbill.operations.posting import letter_facts
from stavbill.operations.present import Document
from stavbill.plan.notices import InvoiceNotice
from stavbill.store.database import Store
from stavbill.store.lookup import invoice_of
from stavbill.store.message_events import Evidence, learn
from stavbill.store.messages import (
    Message,
    MessageId,
    Stage,
    message_by_link,
    message_by_reference,
    read_message,
    staged_messages,
)
from stavbill.store.sendings import Sending, revisions_of, sendings_by_id

SEVERAL = 200
# Letters that people have not read stay so, and are looked at by every pass.
MOST_LETTERS = 1000
log = get_logger()
NOT_IN_FORCE = (Standing.CORRECTED, Standing.CANCELLED)


async def read_notices(parts: Parts, mail: MailOptions) -> Document:
    """Read the mailboxes that notices come to, and take in what they say.

    A letter is marked as read after the store has it; one that says nothing of our letters is left
    unread for people. A mailbox that cannot be read is reported, and so is a letter that cannot.
    """
    read, learned = 0, 0
    troubles: list[str] = []
    for box in mail.boxes:
        seen: set[str] = set()
        try:
            while len(seen) < MOST_LETTERS and (letters := await box.unread(seen)):
                taken = [(name, _take_letter(parts, raw, troubles)) for name, raw in letters]
                ours = [(name, count) for name, count in taken if count is not None]
                # Whatever became of the mark: this pass does not look at them again.
                seen |= {name for name, _ in taken}
                read += len(ours)
                learned += sum(count for _, count in ours)
                await box.mark_read([name for name, _ in ours])
        except MailboxError as error:
            troubles.append(str(error))
    return {"letters": read, "learned": learned, "troubles": troubles}


def _take_letter(parts: Parts, raw: bytes, troubles: list[str]) -> int | None:
    """Take in what a letter reports; None when that is nothing. Anybody may write to a mailbox."""
    try:
        found = notices_in(raw)
        return _take_notices(parts, found) if found else None
    except StavbillError:
        raise
    except Exception:
        incident = drawn_name()
        log.exception("notice_failed", incident=incident)
        troubles.append(f"Письмо в ящике уведомлений не понято: инцидент {incident}.")
        return 0


def _take_notices(parts: Parts, found: Sequence[Notice]) -> int:
    learned, now = 0, parts.now()
    for notice in found:
        with parts.store.write() as db:
            message = message_by_reference(db, parts.portal, notice.reference)
            if message is not None:
                at = _believable(db, message, notice.at, now)
                evidence = _evidence(notice.status, "notice", notice.key, notice.detail, at)
                learned += learn(db, message.message, evidence, seen=now)
    return learned


def _believable(db: Connection, message: Message, at: datetime | None, now: datetime) -> datetime:
    """Return when something happened to a message: not before it was made, and not after now."""
    if at is None:
        return now
    created = sendings_by_id(db, [message.sending])[message.sending].created
    return min(max(at, created), now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where evidence is taken in without asking the portal: what `stavbill web` has."""

    store: Store
    clock: Clock
    portal: str
    mail: MailOptions


class Callback(Enum):
    """What a provider's callback was good for.

    TOO_EARLY: nobody knows this message, but one is being handed over right now, and its name may
    be this one. NOT_OURS: a message that people wrote by the same number, or not about a message.
    """

    TAKEN = "taken"
    NOT_OURS = "not_ours"
    TOO_EARLY = "too_early"


def take_callback(desk: Desk, document: object) -> Callback:
    """Take in a callback of the WhatsApp provider."""
    report = report_of(document, desk.mail.whatsapp_instance)
    if report is None:
        return Callback.NOT_OURS
    now = desk.clock.now()
    with desk.store.write() as db:
        message = message_by_reference(db, desk.portal, report.reference)
        if message is None:
            leaving = staged_messages(db, desk.portal, Stage.LEAVING, limit=SEVERAL)
            waits = any(one.channel == WHATSAPP for one in leaving)
            return Callback.TOO_EARLY if waits else Callback.NOT_OURS
        evidence = _reported(db, message, report, now)
        learn(db, message.message, evidence, seen=now)
    return Callback.TAKEN


async def ask_provider(parts: Parts, mail: MailOptions) -> int:
    """Ask the provider about WhatsApp messages of which nobody knows; return how many it knew."""
    if mail.whatsapp is None:
        return 0
    with parts.store.read() as db:
        unclear = [
            one
            for one in staged_messages(db, parts.portal, Stage.UNCLEAR, limit=SEVERAL)
            if one.channel == WHATSAPP
        ]
    known = 0
    for message in unclear:
        mark = mark_of(message.reference or "")
        report = await mail.whatsapp.find(message.recipient, mark)
        if report is not None:
            with parts.store.write() as db:
                evidence = _reported(db, message, report, parts.now())
                known += learn(
                    db,
                    message.message,
                    evidence,
                    seen=parts.now(),
                    reference=report.reference or None,
                )
    return known


@dataclass(frozen=True, slots=True)
class NotInForce:
    """The document is not given any more: the invoice was corrected or cancelled since."""

    standing: Standing


class Visitors:
    """What `stavbill web` does when somebody follows a link of a letter, or the provider calls.

    Its methods may be called from several threads at once.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._mail = desk.mail
        self._crowd = Crowd()

    def called_back(self, document: object) -> Callback:
        """Take in what the WhatsApp provider posted."""
        return take_callback(self._desk, document)

    def looked(self, token: str, visit: Visit) -> bool:
        """Take in that the picture of a letter was fetched; False for a token that is not ours.

        Only a person's fetch is a hint that the letter was opened.
        """
        message = self._message(token, Purpose.PIXEL)
        if message is None:
            return False
        self._opened(message, visit, "pixel")
        return True

    def page(self, token: str, visit: Visit) -> str | None:
        """Return the page behind a link, None for a token that is not ours. No click is counted."""
        message = self._message(token, Purpose.PAGE)
        if message is None:
            return None
        self._opened(message, visit, "page")
        return self._written(message, confirmed=False)

    def confirmed(self, token: str, visit: Visit) -> str | None:
        """Take in that a person pressed the button: a click; return the page with the ways on."""
        message = self._message(token, Purpose.PAGE)
        if message is None:
            return None
        sent_at = message.sent_at or message.first_try
        if visit.method == "POST" and not presses_by_itself(visit, sent_at):
            evidence = _evidence(Status.CLICKED, "link", f"click:{message.round}", "", visit.at)
            self._learn(message, evidence)
        return self._written(message, confirmed=True)

    def wanted(self, token: str) -> Sending | NotInForce | None:
        """Return the revision whose document a link asks for, None for a token not of ours."""
        message = self._message(token, Purpose.PAGE)
        if message is None:
            return None
        sending = self._sending(message)
        standing = self._standing(sending)
        return NotInForce(standing) if standing in NOT_IN_FORCE else sending

    async def document(self, sending: Sending) -> Attachment | NoDocument:
        """Return the document of a revision."""
        files = (await self._mail.renderer.files([sending]))[sending.sending]
        return files if isinstance(files, NoDocument) else files[0]

    def notice(self, token: str) -> InvoiceNotice | None:
        """Return what the invoice behind a link says, None for a token that is not ours."""
        message = self._message(token, Purpose.PAGE)
        return None if message is None else self._sending(message).notice

    def _message(self, token: str, purpose: Purpose) -> Message | None:
        signed = message_of(self._mail.links.secret, purpose, token)
        if signed is None:
            return None
        with self._desk.store.read() as db:
            if isinstance(signed, str):
                return message_by_link(db, self._desk.portal, signed)
            message = read_message(db, MessageId(signed))
        # A row that has a name was made later than any letter with a number: after a restore it
        # may be another customer's.
        return message if message is not None and message.link is None else None

    def _sending(self, message: Message) -> Sending:
        with self._desk.store.read() as db:
            return sendings_by_id(db, [message.sending])[message.sending]

    def _opened(self, message: Message, visit: Visit, source: str) -> None:
        others = self._crowd.others(visit, int(message.message))
        if looks_automatic(visit, message.sent_at or message.first_try, others):
            return
        evidence = _evidence(Status.OPENED, source, f"{source}:{message.round}", "", visit.at)
        self._learn(message, evidence)

    def _learn(self, message: Message, evidence: Evidence) -> None:
        with self._desk.store.write() as db:
            learn(db, message.message, evidence, seen=self._desk.clock.now())

    def _written(self, message: Message, *, confirmed: bool) -> str:
        sending = self._sending(message)
        facts = letter_facts(self._mail, message, sending, None)
        standing = self._standing(sending)
        return self._mail.texts.page(facts, confirmed=confirmed, standing=standing)

    def _standing(self, sending: Sending) -> Standing:
        """Return what has become of an invoice, by the portal as it was last read."""
        with self._desk.store.read() as db:
            last = revisions_of(db, self._desk.portal, sending.invoice)[-1]
            record = invoice_of(db, self._desk.portal, last.portal_id)
        state = InvoiceState.LIVE if record is None else record.issued.state
        if state is InvoiceState.CANCELLED:
            return Standing.CANCELLED
        if last.revision > sending.revision:
            return Standing.CORRECTED
        return Standing.PAID if state is InvoiceState.PAID else Standing.DUE


def _reported(db: Connection, message: Message, report: ProviderReport, now: datetime) -> Evidence:
    # A number that is no time of our days says nothing.
    known = 0 < report.at <= now.timestamp()
    told = datetime.fromtimestamp(report.at, tz=UTC) if known else None
    at = _believable(db, message, told, now)
    return _evidence(report.status, "provider", report.key, report.detail, at)


def _evidence(status: Status, source: str, key: str, detail: str, at: datetime) -> Evidence:
    return Evidence(
        status=status.value,
        outweighs=OUTWEIGHS[status.value],
        shows_taken=status in TAKEN,
        source=source,
        key=key,
        detail=detail,
        at=at,
    )
