"""An invoice of the portal into the record that is printed, or every reason why it may not be.

What is printed is what the portal holds; it has to be what was decided, to the kopeck, or what a
person had sent as a correction. Source: delivery page; billing rules §7; issue «a missing INN, bank
account or BIC is a held invoice».
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

from stavbill.billing.decision import InvoiceDraft
from stavbill.billing.money import Currency, Money
from stavbill.billing.vat import vat_included
from stavbill.bitrix.read.papers import PaperInvoice, PaperRequisite, PaperRow
from stavbill.bitrix.write.rows import rows_of_line
from stavbill.documents.checks import other_problems, own_problems
from stavbill.documents.invoice import AnnexRow, InvoiceDocument, PrintedLine
from stavbill.operations.annexes import with_annex_sums
from stavbill.operations.mail_parts import NoDocument
from stavbill.operations.sellers import (
    NO_BANK,
    IssuerLook,
    bank_of,
    form_of,
    one_spaced,
    own_requisite,
    party_of,
    signers_of,
)
from stavbill.plan.effects import PutInvoice
from stavbill.plan.notices import MARK, InvoiceNotice
from stavbill.plan.records import BankDetail
from stavbill.plan.texts import rubles
from stavbill.store.effects import Intent
from stavbill.store.sendings import Sending

DEFAULT_UNIT = "шт."
# Robots touch an invoice right after it was written, and two clocks may differ by a little.
SETTLING = timedelta(minutes=5)
GONE = "Счёта {invoice} больше нет в портале."
OTHER = "Под номером {invoice} в портале уже другой счёт."
MOVED = (
    "В портале счёт {invoice} теперь у другого {whom}. Верните прежнего или отмените счёт и "
    "выставьте новый."
)
CHANGED = (
    "Счёт {number} изменён в портале после выставления: {what}. Если так и нужно, скажите тому, "
    "кто ведёт биллинг: он отправит исправленный. Если нет, верните строки."
)
NO_NUMBER = "У счёта {invoice} в портале нет номера."
NO_REQUISITES = "{whose}: на портале нет реквизитов. Заполните их в карточке компании."


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """Everything read for documents: requisites by company, accounts by requisite.

    `rows` are there of invoices that may have been changed; others have those we wrote.
    """

    invoices: Mapping[int, PaperInvoice]
    rows: Mapping[int, Sequence[PaperRow]]
    requisites: Mapping[int, Sequence[PaperRequisite]]
    banks: Mapping[int, Sequence[BankDetail]]
    natural_presets: frozenset[str] = frozenset()
    looks: Mapping[str, IssuerLook] = field(default_factory=dict)


def compose(sending: Sending, draft: InvoiceDraft, papers: Papers) -> InvoiceDocument | NoDocument:
    """Return the document of a revision, or why there is none, every reason at once."""
    invoice = papers.invoices.get(sending.portal_id)
    if invoice is None:
        return NoDocument((GONE.format(invoice=sending.portal_id),))
    if invoice.external_id != sending.invoice:
        return NoDocument((OTHER.format(invoice=sending.portal_id),))
    rows = papers.rows.get(invoice.invoice, rows_written(draft))
    reasons, of_seller = list(_contradictions(sending, draft, invoice, rows)), list[str]()
    known, currency = papers.requisites, draft.currency
    seller = own_requisite(known.get(int(draft.own_company), ()), invoice.chosen.own_requisite)
    buyer = _buyer(invoice, papers)
    if seller is None:
        of_seller.append(NO_REQUISITES.format(whose=draft.issuer))
    if buyer is None:
        reasons.append(NO_REQUISITES.format(whose="Покупатель"))
    if seller is None or buyer is None:
        return _none_for(draft.issuer, of_seller, reasons)
    look = papers.looks.get(draft.key.issuer, IssuerLook())
    accounts = papers.banks.get(seller.requisite, ())
    bank = bank_of(accounts, currency, look, draft.issuer, invoice.chosen.own_bank)
    if isinstance(bank, str):
        of_seller.append(bank)
    document = InvoiceDocument(
        form=form_of(currency),
        issuer=draft.key.issuer,
        number=one_spaced(invoice.number),
        issued=invoice.begins or draft.issued,
        pay_by=invoice.ends,
        title=_title(invoice.title),
        contract=one_spaced(sending.notice.contract_number),
        seller=party_of(seller, currency, beneficiary_code=look.beneficiary_code),
        bank=NO_BANK if isinstance(bank, str) else bank,
        buyer=party_of(buyer, currency, natural_person=buyer.preset in papers.natural_presets),
        currency=currency,
        lines=_lines(sending, draft, rows),
        credit=draft.gross - draft.total if sending.revision == 1 else Money.zero(currency),
        signers=signers_of(seller, look, currency),
        notes=look.notes,
        annex=tuple(AnnexRow(one.account, one.active, one.conserved) for one in draft.annex),
        revision=sending.revision,
        changes=sending.notice.changes,
        pay_link=sending.pay_link or "",
        purpose_code=look.purpose_code,
    )
    if draft.annex:
        is_ours = sending.revision == 1 and _is_as_written(draft, rows)
        document = with_annex_sums(document, draft, as_written=is_ours)
    of_seller += own_problems(document)
    reasons += other_problems(document)
    return _none_for(draft.issuer, of_seller, reasons) if of_seller or reasons else document


def _none_for(issuer: str, of_seller: Sequence[str], others: Sequence[str]) -> NoDocument:
    reasons = tuple(dict.fromkeys((*of_seller, *others)))
    return NoDocument(reasons, seller="" if others else issuer)


# ------------------------------------------------------------------------------ the invoice
def _contradictions(
    sending: Sending, draft: InvoiceDraft, invoice: PaperInvoice, rows: Sequence[PaperRow]
) -> Iterator[str]:
    number = sending.portal_id
    if invoice.own_company != draft.own_company:
        yield MOVED.format(invoice=number, whom="поставщика")
    if invoice.company != sending.company:
        yield MOVED.format(invoice=number, whom="покупателя")
    if not invoice.number:
        yield NO_NUMBER.format(invoice=number)
    what = _difference(sending, draft, invoice, rows)
    if what:
        yield CHANGED.format(number=invoice.number or number, what=what, invoice=number)


def _difference(
    sending: Sending, draft: InvoiceDraft, invoice: PaperInvoice, rows: Sequence[PaperRow]
) -> str:
    """Return what the portal holds otherwise than it was told the customer, "" when nothing."""
    notice = sending.notice
    if invoice.currency != notice.total.currency.value:
        return f"валюта {invoice.currency}"
    total = Money.of(invoice.total, notice.total.currency)
    if total != notice.total:
        return f"сумма {rubles(total)} вместо {rubles(notice.total)}"
    added = Money(sum(_total(row, draft.currency).minor for row in rows), draft.currency)
    if added != total:
        return f"строки дают {rubles(added)}, а сумма счёта {rubles(total)}"
    if notice.pay_by is not None and invoice.ends != notice.pay_by:
        return "срок оплаты"
    if sending.revision == 1:
        return _first_difference(notice, draft, invoice, rows)
    return "" if _names_and_sums(notice) == _sums(rows, draft.currency) else "строки"


def _first_difference(
    notice: InvoiceNotice, draft: InvoiceDraft, invoice: PaperInvoice, rows: Sequence[PaperRow]
) -> str:
    """Return what nobody ordered to be otherwise than it was written."""
    if invoice.begins is not None and invoice.begins != notice.issued:
        return f"дата {invoice.begins:%d.%m.%Y} вместо {notice.issued:%d.%m.%Y}"
    if _title(invoice.title) != _title(notice.title):
        return f"название «{_title(invoice.title)}» вместо «{_title(notice.title)}»"
    return "" if _is_as_written(draft, rows) else "строки"


def may_be_changed(sending: Sending, intent: Intent, invoice: PaperInvoice) -> bool:
    """Say whether an invoice's rows may be others than those that were read back after writing."""
    effect = intent.effect
    is_known = isinstance(effect, PutInvoice) and effect.draft.total.amount == invoice.total
    if sending.revision > 1 or not is_known or invoice.updated is None or not intent.written_at:
        return True
    return invoice.updated > intent.written_at + SETTLING


