"""The doctor's look at what the issuers will print on invoices: tax number and bank account.

Owns the reading of the own companies' requisites; what is wrong with them is said by the checks of
printing, so that a wrong digit is found before the month. Source: portal page, «Read» (requisites
and bank details of own companies).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from stavbill.app.checks import Check, doubtful, good
from stavbill.app.documents import looks_of
from stavbill.billing.facts import CompanyId
from stavbill.bitrix.budget import Limits
from stavbill.bitrix.gateway import Gateway, open_http
from stavbill.bitrix.limiter import Limiter, MemoryBudgetState
from stavbill.bitrix.read.papers import PaperRequisite, read_banks, read_requisites
from stavbill.bitrix.read.shape import PortalShape
from stavbill.clock import Clock
from stavbill.documents.checks import seller_problems
from stavbill.documents.invoice import Bank, Form, Party
from stavbill.errors import PortalError
from stavbill.operations.sellers import (
    IssuerLook,
    bank_of,
    fitting_accounts,
    form_of,
    own_requisite,
    party_of,
)
from stavbill.plan.records import BankDetail, OwnCompany
from stavbill.settings import Settings
from stavbill.settings.model import IssuerSettings
from stavbill.settings.own_companies import match_own_company

WHERE = "на портале: CRM, Настройки, Реквизиты ваших компаний"
# Of an account with the central bank and of a BIC: the bank's number in its division.
BANK_DIGITS = 3


@dataclass(frozen=True, slots=True)
class OwnPapers:
    """Requisites by own company, and bank details by requisite."""

    requisites: Mapping[int, Sequence[PaperRequisite]]
    banks: Mapping[int, Sequence[BankDetail]]


async def check_own_papers(settings: Settings, shape: PortalShape, clock: Clock) -> list[Check]:
    """Return a check for each issuer that the portal has; three requests, none without issuers."""
    issuers = issuers_of(settings, shape.own_companies)
    if not issuers:
        return []
    try:
        papers = await _read(settings, clock, {company for company, _ in issuers})
    except PortalError as trouble:
        text = "реквизиты и счета юрлиц портал не показал"
        return [doubtful("own_papers", text, str(trouble))]
    return list(paper_checks(issuers, papers, looks_of(settings)))


def issuers_of(
    settings: Settings, own: Sequence[OwnCompany]
) -> list[tuple[CompanyId, IssuerSettings]]:
    """Return the rules with the own company that each issues from.

    A rule without just one own company is not here: the doctor's check of issuers tells of it.
    """
    known = {int(company.own_company) for company in own}
    found: list[tuple[CompanyId, IssuerSettings]] = []
    for rule in settings.toml.issuers:
        meant = [rule.own_company] if rule.own_company is not None else []
        if not meant:
            meant = [int(one.own_company) for one in match_own_company(rule.issuer, own)]
        if len(meant) == 1 and meant[0] in known:
            found.append((CompanyId(meant[0]), rule))
    return found


async def _read(settings: Settings, clock: Clock, own: set[CompanyId]) -> OwnPapers:
    limiter = Limiter(limits=Limits(), clock=clock, state=MemoryBudgetState())
    async with open_http() as http:
        gateway = Gateway(settings.webhook_url(), http=http, limiter=limiter, clock=clock)
        requisites = await read_requisites(gateway, own)
        ids = [one.requisite for several in requisites.values() for one in several]
        return OwnPapers(requisites, await read_banks(gateway, ids) if ids else {})


def paper_checks(
    issuers: Sequence[tuple[CompanyId, IssuerSettings]],
    papers: OwnPapers,
    looks: Mapping[str, IssuerLook],
) -> Iterator[Check]:
    """Yield what each issuer lacks for a printed invoice; one good check where nothing is.

    Looked at is what printing takes: the oldest requisite with a tax number and its accounts. The
    portal's mark `ACTIVE` changes nothing there, nor here.
    """
    told: set[CompanyId] = set()
    for company, rule in issuers:
        name = f"own_papers.{company}" + (f".{rule.code}" if company in told else "")
        told.add(company)
        whose = f"юрлицо {rule.issuer} (компания {company})"
        seller = own_requisite(papers.requisites.get(int(company), ()), 0)
        accounts = papers.banks.get(seller.requisite, ()) if seller is not None else ()
        look = looks.get(rule.code, IssuerLook())
        found = [*_lacking(seller, accounts, name, whose)]
        if not found and seller is not None:
            found = [*_wrong(seller, accounts, rule, look, (name, whose))]
        if found:
            yield from found
        else:
            yield good(name, f"юрлицо {rule.issuer}: ИНН или БИН и счёт в банке заполнены")


def _lacking(
    seller: PaperRequisite | None, accounts: Sequence[BankDetail], name: str, whose: str
) -> Iterator[Check]:
    if seller is None or not seller.has_number:
        text = f"{whose}: нет реквизитов с ИНН или БИН"
        fix = f"Заполните ИНН (в Казахстане БИН) {WHERE}: он печатается в счёте"
        yield doubtful(f"{name}.requisite", text, fix)
    if not any(one.account and one.bic for one in accounts):
        text = f"{whose}: нет счёта в банке с номером и БИК"
        fix = f"Заполните банковские реквизиты {WHERE}: по ним платят по счёту"
        yield doubtful(f"{name}.bank", text, fix)


def _wrong(
    seller: PaperRequisite,
    accounts: Sequence[BankDetail],
    rule: IssuerSettings,
    look: IssuerLook,
    said: tuple[str, str],
) -> Iterator[Check]:
    """Yield what keeps the issuer's invoices from being printed, and what only looks doubtful."""
    name, whose = said
    form = form_of(rule.currency)
    party = party_of(seller, rule.currency, beneficiary_code=look.beneficiary_code)
    bank = bank_of(accounts, rule.currency, look, rule.issuer)
    if isinstance(bank, str):
        problems = [bank]
    else:
        problems = list(seller_problems(party, bank, form=form, purpose_code=look.purpose_code))
    if problems:
        fix = f"Исправьте {WHERE}, или в stavbill.toml: до этого счета не печатаются"
        yield doubtful(f"{name}.print", f"{whose}: {' '.join(problems)}", fix)
    if not look.account and len(fitting_accounts(accounts, rule.currency)) > 1:
        text = f"{whose}: на портале несколько счетов в банке, печатается самый старый"
        fix = f"Назовите нужный: documents.issuers.{rule.code}.account, или выберите его в счёте"
        yield doubtful(f"{name}.account", text, fix)
    if seller.registration and not party.registration:
        text = f"{whose}: ОГРН {seller.registration} с ошибкой, в счёте не печатается"
        yield doubtful(f"{name}.registration", text, f"Исправьте его {WHERE}")
    if form is Form.KAZAKHSTAN:
        yield from _codes(party, look, rule, (name, whose))
    elif isinstance(bank, Bank):
        yield from _doubts(bank, name, whose)


