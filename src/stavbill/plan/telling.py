"""What the portal is told of a delivery: stage, timeline entry, tasks that ask a person.

Source: delivery page; portal page, «Written»; beyond 11.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from stavbill.billing.facts import CompanyId
from stavbill.plan.diff import ADDRESS_TAG
from stavbill.plan.effects import (
    NO_COMPANY,
    AddTimeline,
    EffectKey,
    InvoiceStage,
    ItemText,
    MendTask,
    OpenTask,
    PutStage,
    TaskId,
    UserId,
)
from stavbill.plan.notices import InvoiceNotice
from stavbill.plan.run_texts import RUN_TAG
from stavbill.plan.texts import rubles

DELIVERY_TAG = "stavbill-delivery"
INCIDENT = re.compile(r"инцидент [0-9a-f]{8}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """One revision that went out: to whom (each with what became of it), and where it is paid."""

    company: CompanyId
    invoice: EffectKey
    revision: int
    notice: InvoiceNotice
    recipients: tuple[tuple[str, str], ...]
    pay_link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A message that a person must look at; `message` and `round` name it for good."""

    company: CompanyId
    title: str
    responsible: UserId | None
    invoice: EffectKey
    notice: InvoiceNotice
    message: int
    round: int
    recipient: str
    reason: str
    due: date


def sent_stage(told: Delivered) -> PutStage:
    """Return the stage «Отправлен клиенту» of an invoice.

    Source: delivery page, «Written back».
    """
    key = EffectKey(f"sent:{told.invoice}:{told.revision}")
    return PutStage(key=key, company=told.company, invoice=told.invoice, stage=InvoiceStage.SENT)


def sent_entry(sent: Sequence[Delivered]) -> AddTimeline:
    """Return one timeline entry about everything that went out to a company in one pass.

    Source: delivery page, «Written back».
    """
    parts = []
    for one in sent:
        corrected = f", исправление {one.revision}" if one.revision > 1 else ""
        head = f"{_invoice(one.notice)} на сумму {rubles(one.notice.total)}{corrected}"
        listed = [" — ".join(filter(None, ("• " + whom, state))) for whom, state in one.recipients]
        link = [f"Оплата: {one.pay_link}"] if one.pay_link else []
        parts.append("\n".join((f"Отправлено: {head}", *listed, *link)))
    text = "\n\n".join(parts)
    names = "|".join(f"{one.invoice}:{one.revision}" for one in sent)
    # With the words: a revision that is told of again, for one more recipient, is another entry.
    mark = hashlib.sha256(f"{names}|{text}".encode()).hexdigest()[:16]
    company = sent[0].company
    return AddTimeline(key=EffectKey(f"timeline:sent:{company}:{mark}"), company=company, text=text)


def refused_task(trouble: Trouble) -> OpenTask:
    """Return the task «исправить адрес» about a recipient that is refused for good.

    Source: delivery page; issue of delivery, 2.
    """
    name = trouble.title or f"компания {trouble.company}"
    description = (
        f"{_invoice(trouble.notice)} выставлен, но не дошёл до {trouble.recipient}: "
        f"{trouble.reason}. Исправьте адрес на карточке компании: новому адресу счёт уйдёт сам в "
        f"течение часа. Если адрес верный, {_again(trouble)}"
    )
    item = f"Исправить адрес {trouble.recipient}: {trouble.reason}"
    return _task(trouble, "address", f"Биллинг: исправить адрес — {name}", description, item)


def unaccepted_task(trouble: Trouble) -> OpenTask:
    """Return the task about a letter that was refused for no fault of the address.

    Source: delivery page; issue of delivery, 2.
    """
    name = trouble.title or f"компания {trouble.company}"
    description = (
        f"{_invoice(trouble.notice)} выставлен, но не дошёл до {trouble.recipient}: "
        f"{trouble.reason}. Адрес, по-видимому, верный: отказ касается письма или отправителя "
        "(размер, похожесть на спам, вход, подписи домена). Когда причина устранена, "
        f"{_again(trouble)}"
    )
    item = f"Узнать, почему не принято письмо на {trouble.recipient}: {trouble.reason}"
    return _task(trouble, "letter", f"Биллинг: письмо не принято — {name}", description, item)


def _again(trouble: Trouble) -> str:
    """Return whom to ask for the message once more, and by what it is found."""
    return (
        "скажите тому, кто ведёт биллинг: он отправит счёт ещё раз (сообщение № "
        f"{trouble.message})."
    )


