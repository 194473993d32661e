"""Whole texts in Russian that stand in the portal: tasks, timeline entries, invoice comments.

Source: portal page, «Written»; billing rules §9.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from stavbill.billing.decision import (
    Bill,
    Decision,
    Hold,
    HoldReason,
    InvoiceDraft,
    Note,
    Skip,
)
from stavbill.plan.effects import ItemText
from stavbill.plan.invariants import MustNever, Violation
from stavbill.plan.item_keys import numbered
from stavbill.plan.keys import INVOICE_KEY, parse_invoice_key
from stavbill.plan.standing import Standing
from stavbill.plan.texts import draft_lines, hold_text, month, note_text, rubles, skip_text

_KEY = re.compile(INVOICE_KEY.pattern)
_KEY_IN_BRACKETS = re.compile(rf" \((?:{re.sub(r'[(][?]P<[a-z]+>', '(?:', INVOICE_KEY.pattern)})\)")
ADDRESS_ITEMS = {
    "no_recipient": "Укажите почту («Эмaйл для абонки») или номер WhatsApp.",
    "recipient_unusable": "Исправьте адрес.",
}


MUST_NEVER_TEXTS = {
    MustNever.TWO_INVOICES: "два счёта за один месяц",
    MustNever.WITHOUT_CONTRACT: "счёт без договора",
    MustNever.WRONG_ISSUER: "счёт не от того юрлица",
    MustNever.LINES_DO_NOT_ADD_UP: "строки счёта не сходятся с суммой",
    MustNever.ISSUED_TO_SKIPPED: "счёт компании с флагом «Пропускать»",
    MustNever.SAME_KEY_TWICE: "один счёт записан дважды",
    MustNever.FOREIGN_KEY: "счёт с ключом другой компании",
}


def billed_text(bill: Bill) -> str:
    """Return the timeline entry of a billed company: what was billed and why."""
    parts = []
    for draft in bill.drafts:
        head = f"Счёт «{draft.title}», {draft.issuer}, на сумму {rubles(draft.total)}"
        parts.append("\n".join((head, *draft_lines(draft))))
    parts.append("\n".join(note_text(note) for note in bill.explanation))
    if bill.warnings:
        warned = "\n".join(f"• {note_text(note)}" for note in bill.warnings)
        parts.append(f"Обратите внимание:\n{warned}")
    return "\n\n".join(part for part in parts if part)


def held_text(reasons: tuple[HoldReason, ...]) -> str:
    """Return the timeline entry of a held company: why there is no invoice."""
    listed = "\n".join(f"• {hold_text(reason)}" for reason in reasons)
    return f"Счёт не выставлен:\n{listed}"


def explained_text(decision: Decision, last: Bill | None) -> str:
    """Return the timeline entry that answers «why»: the decision, and what was billed last."""
    match decision:
        case Bill():
            return f"По запросу: счёт будет выставлен.\n\n{billed_text(decision)}"
        case Hold(reasons=reasons):
            return held_text(reasons)
        case Skip(reason=reason):
            text = f"Счёта сейчас нет: {skip_text(reason)}"
            if last is None:
                return text
            return f"{text}\n\nВыставлено в последний раз:\n{billed_text(last)}"


def hold_task_text(standing: Standing) -> tuple[str, str]:
    """Return title and description of the task that a held company gets."""
    name = standing.title or f"компания {standing.company}"
    description = (
        "Счёт за абонплату не выставлен. Причины в чек-листе. Когда они устранены, закройте "
        "задачу: биллинг решит компанию заново. Или не закрывайте: счёт выставит следующий запуск, "
        "а пункты и задача закроются сами."
    )
    return f"Биллинг: счёт не выставлен — {name}", description


def hold_item_texts(reasons: Sequence[HoldReason]) -> list[str]:
    """Return reasons as checklist items, known again by the words that they begin with."""
    return numbered([hold_text(reason) for reason in reasons])


def address_task_text(
    standing: Standing, wrong: tuple[Note, ...]
) -> tuple[str, str, tuple[ItemText, ...]]:
    """Return title, description and items of the task «mend the address»."""
    name = standing.title or f"компания {standing.company}"
    items = tuple(
        ItemText(note.code, f"{note_text(note)} {ADDRESS_ITEMS[note.code]}") for note in wrong
    )
    description = (
        "Счёт выставлен, но отправить его по этим адресам нельзя. "
        "Исправьте их на карточке компании."
    )
    return f"Биллинг: исправить адрес — {name}", description, items


def parked_task_text(standing: Standing, reason: str) -> tuple[str, str, ItemText]:
    """Return title, description and item of the task about a parked company."""
    name = standing.title or f"компания {standing.company}"
    told = without_keys(reason)
    description = (
        f"Состояние счетов противоречиво: {told}. Биллинг ничего не пишет по этой компании, пока "
        "человек не разберётся. Когда всё верно, скажите тому, кто ведёт биллинг: он снимет "
        "компанию с паузы."
    )
    item = ItemText("parked", f"Разобраться: {told}")
    return f"Биллинг: компания на паузе — {name}", description, item


def without_keys(text: str) -> str:
    """Return a text with the keys of our invoices as people say them, or without."""
    plain = _KEY_IN_BRACKETS.sub("", text)
    return _KEY.sub(lambda found: _said(found[0]), plain)


def _said(key: str) -> str:
    known = parse_invoice_key(key)
    return key if known is None else f"за {month(known.period.first.code)}"


def violation_text(found: Violation) -> str:
    """Return what must never be true and is, with the invoices concerned."""
    invoices = ", ".join(str(invoice) for invoice in found.invoices)
    detail = f" ({found.detail})" if found.detail else ""
    return f"{MUST_NEVER_TEXTS[found.what]}: {invoices}{detail}"


def call_item_text(unit: str) -> str:
    """Return the planned call's item about a conserved unit."""
    return f"{unit} - в консервации"


def invoice_comment(draft: InvoiceDraft, bill: Bill) -> str:
    """Return the comment of an invoice: contract, explanation, annex of a partner."""
    lines = [f"Договор {draft.contract_number}." if draft.contract_number else ""]
    lines.extend(note_text(note) for note in bill.explanation)
    lines.extend(
        f"{nested.account}: активных {nested.active}, в консервации {nested.conserved}"
        for nested in draft.annex
    )
    return "\n".join(line for line in lines if line)
