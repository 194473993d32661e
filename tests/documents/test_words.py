"""What invoices say in words: amounts, purposes of payment, the payment code."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stavbill.billing.money import Currency, Money
from stavbill.documents.amounts import in_words
from stavbill.documents.invoice import LONGEST_PURPOSE, InvoiceDocument, percent, pieces
from stavbill.documents.paycode import SEPARATORS, payload
from tests.documents.papers import kazakh, russian

RUB, KZT = Currency.RUB, Currency.KZT
ORDER = ["Name", "PersonalAcc", "BankName", "BIC", "CorrespAcc"]
TEXTS = st.text(min_size=1, max_size=200).filter(lambda text: text.strip() == text and text)


@pytest.mark.parametrize(
    ("kopecks", "currency", "words"),
    [
        (2_232_400, RUB, "Двадцать две тысячи триста двадцать четыре рубля 00 копеек"),
        (0, RUB, "Ноль рублей 00 копеек"),
        (101, RUB, "Один рубль 01 копейка"),
        (202, RUB, "Два рубля 02 копейки"),
        (1_111, RUB, "Одиннадцать рублей 11 копеек"),
        (100_005, RUB, "Одна тысяча рублей 05 копеек"),
        (200_000_000_000, RUB, "Два миллиарда рублей 00 копеек"),
        (2_152, KZT, "Двадцать один тенге 52 тиына"),
    ],
)
def test_amounts(kopecks: int, currency: Currency, words: str) -> None:
    assert in_words(Money(kopecks, currency)) == words


@given(st.integers(0, 10**13))
def test_kopecks_stand_in_figures(kopecks: int) -> None:
    said = in_words(Money(kopecks, RUB))
    assert said[0].isupper()
    assert f" {kopecks % 100:02d} копе" in said
    assert " рубл" in said


def test_percent_and_pieces() -> None:
    assert (percent(Decimal("22.00")), percent(Decimal("7.5"))) == ("22%", "7,5%")
    assert percent(Decimal(10)) == "10%"
    assert (pieces(Decimal("3.000")), pieces(Decimal("0.500"))) == ("3", "0,5")
    assert pieces(Decimal(1_000)) == "1000"


def test_the_purpose_says_what_with_vat() -> None:
    assert russian().purpose == (
        "Оплата по счету № 128 от 10.12.2025. В т.ч. НДС 22% - 973.77; 20% - 900.00"
    )
    assert kazakh().purpose.endswith(". Без НДС")


@given(number=TEXTS)
def test_no_purpose_is_longer_than_a_bank_takes(number: str) -> None:
    document = replace(russian(), number=number)
    assert len(document.purpose) <= LONGEST_PURPOSE
    assert document.purpose.endswith("20% - 900.00")
    # The code bears it as it is printed, to the character.
    assert read(payload(document))["Purpose"] == document.purpose


def read(text: bytes) -> dict[str, str]:
    """Read a payment code as a bank app does, by its own separator."""
    plain = text.decode()
    assert plain.startswith("ST00012")
    separator = plain[7]
    return dict(part.split("=", 1) for part in plain[8:].split(separator))


def test_the_code_names_payee_and_sum_in_kopecks() -> None:
    document = russian()
    fields = read(payload(document))
    assert list(fields)[:5] == ORDER
    assert fields["Name"] == document.seller.name
    assert fields["PersonalAcc"] == document.bank.account
    assert fields["CorrespAcc"] == document.bank.correspondent
    assert fields["Sum"] == "1080000"
    assert fields["PayeeINN"] == document.seller.tax_number
    assert fields["Purpose"] == document.purpose


def test_a_separator_that_a_name_contains_is_another_one() -> None:
    document = _named("ООО «А|Б»")
    text = payload(document)
    assert text[7:8] == b"~"
    assert read(text)["Name"] == "ООО «А|Б»"


def test_without_a_correspondent_account_there_is_a_nought() -> None:
    document = replace(russian(), bank=replace(russian().bank, correspondent=""))
    assert read(payload(document))["CorrespAcc"] == "0"


@given(TEXTS.filter(lambda text: not all(one in text for one in SEPARATORS)))
def test_any_name_can_be_read_back(name: str) -> None:
    fields = read(payload(_named(name)))
    assert fields["Name"] == " ".join(name.split())[:160]
    assert fields["BIC"] == russian().bank.bic


def _named(name: str) -> InvoiceDocument:
    return replace(russian(), seller=replace(russian().seller, name=name))
