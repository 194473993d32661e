"""Decisions as plain documents: for `--json`, for tables, for whoever asks «why»."""

from __future__ import annotations

from dataclasses import asdict
from enum import Enum

from stavbill.billing.decision import (
    Bill,
    Decision,
    Hold,
    HoldReason,
    InvoiceDraft,
    InvoiceLine,
    Note,
    Skip,
)
from stavbill.plan.invariants import Violation
from stavbill.plan.keys import format_invoice_key
from stavbill.plan.sentences import violation_text
from stavbill.plan.texts import hold_code, hold_text, note_text, skip_text

Document = dict[str, object]


def decision_document(decision: Decision) -> Document:
    """Return decision, reasons, invoices, lines, explanation and warnings of one company.

    Sums are texts in rubles (tenge) with two decimals, months are `2022-03`, dates ISO. `reasons`
    holds the skip reason, or every hold reason; a bill has reasons only for kinds that are held.
    """
    drafts: tuple[InvoiceDraft, ...] = decision.drafts if isinstance(decision, Bill) else ()
    return {
        "company": int(decision.company),
        "decision": decision.kind,
        "reasons": _reasons(decision),
        "invoices": [draft_document(draft) for draft in drafts],
        "lines": [line_document(line) for draft in drafts for line in draft.lines],
        "total": _sums(drafts),
        "explanation": [note_document(note) for note in decision.explanation],
        "warnings": [note_document(note) for note in decision.warnings],
    }


def draft_document(draft: InvoiceDraft) -> Document:
    """Return one invoice that shall exist."""
    return {
        "key": format_invoice_key(draft.key),
        "title": draft.title,
        "issuer": draft.issuer,
        "own_company": int(draft.own_company),
        "currency": draft.currency.value,
        "contract_number": draft.contract_number,
        "issued": draft.issued.isoformat(),
        "pay_by": draft.pay_by.isoformat(),
        "first_month": draft.period.first.code,
        "months": draft.period.months,
        "billed_through": draft.period.billed_through.isoformat(),
        "gross": str(draft.gross.amount),
        "total": str(draft.total.amount),
        "lines": [line_document(line) for line in draft.lines],
        "annex": [asdict(nested) for nested in draft.annex],
    }


def line_document(line: InvoiceLine) -> Document:
    """Return one line with its credit and VAT."""
    return {
        "service": str(line.service),
        "month": line.month.code,
        "name": line.name,
        "quantity": line.quantity,
        "price": str(line.price.amount),
        "credit": str(line.credit.amount),
        "total": str(line.total.amount),
        "vat_rate": None if line.vat_percent is None else str(line.vat_percent),
        "vat": str(line.vat.amount),
    }


def note_document(note: Note) -> Document:
    """Return one step of an explanation with its sentence."""
    values = {name: list(v) if isinstance(v, tuple) else v for name, v in note.values}
    return {"code": note.code, "rule": note.rule, "text": note_text(note), "values": values}


def hold_document(reason: HoldReason) -> Document:
    """Return one hold reason with its sentence and its numbers."""
    values = {name: _plain(value) for name, value in asdict(reason).items() if name != "kind"}
    return {
        "code": reason.kind,
        "item": hold_code(reason),
        "text": hold_text(reason),
        "values": values,
    }


def violation_document(found: Violation) -> Document:
    """Return one thing that must never be true."""
    return {
        "what": found.what.value,
        "company": int(found.company),
        "invoices": [int(invoice) for invoice in found.invoices],
        "ours": found.ours,
        "detail": found.detail,
        "text": violation_text(found),
    }


def _reasons(decision: Decision) -> list[Document]:
    match decision:
        case Skip(reason=reason):
            return [{"code": reason.value, "text": skip_text(reason), "values": {}}]
        case Hold(reasons=reasons) | Bill(held=reasons):
            return [hold_document(reason) for reason in reasons]


def _sums(drafts: tuple[InvoiceDraft, ...]) -> Document:
    totals: dict[str, int] = {}
    for draft in drafts:
        totals[draft.currency.value] = totals.get(draft.currency.value, 0) + draft.total.minor
    return {currency: f"{minor // 100}.{minor % 100:02d}" for currency, minor in totals.items()}


def _plain(value: object) -> object:
    """Return `value` as JSON knows it: enums by value, tuples as lists, months by code."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        if set(value) == {"year", "number"}:
            return f"{value['year']:04d}-{value['number']:02d}"
        return {name: _plain(part) for name, part in value.items()}
    return value
