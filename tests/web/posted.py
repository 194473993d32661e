"""An invoice that was sent to some customers, as `stavbill web` finds it in the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from stavbill.billing.facts import CompanyId, InvoiceState
from stavbill.billing.money import Currency, Money
from stavbill.delivery.links import Links
from stavbill.delivery.texts import Texts
from stavbill.operations.evidence import Desk, Visitors
from stavbill.operations.mail_parts import MailOptions
from stavbill.plan.effects import EffectKey
from stavbill.plan.notices import InvoiceNotice, NoticeRow
from stavbill.store.database import Store
from stavbill.store.handing import Result, claim_messages, note_leaving, settle_messages
from stavbill.store.message_events import events_of
from stavbill.store.messages import (
    Message,
    MessageId,
    NewMessage,
    Stage,
    add_messages,
    messages_of,
    read_message,
)
from stavbill.store.mirror import begin_reading, put_records
from stavbill.store.sendings import NewSending, SendingId, SendingState, add_sending, set_notice
from tests.delivery.office import SECRET, PaperFactory
from tests.store.samples import invoice_record
from tests.web.served import NOW, PORTAL
from tests.worker.hand_clock import HandClock

BASE = "https://billing.example"
INSTANCE = "1101000001"
OWNER = "host:1:test"
TOTAL = Money(105_000, Currency.RUB)
NOTICE = InvoiceNotice(
    number="77",
    title="Подписка на сервис (Январь 2027)",
    issuer="ООО «Автотрэкер»",
    issued=date(2026, 12, 10),
    pay_by=date(2026, 12, 21),
    billed_through=date(2027, 1, 31),
    contract_number="15",
    total=TOTAL,
    rows=(NoticeRow("Подписка на сервис (Январь 2027)", Decimal(3), TOTAL),),
)


def mail_options(papers: PaperFactory, *, base: str = BASE) -> MailOptions:
    """Return what `stavbill web` needs of sending; nobody is ever sent anything by it."""
    return MailOptions(
        owner=OWNER,
        is_gone=lambda _owner: False,
        senders={},
        sender_of={},
        renderer=papers,
        texts=Texts(),
        links=Links(base, SECRET),
        secret=SECRET,
        whatsapp_instance=INSTANCE,
    )


def visitors_of(
    store: Store, clock: HandClock, *, papers: PaperFactory | None = None, base: str = BASE
) -> Visitors:
    """Return what answers links over a store."""
    mail = mail_options(papers or PaperFactory(), base=base)
    return Visitors(Desk(store=store, clock=clock, portal=PORTAL, mail=mail))


def put_sending(
    store: Store,
    company: int,
    *,
    notice: InvoiceNotice = NOTICE,
    pay_link: str = "",
    revision: int = 1,
) -> SendingId:
    """Put a revision into the store."""
    new = NewSending(
        company=CompanyId(company),
        invoice=EffectKey(f"stavbill:{company}:subscription:2027-01:ps-rf"),
        revision=revision,
        portal_id=company,
        sender="main",
        state=SendingState.OPEN,
        notice=notice,
    )
    with store.write() as db:
        sending = add_sending(db, PORTAL, new, at=NOW)
        set_notice(db, sending, notice, pay_link)
    return sending


def put_invoice(store: Store, company: int, state: InvoiceState) -> None:
    """Put the portal's invoice of a company's revision into the store, as it was last read."""
    known = invoice_record(company, company)
    record = replace(known, issued=replace(known.issued, state=state))
    with store.write() as db:
        reading = begin_reading(db, PORTAL, whole=False, at=NOW)
        put_records(db, PORTAL, reading, [record])


def put_messages(
    store: Store,
    sending: SendingId,
    recipients: Sequence[str],
    *,
    channel: str = "email",
    link: str | None = None,
) -> list[MessageId]:
    """Put messages of a revision into the store; they wait."""
    fresh = [
        NewMessage(
            sending=sending,
            company=CompanyId(1),
            channel=channel,
            recipient=recipient,
            sender=channel,
            reference=f"mark-{recipient}",
            link=link,
        )
        for recipient in recipients
    ]
    with store.write() as db:
        add_messages(db, PORTAL, fresh, due=NOW)
    with store.read() as db:
        return [one.message for one in messages_of(db, [sending])[sending]]


def claim(store: Store, sending: SendingId) -> list[Message]:
    """Claim what waits of a revision, and note that it leaves."""
    until = NOW + timedelta(minutes=15)
    with store.write() as db:
        claimed = claim_messages(
            db, PORTAL, owner=OWNER, at=NOW, until=until, limit=100, sendings_known=[sending]
        )
        note_leaving(db, [one.message for one in claimed], owner=OWNER, at=NOW, until=until)
    return list(claimed)


def settle(store: Store, messages: Sequence[Message], **changes: object) -> None:
    """Settle claimed messages as taken; `changes` replace what came of them."""
    taken = Result(message=MessageId(0), stage=Stage.SENT, due=NOW, detail="250 OK", status="sent")
    results = [
        replace(taken, message=one.message, **changes)  # type: ignore[arg-type]
        for one in messages
    ]
    with store.write() as db:
        settle_messages(db, results, owner=OWNER, at=NOW, outweighs={"sent": ("queued",)})


def posted(store: Store, company: int = 1, *, pay_link: str = "") -> MessageId:
    """Send one invoice to one customer by mail; return the message."""
    sending = put_sending(store, company, pay_link=pay_link)
    put_messages(store, sending, [f"{company}@example.ru"])
    (message,) = claim(store, sending)
    settle(store, [message])
    return message.message


def status_of(store: Store, message: MessageId) -> str:
    """Return the best that is known of a message."""
    with store.read() as db:
        found = read_message(db, message)
    assert found is not None
    return found.status


def kinds_of(store: Store, message: MessageId) -> list[tuple[str, str]]:
    """Return everything that was learned: what, and from whom."""
    with store.read() as db:
        return [(event.kind, event.source) for event in events_of(db, message)]
