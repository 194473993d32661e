"""Whole texts that stand in the portal (portal page, «Written»)."""

from __future__ import annotations

from datetime import date

from hypothesis import given

from stavbill.billing.decide import decide
from stavbill.billing.decision import Bill, Hold, RequisitesMissing, Skip, SkipReason
from stavbill.billing.facts import Facts, NestedCount, OpenCredit, Recipients
from stavbill.billing.money import Currency, Money
from stavbill.plan.item_keys import key_of
from stavbill.plan.sentences import (
    address_task_text,
    billed_text,
    call_item_text,
    explained_text,
    held_text,
    hold_item_texts,
    hold_task_text,
    invoice_comment,
    parked_task_text,
    without_keys,
)
from stavbill.plan.texts import hold_text
from tests.billing.strategies import companies, days
from tests.billing.world import POLICY, SIM, TENTH, facts, units
from tests.plan.world import standing

NBSP = "\u00a0"


def billed(known: Facts) -> Bill:
    decision = decide(known, POLICY, TENTH)
    assert isinstance(decision, Bill)
    return decision


def test_the_timeline_says_what_was_billed_and_why() -> None:
    """Portal page: timeline entry on the company, what was billed and why."""
    credit = OpenCredit("c1", SIM, Money.of(50, Currency.RUB), date(2022, 1, 20))
    text = billed_text(billed(facts(credits=(credit,), recipients=Recipients())))
    assert text == (
        "Счёт «[Биллинг] Подписка на сервис (Март 2022)», ООО «Автотрэкер», на сумму "
        f"1{NBSP}000,00{NBSP}руб.\n"
        "Подписка на сервис по удаленному управлению автопарком (Март 2022): 3 × "
        f"350,00{NBSP}руб. − 50,00{NBSP}руб. = 1{NBSP}000,00{NBSP}руб.\n\n"
        "День отправки: 10.02.2022.\n"
        "Договор «Подписка на сервис удаленного управления автопарком РФ ПС-2021-147»: "
        "выставляет ООО «Автотрэкер», номер в счёте ПС-2021-147.\n"
        "Количество сходится: активных 3, в консервации 0 (тариф 3 и 0).\n"
        "Предоплата: с месяца март 2022, месяцев 1.\n"
        "Перерасчёт c1: было 50,00, учтено 50,00, осталось 0,00 (руб.).\n\n"
        "Обратите внимание:\n"
        "• Отправить некуда: нет ни почты, ни номера WhatsApp."
    )


def test_the_timeline_says_why_not() -> None:
    decision = decide(facts(contracts=(), requisites=()), POLICY, TENTH)
    assert isinstance(decision, Hold)
    lines = held_text(decision.reasons).splitlines()
    assert lines[0] == "Счёт не выставлен:"
    assert [line[:2] for line in lines[1:]] == ["• ", "• "]


def test_a_task_names_the_company_and_what_follows() -> None:
    title, description = hold_task_text(standing())
    assert title == "Биллинг: счёт не выставлен — ООО «Ромашка-Агро»"
    assert "закройте задачу" in description
    assert hold_task_text(standing(title=""))[0].endswith("компания 21645")


def test_the_address_task_names_each_fault() -> None:
    bill = billed(facts(recipients=Recipients(unusable=("buh@",))))
    title, _, items = address_task_text(standing(), bill.warnings)
    assert title == "Биллинг: исправить адрес — ООО «Ромашка-Агро»"
    assert "buh@" in items[0].text
    assert [key_of(item.text) for item in items] == [item.code for item in items]
    assert address_task_text(standing(title=""), ())[0].endswith("компания 21645")


def test_a_parked_company_is_named() -> None:
    title, description, item = parked_task_text(standing(title=""), "две копии")
    assert title.endswith("компания 21645")
    assert "две копии" in description
    assert item.text == "Разобраться: две копии"


def test_keys_of_invoices_are_said_as_people_say_them() -> None:
    key = "stavbill:101:subscription:2027-01:1:ps-rf:1"
    assert without_keys(f"один счёт записан дважды: 5, 6 ({key})") == (
        "один счёт записан дважды: 5, 6"
    )
    assert without_keys(f"удалён из портала: {key}") == "удалён из портала: за январь 2027"


def test_a_call_item_begins_with_the_unit() -> None:
    """Objects page: a checklist item on the planned call."""
    assert call_item_text("ДЖОНДИР 6") == "ДЖОНДИР 6 - в консервации"


def test_a_partners_comment_carries_the_annex() -> None:
    """§6: the number of units for each nested account."""
    seen = units(3, nested=(NestedCount("Ферма", 2, 1),))
    bill = billed(facts("5*350|1*100", seen, partner=True))
    comment = invoice_comment(bill.drafts[0], bill).splitlines()
    assert comment[0] == "Договор ПС-2021-147."
    assert comment[-1] == "Ферма: активных 2, в консервации 1"


@given(companies(), days)
def test_every_decision_can_be_told(known: Facts, on: date) -> None:
    decision = decide(known, POLICY, on)
    if isinstance(decision, Bill):
        assert billed_text(decision)
        for draft in decision.drafts:
            assert draft.title in billed_text(decision)
            assert "\n\n" not in invoice_comment(draft, decision)
    if isinstance(decision, Hold):
        for reason in decision.reasons:
            assert key_of(hold_text(reason)) is not None
        keys = {key_of(text) for text in hold_item_texts(decision.reasons)}
        assert len(keys) == len(decision.reasons)
        assert "stavbill " not in held_text(decision.reasons)
        assert len(held_text(decision.reasons).split("\n• ")) == len(decision.reasons) + 1


def test_an_answer_to_why_says_what_was_decided_and_what_was_billed_last() -> None:
    """Robots page: explain into the timeline."""
    bill = billed(facts())
    assert explained_text(bill, None).startswith("По запросу: счёт будет выставлен.\n\n")
    company = bill.company
    held = Hold(company=company, reasons=(RequisitesMissing(),))
    assert explained_text(held, bill) == held_text((RequisitesMissing(),))
    skipped = Skip(company=company, reason=SkipReason.COVERED)
    assert explained_text(skipped, None).startswith("Счёта сейчас нет: ")
    said = explained_text(skipped, bill)
    assert said.endswith(f"Выставлено в последний раз:\n{billed_text(bill)}")
