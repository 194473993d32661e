"""What keeps an invoice from being printed: requisites that are missing or cannot be right.

Keys catch almost every slip of the hand. An invoice with a wrong account is paid to nobody, or to
somebody else. Source: issue of delivery 1; Bank of Russia, rule of the account's key (08.09.1997
№ 515); INN and OGRN by python-stdnum; Kazakhstan's rules of БИН/ИИН and of the IBAN (ISO 13616).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain, cycle

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
# The fifth and sixth signs are the bank's country.
KAZAKH_BIC = re.compile(r"[A-Z]{4}KZ[0-9A-Z]{2}([0-9A-Z]{3})?")
# YYMM and the kind of company; YYMMDD and the century with the sex.
BIN_DATE = re.compile(r"[0-9]{2}(0[1-9]|1[0-2])[456][0-9]{7}")
IIN_DATE = re.compile(r"[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[1-6][0-9]{5}")
BENEFICIARY_CODE = re.compile(r"[0-9]{2}")
PURPOSE_CODE = re.compile(r"[0-9]{3}")
# A bank's own account with the central bank: nobody is paid there.
CORRESPONDENT = "301"
# Digits six to eight of an account name its currency.
CURRENCY_PLACE = slice(5, 8)
RUBLES = ("810", "643")
INN_OF_PERSON = 12
WRONG_KEY = "контрольная цифра не сходится"
NAMELESS = "(без названия)"
FILLER = "все цифры одинаковы, так не бывает"
BIN_OR_IIN = "БИН/ИИН"
ACCOUNT_WEIGHTS = (7, 1, 3)
BIN_WEIGHTS = ((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2))
# Branches of the central bank and of the treasury: accounts there are keyed in another way.
KEYED_BY_DIVISION = ("000", "001", "002")


def other_problems(document: InvoiceDocument) -> Iterator[str]:
    """Yield what keeps a document from being printed for the invoice itself or its customer."""
    if document.total.minor < 0:
        yield "Сумма счёта меньше нуля."
    if not document.lines:
        yield "В счёте нет строк."
    buyer = document.buyer
    for problem in (*_number_problems(buyer, document.form, abroad=True), *_party_problems(buyer)):
        yield f"Покупатель {buyer.name.strip() or NAMELESS}: {problem}."


def own_problems(document: InvoiceDocument) -> Iterator[str]:
    """Yield what keeps a document from being printed for its seller's own papers."""
    return seller_problems(
        document.seller, document.bank, form=document.form, purpose_code=document.purpose_code
    )


def seller_problems(seller: Party, bank: Bank, *, form: Form, purpose_code: str) -> Iterator[str]:
    """Yield what keeps every invoice of a seller from being printed.

    A currency of the account is the form's: rubles in Russia.
    """
    for problem in (*_number_problems(seller, form, abroad=False), *_party_problems(seller)):
        yield f"Поставщик {seller.name.strip() or NAMELESS}: {problem}."
    if form is Form.RUSSIA:
        problems = _russian_bank(bank)
    else:
        problems = chain(_kazakh_bank(bank), _kazakh_codes(seller, purpose_code))
    for problem in problems:
        yield f"Счёт поставщика {seller.name.strip() or NAMELESS}: {problem}."


def _number_problems(party: Party, form: Form, *, abroad: bool) -> Iterator[str]:
    """Yield what is wrong with a tax number; a buyer `abroad` may have one of the other country."""
    number, is_russian = party.tax_number, form is Form.RUSSIA
    if not number:
        if not party.natural_person:
            yield "нет ИНН" if is_russian else "нет БИН или ИИН"
        return
    if is_inn(number) if is_russian else is_bin(number):
        return
    if abroad and (_is_foreign_to_russia(party) if is_russian else is_inn(number)):
        return
    what = f"{'ИНН' if is_russian else BIN_OR_IIN} {number} с ошибкой"
    shape, sizes = (INN, "10 или 12") if is_russian else (BIN, "12")
    if not shape.fullmatch(number):
        yield f"{what}: должно быть {sizes} цифр"
    else:
        yield f"{what}: {FILLER if is_filler(number) else WRONG_KEY}"


def _is_foreign_to_russia(party: Party) -> bool:
    """Say whether a party of a Russian invoice is surely Kazakh.

    One of eleven mistyped ИНН has the key of a БИН: what else is known must not speak against it.
    """
    has_date = BIN_DATE.fullmatch(party.tax_number) or IIN_DATE.fullmatch(party.tax_number)
    is_russian = party.kpp or party.registration
    return is_bin(party.tax_number) and has_date is not None and not is_russian