def _codes(
    party: Party, look: IssuerLook, rule: IssuerSettings, said: tuple[str, str]
) -> Iterator[Check]:
    """Yield the codes that a Kazakh payment order needs and the invoice will not bear."""
    name, whose = said
    codes = {
        "beneficiary_code": ("Кбе", party.beneficiary_code),
        "purpose_code": ("кода назначения платежа (КНП)", look.purpose_code),
    }
    for setting, (word, value) in codes.items():
        if not value:
            text = f"{whose}: нет {word}, плательщик будет искать его сам"
            fix = f"Заполните documents.issuers.{rule.code}.{setting} в stavbill.toml"
            yield doubtful(f"{name}.{setting}", text, fix)


def _doubts(bank: Bank, name: str, whose: str) -> Iterator[Check]:
    """Yield what may be right, seldom: banks without a correspondent account, or another's."""
    if not bank.correspondent:
        text = f"{whose}: нет корреспондентского счёта банка"
        fix = f"Заполните его {WHERE}, если у банка он есть: без него счёт печатается без строки"
        yield doubtful(f"{name}.correspondent", text, fix)
    elif bank.correspondent[-BANK_DIGITS:] != bank.bic[-BANK_DIGITS:]:
        text = (
            f"{whose}: корреспондентский счёт {bank.correspondent} кончается не так, как "
            f"БИК {bank.bic}"
        )
        yield doubtful(f"{name}.correspondent", text, f"Сверьте их с банком и исправьте {WHERE}")
