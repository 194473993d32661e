"""What a customer is told of an invoice, and what a corrected one changed.

Source: delivery page («a corrected revision says what changed»); billing rules §7.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from stavbill.billing.decision import InvoiceDraft
from stavbill.billing.money import Money
from stavbill.plan.texts import rubles

# «[Биллинг]» and the like stand in titles for us, not for the customer.
MARK = re.compile(r"^\s*\[[^\]]*\]\s*")


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """One row of the invoice as the customer sees it; `total` after credits."""

    name: str
    quantity: Decimal
    total: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceNotice:
    """What the letter says of one revision of an invoice.

    `number` is the portal's own, "" while it is not known. `changes` are empty for the first
    revision.
    """

    number: str
    title: str
    issuer: str
    issued: date
    pay_by: date | None
    billed_through: date | None
    contract_number: str
    total: Money
    rows: tuple[NoticeRow, ...]
    changes: tuple[str, ...] = ()


def notice_of(draft: InvoiceDraft, number: str) -> InvoiceNotice:
    """Return what the customer is told of an invoice as we wrote it.

    Source: billing rules §7.
    """
    return InvoiceNotice(
        number=number,
        title=MARK.sub("", draft.title),
        issuer=draft.issuer,
        issued=draft.issued,
        pay_by=draft.pay_by,
        billed_through=draft.period.billed_through,
        contract_number=draft.contract_number,
        total=draft.total,
        rows=tuple(
            NoticeRow(line.name, Decimal(line.quantity), line.total) for line in draft.lines
        ),
    )


def changes(before: InvoiceNotice, after: InvoiceNotice) -> tuple[str, ...]:
    """Return what a corrected invoice changed, in sentences for the customer; none when nothing.

    Rows are known again by their name; of several with one name the sums count together.

    Source: delivery page, «a corrected revision says what changed».
    """
    told: list[str] = []
    if before.total != after.total:
        told.append(f"Сумма: была {rubles(before.total)}, стала {rubles(after.total)}.")
    if before.number and after.number and before.number != after.number:
        told.append(f"Номер: был {before.number}, стал {after.number}.")
    if before.pay_by != after.pay_by:
        told.append(f"Срок оплаты: был {_day(before.pay_by)}, стал {_day(after.pay_by)}.")
    if before.title != after.title:
        told.append(f"Название: было «{before.title}», стало «{after.title}».")
    if before.contract_number != after.contract_number:
        told.append(
            f"Договор: был {before.contract_number or 'не указан'}, "
            f"стал {after.contract_number or 'не указан'}."
        )
    told.extend(_row_changes(before, after))
    return tuple(told)


def _row_changes(before: InvoiceNotice, after: InvoiceNotice) -> list[str]:
    old, new = _by_name(before), _by_name(after)
    told = [
        f"Убрано: {name}, {told_before}." for name, told_before in old.items() if name not in new
    ]
    told += [f"Добавлено: {name}, {told_now}." for name, told_now in new.items() if name not in old]
    told += [
        f"{name}: было {old[name]}, стало {told_now}."
        for name, told_now in new.items()
        if name in old and old[name] != told_now
    ]
    return told


def _by_name(notice: InvoiceNotice) -> dict[str, str]:
    rows: dict[str, tuple[Decimal, Money]] = {}
    for row in notice.rows:
        quantity, total = rows.get(row.name, (Decimal(0), Money.zero(row.total.currency)))
        rows[row.name] = quantity + row.quantity, total + row.total
    return {
        name: f"{quantity.normalize():f} шт. на {rubles(total)}"
        for name, (quantity, total) in rows.items()
    }


def _day(day: date | None) -> str:
    return f"{day:%d.%m.%Y}" if day is not None else "не указан"
