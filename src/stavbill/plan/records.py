"""What one reading of the outside yields, record by record, in the core's words.

Adapters yield these in chunks, the store keeps them between reading and deciding, so that a month
is never in memory. Every record bears the company that it belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum

from stavbill.billing.facts import (
    BuyerRequisite,
    CompanyCard,
    CompanyId,
    Contract,
    IssuedInvoice,
    OwnCompanyId,
)
from stavbill.plan.effects import UserId
from stavbill.plan.standing import StandingTask


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyRecord:
    """A company with its card. Own companies of the portal are not among these.

    `raw_connection` and the card's `connection` are the same text; `conservation` etc. stand on the
    card. `billed_through` is what the mapped field shows, None when empty or not mapped.
    """

    company: CompanyId
    title: str
    responsible: UserId | None
    card: CompanyCard
    billed_through: date | None = None
    has_billed_through_field: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceRecord:
    """An invoice as the portal holds it. `external_id` is the raw text of the external-id field.

    `total` is in the invoice's currency (rubles, not kopecks), `updated` the portal's ISO text, by
    which rows read before are known to be still true, `made_at` the one of its creation ("" where
    nobody asked). `rows_read` says whether `issued.rows` were
    asked for. `begins` and `ends` are its date and the day to pay by, None when empty. `made_by_us`
    says that the user whom we write as created it; False also when nobody knows.
    """

    company: CompanyId
    issued: IssuedInvoice
    external_id: str
    own_company: OwnCompanyId | None
    currency: str
    total: Decimal
    number: str
    stage: str
    updated: str
    rows_read: bool
    begins: date | None = None
    ends: date | None = None
    made_by_us: bool = False
    made_at: str = ""


@dataclass(frozen=True, slots=True)
class ContractRecord:
    """A document of a company."""

    company: CompanyId
    contract: Contract


@dataclass(frozen=True, slots=True)
class RequisiteRecord:
    """A requisite of a company, by its own id (one company may have several).

    `kpp` is only shown to people: no rule asks for it.
    """

    company: CompanyId
    requisite: int
    buyer: BuyerRequisite
    kpp: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BankDetail:
    """A bank account of a requisite, texts as the portal has them, "" where nothing is filled in.

    `bic` and `account` are those of the country that the detail is filled in for. `currency` is
    the account's, as somebody typed it. Source: Bitrix24 reference 5.6.
    """

    detail: int
    requisite: int
    bank: str
    bic: str
    account: str
    correspondent: str
    currency: str
    active: bool


@dataclass(frozen=True, slots=True)
class PortalUser:
    """An employee of the portal; a dismissed one is not `active`, and is never deleted."""

    user: UserId
    name: str
    active: bool


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """An open task of one of our kinds, linked to a company."""

    company: CompanyId
    task: StandingTask


class UnitState(Enum):
    """What a Wialon unit is for billing (§5, §11)."""

    ACTIVE = "active"
    ACTIVE_STALE_MARK = "active_stale_mark"
    CONSERVED = "conserved"
    UNMARKED = "unmarked"


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """A Wialon account: a resource with a billing plan. `parent` 0 or None for a top account."""

    account: int
    name: str
    parent: int | None


@dataclass(frozen=True, slots=True)
class UnitRecord:
    """A Wialon unit: the account that owns it and what it is for billing."""

    unit: int
    name: str
    account: int
    state: UnitState


@dataclass(frozen=True, slots=True)
class OwnCompany:
    """One of the portal's own companies, by which issuers are found (§4)."""

    own_company: OwnCompanyId
    name: str
    requisite_names: tuple[str, ...] = ()