def rows_written(draft: InvoiceDraft) -> list[PaperRow]:
    """Return the rows that a draft was written with."""
    return [
        PaperRow(
            name=row.name.strip(),
            quantity=Decimal(row.quantity),
            price=row.price.amount,
            unit="",
            vat_percent=row.tax,
        )
        for line in draft.lines
        for row in rows_of_line(line)
    ]


def _is_as_written(draft: InvoiceDraft, rows: Sequence[PaperRow]) -> bool:
    return rows_written(draft) == [replace(row, unit="") for row in rows]


def _names_and_sums(notice: InvoiceNotice) -> Counter[str]:
    counted: Counter[str] = Counter()
    for row in notice.rows:
        counted[row.name.strip()] += row.total.minor
    return counted


def _sums(rows: Sequence[PaperRow], currency: Currency) -> Counter[str]:
    counted: Counter[str] = Counter()
    for row in rows:
        counted[row.name] += _total(row, currency).minor
    return counted


def _total(row: PaperRow, currency: Currency) -> Money:
    return Money.of(row.price * row.quantity, currency)


def _lines(
    sending: Sending, draft: InvoiceDraft, rows: Sequence[PaperRow]
) -> tuple[PrintedLine, ...]:
    """Return the portal's rows; the VAT of a line that was split adds up to the line's own."""
    lines = [
        PrintedLine(
            name=one_spaced(row.name),
            quantity=row.quantity,
            unit=f"{row.unit.rstrip('.')}." if row.unit else DEFAULT_UNIT,
            price=Money.of(row.price, draft.currency),
            total=_total(row, draft.currency),
            vat_percent=row.vat_percent,
            vat=vat_included(_total(row, draft.currency), row.vat_percent),
        )
        for row in rows
    ]
    if sending.revision > 1 or not _is_as_written(draft, rows):
        return tuple(lines)
    printed: list[PrintedLine] = []
    for line in draft.lines:
        several = [lines.pop(0) for _ in rows_of_line(line)]
        rest = line.vat - Money(sum(one.vat.minor for one in several), draft.currency)
        # The largest bears the kopeck by which rounding row by row is off.
        largest = max(range(len(several)), key=lambda place: several[place].total.minor)
        several[largest] = several[largest].with_vat(several[largest].vat + rest)
        printed += several
    return tuple(printed)


def _title(text: str) -> str:
    return one_spaced(MARK.sub("", text))


def _buyer(invoice: PaperInvoice, papers: Papers) -> PaperRequisite | None:
    known = papers.requisites.get(invoice.company, ())
    chosen = [one for one in known if one.requisite == invoice.chosen.requisite]
    enough = [one for one in known if one.has_number or one.preset in papers.natural_presets]
    return next(iter([*chosen, *enough, *known]), None)
