"""One company as the portal has it at this moment, with what its invoice will print.

Nothing is stored and nothing is decided. Source: portal page, «Read»; issue «company show».
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from stavbill.billing.facts import CompanyId
from stavbill.errors import ConfigError, PortalError
from stavbill.operations.explain import company_document
from stavbill.operations.parts import Parts
from stavbill.operations.present import Document
from stavbill.plan.effects import UserId
from stavbill.plan.records import BankDetail, RequisiteRecord
from stavbill.store.decisions import latest_decision
from stavbill.store.parking import parked_reasons


async def look_at_company(parts: Parts, company: int) -> Document:
    """Return the company's document with `requisites`, `bank_details` and `responsible`.

    Costs four requests at most. Raises `PortalError`; `ConfigError` for a company that the portal
    does not have.
    """
    wanted = CompanyId(company)
    _, known = await parts.single.read(wanted)
    if known is None:
        msg = f"Компании {company} нет на портале {parts.portal}"
        raise ConfigError(msg)
    banks, responsible = await asyncio.gather(
        _bank_details(parts, [record.requisite for record in known.requisites]),
        _responsible(parts, known.company.responsible),
    )
    with parts.store.read() as db:
        parked = parked_reasons(db, parts.portal, [wanted])
        stored = latest_decision(db, parts.portal, wanted)
    return company_document(known, parked.get(wanted), stored) | {
        "requisites": [_requisite(record) for record in known.requisites],
        "bank_details": [_bank_detail(detail) for detail in banks],
        "responsible": responsible,
    }


async def _bank_details(parts: Parts, requisites: Sequence[int]) -> list[BankDetail]:
    if not requisites:
        return []
    chunks = parts.reader.bank_details(requisites, expected=len(requisites))
    return [detail async for chunk in chunks for detail in chunk]


async def _responsible(parts: Parts, user: UserId | None) -> Document | None:
    """Return who answers for the company; without a name where the webhook may not see people."""
    if user is None:
        return None
    try:
        found = [each async for chunk in parts.reader.users([user]) for each in chunk]
    except PortalError as declined:
        # An answer with a code is the portal's no; a portal that is silent is trouble.
        if not declined.code:
            raise
        found = []
    name, active = (found[0].name, found[0].active) if found else (None, None)
    return {"id": int(user), "name": name, "active": active}


def _requisite(record: RequisiteRecord) -> Document:
    buyer = record.buyer
    return {
        "id": record.requisite,
        "name": buyer.name,
        "inn": buyer.inn,
        "kpp": record.kpp,
        "bin": buyer.bin_or_iin,
    }


def _bank_detail(detail: BankDetail) -> Document:
    return {
        "id": detail.detail,
        "requisite": detail.requisite,
        "bank": detail.bank,
        "bic": detail.bic,
        "account": detail.account,
        "correspondent": detail.correspondent,
        "currency": detail.currency,
        "active": detail.active,
    }
