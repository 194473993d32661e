"""A database that was put back from a copy: compared with the world, and taken up to it.

Source: beyond 15 («restore»); docs/decisions/015-a-restored-copy-waits.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from stavbill.billing.issuer import Issuer, choose_issuer
from stavbill.billing.period import next_working_day
from stavbill.drawn import drawn_name
from stavbill.operations.letters import add_invoice
from stavbill.operations.mail_parts import MailOptions
from stavbill.operations.parts import Parts
from stavbill.operations.reading import PortalFacts, learn_portal, read_portal, read_rows_of
from stavbill.plan.adoption import adopted_invoice, is_wanted
from stavbill.plan.effects import NO_COMPANY, EffectKey, InvoiceStage, OpenTask, PutInvoice
from stavbill.plan.records import InvoiceRecord
from stavbill.plan.run_texts import RUN_TAG
from stavbill.store.control import raised_flags
from stavbill.store.effects import Intent, IntentId, Status
from stavbill.store.mirror import cards_of, portfolios
from stavbill.store.parking import write_audit
from stavbill.store.quarantine import (
    POSSIBLY_SENT,
    adopt_invoice,
    count_possibly_sent,
    doubt_letters,
    end_quarantine,
    forget_planned_witness,
    invoices_with_letters,
    known_invoices,
    note_told,
    skip_numbers,
)
from stavbill.store.recording import record_effects
from stavbill.store.runs import RunId, RunKind, RunState, set_state, start_run
from stavbill.store.sendings import SendingState, lock_sendings, revisions_of
from stavbill.store.written import own_invoices

Document = dict[str, Any]
CHUNK = 500
NAMED = 30
# No person is asked again by a task of its own for each letter.
LONG = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class _World:
    """One chunk of the portal's invoices with our key, and what the database knows of them."""

    records: tuple[InvoiceRecord, ...]
    known: dict[str, PutInvoice]
    with_letters: frozenset[str]

    def unknown(self) -> list[InvoiceRecord]:
        """Return the invoices that the database has never planned."""
        return [one for one in self.records if one.external_id not in self.known]


async def compare_restored(parts: Parts) -> Document:
    """Read the portal and return what it has and the database lacks; nothing is written there.

    Raises `PortalError` when the portal cannot be read.
    """
    portal = await learn_portal(parts)
    await read_portal(parts, portal, (), parts.today())
    return _comparison(parts, portal)


def _comparison(parts: Parts, portal: PortalFacts) -> Document:
    unknown: list[Document] = []
    sent: list[Document] = []
    for world in _worlds(parts):
        unknown += [_named(one) for one in world.unknown()]
        sent += [_named(one) for one in _sent_without_letter(parts, portal, world)]
    with parts.store.read() as db:
        waiting = count_possibly_sent(db, parts.portal)
        reasons = [one.reason for one in raised_flags(db, parts.portal)]
    return {
        "unknown_invoices": unknown,
        "sent_without_letter": sent,
        "letters_possibly_sent": waiting,
        "reasons": reasons,
        "adopted": False,
    }


async def adopt_world(parts: Parts, mail: MailOptions | None, *, who: str) -> Document:
    """Take over what stands in the portal, treat letters as possibly sent, and go on.

    Whatever it is killed in, the same command goes on. Raises `PortalError` when the portal cannot
    be read or written to, `WritingStoppedError` when another flag forbids writing.
    """
    portal = await learn_portal(parts)
    await read_portal(parts, portal, (), parts.today())
    for world in _worlds(parts):
        # Rows of our own invoices are not read otherwise: we know what we wrote.
        if unknown := world.unknown():
            await read_rows_of(parts, unknown)
    document = _comparison(parts, portal)
    run = RunId(f"restored-{drawn_name()}")
    with parts.store.write() as db:
        start_run(
            db,
            run,
            portal=parts.portal,
            kind=RunKind.RESTORED,
            on=parts.today(),
            dry_run=False,
            at=parts.now(),
        )
        # Before the first row of this world is numbered.
        skip_numbers(db)
        forget_planned_witness(db, parts.portal)
    left: list[Document] = []
    for world in _worlds(parts):
        left += [_named(one) for one in _adopt(parts, portal, mail, run, world)]
    with parts.store.write() as db:
        lock_sendings(db)
        doubtful = doubt_letters(db, parts.portal, due=parts.now() + LONG)
        write_audit(db, parts.portal, who=who, what="restored", run=run, at=parts.now())
        sent = document["sent_without_letter"]
        task = _task(parts, portal, run, sent=sent, left=left, doubtful=doubtful)
        record_effects(db, run, task, portal=parts.portal, by="", at=parts.now())
        set_state(db, run, RunState.APPLYING, at=parts.now())
        end_quarantine(db, parts.portal, who=who, at=parts.now())
    taken = await parts.guard_for(portal.shape).take_over(who=who, restored=True)
    await portal.journal.apply(run)
    with parts.store.write() as db:
        set_state(db, run, RunState.DONE, at=parts.now())
    return document | {
        "adopted": True,
        "letters_possibly_sent": doubtful,
        "not_understood": left,
        "epoch": taken.installation.epoch,
        "run": run,
    }


