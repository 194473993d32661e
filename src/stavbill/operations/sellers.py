"""Whose requisites and which account an invoice prints: the same for printing and for the doctor.

Source: delivery page; portal page, «Read» (requisites and bank details of own companies).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from stavbill.billing.money import Currency
from stavbill.bitrix.read.papers import PaperRequisite
from stavbill.delivery.letter import UNSAFE
from stavbill.documents.checks import is_inn, is_ogrn
from stavbill.documents.invoice import Bank, Form, Party, Signer
from stavbill.plan.records import BankDetail

SOLE_TRADER, SOLE_TRADER_INN = "ИП", 12
TRADER_PREFIX = re.compile(r"^(ип\b\.?|индивидуальный предприниматель\b)\s*", re.IGNORECASE)
# What people type into the field of an account's currency.
CURRENCY_NAMES = {
    Currency.RUB: {"RUB", "RUR", "РУБ", "РУБЛЬ", "РУБЛИ", "₽", "810", "643"},
    Currency.KZT: {"KZT", "ТГ", "ТЕНГЕ", "₸", "398"},
}
CURRENCY_CODE = re.compile(r"[A-Z]{3}|[0-9]{3}")
NO_ACCOUNT = "{seller}: среди реквизитов на портале нет счёта {account} (documents.issuers)."
OTHER_CURRENCY = (
    "{seller}: счёт в банке {account} открыт в валюте «{typed}», а счёт на оплату в {currency}."
)
NO_FITTING = "{seller}: на портале нет счёта в банке в валюте {currency}."
NO_BANK = Bank(name="", bic="", account="")


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerLook:
    """What the settings say of one issuer's invoices; "" leaves it to the portal's requisites.

    `account` chooses among several bank accounts. `purpose_code` is Kazakhstan's КНП.
    """

    account: str = ""
    director: str = ""
    accountant: str = ""
    notes: tuple[str, ...] = ()
    purpose_code: str = ""
    beneficiary_code: str = ""


def form_of(currency: Currency) -> Form:
    """Return by which country's habits an invoice in a currency is printed."""
    return Form.KAZAKHSTAN if currency is Currency.KZT else Form.RUSSIA


def own_requisite(known: Sequence[PaperRequisite], chosen: int) -> PaperRequisite | None:
    """Return the seller's requisite: the chosen one, else the oldest with a tax number."""
    named = [one for one in known if one.requisite == chosen]
    numbered = [one for one in known if one.has_number]
    return next(iter([*named, *numbered, *known]), None)


def bank_of(
    known: Sequence[BankDetail], currency: Currency, look: IssuerLook, seller: str, chosen: int = 0
) -> Bank | str:
    """Return the account to pay to, or why there is none; an empty one where none is filled in.

    The settings' account, else the one chosen in the portal, else the oldest that is not of
    another currency than the invoice's.
    """
    named = [one for one in known if one.account == look.account]
    if look.account and not named:
        return NO_ACCOUNT.format(seller=seller, account=look.account)
    wanted = named if look.account else [one for one in known if one.detail == chosen]
    for one in wanted[:1]:
        if names_another(one.currency, currency):
            return OTHER_CURRENCY.format(
                seller=seller, account=one.account, typed=one.currency, currency=currency.value
            )
        return _printed(one)
    usable = [one for one in known if not names_another(one.currency, currency)]
    if known and not usable:
        return NO_FITTING.format(seller=seller, currency=currency.value)
    found = next(iter([*fitting_accounts(known, currency), *usable]), None)
    return _printed(found) if found is not None else NO_BANK


def fitting_accounts(known: Sequence[BankDetail], currency: Currency) -> list[BankDetail]:
    """Return the accounts that an invoice in `currency` may be paid to, the oldest first."""
    return [
        one
        for one in known
        if one.account and one.bic and not names_another(one.currency, currency)
    ]


def names_another(typed: str, currency: Currency) -> bool:
    """Say whether the text of an account's currency means surely another one than `currency`."""
    word = typed.strip().rstrip(".").upper()
    if word in CURRENCY_NAMES[currency]:
        return False
    others = (names for one, names in CURRENCY_NAMES.items() if one is not currency)
    return CURRENCY_CODE.fullmatch(word) is not None or any(word in names for names in others)


def party_of(
    paper: PaperRequisite,
    currency: Currency,
    *,
    natural_person: bool = False,
    beneficiary_code: str = "",
) -> Party:
    """Return a party as it is printed, its number the one of the invoice's country where it can."""
    return Party(
        name=_name(paper, currency, natural_person=natural_person),
        tax_number=_number(paper, currency),
        kpp=paper.kpp,
        # No bank asks for it: a wrong one is left out, and keeps no invoice from its customer.
        registration=paper.registration if is_ogrn(paper.registration) else "",
        address=one_spaced(paper.address),
        beneficiary_code=beneficiary_code or paper.beneficiary_code,
        natural_person=natural_person,
    )


def signers_of(seller: PaperRequisite, look: IssuerLook, currency: Currency) -> tuple[Signer, ...]:
    """Return who signs: those of the settings, else those of the requisites."""
    director = one_spaced(look.director or seller.director)
    accountant = one_spaced(look.accountant or seller.accountant)
    signers = (Signer("Руководитель", director), Signer("Бухгалтер", accountant))
    if currency is Currency.KZT:
        signers = (Signer("Исполнитель", director), Signer("Бухгалтер", accountant))
    elif is_sole_trader(seller, currency):
        name = director or TRADER_PREFIX.sub("", one_spaced(seller.name))
        signers = (Signer("Предприниматель", name), Signer("Бухгалтер", accountant))
    # A company has an accountant, named or not; elsewhere only who is named signs.
    is_company = signers[0].role == "Руководитель"
    return tuple(one for place, one in enumerate(signers) if one.name or place == 0 or is_company)


def is_sole_trader(paper: PaperRequisite, currency: Currency) -> bool:
    """Say whether a requisite is a Russian sole trader's: twelve digits are no company's ИНН."""
    return currency is Currency.RUB and len(paper.inn) == SOLE_TRADER_INN and is_inn(paper.inn)


def one_spaced(text: str) -> str:
    """Return a text without line ends, controls and direction marks, its spaces single ones."""
    return " ".join(UNSAFE.sub(" ", text).split())


def _name(paper: PaperRequisite, currency: Currency, *, natural_person: bool) -> str:
    """Return the name; a sole trader whose form is not in it gets it."""
    name = one_spaced(paper.name)
    if natural_person or not name or not is_sole_trader(paper, currency):
        return name
    return name if TRADER_PREFIX.match(name) else f"{SOLE_TRADER} {name}"


def _number(paper: PaperRequisite, currency: Currency) -> str:
    if currency is Currency.KZT:
        return paper.bin_or_iin or paper.inn
    return paper.inn or paper.bin_or_iin


def _printed(detail: BankDetail) -> Bank:
    return Bank(
        name=one_spaced(detail.bank),
        bic=detail.bic.strip(),
        account=detail.account.strip(),
        correspondent=detail.correspondent.strip(),
    )