def reasons_mark(reason: str) -> int:
    """Return a number that is the same for the same reasons, whatever the incident is called.

    Source: delivery page (a person is told once).
    """
    plain = INCIDENT.sub("", reason)
    return int(hashlib.sha256(plain.encode()).hexdigest()[:8], 16)


def doubt_task(trouble: Trouble) -> OpenTask:
    """Return the task that asks whether a message arrived of which nobody knows.

    Source: delivery page («evidence is awaited, then a person is asked»).
    """
    name = trouble.title or f"компания {trouble.company}"
    description = (
        f"{_invoice(trouble.notice)} отправлялся на {trouble.recipient}, но ответ сервера потерян "
        f"({trouble.reason}), и подтверждения нет до сих пор. Второй раз сам он не уйдёт. Спросите "
        "клиента и скажите тому, кто ведёт биллинг, дошёл счёт или отправить его ещё раз "
        f"(сообщение № {trouble.message})."
    )
    item = f"Узнать, дошёл ли счёт до {trouble.recipient}"
    return _task(trouble, "doubt", f"Биллинг: дошёл ли счёт? — {name}", description, item)


def document_task(trouble: Trouble) -> OpenTask:
    """Return the task about an invoice whose document cannot be made.

    Source: delivery page; issue of delivery, 1 (a held invoice with that reason).
    """
    name = trouble.title or f"компания {trouble.company}"
    description = (
        f"{_invoice(trouble.notice)} выставлен, но не отправлен: документ не составить. "
        f"{trouble.reason} Когда это исправлено, счёт уйдёт сам."
    )
    item = f"Исправить: {trouble.reason}"
    return _task(trouble, "document", f"Биллинг: счёт не отправлен — {name}", description, item)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTrouble:
    """A seller's own papers that keep documents from being made: of which invoices, and why.

    `round` counts how often the same was told and mended before.
    """

    seller: str
    month: str
    round: int
    reason: str
    invoices: tuple[InvoiceNotice, ...]
    due: date


DOCUMENT_TASK = EffectKey("delivery:document:")
OWN_TROUBLE = EffectKey("delivery:seller:")
NAMED = 10


def own_papers_mark(seller: str, reason: str) -> str:
    """Return what names a trouble with a seller's papers, the same for the same reasons."""
    return hashlib.sha256(f"{seller}|{INCIDENT.sub('', reason)}".encode()).hexdigest()[:16]


def own_papers_task(trouble: OwnTrouble) -> OpenTask:
    """Return the one task about a seller's papers, however many customers wait for them.

    Source: delivery page; issue of delivery, 1 (a held invoice with that reason).
    """
    listed = [f"• {_invoice(one)}" for one in trouble.invoices[:NAMED]]
    more = len(trouble.invoices) - NAMED
    description = "\n".join(
        (
            f"Счета выставлены, но не отправлены: документ не составить. {trouble.reason}",
            "",
            f"Ждут сейчас ({len(trouble.invoices)}):",
            *listed,
            *([f"и ещё {more}"] if more > 0 else []),
            "",
            "Когда это исправлено, счета уйдут сами, и задача закроется.",
        )
    )
    mark = own_papers_mark(trouble.seller, trouble.reason)
    return OpenTask(
        key=EffectKey(f"{OWN_TROUBLE}{mark}:{trouble.month}:{trouble.round}"),
        company=NO_COMPANY,
        title=f"Биллинг: счета не отправлены — {trouble.seller}",
        description=description,
        tag=RUN_TAG,
        responsible=None,
        items=(),
        due=trouble.due,
    )


def closing_key(name: str) -> EffectKey:
    """Return the key of the completion of a task that is known by its key."""
    return EffectKey(f"closed:{name}")


def document_made(name: str, company: CompanyId, task: int) -> MendTask:
    """Return the completion of a task about documents, known by its key, that are made now."""
    return MendTask(key=closing_key(name), company=company, task=TaskId(task), complete=True)


def _task(trouble: Trouble, kind: str, title: str, description: str, item: str) -> OpenTask:
    return OpenTask(
        key=EffectKey(f"delivery:{kind}:{trouble.message}:{trouble.round}:{trouble.invoice}"),
        company=trouble.company,
        title=title,
        description=description,
        tag=ADDRESS_TAG if kind == "address" else DELIVERY_TAG,
        responsible=trouble.responsible,
        items=(ItemText(kind, item),),
        due=trouble.due,
    )


def _invoice(notice: InvoiceNotice) -> str:
    number = f" № {notice.number}" if notice.number else ""
    return f"Счёт{number} от {notice.issued:%d.%m.%Y} «{notice.title}»"