def _party_problems(party: Party) -> Iterator[str]:
    if not party.name.strip():
        yield "нет наименования"
    if party.kpp and not KPP.fullmatch(party.kpp):
        yield f"КПП {party.kpp} с ошибкой: должно быть 9 знаков"
    elif party.kpp and len(party.tax_number) == INN_OF_PERSON and is_inn(party.tax_number):
        yield f"КПП {party.kpp} при ИНН из 12 цифр: КПП бывает только у организаций"
    if party.registration and not is_ogrn(party.registration):
        what = f"ОГРН {party.registration} с ошибкой"
        is_long = OGRN.fullmatch(party.registration) is not None
        yield f"{what}: {WRONG_KEY}" if is_long else f"{what}: должно быть 13 или 15 цифр"


def is_filler(text: str) -> bool:
    """Say whether a number is one sign over and over: its key may fit, and it is nobody's."""
    return len(set(text)) == 1


def is_inn(text: str) -> bool:
    """Say whether a text is a Russian tax number of 10 or 12 digits with right check digits."""
    return INN.fullmatch(text) is not None and not is_filler(text) and bool(inn.is_valid(text))


def is_ogrn(text: str) -> bool:
    """Say whether a text is an ОГРН of 13 or an ОГРНИП of 15 digits with a right check digit."""
    return OGRN.fullmatch(text) is not None and not is_filler(text) and bool(ogrn.is_valid(text))


def tax_label(number: str, form: Form) -> str:
    """Return what a tax number is called: by its own key, by the form where that does not tell."""
    is_russian, is_kazakh = is_inn(number), is_bin(number)
    if is_russian == is_kazakh:
        return BIN_OR_IIN if form is Form.KAZAKHSTAN else "ИНН"
    return "ИНН" if is_russian else BIN_OR_IIN


def is_bin(text: str) -> bool:
    """Say whether a text is a Kazakh БИН or ИИН: 12 digits, the last by two rows of weights."""
    if not BIN.fullmatch(text) or is_filler(text):
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
    if not bank.name.strip():
        yield "нет названия банка"
    if bank.bic and not RUSSIAN_BIC.fullmatch(bank.bic):
        yield f"БИК {bank.bic} с ошибкой: должно быть 9 цифр"
        return
    if is_filler(bank.bic):
        yield f"БИК {bank.bic} с ошибкой: {FILLER}"
        return
    if bank.account:
        yield from _settlement_problems(bank)
    if bank.correspondent:
        yield from _correspondent_problems(bank)


def _settlement_problems(bank: Bank) -> Iterator[str]:
    what = f"расчётный счёт {bank.account}"
    if not ACCOUNT.fullmatch(bank.account):
        yield f"{what} с ошибкой: должно быть 20 цифр"
    elif is_filler(bank.account):
        yield f"{what} с ошибкой: {FILLER}"
    elif bank.account.startswith(CORRESPONDENT):
        yield f"{what} с ошибкой: это корреспондентский счёт банка"
    elif bank.account[CURRENCY_PLACE] not in RUBLES:
        currency = bank.account[CURRENCY_PLACE]
        yield f"{what} открыт в другой валюте (код {currency}), а счёт на оплату в рублях"
    elif bank.bic and not is_account(bank.account, bank.bic):
        yield f"{what} не подходит к БИК {bank.bic}: ключ не сходится"


def _correspondent_problems(bank: Bank) -> Iterator[str]:
    what = f"корреспондентский счёт {bank.correspondent}"
    if not ACCOUNT.fullmatch(bank.correspondent):
        yield f"{what} с ошибкой: должно быть 20 цифр"
    elif is_filler(bank.correspondent):
        yield f"{what} с ошибкой: {FILLER}"
    elif bank.bic and not is_correspondent(bank.correspondent, bank.bic):
        yield f"{what} не подходит к БИК {bank.bic}"


def _kazakh_bank(bank: Bank) -> Iterator[str]:
    if not bank.account:
        yield "нет ИИК (IBAN)"
    elif not is_kazakh_account(bank.account):
        yield f"ИИК {bank.account} с ошибкой: контрольные цифры не сходятся"
    if not bank.bic:
        yield "нет БИК"
    elif not KAZAKH_BIC.fullmatch(bank.bic):
        yield f"БИК {bank.bic} с ошибкой: должно быть 8 или 11 знаков, пятый и шестой KZ"
    if not bank.name.strip():
        yield "нет названия банка"


def _kazakh_codes(seller: Party, purpose_code: str) -> Iterator[str]:
    """Yield what is wrong with Кбе and КНП; the payer's bank knows them where they are missing."""
    if seller.beneficiary_code and not BENEFICIARY_CODE.fullmatch(seller.beneficiary_code):
        yield f"Кбе {seller.beneficiary_code} с ошибкой: должно быть 2 цифры"
    if purpose_code and not PURPOSE_CODE.fullmatch(purpose_code):
        yield f"КНП {purpose_code} с ошибкой: должно быть 3 цифры"
