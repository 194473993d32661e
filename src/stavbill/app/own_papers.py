"""The doctor's look at what the issuers will print on invoices: tax number and bank account.

Owns the reading of the own companies' requisites; which rule means which company is the settings'.
Source: portal page, «Read» (requisites and bank details of own companies).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from stavbill.app.build import mapping_of
from stavbill.app.checks import Check, doubtful, good
from stavbill.billing.facts import CompanyId
from stavbill.bitrix.budget import Limits
from stavbill.bitrix.limiter import Limiter, MemoryBudgetState
from stavbill.bitrix.read.chain import BulkReader
from stavbill.bitrix.read.reader import PortalReader
from stavbill.bitrix.read.shape import PortalShape
from stavbill.clock import Clock
from stavbill.errors import PortalError
from stavbill.plan.records import BankDetail, OwnCompany, RequisiteRecord
from stavbill.settings import Settings
from stavbill.settings.own_companies import match_own_company

WHERE = "на портале: CRM, Настройки, Реквизиты ваших компаний"


@dataclass(frozen=True, slots=True)
class OwnPapers:
    """Requisites of the own companies, and the bank details of those requisites."""

    requisites: tuple[RequisiteRecord, ...]
    banks: tuple[BankDetail, ...]


async def check_own_papers(settings: Settings, shape: PortalShape, clock: Clock) -> list[Check]:
    """Return a check for each issuer that the portal has; two requests, none without issuers."""
    issuers = issuers_of(settings, shape.own_companies)
    if not issuers:
        return []
    try:
        papers = await _read(settings, shape, clock, sorted(issuers))
    except PortalError as trouble:
        text = "реквизиты и счета юрлиц портал не показал"
        return [doubtful("own_papers", text, str(trouble))]
    return list(paper_checks(issuers, papers))


def issuers_of(settings: Settings, own: Sequence[OwnCompany]) -> dict[CompanyId, str]:
    """Return the own companies that the rules issue from, with the issuer's name in the rules.

    A rule without just one own company is not here: the doctor's check of issuers tells of it.
    """
    known = {int(company.own_company) for company in own}
    found: dict[CompanyId, str] = {}
    for rule in settings.toml.issuers:
        meant = [rule.own_company] if rule.own_company is not None else []
        if not meant:
            meant = [int(one.own_company) for one in match_own_company(rule.issuer, own)]
        if len(meant) == 1 and meant[0] in known:
            found.setdefault(CompanyId(meant[0]), rule.issuer)
    return found


async def _read(
    settings: Settings, shape: PortalShape, clock: Clock, own: Sequence[CompanyId]
) -> OwnPapers:
    limiter = Limiter(limits=Limits(), clock=clock, state=MemoryBudgetState())
    async with BulkReader(settings.webhook_url(), limiter=limiter, clock=clock) as bulk:
        reader = PortalReader(bulk, mapping_of(settings), zone=settings.toml.portal.zone)
        few = len(own)
        requisites = [
            record
            async for chunk in reader.requisites(shape, own, expected=few)
            for record in chunk
        ]
        ids = [record.requisite for record in requisites]
        banks: list[BankDetail] = []
        if ids:
            async for chunk in reader.bank_details(ids, expected=few):
                banks += chunk
    return OwnPapers(tuple(requisites), tuple(banks))


def paper_checks(issuers: Mapping[CompanyId, str], papers: OwnPapers) -> Iterator[Check]:
    """Yield what each issuer lacks for a printed invoice; one good check where nothing is.

    A bank detail counts only under a requisite with a tax number, when the company has one: these
    two are printed together. The portal's mark `ACTIVE` changes nothing there, nor here.
    """
    for company, issuer in issuers.items():
        own = [record for record in papers.requisites if record.company == company]
        numbered = [record for record in own if record.buyer.inn or record.buyer.bin_or_iin]
        ids = {record.requisite for record in numbered or own}
        usable = [
            detail
            for detail in papers.banks
            if detail.requisite in ids and detail.account and detail.bic
        ]
        name = f"own_papers.{company}"
        if not numbered:
            text = f"юрлицо {issuer} (компания {company}): нет реквизитов с ИНН или БИН"
            fix = f"Заполните ИНН (в Казахстане БИН) {WHERE}: он печатается в счёте"
            yield doubtful(f"{name}.requisite", text, fix)
        if not usable:
            text = f"юрлицо {issuer} (компания {company}): нет счёта в банке с номером и БИК"
            fix = f"Заполните банковские реквизиты {WHERE}: по ним платят по счёту"
            yield doubtful(f"{name}.bank", text, fix)
        if numbered and usable:
            yield good(name, f"юрлицо {issuer}: ИНН или БИН и счёт в банке заполнены")
