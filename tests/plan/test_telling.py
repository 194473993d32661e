"""What the portal is told of a delivery: keys that stand for the same words, and no others."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from stavbill.billing.facts import CompanyId
from stavbill.plan.effects import EffectKey
from stavbill.plan.telling import (
    Delivered,
    Trouble,
    reasons_mark,
    refused_task,
    sent_entry,
    unaccepted_task,
)
from tests.plan.test_notices import BEFORE

TOLD = Delivered(
    company=CompanyId(101),
    invoice=EffectKey("stavbill:101:2027-01:main"),
    revision=1,
    notice=BEFORE,
    recipients=(("a@example.ru", "отправлено"),),
    pay_link="",
)
TROUBLE = Trouble(
    company=CompanyId(101),
    title="ООО «Ромашка»",
    responsible=None,
    invoice=TOLD.invoice,
    notice=BEFORE,
    message=7,
    round=1,
    recipient="a@example.ru",
    reason="письмо не принято: 554 5.7.1 spam",
    due=date(2026, 12, 11),
)


def test_other_words_about_the_same_revision_are_another_entry() -> None:
    """The same key with other words would be a contradiction, and the company parked."""
    more = replace(TOLD, recipients=(*TOLD.recipients, ("b@example.ru", "отправлено")))
    assert sent_entry([TOLD]) == sent_entry([TOLD])
    assert sent_entry([TOLD]).key != sent_entry([more]).key


def test_the_same_reasons_are_the_same_whatever_the_incident_is_called() -> None:
    first = reasons_mark("Не указан ИНН. Сбой, инцидент 0a1b2c3d.")
    assert first == reasons_mark("Не указан ИНН. Сбой, инцидент 4e5f6a7b.")
    assert first != reasons_mark("Не указан КПП. Сбой, инцидент 0a1b2c3d.")


def test_a_letter_that_is_not_accepted_does_not_blame_the_address() -> None:
    task, other = unaccepted_task(TROUBLE), refused_task(TROUBLE)
    assert "исправить адрес" not in f"{task.title} {task.description}".casefold()
    assert "отправит счёт ещё раз (сообщение № 7)" in task.description
    assert task.key != other.key
    assert task.tag != other.tag