def _worlds(parts: Parts) -> Iterator[_World]:
    after = 0
    while True:
        with parts.store.read() as db:
            records = own_invoices(db, parts.portal, after=after, limit=CHUNK)
            keys = [one.external_id for one in records]
            known = known_invoices(db, parts.portal, keys)
            letters = invoices_with_letters(db, parts.portal, keys)
        if not records:
            return
        yield _World(records, known, letters)
        after = int(records[-1].issued.invoice)


def _sent_without_letter(
    parts: Parts, portal: PortalFacts, world: _World
) -> Sequence[InvoiceRecord]:
    """Return invoices that the portal shows as sent and of which we know no letter."""
    codes = portal.shape.stage_codes(parts.stages)
    sent, new = codes.code(InvoiceStage.SENT), codes.code(InvoiceStage.NEW)
    if sent == new:
        return []
    return [
        one
        for one in world.records
        if one.stage == sent and one.external_id not in world.with_letters
    ]


def _adopt(
    parts: Parts, portal: PortalFacts, mail: MailOptions | None, run: RunId, world: _World
) -> list[InvoiceRecord]:
    """Take a chunk of invoices over; return those that are not such as we write."""
    left: list[InvoiceRecord] = []
    told = {one.external_id for one in _sent_without_letter(parts, portal, world)}
    with parts.store.write() as db:
        lock_sendings(db)
        people = portfolios(db, parts.portal, {one.company for one in world.records})
        cards = cards_of(db, parts.portal, {one.company for one in world.records})
        for record in world.records:
            invoice = world.known.get(record.external_id)
            if invoice is None:
                known = people.get(record.company)
                contracts = tuple(one.contract for one in known.contracts) if known else ()
                card = cards.get(record.company)
                issuer = choose_issuer(card, contracts, portal.policy) if card else None
                number = issuer.contract_number if isinstance(issuer, Issuer) else ""
                invoice = adopted_invoice(record, portal.policy, number)
                if invoice is None:
                    left.append(record)
                    continue
                at = int(record.issued.invoice)
                adopt_invoice(db, parts.portal, run, invoice, at, at=parts.now())
            if mail is not None and is_wanted(record):
                _doubt(db, parts, mail, invoice, record)
        note_told(
            db,
            parts.portal,
            [EffectKey(key) for key in told],
            state=SendingState.TOLD.value,
            at=parts.now(),
        )
    return left


def _doubt(
    db: Connection, parts: Parts, mail: MailOptions, invoice: PutInvoice, record: InvoiceRecord
) -> None:
    """Make the letters of an invoice of which we know none: they may have left."""
    if revisions_of(db, parts.portal, invoice.key):
        return
    if record.begins is None or record.begins < (parts.now() - 2 * mail.rules.max_age).date():
        # Long past: nothing of it is sent by itself.
        return
    intent = Intent(
        intent=IntentId(0),
        effect=invoice,
        run=RunId(""),
        status=Status.DONE,
        portal_id=int(record.issued.invoice),
        attempts=0,
        due=parts.now(),
        written_at=parts.now(),
        detail=POSSIBLY_SENT,
    )
    card = cards_of(db, parts.portal, [record.company]).get(record.company)
    add_invoice(db, parts, mail, intent, card)


def _task(
    parts: Parts,
    portal: PortalFacts,
    run: RunId,
    *,
    sent: Sequence[Document],
    left: Sequence[Document],
    doubtful: int,
) -> list[OpenTask]:
    """Return the one task for the operator, none when there is nothing to decide."""
    if not doubtful and not left:
        return []
    text = (
        "База биллинга восстановлена из копии. Счета, которые стоят в портале, приняты; второй раз "
        "они сами не выставятся и не уйдут.\n\n"
        f"Писем, о которых неизвестно, ушли ли они: {doubtful}. Спросите клиентов или посмотрите "
        "отправленные, затем: stavbill delivery resolve --restored --sent (дошли все) или, для "
        "одного, stavbill delivery resolve НОМЕР --send-again. Номера: stavbill delivery log"
    )
    rows = [
        *_listed("В портале «отправлен», а о письме база не знает", sent),
        *_listed("Проверьте сами, строки счёта не такие, как пишет биллинг", left),
    ]
    return [
        OpenTask(
            key=EffectKey(f"restored:{run}"),
            company=NO_COMPANY,
            title="Биллинг: база восстановлена, решите о письмах",
            description="\n".join((text, *rows)),
            tag=RUN_TAG,
            responsible=None,
            items=(),
            due=next_working_day(parts.today(), portal.policy.calendar),
        )
    ]


def _listed(title: str, invoices: Sequence[Document]) -> list[str]:
    if not invoices:
        return []
    rows = [f"• компания {one['company']}, счёт {one['name']}" for one in invoices[:NAMED]]
    more = len(invoices) - NAMED
    return ["", f"{title} ({len(invoices)}):", *rows, *([f"и ещё {more}"] if more > 0 else [])]


def _named(record: InvoiceRecord) -> Document:
    return {
        "company": int(record.company),
        "invoice_id": int(record.issued.invoice),
        "invoice": record.external_id,
        "name": f"№ {record.number or int(record.issued.invoice)}",
        "total": str(record.total),
        "currency": record.currency,
    }
