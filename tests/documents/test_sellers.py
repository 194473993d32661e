"""Whose names, numbers and accounts an invoice prints, from what a portal's requisites hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stavbill.billing.money import Currency
from stavbill.bitrix.read.papers import PaperRequisite
from stavbill.documents.invoice import Bank, Signer
from stavbill.operations.sellers import (
    NO_BANK,
    IssuerLook,
    bank_of,
    fitting_accounts,
    party_of,
    signers_of,
)
from stavbill.plan.records import BankDetail

RUB, KZT = Currency.RUB, Currency.KZT
TRADER_INN = "500100732259"
PAPER = PaperRequisite(
    requisite=9,
    company=3,
    preset="1",
    name="ООО «Пример»",
    inn="7707083893",
    bin_or_iin="",
    kpp="",
    registration="",
    beneficiary_code="",
    director="Примерный И. И.",
    accountant="",
)
TRADER = replace(PAPER, name="Пробный Пётр Петрович", inn=TRADER_INN, director="")
DETAIL = BankDetail(
    detail=1,
    requisite=9,
    bank="Банк",
    bic="040002345",
    account="40702810107090709584",
    correspondent="",
    currency="RUB",
    active=True,
)
NO_LOOK = IssuerLook()


def account(found: Bank | str) -> str:
    assert isinstance(found, Bank), found
    return found.account


@pytest.mark.parametrize("typed", ["", "RUB", "rub", "руб.", "Рубль", "810", "основной"])
def test_an_account_that_is_not_said_to_be_another_currencys_is_taken(typed: str) -> None:
    known = [replace(DETAIL, currency=typed)]
    assert account(bank_of(known, RUB, NO_LOOK, "ООО")) == DETAIL.account


@pytest.mark.parametrize("typed", ["USD", "usd", "KZT", "тенге", "840"])
def test_an_account_of_another_currency_is_never_fallen_back_to(typed: str) -> None:
    other = replace(DETAIL, detail=2, currency=typed)
    said = bank_of([other], RUB, NO_LOOK, "ООО «Пример»")
    assert said == "ООО «Пример»: на портале нет счёта в банке в валюте RUB."
    assert account(bank_of([other, DETAIL], RUB, NO_LOOK, "ООО")) == DETAIL.account
    assert fitting_accounts([other, DETAIL], RUB) == [DETAIL]
    chosen = bank_of([other, DETAIL], RUB, NO_LOOK, "ООО", chosen=2)
    assert isinstance(chosen, str)
    assert "открыт в валюте" in chosen


def test_the_settings_choose_before_the_portal_and_the_portal_before_age() -> None:
    second = replace(DETAIL, detail=2, account="2")
    third = replace(DETAIL, detail=3, account="3")
    known = [DETAIL, second, third]
    assert account(bank_of(known, RUB, NO_LOOK, "ООО")) == DETAIL.account
    assert account(bank_of(known, RUB, NO_LOOK, "ООО", chosen=2)) == "2"
    assert account(bank_of(known, RUB, IssuerLook(account="3"), "ООО", chosen=2)) == "3"
    assert "нет счёта 4" in str(bank_of(known, RUB, IssuerLook(account="4"), "ООО"))
    assert bank_of([], RUB, NO_LOOK, "ООО") == NO_BANK


def test_a_number_is_the_one_of_the_invoices_country() -> None:
    both = replace(PAPER, bin_or_iin="640640492000")
    assert party_of(both, RUB).tax_number == PAPER.inn
    assert party_of(both, KZT).tax_number == "640640492000"
    assert party_of(PAPER, KZT).tax_number == PAPER.inn


def test_twelve_right_digits_make_a_sole_trader() -> None:
    assert party_of(TRADER, RUB).name == "ИП Пробный Пётр Петрович"
    assert party_of(TRADER, RUB, natural_person=True).name == "Пробный Пётр Петрович"
    assert party_of(TRADER, KZT).name == "Пробный Пётр Петрович"
    assert party_of(replace(TRADER, inn="500100732250"), RUB).name == "Пробный Пётр Петрович"


@pytest.mark.parametrize(
    "name",
    ["ИП Пробный П. П.", "ИП. Пробный П. П.", "Индивидуальный предприниматель Пробный П. П."],
)
def test_a_sole_trader_signs_by_the_name_alone(name: str) -> None:
    paper = replace(TRADER, name=name)
    assert party_of(paper, RUB).name == name
    assert signers_of(paper, NO_LOOK, RUB) == (Signer("Предприниматель", "Пробный П. П."),)


def test_a_company_signs_by_director_and_accountant() -> None:
    assert signers_of(PAPER, NO_LOOK, RUB) == (
        Signer("Руководитель", "Примерный И. И."),
        Signer("Бухгалтер", ""),
    )
    assert signers_of(PAPER, NO_LOOK, KZT) == (Signer("Исполнитель", "Примерный И. И."),)


def test_what_hides_or_turns_text_is_not_printed() -> None:
    paper = replace(PAPER, name=" ООО\n«При\u202eмер»\x00 ", address="г. Примерск,\t д. 1")
    party = party_of(paper, RUB)
    assert party.name == "ООО «При мер»"
    assert party.address == "г. Примерск, д. 1"


def test_a_registration_with_a_wrong_key_is_left_out() -> None:
    right = "1027700132195"
    assert party_of(replace(PAPER, registration=right), RUB).registration == right
    assert party_of(replace(PAPER, registration="1027700132196"), RUB).registration == ""
