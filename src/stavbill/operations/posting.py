"""The post office of one pass: connections of every sender, documents, letters, hand-over.

Source: delivery page; issue of delivery, «Numbers».
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from stavbill.delivery.answers import Answer, LastLook, SenderTrouble
from stavbill.delivery.letter import Attachment, Letter
from stavbill.delivery.smtp import SmtpLine
from stavbill.delivery.texts import LetterFacts
from stavbill.delivery.whatsapp import mark_of
from stavbill.operations.handing import CLAIM, Ledger, Lessons, Pace
from stavbill.operations.letters import EMAIL
from stavbill.operations.mail_parts import MailOptions, NoDocument, Sender
from stavbill.operations.parts import Parts
from stavbill.store.handing import claim_messages
from stavbill.store.messages import Message
from stavbill.store.sendings import (
    Sending,
    SendingId,
    SendingState,
    mark_told,
    move_sendings,
)

CHUNK = 100
WHATSAPP_AT_ONCE = 2


@dataclass(slots=True)
class _Counter:
    """Who waits in line for one sender: its connections, its pace, whether it is in trouble."""

    lines: asyncio.Queue[SmtpLine | None]
    pace: Pace
    opened: list[SmtpLine]
    trouble: str = ""


class PostOffice:
    """Hands over what is ready, until nothing is due or every sender is in trouble."""

    def __init__(self, parts: Parts, mail: MailOptions, ready: Mapping[SendingId, Sending]) -> None:
        """Take the revisions that may go out now, as the portal holds them."""
        self._parts = parts
        self._mail = mail
        self._ready = ready
        self._counters: dict[str, _Counter] = {}
        self._no_document: dict[SendingId, tuple[str, ...]] = {}
        self.ledger = Ledger(parts.store, parts.clock, portal=parts.portal, owner=mail.owner)

    @property
    def troubles(self) -> dict[str, str]:
        """What is wrong with senders, by their codes."""
        return {code: one.trouble for code, one in self._counters.items() if one.trouble}

    @property
    def undocumented(self) -> Mapping[SendingId, tuple[str, ...]]:
        """Revisions whose document cannot be made, with the reasons."""
        return self._no_document

    async def work(self) -> None:
        """Hand over chunk by chunk; the next chunk's documents are made meanwhile."""
        missing = await self._mail.renderer.prepare(list(self._ready.values()))
        if missing:
            await self._set_aside({one: found.reasons for one, found in missing.items()}, ())
        try:
            coming = asyncio.ensure_future(self._prepare())
            while True:
                chunk, files = await coming
                if not chunk:
                    return
                coming = asyncio.ensure_future(self._prepare())
                try:
                    await asyncio.gather(
                        *(self._hand_over(one, files[one.sending]) for one in chunk)
                    )
                except BaseException:
                    coming.cancel()
                    raise
        finally:
            for counter in self._counters.values():
                await asyncio.gather(*(line.quit() for line in counter.opened))

    async def _prepare(
        self,
    ) -> tuple[Sequence[Message], dict[SendingId, tuple[Attachment, ...]]]:
        """Claim the next messages and make their documents; without one they wait again."""
        while True:
            chunk = await asyncio.to_thread(self._claim)
            wanted = dict.fromkeys(one.sending for one in chunk)
            files = await self._mail.renderer.files([self._ready[one] for one in wanted])
            usable = {one: found for one, found in files.items() if isinstance(found, tuple)}
            missing = {
                one: found.reasons for one, found in files.items() if isinstance(found, NoDocument)
            }
            if missing:
                await self._set_aside(missing, [one for one in chunk if one.sending in missing])
            kept = [one for one in chunk if one.sending in usable]
            if kept or not chunk:
                return kept, usable

    def _claim(self) -> Sequence[Message]:
        now = self._parts.now()
        known = [one for one in self._ready if one not in self._no_document]
        with self._parts.store.write() as db:
            return claim_messages(
                db,
                self._parts.portal,
                owner=self._mail.owner,
                at=now,
                until=now + CLAIM,
                limit=CHUNK,
                sendings_known=known,
                but_senders=list(self.troubles),
            )

    async def _set_aside(
        self, missing: Mapping[SendingId, tuple[str, ...]], chunk: Sequence[Message]
    ) -> None:
        now = self._parts.now()
        with self._parts.store.write() as db:
            for sending, reasons in missing.items():
                due = now + self._mail.rules.look_again
                move_sendings(
                    db, [sending], SendingState.NO_DOCUMENT, due=due, detail=" ".join(reasons)
                )
                mark_told(db, [sending], at=None)
        self._no_document.update(missing)
        lessons = Lessons(self._mail.rules, now)
        for message in chunk:
            trouble = SenderTrouble("документ не составлен")
            await self.ledger.settle(lessons.of(message, trouble))

    async def _hand_over(self, message: Message, files: tuple[Attachment, ...]) -> None:
        counter = self._counter(message)
        line = await counter.lines.get()
        try:
            if counter.trouble:
                answer: Answer = SenderTrouble(counter.trouble)
            else:
                await counter.pace.turn()
                look = partial(self.ledger.leave, message.message)
                answer = await self._send(message, files, line, look)
            if isinstance(answer, SenderTrouble):
                counter.trouble = counter.trouble or answer.reason
            lessons = Lessons(self._mail.rules, self._parts.now())
            await self.ledger.settle(lessons.of(message, answer))
        finally:
            counter.lines.put_nowait(line)

    async def _send(
        self,
        message: Message,
        files: tuple[Attachment, ...],
        line: SmtpLine | None,
        look: LastLook,
    ) -> Answer:
        sending = self._ready[message.sending]
        reference = message.reference or ""
        if message.channel == EMAIL and line is not None:
            sender = self._mail.senders[message.sender]
            facts = self._facts(message, sending, sender)
            letter = self._letter(message, facts, sender, files)
            return await line.send(message.recipient, letter, reference, last_look=look)
        if self._mail.whatsapp is None:
            return SenderTrouble("WhatsApp не настроен")
        facts = self._facts(message, sending, None)
        caption = self._mail.texts.caption(facts)
        mark = mark_of(reference)
        return await self._mail.whatsapp.send(
            message.recipient, caption, files[0], mark, last_look=look
        )

    def _letter(
        self,
        message: Message,
        facts: LetterFacts,
        sender: Sender,
        files: tuple[Attachment, ...],
    ) -> bytes:
        texts = self._mail.texts
        return Letter(
            sender=sender.smtp.sender,
            reply_to=sender.smtp.reply_to,
            recipient=message.recipient,
            subject=texts.subject(facts),
            text=texts.text(facts),
            html=texts.html(facts),
            attachments=files,
            message_id=message.reference or "",
            at=self._parts.now(),
        ).encoded()

    def _facts(self, message: Message, sending: Sending, sender: Sender | None) -> LetterFacts:
        return letter_facts(self._mail, message, sending, sender)

    def _counter(self, message: Message) -> _Counter:
        known = self._counters.get(message.sender)
        if known is None:
            known = self._counters[message.sender] = self._open(message)
        return known

    def _open(self, message: Message) -> _Counter:
        sender = self._mail.senders.get(message.sender) if message.channel == EMAIL else None
        lines: asyncio.Queue[SmtpLine | None] = asyncio.Queue()
        opened = [SmtpLine(sender.smtp) for _ in range(sender.connections)] if sender else []
        for line in opened:
            lines.put_nowait(line)
        for _ in range(WHATSAPP_AT_ONCE if not opened else 0):
            lines.put_nowait(None)
        pace = Pace(self._parts.clock, sender.per_minute if sender else None)
        trouble = ""
        if message.channel == EMAIL and sender is None:
            trouble = f"отправителя «{message.sender}» больше нет в настройках"
        return _Counter(lines, pace, opened, trouble)


def letter_facts(
    mail: MailOptions, message: Message, sending: Sending, sender: Sender | None
) -> LetterFacts:
    """Return what templates know of a message: its links where links are possible."""
    number = int(message.message)
    possible = mail.links.are_possible
    # A letter's own picture; WhatsApp tells by itself that a message was read.
    pixel = mail.links.pixel(number) if possible and message.channel == EMAIL else ""
    page = mail.links.page(number) if possible else ""
    return LetterFacts(
        notice=sending.notice,
        revision=sending.revision,
        sender=sender.smtp.sender.name if sender is not None else sending.notice.issuer,
        page=page or sending.pay_link or "",
        pixel=pixel,
        pay_link=sending.pay_link or "",
    )
