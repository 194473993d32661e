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
from stavbill.documents.checks import problems_of
from stavbill.documents.invoice import (
    AnnexRow,
    Bank,
    Form,
    InvoiceDocument,
    Party,
    PrintedLine,
    Signer,
)
from stavbill.operations.mail_parts import NoDocument
from stavbill.plan.effects import PutInvoice
from stavbill.plan.notices import MARK, InvoiceNotice
from stavbill.plan.records import BankDetail
from stavbill.plan.texts import rubles
from stavbill.store.effects import Intent
from stavbill.store.sendings import Sending

SOLE_TRADER, SOLE_TRADER_INN = "ИП", 12
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
    "Счёт {number} изменён в портале после выставления: {what}. Если так и нужно, отправьте "
    "исправленный: stavbill invoice send {invoice} --corrected. Если нет, верните строки."
)
NO_NUMBER = "У счёта {invoice} в портале нет номера."
NO_REQUISITES = "{whose}: на портале нет реквизитов. Заполните их в карточке компании."
NO_ACCOUNT = "{seller}: среди реквизитов на портале нет счёта {account} (documents.issuers)."


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerLook:
    """What the settings say of one issuer's invoices; "" leaves it to the portal's requisites.

    `account` chooses among several bank accounts. `purpose_code` is Kazakhstan's КНП.
    """

    account: str = ""
    director: str = ""
    accountant: str = ""
    notes: tuple[str, ...] = ()
    purpose_code: str = ""
    beneficiary_code: str = ""


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
    reasons = list(_contradictions(sending, draft, invoice, rows))
    seller = _seller(draft, invoice, papers)
    buyer = _buyer(invoice, papers)
    if seller is None:
        reasons.append(NO_REQUISITES.format(whose=draft.issuer))
    if buyer is None:
        reasons.append(NO_REQUISITES.format(whose="Покупатель"))
    if seller is None or buyer is None:
        return NoDocument(tuple(reasons))
    look = papers.looks.get(draft.key.issuer, IssuerLook())
    bank = _bank(draft, invoice, seller, look, papers)
    if bank is None:
        reasons.append(NO_ACCOUNT.format(seller=draft.issuer, account=look.account))
    document = InvoiceDocument(
        form=Form.KAZAKHSTAN if draft.currency is Currency.KZT else Form.RUSSIA,
        issuer=draft.key.issuer,
        number=invoice.number,
        issued=invoice.begins or draft.issued,
        pay_by=invoice.ends,
        title=MARK.sub("", invoice.title),
        contract=sending.notice.contract_number,
        seller=_party(seller, beneficiary_code=look.beneficiary_code),
        bank=bank or Bank(name="", bic="", account=""),
        buyer=_party(buyer, natural_person=buyer.preset in papers.natural_presets),
        currency=draft.currency,
        lines=_lines(sending, draft, rows),
        credit=draft.gross - draft.total if sending.revision == 1 else Money.zero(draft.currency),
        signers=_signers(seller, look, draft.currency),
        notes=look.notes,
        annex=tuple(AnnexRow(one.account, one.active, one.conserved) for one in draft.annex),
        revision=sending.revision,
        changes=sending.notice.changes,
        pay_link=sending.pay_link or "",
        purpose_code=look.purpose_code,
    )
    reasons += problems_of(document)
    return NoDocument(tuple(dict.fromkeys(reasons))) if reasons else document


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
        return "" if _is_as_written(draft, rows) else "строки"
    return "" if _names_and_sums(notice) == _sums(rows, draft.currency) else "строки"


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
            name=row.name,
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


# ------------------------------------------------------------------------------- the parties
def _seller(draft: InvoiceDraft, invoice: PaperInvoice, papers: Papers) -> PaperRequisite | None:
    known = papers.requisites.get(int(draft.own_company), ())
    chosen = [one for one in known if one.requisite == invoice.chosen.own_requisite]
    numbered = [one for one in known if one.number]
    return next(iter([*chosen, *numbered, *known]), None)


def _buyer(invoice: PaperInvoice, papers: Papers) -> PaperRequisite | None:
    known = papers.requisites.get(invoice.company, ())
    chosen = [one for one in known if one.requisite == invoice.chosen.requisite]
    enough = [one for one in known if one.number or one.preset in papers.natural_presets]
    return next(iter([*chosen, *enough, *known]), None)


def _bank(
    draft: InvoiceDraft,
    invoice: PaperInvoice,
    seller: PaperRequisite,
    look: IssuerLook,
    papers: Papers,
) -> Bank | None:
    """Return the account to pay to; None when the settings name one that is not there.

    The settings' account, else the one chosen in the portal, else the oldest of the currency.
    """
    known = papers.banks.get(seller.requisite, ())
    if look.account:
        named = [one for one in known if one.account == look.account]
        return _printed(named[0]) if named else None
    chosen = [one for one in known if one.detail == invoice.chosen.own_bank]
    full = [one for one in known if one.account and one.bic]
    fitting = [one for one in full if one.currency.strip().upper() in ("", draft.currency.value)]
    found = next(iter([*chosen, *fitting, *full, *known]), None)
    return _printed(found) if found is not None else Bank(name="", bic="", account="")


def _printed(detail: BankDetail) -> Bank:
    return Bank(
        name=detail.bank,
        bic=detail.bic,
        account=detail.account,
        correspondent=detail.correspondent,
    )


def _party(
    paper: PaperRequisite, *, natural_person: bool = False, beneficiary_code: str = ""
) -> Party:
    return Party(
        name=_name(paper, natural_person=natural_person),
        tax_number=paper.number,
        kpp=paper.kpp,
        registration=paper.registration,
        address=paper.address,
        beneficiary_code=beneficiary_code or paper.beneficiary_code,
        natural_person=natural_person,
    )


def _name(paper: PaperRequisite, *, natural_person: bool) -> str:
    """Return the name; a sole trader whose form is not in it gets it."""
    name = paper.name.strip()
    is_trader = _is_sole_trader(paper) and not natural_person
    known = name.casefold().startswith(("ип ", "ип.", "индивидуальный предприниматель"))
    return f"{SOLE_TRADER} {name}" if is_trader and name and not known else name


def _is_sole_trader(paper: PaperRequisite) -> bool:
    return len(paper.number) == SOLE_TRADER_INN and len(paper.registration) > SOLE_TRADER_INN + 1


def _signers(seller: PaperRequisite, look: IssuerLook, currency: Currency) -> tuple[Signer, ...]:
    director = look.director or seller.director
    accountant = look.accountant or seller.accountant
    signers = (Signer("Руководитель", director), Signer("Бухгалтер", accountant))
    if currency is Currency.KZT:
        signers = (Signer("Исполнитель", director), Signer("Бухгалтер", accountant))
    elif _is_sole_trader(seller):
        name = director or seller.name.removeprefix(SOLE_TRADER).strip()
        signers = (Signer("Предприниматель", name), Signer("Бухгалтер", accountant))
    # A company has an accountant, named or not; elsewhere only who is named signs.
    is_company = signers[0].role == "Руководитель"
    return tuple(one for place, one in enumerate(signers) if one.name or place == 0 or is_company)
