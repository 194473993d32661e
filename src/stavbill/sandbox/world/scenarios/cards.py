"""Status, contracts, requisites, addresses, VAT (§1, §4, §7, §9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from stavbill.sandbox.world import setting
from stavbill.sandbox.world.make import Making
from stavbill.sandbox.world.model import Company
from stavbill.sandbox.world.scenarios.case import (
    Answers,
    Case,
    bill,
    hold,
    invoice,
    skip,
    subscribed,
)


def billed(make: Making, company: Company, **words: bool) -> Answers:
    """Return the answer for three units of 350 by the first contract."""
    return bill(company, invoice(make, company, subscribed(3, 350)), card_count=3, **words)


def statuses(make: Making, at: int) -> Answers:
    """Stage: active by its beginning; switched off, archived, a prospect; none at all."""
    answers = billed(make, make.add(at, status="Активная (VIP)"))
    for place, status in enumerate(("Отключена", "Архив", "Потенциальный клиент"), start=1):
        answers |= skip(make.add(at + place, status=status), "inactive")
    answers |= hold(make.add(at + 4, status=None), "status_empty", card_count=3)
    return answers | skip(make.add(at + 5, status="Архив", tariff="abc"), "inactive")


def stars(make: Making, at: int) -> Answers:
    """Stage: documents that never count stand beside; stars behind a title change nothing."""
    one = make.add(at, contracts=("П", "М**", "ПС**", "СК"))
    old = make.add(at + 1, contracts=("АО**", "Р"))
    other = make.add(at + 2, contracts=("П", "М", "В", "ПР", "КВ"))
    return (
        bill(one, invoice(make, one, subscribed(3, 350), document=2), card_count=3)
        | bill(old, invoice(make, old, subscribed(3, 350), issuer=setting.MATVEEV), card_count=3)
        | hold(other, "no_contract", card_count=3)
    )


def templates(make: Making, at: int) -> Answers:
    """Stage: A known template wins over the title; without one the title's beginning counts."""
    one = make.add(at)
    one = make.change(one, documents=(replace(one.documents[0], title="Договор с правками"),))
    supply = make.add(at + 1, contracts=("П",))
    named = "Подписка на сервис удаленного управления автопарком РФ ПС-1"
    supply = make.change(supply, documents=(replace(supply.documents[0], title=named),))
    shouted = make.add(at + 2, contracts=("АО",))
    loud = shouted.documents[0].title.upper()
    shouted = make.change(shouted, documents=(replace(shouted.documents[0], title=loud),))
    answer = invoice(make, shouted, subscribed(3, 350), issuer=setting.MATVEEV)
    return (
        billed(make, one)
        | hold(supply, "no_contract", card_count=3)
        | bill(shouted, answer, card_count=3)
    )


def numbers(make: Making, at: int) -> Answers:
    """Stage: the newest contract of the rule is printed, unless the card names a number."""
    one = make.add(at, contracts=("ПС", "ПС", "АО"))
    other = make.add(at + 1, contract_number="ПС-2021-147")
    return bill(one, invoice(make, one, subscribed(3, 350), document=1), card_count=3) | bill(
        other, invoice(make, other, subscribed(3, 350), contract="ПС-2021-147"), card_count=3
    )


def newest_by_creation(make: Making, at: int) -> Answers:
    """Stage: newest is by creation time, not by the order of the list."""
    one = make.add(at, contracts=("ПС", "ПС"))
    first, second = one.documents
    late = replace(first, created_at=second.created_at + timedelta(days=5))
    one = make.change(one, documents=(late, second))
    return bill(one, invoice(make, one, subscribed(3, 350), document=0), card_count=3)


