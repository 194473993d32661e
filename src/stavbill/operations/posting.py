"""The post office of one round: connections of every sender, documents, letters, hand-over.

Source: delivery page; issue of delivery, «Numbers».
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from stavbill.delivery.answers import Answer, SenderTrouble, Withdrawn
from stavbill.delivery.letter import Attachment, Letter
from stavbill.delivery.smtp import SmtpLine
from stavbill.delivery.texts import LetterFacts
from stavbill.delivery.whatsapp import mark_of
from stavbill.drawn import drawn_name
from stavbill.errors import StavbillError
from stavbill.log import get_logger
from stavbill.operations.counters import Counter, open_counter
from stavbill.operations.handing import CLAIM, Ledger, Lessons, Look
from stavbill.operations.letters import EMAIL
from stavbill.operations.mail_parts import MailOptions, NoDocument, Sender
from stavbill.operations.parts import Parts
from stavbill.store.handing import claim_messages
from stavbill.store.messages import Message
from stavbill.store.sendings import (
    Sending,
    SendingId,
    SendingState,
    blame_seller,
    mark_told,
    move_sendings,
)

log = get_logger()
CHUNK = 100
# The portal's word that an invoice still stands is no older when its letter goes.
ROUND_LASTS = timedelta(minutes=10)
NO_LETTER = (
    "Письмо не составлено: ошибка в шаблоне или в биллинге ({kind}), инцидент {incident}. "
    "Проверьте шаблоны писем."
)
LEFT_OVER = "документ не составлен"


@dataclass(frozen=True, slots=True)
class _Caption:
    """What goes with a document by WhatsApp."""

    text: str


class PostOffice:
    """Hands over what is ready, until nothing is due, its time is over or senders are in trouble.

    `troubles` are the senders that are known to be in trouble, by code.
    """

    def __init__(
        self,
        parts: Parts,
        mail: MailOptions,
        ready: Mapping[SendingId, Sending],
        troubles: Mapping[str, str],
    ) -> None:
        """Take the revisions that may go out now, as the portal holds them."""
        self._parts = parts
        self._mail = mail
        self._ready = ready
        self._known_troubles = troubles
        self._counters: dict[str, Counter] = {}
        self._no_document: dict[SendingId, NoDocument] = {}
        self._aside: set[SendingId] = set()
        self._until = parts.clock.monotonic() + ROUND_LASTS.total_seconds()
        self._claimed: set[SendingId] = set()
        self._closed = False
        self.bugs: dict[str, str] = {}
        self.ledger = Ledger(parts.store, parts.clock, portal=parts.portal, owner=mail.owner)

    @property
    def troubles(self) -> dict[str, str]:
        """What is wrong with senders, by their codes."""
        return {code: one.trouble for code, one in self._counters.items() if one.trouble}

    @property
    def undocumented(self) -> Mapping[SendingId, NoDocument]:
        """Revisions whose document or letter cannot be made, with the reasons."""
        return self._no_document

    @property
    def left_over(self) -> frozenset[SendingId]:
        """Revisions that nobody came to: there was no more time."""
        if self._parts.clock.monotonic() < self._until:
            return frozenset()
        return frozenset(self._ready) - self._claimed - set(self._no_document)

    async def work(self) -> None:
        """Hand over chunk by chunk; the next chunk's documents are made meanwhile."""
        missing = await self._mail.renderer.prepare(list(self._ready.values()))
        if missing:
            await self._set_aside(missing, ())
        coming = asyncio.ensure_future(self._prepare())
        try:
            while True:
                chunk, files = await coming
                if not chunk:
                    break
                coming = asyncio.ensure_future(self._prepare())
                await self._together([self._hand_over(one, files[one.sending]) for one in chunk])
            for counter in self._counters.values():
                await self._give_up(counter)
                await asyncio.gather(*(line.quit() for line in counter.opened))
        finally:
            # Nothing is written behind the back of whoever goes on.
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
            await self.ledger.rest()
            for counter in self._counters.values():
                for line in counter.opened:
                    line.close()

    async def _together(self, work: Sequence[Coroutine[object, object, None]]) -> None:
        """Await all; when one fails, those that are at it end first, and no other begins."""
        tasks = [asyncio.ensure_future(one) for one in work]
        try:
            await asyncio.gather(*tasks)
        except BaseException as error:
            self._closed = True
            for task in tasks if isinstance(error, asyncio.CancelledError) else ():
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise

    async def _prepare(
        self,
    ) -> tuple[Sequence[Message], dict[SendingId, tuple[Attachment, ...]]]:
        """Claim the next messages and make their documents; without one they wait again."""
        while True:
            chunk = await asyncio.to_thread(self._claim)
            wanted = dict.fromkeys(one.sending for one in chunk)
            self._claimed.update(wanted)
            files = await self._mail.renderer.files([self._ready[one] for one in wanted])
            usable = {one: found for one, found in files.items() if isinstance(found, tuple)}
            missing = {one: found for one, found in files.items() if isinstance(found, NoDocument)}
            if missing:
                await self._set_aside(missing, [one for one in chunk if one.sending in missing])
            kept = [one for one in chunk if one.sending in usable]
            if kept or not chunk:
                return kept, usable

    def _claim(self) -> Sequence[Message]:
        now = self._parts.now()
        late = self._parts.clock.monotonic() >= self._until
        known = [one for one in self._ready if one not in {*self._no_document, *self._aside}]
        if self.ledger.is_stopped or (late and self._claimed):
            return ()
        with self._parts.store.write() as db:
            return claim_messages(
                db,
                self._parts.portal,
                owner=self._mail.owner,
                at=now,
                until=now + CLAIM,
                limit=self._chunk(),
                sendings_known=known,
                but_senders=[*self._known_troubles, *self.troubles],
            )

    def _chunk(self) -> int:
        """Return how many to claim: with those before, no more than go in half of a claim."""
        codes = {one.sender for one in self._ready.values()}
        paces = [
            sender.per_minute
            for code in codes
            if (sender := self._mail.senders.get(code)) is not None and sender.per_minute
        ]
        quarter_minutes = CLAIM / timedelta(minutes=4)
        return max(1, min([CHUNK, *(int(pace * quarter_minutes) for pace in paces)]))

    async def _set_aside(
        self, missing: Mapping[SendingId, NoDocument], chunk: Sequence[Message]
    ) -> None:
        now = self._parts.now()
        with self._parts.store.write() as db:
            for sending, found in missing.items():
                due, why = now + self._mail.rules.look_again, " ".join(found.reasons)
                move_sendings(db, [sending], SendingState.NO_DOCUMENT, due=due, detail=why)
                blame_seller(db, [sending], found.seller)
                mark_told(db, [sending], at=None)
        self._no_document.update(missing)
        lessons = Lessons(self._mail.rules, now)
        for message in chunk:
            result = lessons.of(message, SenderTrouble(LEFT_OVER))
            await self.ledger.settle(replace(result, left=False))

    async def _hand_over(self, message: Message, files: tuple[Attachment, ...]) -> None:
        counter = self._counter(message)
        line = await counter.lines.get()
        try:
            look = Look(self.ledger, message.message)
            answer = await self._answered(counter, message, files, line, look)
            if answer is None:
                return
            if isinstance(answer, Withdrawn):
                # Held, parked, stopped: whatever forbade it, this round does not ask again.
                self._aside.add(message.sending)
            lessons = Lessons(self._mail.rules, self._parts.now())
            result = lessons.of(message, counter.judge(message, answer))
            await self.ledger.settle(replace(result, left=look.allowed))
            if not isinstance(answer, SenderTrouble):
                await self._give_up(counter, only_if_takes=True)
        except BaseException:
            if line is not None:
                line.close()
            raise
        finally:
            counter.lines.put_nowait(line)

    async def _answered(
        self,
        counter: Counter,
        message: Message,
        files: tuple[Attachment, ...],
        line: SmtpLine | None,
        look: Look,
    ) -> Answer | None:
        """Hand a message over when its turn comes; None when it could not be written."""
        if not counter.trouble:
            await counter.pace.turn()
        if counter.trouble:
            return SenderTrouble(counter.trouble)
        if self._closed or self.ledger.is_stopped:
            return Withdrawn()
        try:
            composed = self._compose(message, files)
        except StavbillError:
            raise
        except Exception as error:
            # One customer's letter, as planning has it of one company.
            incident = drawn_name()
            log.exception("letter_failed", message=int(message.message), incident=incident)
            reason = NO_LETTER.format(kind=type(error).__name__, incident=incident)
            self.bugs[f"message {message.message}"] = reason
            await self._set_aside({message.sending: NoDocument((reason,))}, [message])
            return None
        return await self._send(message, composed, files, line, look)

    async def _send(
        self,
        message: Message,
        composed: bytes | _Caption,
        files: tuple[Attachment, ...],
        line: SmtpLine | None,
        look: Look,
    ) -> Answer:
        reference = message.reference or ""
        if isinstance(composed, _Caption):
            if self._mail.whatsapp is None:
                return SenderTrouble("WhatsApp не настроен")
            mark = mark_of(reference)
            return await self._mail.whatsapp.send(
                message.recipient, composed.text, files[0], mark, last_look=look
            )
        if line is None:
            return SenderTrouble(f"отправителя «{message.sender}» больше нет в настройках")
        return await line.send(message.recipient, composed, reference, last_look=look)

    async def _give_up(self, counter: Counter, *, only_if_takes: bool = False) -> None:
        """Settle refusals that were put off, now that they are these letters' own."""
        if only_if_takes and not counter.takes:
            return
        lessons = Lessons(self._mail.rules, self._parts.now())
        for message, answer in counter.refused():
            await self.ledger.settle(replace(lessons.of(message, answer), put_off=True))

    def _compose(self, message: Message, files: tuple[Attachment, ...]) -> bytes | _Caption:
        sending = self._ready[message.sending]
        sender = self._mail.senders.get(message.sender) if message.channel == EMAIL else None
        facts = letter_facts(self._mail, message, sending, sender)
        if sender is None:
            return _Caption(self._mail.texts.caption(facts))
        return self._letter(message, facts, sender, files)

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

    def _counter(self, message: Message) -> Counter:
        known = self._counters.get(message.sender)
        if known is None:
            known = open_counter(self._mail, self._parts.clock, message)
            self._counters[message.sender] = known
        return known


def letter_facts(
    mail: MailOptions, message: Message, sending: Sending, sender: Sender | None
) -> LetterFacts:
    """Return what templates know of a message: its links where links are possible."""
    name = message.link or int(message.message)
    possible = mail.links.are_possible
    # A letter's own picture; WhatsApp tells by itself that a message was read.
    pixel = mail.links.pixel(name) if possible and message.channel == EMAIL else ""
    page = mail.links.page(name) if possible else ""
    return LetterFacts(
        notice=sending.notice,
        revision=sending.revision,
        sender=sender.smtp.sender.name if sender is not None else sending.notice.issuer,
        page=page or sending.pay_link or "",
        pixel=pixel,
        pay_link=sending.pay_link or "",
    )
