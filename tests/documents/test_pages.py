"""What stands on the page for each kind of invoice, and where pages end."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import cache

import pytest

from stavbill.billing.money import Currency
from stavbill.billing.vat import vat_included
from stavbill.documents.invoice import InvoiceDocument, Party, PrintedLine, Signer
from stavbill.documents.render import Renderer
from stavbill.documents.style import Style
from tests.documents.papers import kazakh, line, long, pages_of, russian, text_of

OGRNIP = "304500116000157"


@cache
def ours() -> Renderer:
    return Renderer(Style())


def page(document: InvoiceDocument) -> str:
    return text_of(ours().pdf(document))


def taxed(percent: int | None) -> PrintedLine:
    rate = None if percent is None else Decimal(percent)
    one = line("Подписка", 2, 10_500)
    return replace(one, vat_percent=rate, vat=vat_included(one.total, rate))


@pytest.mark.parametrize(
    ("percents", "is_shown"),
    [([20], False), ([None], False), ([None, None], False), ([20, 22], True), ([None, 5], True)],
)
def test_a_column_tells_rates_apart_where_there_are_several(
    percents: list[int | None], *, is_shown: bool
) -> None:
    text = page(replace(russian(), lines=tuple(map(taxed, percents))))
    assert ("Цена НДС Сумма" in text) == is_shown
    assert ("без НДС" in text) == (is_shown and None in percents)


def test_an_invoice_at_five_percent() -> None:
    text = page(replace(russian(), lines=(taxed(5),)))
    assert "В том числе НДС 5%:" in text
    assert "210,00 руб. 10,00 руб." in text


def test_a_kazakh_invoice_with_its_codes_and_vat() -> None:
    (one,) = kazakh().lines
    assert one.total.currency is Currency.KZT
    rate = Decimal(16)
    lines = (replace(one, vat_percent=rate, vat=vat_included(one.total, rate)),)
    text = page(replace(kazakh(), lines=lines))
    assert f"БИН/ИИН {kazakh().seller.tax_number}" in text
    assert "Кбе 17" in text
    assert "Код назначения платежа 851" in text
    assert "В том числе НДС 16%:" in text
    assert "12 500,00 тг 1 724,14 тг" in text


def test_codes_that_nobody_knows_leave_no_empty_label() -> None:
    seller = replace(kazakh().seller, beneficiary_code="")
    text = page(replace(kazakh(), seller=seller, purpose_code=""))
    assert "Кбе" not in text
    assert "Код назначения" not in text


def test_a_sole_trader_and_a_natural_person() -> None:
    trader = Party(name="ИП Пробный П. П.", tax_number="500100732259", registration=OGRNIP)
    person = Party(name="Пробная Анна Ивановна", natural_person=True)
    signers = (Signer("Предприниматель", "Пробный П. П."),)
    text = page(
        replace(russian(), seller=trader, buyer=person, signers=signers, lines=(taxed(None),))
    )
    assert f"Поставщик: ИП Пробный П. П., ИНН 500100732259, ОГРНИП {OGRNIP}" in text
    assert "Покупатель: Пробная Анна Ивановна Основание" in text
    assert "Без налога (НДС)" in text
    assert "КПП" not in text
    assert "Предприниматель Пробный П. П." in text


def test_without_a_correspondent_account_there_is_no_empty_label() -> None:
    bank = replace(russian().bank, correspondent="")
    assert page(replace(russian(), bank=bank)).count("Сч. №") == 1


def test_nobody_is_asked_to_pay_nothing() -> None:
    text = page(replace(russian(), lines=(line("Подписка", 3, 0),)))
    assert "Всего к оплате: 0,00 руб." in text
    for word in ("Оплатить до", "Назначение платежа", "Оплатить по ссылке", "приложении банка"):
        assert word not in text


@pytest.mark.parametrize("rows", range(10, 22, 2))
def test_sum_and_signatures_are_never_without_a_row(rows: int) -> None:
    last = pages_of(ours().pdf(long(rows)))[-1]
    assert f"Услуга номер {rows}" in last
    assert "Всего к оплате" in last
    assert "Руководитель" in last
