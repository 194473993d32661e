"""Requisites: published examples, every slip of a digit, and what is said of what is missing."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stavbill.billing.money import Currency, Money
from stavbill.documents.checks import (
    is_account,
    is_bin,
    is_correspondent,
    is_inn,
    is_kazakh_account,
    other_problems,
    own_problems,
)
from stavbill.documents.invoice import Bank, InvoiceDocument, Party
from stavbill.sandbox.world import invented
from tests.documents.papers import BANK, BIC, kazakh, russian

IIN = "900101300007"
SEEDS = st.integers(0, 2**32).map(random.Random)


def problems_of(document: InvoiceDocument) -> tuple[str, ...]:
    return (*own_problems(document), *other_problems(document))


def test_published_examples() -> None:
    """Large banks' own requisites, the rule's own example, an IBAN of the registry of IBANs."""
    assert is_correspondent("30101810400000000225", "044525225")
    assert is_correspondent("30101810145250000411", "044525411")
    assert is_account("40602810700000000025", "049805746")
    assert is_inn("7707083893")
    assert is_inn("500100732259")
    assert is_kazakh_account("KZ86125KZT5004100100")


@given(SEEDS, st.integers(0, 9), st.integers(1, 9))
def test_a_wrong_digit_is_found(rng: random.Random, place: int, by: int) -> None:
    inn = invented.inn_of_company(rng)
    bic = f"04000{rng.randrange(10)}{rng.randrange(100, 999)}"
    account = invented.account_number(rng, bic)
    assert is_inn(inn)
    assert is_account(account, bic)
    # The key of an account is found wrong for every single digit; ИНН forgives ten as nought.
    assert not is_account(_slipped(account, place + 5, by), bic)
    assert not is_inn(_slipped(inn, 9, by))


@given(SEEDS, st.integers(1, 9))
def test_a_wrong_last_digit_of_a_kazakh_number_is_found(rng: random.Random, by: int) -> None:
    number = invented.bin_of(rng, person=rng.random() < 0.5)
    iban = invented.iban_of_kazakhstan(rng)
    assert is_bin(number)
    assert is_kazakh_account(iban)
    assert not is_bin(_slipped(number, 11, by))
    assert not is_kazakh_account(_slipped(iban, 19, by))


def _slipped(digits: str, place: int, by: int) -> str:
    return digits[:place] + str((int(digits[place]) + by) % 10) + digits[place + 1 :]


def test_invoices_in_order_have_no_problems() -> None:
    assert problems_of(russian()) == ()
    assert problems_of(kazakh()) == ()


def test_a_buyer_from_the_other_country_is_no_problem() -> None:
    assert problems_of(replace(russian(), buyer=kazakh().buyer)) == ()
    assert problems_of(replace(kazakh(), buyer=russian().buyer)) == ()


def test_a_sole_trader_of_kazakhstan_is_no_problem_for_a_russian_seller() -> None:
    trader = replace(russian().buyer, tax_number=IIN, kpp="")
    assert is_bin(IIN)
    assert problems_of(replace(russian(), buyer=trader)) == ()


@given(SEEDS, st.integers(0, 11), st.integers(1, 9))
def test_a_mistyped_number_of_a_russian_trader_is_no_kazakh_one(
    rng: random.Random, place: int, by: int
) -> None:
    """The key of a БИН fits one mistyped ИНН of eleven; an ОГРНИП tells that it is none."""
    number = _slipped(invented.inn_of_person(rng), place, by)
    trader = Party(name="ИП Пробный", tax_number=number, registration=invented.ogrnip(rng))
    told = problems_of(replace(russian(), buyer=trader))
    assert is_inn(number) or any(number in said for said in told)


def test_without_a_correspondent_account_an_invoice_may_be_printed() -> None:
    """The treasury and some banks have none; the doctor asks about it, printing does not."""
    assert problems_of(replace(russian(), bank=replace(BANK, correspondent=""))) == ()


def test_a_correspondent_account_of_another_branch_may_be_printed() -> None:
    other = f"{invented.correspondent_account(BIC[:6] + '777')}"
    assert problems_of(replace(russian(), bank=replace(BANK, correspondent=other))) == ()


def test_an_invoice_in_tenge_goes_without_its_codes_where_nobody_knows_them() -> None:
    seller = replace(kazakh().seller, beneficiary_code="")
    assert problems_of(replace(kazakh(), seller=seller, purpose_code="")) == ()


def test_a_natural_person_needs_a_name_only() -> None:
    person = Party(name="Пробная Анна Ивановна", natural_person=True)
    assert problems_of(replace(russian(), buyer=person)) == ()
    assert problems_of(replace(russian(), buyer=replace(person, name=" "))) == (
        "Покупатель (без названия): нет наименования.",
    )


RUSSIAN, KAZAKH = russian(), kazakh()
# The key of such digits is right, and no bank reads them.
ARABIC_INN = RUSSIAN.buyer.tax_number.translate({ord("0") + n: 0x660 + n for n in range(10)})
TRADER_INN = invented.inn_of_person(random.Random(3))
NOUGHTS = "0" * 20


def account(head: str) -> str:
    """Return an account at the bank of the invented invoices whose key is right."""
    return invented.account_number(random.Random(4), BIC, head=head)


WRONG: dict[str, tuple[InvoiceDocument, str]] = {
    "a Kazakh seller of a Russian invoice": (
        replace(RUSSIAN, seller=replace(RUSSIAN.seller, tax_number=KAZAKH.seller.tax_number)),
        "с ошибкой: контрольная цифра",
    ),
    "a Russian seller of a Kazakh invoice": (
        replace(KAZAKH, seller=replace(KAZAKH.seller, tax_number=RUSSIAN.seller.tax_number)),
        "должно быть 12 цифр",
    ),
    "a Kazakh number beside an ОГРН": (
        replace(RUSSIAN, buyer=replace(RUSSIAN.seller, tax_number=KAZAKH.seller.tax_number)),
        "с ошибкой: контрольная цифра",
    ),
    "number too short": (
        replace(RUSSIAN, buyer=replace(RUSSIAN.buyer, tax_number="12345")),
        "ИНН 12345 с ошибкой: должно быть 10 или 12 цифр",
    ),
    "number of noughts": (
        replace(RUSSIAN, buyer=replace(RUSSIAN.buyer, tax_number=NOUGHTS[:10])),
        "все цифры одинаковы",
    ),
    "ogrn of noughts": (
        replace(RUSSIAN, buyer=replace(RUSSIAN.buyer, registration=NOUGHTS[:13])),
        "ОГРН 0000000000000 с ошибкой",
    ),
    "kpp of a sole trader": (
        replace(RUSSIAN, buyer=replace(RUSSIAN.buyer, tax_number=TRADER_INN)),
        "КПП бывает только у организаций",
    ),
    "kpp of a person without a number": (
        replace(RUSSIAN, buyer=Party(name="Пробная А. А.", natural_person=True, kpp="1")),
        "КПП 1 с ошибкой",
    ),
    "bic of noughts": (replace(RUSSIAN, bank=replace(BANK, bic=NOUGHTS[:9])), "одинаковы"),
    "account of noughts": (replace(RUSSIAN, bank=replace(BANK, account=NOUGHTS)), "одинаковы"),
    "a correspondent account to be paid to": (
        replace(RUSSIAN, bank=replace(BANK, account=account("30101810"))),
        "это корреспондентский счёт банка",
    ),
    "an account in dollars": (
        replace(RUSSIAN, bank=replace(BANK, account=account("40702840"))),
        "в другой валюте (код 840)",
    ),
    "bank named by a space": (replace(RUSSIAN, bank=replace(BANK, name=" ")), "названия банка"),
    "Кбе of three digits": (
        replace(KAZAKH, seller=replace(KAZAKH.seller, beneficiary_code="117")),
        "Кбе 117 с ошибкой",
    ),
    "КНП of two digits": (replace(KAZAKH, purpose_code="85"), "КНП 85 с ошибкой"),
    "a Russian bank of a Kazakh seller": (
        replace(KAZAKH, bank=replace(KAZAKH.bank, bic="EXKZRUKA")),
        "БИК EXKZRUKA с ошибкой",
    ),
    "seller's number missing": (
        replace(RUSSIAN, seller=replace(RUSSIAN.seller, tax_number="")),
        "нет ИНН",
    ),
    "buyer's number wrong": (
        replace(RUSSIAN, buyer=replace(RUSSIAN.buyer, tax_number="1234567890")),
        "ИНН 1234567890 с ошибкой",
    ),
    "digits of another script": (
        replace(RUSSIAN, buyer=replace(RUSSIAN.buyer, tax_number=ARABIC_INN)),
        "с ошибкой",
    ),
    "kpp": (replace(RUSSIAN, buyer=replace(RUSSIAN.buyer, kpp="12345")), "КПП 12345 с ошибкой"),
    "ogrn": (
        replace(RUSSIAN, seller=replace(RUSSIAN.seller, registration="1234567890123")),
        "ОГРН 1234567890123 с ошибкой",
    ),
    "no account": (replace(RUSSIAN, bank=replace(BANK, account="")), "нет расчётного счёта"),
    "no bic": (replace(RUSSIAN, bank=replace(BANK, bic="")), "нет БИК"),
    "no bank": (replace(RUSSIAN, bank=replace(BANK, name="")), "нет названия банка"),
    "short bic": (replace(RUSSIAN, bank=replace(BANK, bic="0400")), "БИК 0400 с ошибкой"),
    "account of another bank": (
        replace(RUSSIAN, bank=replace(BANK, bic="040002346")),
        "не подходит к БИК 040002346",
    ),
    "letters in an account": (
        replace(RUSSIAN, bank=replace(BANK, account="40702810A00000000001")),
        "должно быть 20 цифр",
    ),
    "correspondent": (
        replace(RUSSIAN, bank=replace(BANK, correspondent="30101810000000000001")),
        "корреспондентский счёт 30101810000000000001 не подходит",
    ),
    "kazakh account": (
        replace(kazakh(), bank=Bank(name="Банк", bic="EXKZKZKA", account="KZ011234567890123456")),
        "ИИК KZ011234567890123456 с ошибкой",
    ),
    "no rows": (replace(RUSSIAN, lines=()), "нет строк"),
    "less than nothing": (
        replace(RUSSIAN, lines=(replace(RUSSIAN.lines[0], total=Money(-1, Currency.RUB)),)),
        "меньше нуля",
    ),
}


@pytest.mark.parametrize("name", list(WRONG))
def test_what_is_wrong_is_said(name: str) -> None:
    document, words = WRONG[name]
    assert any(words in problem for problem in problems_of(document)), problems_of(document)


def test_everything_wrong_is_said_at_once() -> None:
    bare = replace(RUSSIAN, seller=Party(name=""), bank=Bank(name="", bic="", account=""))
    assert len(problems_of(bare)) == 5
