"""Invented drafts and effects to be written."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from stavbill.billing.decision import InvoiceDraft, InvoiceLine
from stavbill.billing.facts import SUBSCRIPTION, CompanyId, InvoiceKey, OwnCompanyId
from stavbill.billing.money import Currency, Money
from stavbill.billing.period import Month, ServicePeriod
from stavbill.plan.effects import InvoiceStage, PutInvoice
from stavbill.plan.keys import format_invoice_key

MONTH = Month(2026, 12)


def rub(minor: int) -> Money:
    return Money(minor, Currency.RUB)


def line(
    quantity: int = 3,
    price: int = 35_000,
    credit: int = 0,
    vat: Decimal | None = Decimal(22),
    name: str = "Абонентская плата за декабрь 2026 + тариф №1 & «Эксперт» 100 %",
) -> InvoiceLine:
    return InvoiceLine(
        service=SUBSCRIPTION,
        month=MONTH,
        name=name,
        quantity=quantity,
        price=rub(price),
        credit=rub(credit),
        vat_percent=vat,
        vat=rub(0),
    )


def draft(
    company: int, *lines: InvoiceLine, own_company: int = 1, title: str = "[Биллинг] Декабрь 2026"
) -> InvoiceDraft:
    return InvoiceDraft(
        key=InvoiceKey(
            company=CompanyId(company),
            services=(SUBSCRIPTION,),
            period=ServicePeriod(MONTH),
            issuer="alpha",
        ),
        title=title,
        own_company=OwnCompanyId(own_company),
        issuer="alpha",
        currency=Currency.RUB,
        contract_number="12/2024",
        issued=date(2026, 12, 10),
        pay_by=date(2026, 12, 20),
        lines=lines or (line(), line(quantity=1, price=12_050, vat=None, name="Диспетчеризация")),
    )


def put_invoice(company: int, wanted: InvoiceDraft | None = None, **parts: object) -> PutInvoice:
    wanted = wanted or draft(company)
    fields: dict[str, object] = {"stage": InvoiceStage.NEW, "comment": "", "responsible": None}
    return PutInvoice(
        key=format_invoice_key(wanted.key),
        company=CompanyId(company),
        draft=wanted,
        **(fields | parts),  # type: ignore[arg-type]
    )
