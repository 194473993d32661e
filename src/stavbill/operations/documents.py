"""Documents of invoices: composed from the portal once for a revision, rendered whenever asked for.

Source: delivery page, «Document»; issue of delivery, «Numbers» (a batch for 25 invoices at most).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection
from typing_extensions import override

from stavbill.billing.decision import InvoiceDraft
from stavbill.bitrix.read.papers import (
    PaperRequisite,
    read_banks,
    read_invoices,
    read_natural_presets,
    read_requisites,
    read_rows,
)
from stavbill.bitrix.write.steps import chunks
from stavbill.clock import Clock
from stavbill.delivery.letter import PDF, Attachment, file_name, within
from stavbill.documents.annex import annex_file
from stavbill.documents.invoice import DOCUMENT, InvoiceDocument
from stavbill.documents.pool import RenderPool
from stavbill.errors import ConfigError, DocumentError
from stavbill.operations.composing import Papers, compose, may_be_changed
from stavbill.operations.mail_parts import Files, NoDocument
from stavbill.operations.parts import Parts
from stavbill.operations.sellers import IssuerLook
from stavbill.plan.effects import EffectKey, PutInvoice
from stavbill.plan.notices import notice_of
from stavbill.plan.records import BankDetail
from stavbill.store.database import Store
from stavbill.store.effects import Intent
from stavbill.store.printed import printed, put_printed
from stavbill.store.sendings import (
    NEVER,
    Sending,
    SendingId,
    SendingState,
    invoice_named,
    revisions_of,
    settled_invoice,
    standing_invoices,
)

XLSX = ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet")
NOT_OURS = "Счёт {invoice} выставлен не этим сервисом."
NOT_MADE = "Документ счёта ещё не составлен."
# The own companies' papers seldom change; a person who mends them waits no longer than this.
OWN_PAPERS_S = 300.0
# A file's name takes 255 bytes at most.
# In bytes: behind the stem stand «, приложение.xlsx» and the mark of a message.
LONGEST_NUMBER, LONGEST_STEM = 48, 100
QUOTES = re.compile("[«»„“”\"'`‘’]+")
NOT_SENT = SendingId(0)
# What fills one request for requisites; a month's documents are composed in few requests.
CHUNK = 1000


class KeptDocuments:
    """Renders documents that were composed before; asks nobody. What `stavbill web` has."""

    def __init__(self, store: Store, pool: RenderPool) -> None:
        """Read composed documents from `store`."""
        self._store = store
        self._pool = pool

    async def files(self, wanted: Sequence[Sending]) -> dict[SendingId, Files | NoDocument]:
        """Return the files of revisions whose document was composed."""
        made: dict[SendingId, Files | NoDocument] = {
            one.sending: NoDocument((NOT_MADE,)) for one in wanted
        }
        return made | await self._rendered(self._kept([one.sending for one in wanted]))

    async def prepare(self, wanted: Sequence[Sending]) -> dict[SendingId, NoDocument]:
        """Return those that were never composed: here they are not composed either."""
        known = self._kept([one.sending for one in wanted])
        return {one.sending: NoDocument((NOT_MADE,)) for one in wanted if one.sending not in known}

    def _kept(self, sendings: Sequence[SendingId]) -> dict[SendingId, InvoiceDocument]:
        with self._store.read() as db:
            bodies = printed(db, sendings)
        return {sending: DOCUMENT.read(body) for sending, body in bodies.items()}

    async def _rendered(
        self, documents: Mapping[SendingId, InvoiceDocument]
    ) -> dict[SendingId, Files | NoDocument]:
        made = await self._pool.render(list(documents.values()))
        return {
            sending: NoDocument((str(pdf),))
            if isinstance(pdf, DocumentError)
            else await files_of(document, pdf)
            for (sending, document), pdf in zip(documents.items(), made, strict=True)
        }


class InvoiceDocuments(KeptDocuments):
    """Composes what is missing from the portal, keeps it, and renders all of it."""

    def __init__(self, parts: Parts, pool: RenderPool, looks: Mapping[str, IssuerLook]) -> None:
        """Read through `parts`; `looks` are by the issuer rule's code."""
        super().__init__(parts.store, pool)
        self._parts = parts
        self._looks = looks
        self._own = _OwnPapers(parts)

    @override
    async def prepare(self, wanted: Sequence[Sending]) -> dict[SendingId, NoDocument]:
        """Compose what was never composed, 1,000 in five requests or so, and keep it.

        Return those that cannot be. Raises `PortalError` when the portal is silent.
        """
        missing: dict[SendingId, NoDocument] = {}
        for some in chunks(wanted, CHUNK):
            known = self._kept([one.sending for one in some])
            _, lacking = await self._compose([one for one in some if one.sending not in known])
            missing |= lacking
        return missing

    @override
    async def files(self, wanted: Sequence[Sending]) -> dict[SendingId, Files | NoDocument]:
        """Return the files of revisions, or why there are none.

        Raises `PortalError` when the portal has to be asked and is silent.
        """
        documents = self._kept([one.sending for one in wanted])
        lacking = [one for one in wanted if one.sending not in documents]
        fresh, missing = await self._compose(lacking)
        return {**missing, **await self._rendered(documents | fresh)}

    async def _compose(
        self, lacking: Sequence[Sending]
    ) -> tuple[dict[SendingId, InvoiceDocument], dict[SendingId, NoDocument]]:
        fresh, missing = _apart(await self.composed(lacking))
        bodies = {sending: DOCUMENT.write(document) for sending, document in fresh.items()}
        with self._store.write() as db:
            put_printed(db, bodies, at=self._parts.now())
        # Another process may have been first; then its document is the one.
        return self._kept(list(bodies)), missing

    async def composed(
        self, wanted: Sequence[Sending]
    ) -> dict[SendingId, InvoiceDocument | NoDocument]:
        """Return the documents of revisions as the portal holds them now, or every reason why not.

        Raises `PortalError` when the portal is silent.
        """
        if not wanted:
            return {}
        intents = self._intents({one.invoice for one in wanted})
        ours = [one for one in wanted if one.invoice in intents]
        papers = await self._read(ours, intents)
        made: dict[SendingId, InvoiceDocument | NoDocument] = {
            one.sending: NoDocument((NOT_OURS.format(invoice=one.portal_id),)) for one in wanted
        }
        return made | {
            one.sending: compose(one, draft_of(intents[one.invoice]), papers) for one in ours
        }

    async def preview(self, name: str) -> tuple[InvoiceDocument | NoDocument, Files]:
        """Return an invoice's document, by key or portal id, as it went out or would go out now.

        Nothing is kept. Raises `ConfigError` for an invoice that is not ours or not written yet.
        """
        sending = self._sending(name)
        known = self._kept([sending.sending]).get(sending.sending)
        document = known or (await self.composed([sending]))[sending.sending]
        if isinstance(document, NoDocument):
            return document, ()
        made = (await self._rendered({sending.sending: document}))[sending.sending]
        return (made, ()) if isinstance(made, NoDocument) else (document, made)

    async def exported(
        self, month: str | None
    ) -> AsyncIterator[tuple[Sending, Files | NoDocument]]:
        """Yield the documents of all invoices, or of those issued in a month («2026-12»).

        Composed as `preview` does, some at a time: thousands take no more memory than dozens.
        Raises `PortalError` when the portal is silent.
        """
        after = 0
        while True:
            with self._store.read() as db:
                intents = standing_invoices(db, self._parts.portal, after=after, limit=CHUNK)
                wanted = [
                    one
                    for intent in intents
                    if (one := self._last_revision(db, intent)) is not None
                    and (month is None or f"{one.notice.issued:%Y-%m}" == month)
                ]
            known = self._kept([one.sending for one in wanted if one.sending != NOT_SENT])
            for one, made in zip(wanted, await self._exported(wanted, known), strict=True):
                yield one, made
            if len(intents) < CHUNK:
                return
            after = int(intents[-1].intent)

    async def _exported(
        self, wanted: Sequence[Sending], known: Mapping[SendingId, InvoiceDocument]
    ) -> list[Files | NoDocument]:
        # Those that were never on their way have no number: their place is their name here.
        named = {
            SendingId(-place): replace(one, sending=SendingId(-place))
            for place, one in enumerate(wanted, start=1)
        }
        pairs = list(zip(named, wanted, strict=True))
        documents = {key: known[one.sending] for key, one in pairs if one.sending in known}
        composed = await self.composed([one for key, one in named.items() if key not in documents])
        fresh, missing = _apart(composed)
        made = missing | await self._rendered(documents | fresh)
        return [made[key] for key in named]

    def _sending(self, name: str) -> Sending:
        with self._parts.store.read() as db:
            key = invoice_named(db, self._parts.portal, name)
            intent = settled_invoice(db, self._parts.portal, key) if key is not None else None
            found = self._last_revision(db, intent) if intent is not None else None
        if found is None:
            msg = f"Счёта {name} среди выставленных нет. Нужен его ключ или id в портале."
            raise ConfigError(msg)
        return found

    def _last_revision(self, db: Connection, intent: Intent) -> Sending | None:
        """Return the last revision of an invoice, or what the first one would be."""
        effect, portal_id = intent.effect, intent.portal_id
        if not isinstance(effect, PutInvoice) or portal_id is None:
            return None
        known = revisions_of(db, self._parts.portal, effect.key)
        if known:
            return known[-1]
        return _first_revision(intent, effect, portal_id, self._parts.clock)

    def _intents(self, invoices: Iterable[EffectKey]) -> dict[EffectKey, Intent]:
        with self._store.read() as db:
            known = [settled_invoice(db, self._parts.portal, one) for one in sorted(invoices)]
        return {intent.key: intent for intent in known if intent is not None}

    async def _read(self, wanted: Sequence[Sending], intents: Mapping[EffectKey, Intent]) -> Papers:
        gateway = self._parts.gateway
        await self._own.read({int(draft_of(one).own_company) for one in intents.values()})
        invoices, requisites = await asyncio.gather(
            read_invoices(gateway, {one.portal_id for one in wanted}),
            read_requisites(gateway, {int(one.company) for one in wanted}),
        )
        suspects = [
            one.portal_id
            for one in wanted
            if one.portal_id in invoices
            and may_be_changed(one, intents[one.invoice], invoices[one.portal_id])
        ]
        return Papers(
            invoices=invoices,
            rows=await read_rows(gateway, suspects),
            requisites=requisites | self._own.requisites,
            banks=self._own.banks,
            natural_presets=self._own.natural_presets,
            looks=self._looks,
        )