def kazakhstan(make: Making, at: int) -> Answers:
    """Stage: tenge; BIN, IIN; conserved units wait for a configured price."""
    words = {"tariff": "3*2000"}
    one = make.add(at, contracts=("КЗ",), buyer="kazakh", tariff=words["tariff"])
    person = make.add(at + 1, contracts=("КЗ",), buyer="kazakh_person", tariff=words["tariff"])
    asleep = make.add(at + 2, contracts=("КЗ",), buyer="kazakh", tariff="3*2000|1*500", conserved=1)
    answers = hold(asleep, "conservation_price_missing")
    for each in (one, person):
        line = invoice(make, each, subscribed(3, 2000), issuer=setting.AUTOTRACKER_KZ)
        answers |= bill(each, line, card_count=3)
    return answers


def buyers(make: Making, at: int) -> Answers:
    """Stage: nobody, one without an INN, a person, an entrepreneur, the second of two."""
    nobody = make.add(at, buyer="none")
    nameless = make.add(at + 1, buyer="empty")
    person = make.add(at + 2, buyer="person")
    sole = make.add(at + 3, buyer="entrepreneur")
    two = make.add(at + 4, buyer="empty")
    two = make.change(two, requisites=(*two.requisites, *sole.requisites))
    return (
        hold(nobody, "requisites", card_count=3)
        | hold(nameless, "requisites", card_count=3)
        | billed(make, person)
        | billed(make, sole)
        | billed(make, two)
    )


def recipients(make: Making, at: int) -> Answers:
    """Stage: two addresses in one field; a bad one of two; a telephone alone; nothing at all."""
    two = make.add(at, emails="2307@example.ru; 2801@example.ru")
    bad = make.add(at + 1, emails="buh@example.ru, director.example.ru")
    phone = make.add(at + 2, emails="", whatsapp="7 900 000-00-01")
    none = make.add(at + 3, emails="")
    return (
        billed(make, two)
        | billed(make, bad, mend_address=True)
        | billed(make, phone)
        | billed(make, none, mend_address=True)
    )


def vat(make: Making, at: int) -> Answers:
    """Stage: the field changes what is inside the total, never the total."""
    answers: Answers = {}
    for place, word in enumerate(("Нет", "Да", "5%")):
        answers |= billed(make, make.add(at + place, vat=word))
    entrepreneur = make.add(at + 3, vat="Да", contracts=("АО",))
    line = invoice(make, entrepreneur, subscribed(3, 350), issuer=setting.MATVEEV)
    return answers | bill(entrepreneur, line, card_count=3)


def all_at_once(make: Making, at: int) -> Answers:
    """Stage: every reason is told, not the first alone."""
    one = make.add(at, status=None, contracts=("П",), buyer="none", active=4, card_count=3)
    return hold(one, "status_empty", "no_contract", "requisites", "count_mismatch")


def silent_flags(make: Making, at: int) -> Answers:
    """Stage: flags that nobody ever touched are empty, not no."""
    words = make.add(
        at, skip=None, ignore_count=None, partner=None, previous_month=None, plan="Базовый",
        activity="Производство",
    )  # fmt: skip
    return billed(make, words)


def called(make: Making, at: int) -> Answers:
    """Stage: A company with its standing task of planned calls."""
    one = make.add(at, tariff="3*350|1*100", conserved=1)
    unit = next(each.name for each in make.units if not each.active)
    day = make.as_of + timedelta(days=40)
    make.plan_call(one, f"{unit} - в ремонте. ТС стоит ориентировочно до {day:%d.%m.%Y}")
    lines = (subscribed(3, 350), subscribed(1, 100))
    return bill(one, invoice(make, one, *lines), card_count=4)


CASES = (
    Case("§9 statuses", 6, statuses),
    Case("§4 documents that do not count", 3, stars),
    Case("§4 templates and titles", 3, templates),
    Case("§4 printed number", 2, numbers),
    Case("§4 newest contract by creation", 1, newest_by_creation),
    Case("§4 Kazakhstan", 3, kazakhstan),
    Case("§9 requisites of the buyer", 5, buyers),
    Case("§9 recipients", 4, recipients),
    Case("§7 VAT on the card", 4, vat),
    Case("§9 all reasons at once", 1, all_at_once),
    Case("§1 untouched flags", 1, silent_flags),
    Case("labels: planned call", 1, called),
)
