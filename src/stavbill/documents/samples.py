"""Invented invoices by which templates are tried out before they are needed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from stavbill.billing.money import Currency, Money
from stavbill.billing.vat import vat_included
from stavbill.documents.invoice import (
    AnnexRow,
    Bank,
    Form,
    InvoiceDocument,
    Party,
    PrintedLine,
    Signer,
)


def samples() -> tuple[InvoiceDocument, ...]:
    """Return a full Russian invoice, a bare one, a partner's and a Kazakh one."""
    full = russian()
    bare = replace(
        full,
        pay_by=None,
        contract="",
        buyer=Party(name="Пример Пётр Петрович", natural_person=True),
        lines=full.lines[:1],
        credit=Money.zero(Currency.RUB),
        signers=(),
        notes=(),
        changes=(),
        revision=1,
        pay_link="",
    )
    partner = replace(bare, annex=(AnnexRow("sub-1", 3, 0), AnnexRow("sub-2", 10, 2)))
    return full, bare, partner, kazakh()


def russian() -> InvoiceDocument:
    """Return an invoice that has everything: two rates, a credit, a correction."""
    rub = Currency.RUB
    return InvoiceDocument(
        form=Form.RUSSIA,
        issuer="sample",
        number="128",
        issued=date(2025, 12, 10),
        pay_by=date(2025, 12, 22),
        title="Подписка на сервис (Декабрь 2025 – Январь 2026)",
        contract="17/МН",
        seller=Party(
            name="ООО «Пример Мониторинг»",
            tax_number="0000000000",
            kpp="000001001",
            registration="1210000000000",
            address="000000, г. Примерск, ул. Образцовая, д. 1, оф. 2",
        ),
        bank=Bank(
            name="АО «Банк Примерный»",
            bic="040000001",
            account="40702810000000000001",
            correspondent="30101810000000000001",
        ),
        buyer=Party(
            name="ООО «Образец»",
            tax_number="0000000001",
            kpp="000001001",
            address="000000, г. Примерск, ул. Пробная, д. 3",
        ),
        currency=rub,
        lines=(
            _line("Подписка на сервис (Декабрь 2025)", 12, 45_000, Decimal(20)),
            _line("Подписка на сервис (Январь 2026)", 12, 45_000, Decimal(22)),
        ),
        credit=Money(45_000, rub),
        signers=(Signer("Руководитель", "Примерный И. И."), Signer("Бухгалтер", "Пробная А. А.")),
        notes=("Оплата означает согласие с условиями договора.",),
        revision=2,
        changes=("Сумма: была 11 250,00 руб., стала 10 800,00 руб.",),
        pay_link="https://billing.example/i/",
    )


def kazakh() -> InvoiceDocument:
    """Return an invoice in tenge."""
    kzt = Currency.KZT
    line = _line("Абонентская плата (Декабрь 2025)", 5, 250_000, None, kzt)
    return replace(
        russian(),
        form=Form.KAZAKHSTAN,
        seller=Party(
            name="ТОО «Пример KZ»",
            tax_number="000000000000",
            address="г. Примерск",
            beneficiary_code="17",
        ),
        bank=Bank(name="АО «Банк Образцовый»", bic="EXKZKZKA", account="KZ000000000000000000"),
        buyer=Party(name="ТОО «Образец»", tax_number="000000000001"),
        currency=kzt,
        lines=(line,),
        credit=Money.zero(kzt),
        purpose_code="851",
    )


def _line(
    name: str,
    quantity: int,
    price: int,
    percent: Decimal | None,
    currency: Currency = Currency.RUB,
) -> PrintedLine:
    total = Money(price * quantity, currency)
    return PrintedLine(
        name=name,
        quantity=Decimal(quantity),
        unit="шт.",
        price=Money(price, currency),
        total=total,
        vat_percent=percent,
        vat=vat_included(total, percent),
    )