class _OwnPapers:
    """The own companies' requisites and accounts, read again after some minutes."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._read_at: float | None = None
        self.requisites: dict[int, Sequence[PaperRequisite]] = {}
        self.banks: dict[int, Sequence[BankDetail]] = {}
        self.natural_presets: frozenset[str] = frozenset()

    async def read(self, own: set[int]) -> None:
        """Know the papers of the companies `own`."""
        now = self._parts.clock.monotonic()
        is_fresh = self._read_at is not None and now - self._read_at < OWN_PAPERS_S
        if is_fresh and own <= set(self.requisites):
            return
        gateway = self._parts.gateway
        self.natural_presets = await read_natural_presets(gateway)
        self.requisites = dict(await read_requisites(gateway, own | set(self.requisites)))
        ids = [one.requisite for several in self.requisites.values() for one in several]
        self.banks = dict(await read_banks(gateway, ids)) if ids else {}
        self._read_at = now


def draft_of(intent: Intent) -> InvoiceDraft:
    """Return what an invoice was written from. Raises `TypeError` for another effect."""
    if not isinstance(intent.effect, PutInvoice):
        msg = f"not an invoice: {intent.key}"
        raise TypeError(msg)
    return intent.effect.draft


def _apart(
    composed: Mapping[SendingId, InvoiceDocument | NoDocument],
) -> tuple[dict[SendingId, InvoiceDocument], dict[SendingId, NoDocument]]:
    """Return documents, and what stands for those that could not be made."""
    fresh = {key: one for key, one in composed.items() if isinstance(one, InvoiceDocument)}
    missing = {key: one for key, one in composed.items() if isinstance(one, NoDocument)}
    return fresh, missing


def name_of(document: InvoiceDocument) -> str:
    """Return what the files of an invoice are called: its number and the customer, no other number.

    Short enough for an ending and for the mark of a message behind it.
    """
    # People number invoices as they like: «2026/128» is no name of a file. Nor are quotes liked.
    number = within(document.number, LONGEST_NUMBER)
    buyer = " ".join(QUOTES.sub(" ", document.buyer.name).split())
    return within(file_name(f"Счет № {number}, {buyer}"), LONGEST_STEM)


async def files_of(document: InvoiceDocument, pdf: bytes) -> Files:
    """Return the document and, where its annex is too long for a page, the annex."""
    name = name_of(document)
    files = (Attachment(f"{name}.pdf", PDF, pdf),)
    if not document.has_annex_apart:
        return files
    annex = await asyncio.to_thread(annex_file, document)
    return (*files, Attachment(f"{name}, приложение.xlsx", XLSX, annex))


def _first_revision(intent: Intent, effect: PutInvoice, portal_id: int, clock: Clock) -> Sending:
    return Sending(
        sending=NOT_SENT,
        company=effect.company,
        invoice=effect.key,
        revision=1,
        portal_id=portal_id,
        sender="",
        state=SendingState.OPEN,
        notice=notice_of(effect.draft, ""),
        pay_link=None,
        due=NEVER,
        told=None,
        created=intent.written_at or clock.now(),
    )
