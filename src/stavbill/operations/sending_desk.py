"""What a person does about sending: hold, release, send, settle a doubt; and the sending log.

Source: delivery page (sending log, «manual with a comment», doubts).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import Connection

from stavbill.billing.facts import CompanyId
from stavbill.billing.money import Currency, Money
from stavbill.delivery.status import TAKEN, Status
from stavbill.errors import ConfigError
from stavbill.operations.handing import NOT_ACCEPTED, OUTWEIGHS
from stavbill.operations.letters import (
    EMAIL,
    WHATSAPP,
    add_invoice,
    add_revision,
    name_of,
    renew_messages,
)
from stavbill.operations.mail_parts import MailOptions
from stavbill.operations.names import companies_named
from stavbill.operations.parts import Parts
from stavbill.operations.present import Document
from stavbill.plan.effects import EffectKey
from stavbill.plan.notices import InvoiceNotice, NoticeRow
from stavbill.plan.records import InvoiceRecord
from stavbill.store.handing import let_go_of
from stavbill.store.message_events import Evidence, events_of, learn, send_again
from stavbill.store.messages import (
    Message,
    MessageId,
    Stage,
    cancel_messages,
    messages_of,
    read_message,
    staged_messages,
)
from stavbill.store.mirror import cards_of
from stavbill.store.parking import write_audit
from stavbill.store.quarantine import POSSIBLY_SENT
from stavbill.store.sending_holds import hold_invoice, holds, release_invoice
from stavbill.store.sendings import (
    Sending,
    SendingState,
    invoice_named,
    lock_sendings,
    log_of,
    move_sendings,
    revisions_of,
    sendings_by_id,
    settled_invoice,
)


def hold_sending(parts: Parts, name: str, *, comment: str, by: str) -> Document:
    """Keep an invoice, by key or portal id, from being sent until it is released.

    What was claimed already stays here too; what is leaving this moment is named («leaving_to»).
    """
    with parts.store.write() as db:
        key = _key(db, parts, name)
        hold_invoice(db, parts.portal, key, comment=comment, who=by, at=parts.now())
        let_go_of(db, [one.sending for one in revisions_of(db, parts.portal, key)])
        sent = _recipients(db, parts, key, (Stage.SENT, Stage.UNCLEAR, Stage.LEAVING))
        leaving = _recipients(db, parts, key, (Stage.LEAVING,))
    return {
        "invoice": key,
        "held": True,
        "comment": comment,
        "already_sent_to": sent,
        "leaving_to": leaving,
    }


def release_sending(parts: Parts, name: str, *, by: str) -> Document:
    """Let an invoice go that a person held; the next pass sends it."""
    with parts.store.write() as db:
        key = _key(db, parts, name)
        released = release_invoice(db, parts.portal, key, who=by, at=parts.now())
    return {"invoice": key, "released": released}


def order_sending(parts: Parts, mail: MailOptions, name: str, *, by: str) -> Document:
    """Have an invoice sent whatever its age: one never sent, or set aside; nobody gets it twice.

    A hold stays; release it to let it go.
    """
    with parts.store.write() as db:
        lock_sendings(db)
        key = _key(db, parts, name)
        known = revisions_of(db, parts.portal, key)
        if not known:
            intent = settled_invoice(db, parts.portal, key)
            if intent is None:
                msg = f"Счёт {name} ещё не подтверждён порталом. Дождитесь конца запуска."
                raise ConfigError(msg)
            card = cards_of(db, parts.portal, [intent.effect.company])
            add_invoice(db, parts, mail, intent, card.get(intent.effect.company))
        elif known[-1].state not in (SendingState.OPEN, SendingState.TOLD):
            last = known[-1]
            card = cards_of(db, parts.portal, [last.company])
            # What was cancelled and never left goes after all; what left does not go twice.
            renew_messages(db, parts, mail, last, card.get(last.company))
            move_sendings(db, [last.sending], SendingState.OPEN, due=parts.now())
        write_audit(db, parts.portal, who=by, what="sending_ordered", detail=key, at=parts.now())
        held = any(one.invoice == key for one in holds(db, parts.portal))
    return {"invoice": key, "ordered": True, "held": held}


async def order_correction(parts: Parts, mail: MailOptions, name: str, *, by: str) -> Document:
    """Have an invoice sent again as corrected in the portal, with what changed.

    The invoice is read now; nothing goes out when nothing changed that the customer sees.
    """
    with parts.store.read() as db:
        key = _key(db, parts, name)
        known = revisions_of(db, parts.portal, key)
    if not known:
        msg = f"Счёт {name} ещё не отправлялся. Отправить: stavbill invoice send {name}"
        raise ConfigError(msg)
    last = known[-1]
    _, records = await parts.single.read(last.company)
    found = [one for one in records.invoices if one.external_id == key] if records else []
    if not found:
        msg = f"Счёта {name} больше нет в портале."
        raise ConfigError(msg)
    notice = _as_it_stands(found[0], last.notice)
    with parts.store.write() as db:
        lock_sendings(db)
        card = cards_of(db, parts.portal, [last.company]).get(last.company)
        sending = add_revision(db, parts, mail, notice=notice, invoice=key, card=card)
        if sending is None:
            return {"invoice": key, "revision": last.revision, "changes": []}
        older = [one.sending for one in known]
        cancel_messages(db, older, detail="заменён исправленным счётом")
        write_audit(db, parts.portal, who=by, what="correction_ordered", detail=key, at=parts.now())
        made = sendings_by_id(db, [sending])[sending]
    return {"invoice": key, "revision": made.revision, "changes": list(made.notice.changes)}


def _as_it_stands(record: InvoiceRecord, before: InvoiceNotice) -> InvoiceNotice:
    currency = Currency(record.currency)
    rows = tuple(
        NoticeRow(row.name, row.quantity, Money.of(row.price * row.quantity, currency))
        for row in record.issued.rows
    )
    mark_free = before.title if record.issued.title.endswith(before.title) else ""
    return replace(
        before,
        number=record.number,
        title=mark_free or record.issued.title,
        pay_by=record.ends or before.pay_by,
        total=Money.of(record.total, currency),
        rows=rows or before.rows,
        changes=(),
    )


def resolve_message(
    parts: Parts, mail: MailOptions, number: int, *, again: bool, by: str
) -> Document:
    """Settle by a person's word a message of which nobody knows, or send one again.

    `again` False says that it arrived. One in doubt is sent again under its old name, by which a
    mail server may know a double; one that was refused or came back is another delivery.
    """
    with parts.store.write() as db:
        message = read_message(db, MessageId(number))
        if message is None:
            msg = f"Сообщения {number} нет. Список: stavbill delivery log"
            raise ConfigError(msg)
        if again:
            _require_wanted(db, parts, message)
            reference = _next_name(db, mail, message)
            moved = send_again(db, message.message, reference, who=by, at=parts.now())
        else:
            moved = message.stage is Stage.UNCLEAR and learn(
                db, message.message, _word(parts, message, by), seen=parts.now()
            )
        after = read_message(db, MessageId(number)) or message
    if not moved:
        msg = f"Сообщение {number} уже в состоянии «{after.stage.value}»: решать нечего."
        raise ConfigError(msg)
    return {"message": number, "stage": after.stage.value, "round": after.round}


def resolve_refused(
    parts: Parts, mail: MailOptions, *, sender: str, by: str, limit: int = 10_000
) -> Document:
    """Send again what a sender's server refused without blaming an address, once it was mended.

    Messages of withdrawn and of corrected invoices are left alone.
    """
    done: list[int] = []
    with parts.store.write() as db:
        failed = staged_messages(db, parts.portal, Stage.FAILED, limit=limit)
        for message in failed:
            blames_address = not message.detail.startswith(NOT_ACCEPTED)
            if message.sender != sender or blames_address or _unwanted(db, parts, message):
                continue
            reference = _next_name(db, mail, message)
            if send_again(db, message.message, reference, who=by, at=parts.now()):
                done.append(int(message.message))
    return {"sender": sender, "messages": done}


def resolve_restored(parts: Parts, mail: MailOptions, *, again: bool, by: str) -> Document:
    """Settle by a person's word every message that may have left before a database was restored.

    With `again` all that are still wanted are sent again.
    """
    done: list[int] = []
    with parts.store.write() as db:
        unclear = staged_messages(db, parts.portal, Stage.UNCLEAR, limit=100_000)
        for message in unclear:
            if message.detail != POSSIBLY_SENT:
                continue
            if not again:
                moved = learn(db, message.message, _word(parts, message, by), seen=parts.now())
            elif _unwanted(db, parts, message):
                moved = False
            else:
                reference = _next_name(db, mail, message)
                moved = send_again(db, message.message, reference, who=by, at=parts.now())
            if moved:
                done.append(int(message.message))
    return {"messages": done}


def _require_wanted(db: Connection, parts: Parts, message: Message) -> None:
    if why := _unwanted(db, parts, message):
        msg = f"Сообщение {int(message.message)} не отправить: {why}"
        raise ConfigError(msg)


def _unwanted(db: Connection, parts: Parts, message: Message) -> str:
    """Return why a message is not to go again, "" when it may."""
    sending = sendings_by_id(db, [message.sending])[message.sending]
    last = revisions_of(db, parts.portal, sending.invoice)[-1]
    if last.revision > sending.revision:
        return "счёт с тех пор исправлен, клиенту идёт исправленный."
    if sending.state is SendingState.WITHDRAWN:
        return (
            f"счёт не отправляется ({sending.detail}). Если он снова в силе: "
            f"stavbill invoice send {sending.portal_id}"
        )
    return ""


def _word(parts: Parts, message: Message, by: str) -> Evidence:
    return Evidence(
        status=Status.SENT.value,
        outweighs=OUTWEIGHS[Status.SENT.value],
        shows_taken=Status.SENT in TAKEN,
        source="person",
        key=f"person:sent:{message.round}",
        detail=f"подтвердил {by}",
        at=parts.now(),
    )


def _next_name(db: Connection, mail: MailOptions, message: Message) -> str | None:
    if message.stage is Stage.UNCLEAR:
        return message.reference
    sending = sendings_by_id(db, [message.sending])[message.sending]
    sender = mail.senders.get(message.sender)
    domain = WHATSAPP
    if message.channel == EMAIL and sender is not None:
        domain = sender.smtp.sender.address.rpartition("@")[2]
    return name_of(
        mail, domain, sending, message.channel, message.recipient, round_=message.round + 1
    )


def sending_log(parts: Parts, company: int | None, *, limit: int = 100) -> Document:
    """Return the newest sendings with their messages and all that was learned, newest first."""
    with parts.store.read() as db:
        found = log_of(
            db, parts.portal, None if company is None else CompanyId(company), limit=limit
        )
        messages = messages_of(db, [one.sending for one in found])
        held = {one.invoice: one.comment for one in holds(db, parts.portal)}
        rows = [
            _log_row(one, held.get(one.invoice))
            | {"messages": [_message_row(db, message) for message in messages[one.sending]]}
            for one in found
        ]
    known = companies_named(parts, sorted({one.company for one in found}))
    for row, one in zip(rows, found, strict=True):
        heading = known[int(one.company)]
        # `title` is the invoice's here.
        row |= {"company_title": heading["title"], "responsible": heading["responsible"]}
    return {"sendings": rows}


def _log_row(one: Sending, hold: str | None) -> Document:
    notice = one.notice
    return {
        "company": int(one.company),
        "invoice": one.invoice,
        "invoice_id": one.portal_id,
        "number": notice.number,
        "revision": one.revision,
        "title": notice.title,
        "total": str(notice.total.amount),
        "currency": notice.total.currency.value,
        "billed_through": notice.billed_through.isoformat() if notice.billed_through else None,
        "state": one.state.value,
        "held": hold,
        "detail": one.detail,
        "pay_link": one.pay_link or None,
        "created": one.created.isoformat(),
        "told_portal": one.told.isoformat() if one.told else None,
        "changes": list(notice.changes),
    }


def _message_row(db: Connection, message: Message) -> Document:
    return {
        "message": int(message.message),
        "channel": message.channel,
        "recipient": message.recipient,
        "stage": message.stage.value,
        "status": message.status,
        "sent": message.sent_at.isoformat() if message.sent_at else None,
        "next_try": message.due.isoformat() if message.stage is Stage.WAITING else None,
        "attempts": message.attempts,
        "round": message.round,
        "detail": message.detail,
        "events": [
            {
                "at": event.at.isoformat(),
                "kind": event.kind,
                "source": event.source,
                "detail": event.detail,
            }
            for event in events_of(db, message.message)
        ],
    }


def _key(db: Connection, parts: Parts, name: str) -> EffectKey:
    key = invoice_named(db, parts.portal, name)
    if key is None:
        msg = (
            f"Счёта {name} среди выставленных биллингом нет. Ожидался ключ (stavbill:…) или "
            "номер id счёта в портале."
        )
        raise ConfigError(msg)
    return key


def _recipients(
    db: Connection, parts: Parts, key: EffectKey, stages: Collection[Stage]
) -> list[str]:
    known = revisions_of(db, parts.portal, key)
    found = messages_of(db, [one.sending for one in known])
    return [
        message.recipient
        for messages in found.values()
        for message in messages
        if message.stage in stages
    ]
