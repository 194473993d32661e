"""What a corrected invoice tells the customer that it changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from stavbill.billing.money import Currency, Money
from stavbill.plan.notices import InvoiceNotice, NoticeRow, changes

RUB = Currency.RUB
ROW = NoticeRow("Подписка на сервис (Январь 2027)", Decimal(3), Money(105_000, RUB))
BEFORE = InvoiceNotice(
    number="7",
    title="Подписка на сервис (Январь 2027)",
    issuer="ООО «Пример»",
    issued=date(2026, 12, 10),
    pay_by=date(2026, 12, 21),
    billed_through=date(2027, 1, 31),
    contract_number="1",
    total=Money(105_000, RUB),
    rows=(ROW,),
)
CHANGED = {
    "sum": (replace(BEFORE, total=Money(90_000, RUB)), "Сумма: была 1 050,00 руб., стала 900,00"),
    "number": (replace(BEFORE, number="8"), "Номер: был 7, стал 8."),
    "day": (replace(BEFORE, pay_by=None), "Срок оплаты: был 21.12.2026, стал не указан."),
    "title": (replace(BEFORE, title="ДУТ"), "Название: было «Подписка на сервис (Январь 2027)»"),
    "contract": (replace(BEFORE, contract_number=""), "Договор: был 1, стал не указан."),
    "row gone": (replace(BEFORE, rows=()), "Убрано: Подписка на сервис (Январь 2027), 3 шт."),
    "row added": (
        replace(BEFORE, rows=(ROW, replace(ROW, name="ДУТ"))),
        "Добавлено: ДУТ, 3 шт. на 1 050,00 руб.",
    ),
    "row changed": (
        replace(BEFORE, rows=(replace(ROW, quantity=Decimal("2.5")),)),
        "было 3 шт. на 1 050,00 руб., стало 2.5 шт. на 1 050,00 руб.",
    ),
}


@pytest.mark.parametrize("what", list(CHANGED))
def test_every_change_is_told_and_nothing_else(what: str) -> None:
    after, words = CHANGED[what]
    (told,) = changes(BEFORE, after)
    assert words in told.replace("\u00a0", " ")


def test_nothing_changed_is_nothing_told() -> None:
    assert changes(BEFORE, BEFORE) == ()
    # A number that was not known yet is no change, and neither is a row that was split.
    assert changes(replace(BEFORE, number=""), BEFORE) == ()
    halves = (
        replace(ROW, quantity=Decimal(1), total=Money(35_000, RUB)),
        replace(ROW, quantity=Decimal(2), total=Money(70_000, RUB)),
    )
    assert changes(BEFORE, replace(BEFORE, rows=halves)) == ()
