"""Which invoices shall go out, and to whom: derived from what the journal settled.

Never from memory, so that a crash between an invoice and its message is finished by the next pass.
Source: delivery page; billing rules §1 (recipients); engine page, rule 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from stavbill.billing.facts import CompanyCard, Recipients
from stavbill.bitrix.recipients import is_email
from stavbill.delivery.letter import message_id
from stavbill.delivery.links import link_name
from stavbill.operations.mail_parts import MailOptions
from stavbill.operations.parts import Parts
from stavbill.plan.effects import EffectKey, InvoiceStage, PutInvoice
from stavbill.plan.keys import parse_invoice_key
from stavbill.plan.notices import InvoiceNotice, changes, notice_of
from stavbill.store.effects import Intent
from stavbill.store.messages import NewMessage, add_messages, messages_of
from stavbill.store.mirror import cards_of
from stavbill.store.parking import parked_reasons
from stavbill.store.renewing import cancel_waiting, lacking_sendings, revive_messages
from stavbill.store.sending_holds import hold_invoice
from stavbill.store.sendings import (
    NEVER,
    NewSending,
    Sending,
    SendingId,
    SendingState,
    add_sending,
    lock_sendings,
    look_again,
    move_sendings,
    revisions_of,
    settled_invoices,
)

EMAIL, WHATSAPP = "email", "whatsapp"
CHUNK = 200
PAID_BY_CREDITS = "оплачен перерасчётами, отправлять нечего"
NO_SENDER = "ни почта, ни WhatsApp для юрлица «{issuer}» не настроены"
NO_RECIPIENT = "на карточке нет адреса, по которому можно отправить"
NOT_ON_THE_CARD = "адреса больше нет на карточке"
TOO_MANY = "не использованы адреса сверх {limit}: {rest}"


def collect_invoices(parts: Parts, mail: MailOptions) -> int:
    """Make sendings and messages of invoices that were settled since; return how many.

    A parked company's invoices wait until it is released.
    """
    made = after = 0
    since = parts.now() - mail.rules.max_age
    while True:
        with parts.store.write() as db:
            lock_sendings(db)
            fresh = settled_invoices(db, parts.portal, since=since, after=after, limit=CHUNK)
            parked = parked_reasons(db, parts.portal, {one.effect.company for one in fresh})
            ready = [one for one in fresh if one.effect.company not in parked]
            cards = cards_of(db, parts.portal, {one.effect.company for one in ready})
            for intent in ready:
                add_invoice(db, parts, mail, intent, cards.get(intent.effect.company))
        made += len(ready)
        if len(fresh) < CHUNK:
            return made
        after = int(fresh[-1].intent)


def add_invoice(
    db: Connection, parts: Parts, mail: MailOptions, intent: Intent, card: CompanyCard | None
) -> SendingId:
    """Make the first revision of an invoice and its messages.

    Raises `TypeError` for an intent that is no invoice.
    """
    effect = intent.effect
    if not isinstance(effect, PutInvoice) or intent.portal_id is None:
        msg = f"not an invoice in the portal: {intent.key}"
        raise TypeError(msg)
    notice = notice_of(effect.draft, "")
    paid = effect.stage is InvoiceStage.PAID
    new = NewSending(
        company=effect.company,
        invoice=effect.key,
        revision=1,
        portal_id=intent.portal_id,
        sender=_sender_code(mail, effect.key),
        state=SendingState.WITHDRAWN if paid else SendingState.OPEN,
        notice=notice,
        detail=PAID_BY_CREDITS if paid else "",
    )
    if mail.rules.manual and not paid:
        comment = "все счета отправляются вручную (mail.manual)"
        hold_invoice(db, parts.portal, effect.key, comment=comment, who="settings", at=parts.now())
    return _add(db, parts, mail, new, card)


def add_revision(
    db: Connection,
    parts: Parts,
    mail: MailOptions,
    *,
    notice: InvoiceNotice,
    invoice: EffectKey,
    card: CompanyCard | None,
) -> SendingId | None:
    """Make the next revision of an invoice that was corrected; None when nothing changed.

    What still waited of the revision before is not wanted any more: the caller cancels it. Source:
    delivery page («a corrected revision says what changed»).
    """
    last = revisions_of(db, parts.portal, invoice)[-1]
    told = changes(last.notice, notice)
    if not told:
        return None
    new = NewSending(
        company=last.company,
        invoice=last.invoice,
        revision=last.revision + 1,
        portal_id=last.portal_id,
        sender=_sender_code(mail, last.invoice),
        state=SendingState.OPEN,
        notice=_with_changes(notice, told),
    )
    return _add(db, parts, mail, new, card)


def look_for_recipients(parts: Parts, mail: MailOptions) -> int:
    """Look at the cards of invoices that did not arrive everywhere; return messages that go now."""
    made = after = 0
    now = parts.now()
    while True:
        with parts.store.write() as db:
            lock_sendings(db)
            lacking = lacking_sendings(db, parts.portal, at=now, after=after, limit=CHUNK)
            cards = cards_of(db, parts.portal, {one.company for one in lacking})
            for one in lacking:
                fresh = renew_messages(db, parts, mail, one, cards.get(one.company))
                made += fresh
                old = now > one.created + mail.rules.look_for
                due = NEVER if old else now + mail.rules.look_again
                if fresh and one.state is SendingState.NOBODY:
                    move_sendings(db, [one.sending], SendingState.OPEN)
                elif one.due <= now:
                    look_again(db, [one.sending], due=due)
        if len(lacking) < CHUNK:
            return made
        after = int(lacking[-1].sending)


def renew_messages(
    db: Connection, parts: Parts, mail: MailOptions, sending: Sending, card: CompanyCard | None
) -> int:
    """Let a revision go to whom its card names now; return how many messages are new or go again.

    What still waits for an address that the card names no more is cancelled; what was cancelled
    and never left goes when the card names its address. A card that is not known changes nothing.
    """
    if card is None:
        return 0
    found = _messages(mail, sending.sending, sending, card)
    wanted = {(one.channel, one.recipient.casefold()) for one in found}
    standing = messages_of(db, [sending.sending])[sending.sending]
    known = {(one.channel, one.recipient.casefold()): one for one in standing}
    gone = [one.message for key, one in known.items() if key not in wanted]
    if wanted:
        # An empty card may be an accident; then whoever was on it still gets the invoice.
        cancel_waiting(db, gone, detail=NOT_ON_THE_CARD)
    back = [known[key].message for key in wanted if key in known]
    revived = revive_messages(db, back, due=parts.now())
    fresh = [one for one in found if (one.channel, one.recipient.casefold()) not in known]
    add_messages(db, parts.portal, fresh, due=parts.now())
    return len(fresh) + revived


def _add(
    db: Connection, parts: Parts, mail: MailOptions, new: NewSending, card: CompanyCard | None
) -> SendingId:
    sending = add_sending(db, parts.portal, new, at=parts.now())
    if new.state is SendingState.WITHDRAWN:
        return sending
    found = _messages(mail, sending, new, card)
    if not found:
        why = NO_RECIPIENT if new.sender or mail.whatsapp else NO_SENDER
        detail = why.format(issuer=new.notice.issuer)
        due = parts.now() + mail.rules.look_again
        move_sendings(db, [sending], SendingState.NOBODY, due=due, detail=detail)
    elif rest := _beyond(mail, card):
        detail = TOO_MANY.format(limit=mail.rules.max_recipients, rest=", ".join(rest))
        move_sendings(db, [sending], SendingState.OPEN, detail=detail)
    add_messages(db, parts.portal, found, due=parts.now())
    return sending


def _messages(
    mail: MailOptions, sending: SendingId, new: NewSending, card: CompanyCard | None
) -> list[NewMessage]:
    """Return a message for each usable recipient of the card, by each channel that there is."""
    recipients = card.recipients if card is not None else Recipients()
    limit = mail.rules.max_recipients
    sender = mail.senders.get(new.sender)
    found: list[NewMessage] = []
    for address in recipients.emails[:limit] if sender is not None else ():
        # The card's reader let only such pass; a letter is not the place to trust that.
        if sender is not None and is_email(address):
            if any(one.recipient.casefold() == address.casefold() for one in found):
                continue
            domain = sender.smtp.sender.address.rpartition("@")[2]
            found.append(
                NewMessage(
                    sending=sending,
                    company=new.company,
                    channel=EMAIL,
                    recipient=address,
                    sender=sender.code,
                    reference=name_of(mail, domain, new, EMAIL, address),
                    link=_link(mail, new, EMAIL, address),
                )
            )
    if mail.whatsapp is not None:
        found.extend(
            NewMessage(
                sending=sending,
                company=new.company,
                channel=WHATSAPP,
                recipient=number,
                sender=WHATSAPP,
                reference=name_of(mail, WHATSAPP, new, WHATSAPP, number),
                link=_link(mail, new, WHATSAPP, number),
            )
            for number in recipients.phones[:limit]
        )
    return found


def name_of(
    mail: MailOptions,
    domain: str,
    sending: NewSending,
    channel: str,
    recipient: str,
    *,
    round_: int = 1,
) -> str:
    """Return the deterministic name of one delivery: the Message-ID of a letter."""
    parts = (sending.invoice, sending.revision, channel, recipient, round_)
    return message_id(mail.secret, domain, *parts)


def _link(mail: MailOptions, sending: NewSending, channel: str, recipient: str) -> str:
    """Return what the links of a message sign, in whichever round it is sent."""
    return link_name(
        mail.secret, sending.portal_id, sending.invoice, sending.revision, channel, recipient
    )


def _beyond(mail: MailOptions, card: CompanyCard | None) -> tuple[str, ...]:
    """Return recipients that are too many to be used."""
    if card is None:
        return ()
    limit = mail.rules.max_recipients
    return (*card.recipients.emails[limit:], *card.recipients.phones[limit:])


def _sender_code(mail: MailOptions, invoice: EffectKey) -> str:
    key = parse_invoice_key(invoice)
    sender = mail.sender_for(key.issuer) if key is not None else None
    return sender.code if sender is not None else ""


def _with_changes(notice: InvoiceNotice, told: Sequence[str]) -> InvoiceNotice:
    return replace(notice, changes=tuple(told))
