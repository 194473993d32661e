"""What keeps an invoice from being printed: requisites that are missing or cannot be right.

Keys catch almost every slip of the hand. An invoice with a wrong account is paid to nobody, or to
somebody else. Source: issue of delivery 1; Bank of Russia, rule of the account's key (08.09.1997
№ 515); INN and OGRN by python-stdnum; Kazakhstan's rules of БИН/ИИН and of the IBAN (ISO 13616).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import cycle

from stdnum.ru import inn, ogrn

from stavbill.documents.invoice import Bank, Form, InvoiceDocument, Party

# [0-9], not \d: digits of other scripts have a right key too, and no bank reads them.
INN = re.compile(r"[0-9]{10}|[0-9]{12}")
OGRN = re.compile(r"[0-9]{13}|[0-9]{15}")
KPP = re.compile(r"[0-9]{4}[0-9A-Z]{2}[0-9]{3}")
RUSSIAN_BIC = re.compile(r"[0-9]{9}")
ACCOUNT = re.compile(r"[0-9]{20}")
BIN = re.compile(r"[0-9]{12}")
KAZAKH_IBAN = re.compile(r"KZ[0-9]{5}[0-9A-Z]{13}")
SWIFT = re.compile(r"[A-Z]{6}[0-9A-Z]{2}([0-9A-Z]{3})?")
BIN_OR_IIN = "БИН/ИИН"
ACCOUNT_WEIGHTS = (7, 1, 3)
BIN_WEIGHTS = ((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2))
# Branches of the central bank and of the treasury: accounts there are keyed in another way.
KEYED_BY_DIVISION = ("000", "001", "002")


def problems_of(document: InvoiceDocument) -> tuple[str, ...]:
    """Return everything that keeps a document from being printed, in Russian."""
    return tuple(_problems(document))


def _problems(document: InvoiceDocument) -> Iterator[str]:
    if document.total.minor < 0:
        yield "Сумма счёта меньше нуля."
    if not document.lines:
        yield "В счёте нет строк."
    for role, party in (("Поставщик", document.seller), ("Покупатель", document.buyer)):
        for problem in _party_problems(party, document.form):
            yield f"{role} {party.name.strip() or '(без названия)'}: {problem}."
    check = _kazakh_bank if document.form is Form.KAZAKHSTAN else _russian_bank
    for problem in check(document.bank):
        yield f"Счёт поставщика {document.seller.name}: {problem}."


def _party_problems(party: Party, form: Form) -> Iterator[str]:
    if not party.name.strip():
        yield "нет наименования"
    if not party.tax_number:
        if not party.natural_person:
            yield "нет БИН или ИИН" if form is Form.KAZAKHSTAN else "нет ИНН"
        return
    # A buyer may be of the other country: the number tells by its own key which it is.
    if not (is_inn(party.tax_number) or is_bin(party.tax_number)):
        what = f"{tax_label(party.tax_number, form)} {party.tax_number}"
        yield f"{what} с ошибкой: контрольная цифра не сходится"
    if party.kpp and not KPP.fullmatch(party.kpp):
        yield f"КПП {party.kpp} с ошибкой: должно быть 9 знаков"
    if party.registration and not is_ogrn(party.registration):
        yield f"ОГРН {party.registration} с ошибкой: контрольная цифра не сходится"


def is_inn(text: str) -> bool:
    """Say whether a text is a Russian tax number of 10 or 12 digits with right check digits."""
    return INN.fullmatch(text) is not None and bool(inn.is_valid(text))


def is_ogrn(text: str) -> bool:
    """Say whether a text is an ОГРН of 13 or an ОГРНИП of 15 digits with a right check digit."""
    return OGRN.fullmatch(text) is not None and bool(ogrn.is_valid(text))


def tax_label(number: str, form: Form) -> str:
    """Return what a tax number is called: by its own key, by the form where that does not tell."""
    is_russian, is_kazakh = is_inn(number), is_bin(number)
    if is_russian == is_kazakh:
        return BIN_OR_IIN if form is Form.KAZAKHSTAN else "ИНН"
    return "ИНН" if is_russian else BIN_OR_IIN


def is_bin(text: str) -> bool:
    """Say whether a text is a Kazakh БИН or ИИН: 12 digits, the last by two rows of weights."""
    if not BIN.fullmatch(text):
        return False
    digits = [int(digit) for digit in text]
    for weights in BIN_WEIGHTS:
        rest = sum(a * b for a, b in zip(digits, weights, strict=False)) % 11
        if rest != 10:  # noqa: PLR2004  ten has no digit: the other weights decide
            return rest == digits[-1]
    return False


def is_account(account: str, bic: str) -> bool:
    """Say whether a settlement account's key agrees with the bank: BIC's last three digits."""
    if bic[-3:] in KEYED_BY_DIVISION:
        return _key_fits("0" + bic[4:6] + account)
    return _key_fits(bic[-3:] + account)


def is_correspondent(account: str, bic: str) -> bool:
    """Say whether a correspondent account's key agrees with the central bank's division."""
    return _key_fits("0" + bic[4:6] + account)


def is_kazakh_account(text: str) -> bool:
    """Say whether a text is a Kazakh IBAN: 20 characters, remainder 1 of 97."""
    if not KAZAKH_IBAN.fullmatch(text):
        return False
    return int("".join(str(int(sign, 36)) for sign in text[4:] + text[:4])) % 97 == 1


def _key_fits(digits: str) -> bool:
    weighed: Sequence[int] = [
        int(digit) * weight % 10
        for digit, weight in zip(digits, cycle(ACCOUNT_WEIGHTS), strict=False)
    ]
    return sum(weighed) % 10 == 0


def _russian_bank(bank: Bank) -> Iterator[str]:
    if not bank.account:
        yield "нет расчётного счёта"
    if not bank.bic:
        yield "нет БИК"
    if not bank.name:
        yield "нет названия банка"
    if bank.bic and not RUSSIAN_BIC.fullmatch(bank.bic):
        yield f"БИК {bank.bic} с ошибкой: должно быть 9 цифр"
        return
    if bank.account and not ACCOUNT.fullmatch(bank.account):
        yield f"расчётный счёт {bank.account} с ошибкой: должно быть 20 цифр"
    elif bank.account and bank.bic and not is_account(bank.account, bank.bic):
        yield f"расчётный счёт {bank.account} не подходит к БИК {bank.bic}: ключ не сходится"
    if bank.correspondent and not ACCOUNT.fullmatch(bank.correspondent):
        yield f"корреспондентский счёт {bank.correspondent} с ошибкой: должно быть 20 цифр"
    elif bank.correspondent and bank.bic and not is_correspondent(bank.correspondent, bank.bic):
        yield f"корреспондентский счёт {bank.correspondent} не подходит к БИК {bank.bic}"


def _kazakh_bank(bank: Bank) -> Iterator[str]:
    if not bank.account:
        yield "нет ИИК (IBAN)"
    elif not is_kazakh_account(bank.account):
        yield f"ИИК {bank.account} с ошибкой: контрольные цифры не сходятся"
    if not bank.bic:
        yield "нет БИК"
    elif not SWIFT.fullmatch(bank.bic):
        yield f"БИК {bank.bic} с ошибкой: должно быть 8 или 11 знаков"
    if not bank.name:
        yield "нет названия банка"
