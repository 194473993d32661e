"""All that the core may know about one company on one day.

Adapters translate the portal's and Wialon's words into these records once, at the edge: nothing
here is a user-field code, a JSON shape or a time zone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import NewType

from stavbill.billing.money import Currency, Money
from stavbill.billing.period import SendingDay, ServicePeriod

CompanyId = NewType("CompanyId", int)
InvoiceId = NewType("InvoiceId", int)
OwnCompanyId = NewType("OwnCompanyId", int)
ServiceCode = NewType("ServiceCode", str)

SUBSCRIPTION = ServiceCode("subscription")
FUEL_SENSOR = ServiceCode("fuel")
DISPATCHING = ServiceCode("dispatching")


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """A field whose value cannot be understood: a reason to hold, never a guess (§1).

    `label` as it stands on the card, `value` as typed, `expected` in Russian words for a person;
    `field` is the setting's name in code (`status`, `months`), "" when it has none. `lost_option`
    says that the card names an option which the portal's list does not have any more.
    """

    label: str
    value: str
    expected: str
    field: str = ""
    lost_option: bool = False


class VatWish(Enum):
    """What «НДС» on the card says when it names no rate; EMPTY follows the issuer (§7)."""

    EMPTY = "empty"
    YES = "yes"
    NO = "no"


@dataclass(frozen=True, slots=True)
class SeparateInvoices:
    """«Отдельный счёт»: the services that it names, or every service (`each`) (§7)."""

    each: bool = False
    services: frozenset[ServiceCode] = frozenset()


@dataclass(frozen=True, slots=True)
class Recipients:
    """Where the invoice may be sent: usable addresses, E.164 numbers, and what is unusable."""

    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    unusable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyCard:
    """The billing settings of a company (§1), translated but not judged.

    `fees` holds the text of every fee field by service, subscription included; an absent or empty
    text is an empty field. `connection` and `account` are «Где найти» and the Wialon login without
    its remark. `status` is None when the field is empty.
    """

    company: CompanyId
    status: str | None = None
    skip: bool = False
    ignore_count: bool = False
    partner: bool = False
    previous_month: bool = False
    months: int | None = None
    sending_day: SendingDay | None = None
    vat: VatWish | Decimal = VatWish.EMPTY
    separate: SeparateInvoices = SeparateInvoices()
    contract_number: str | None = None
    connection: str | None = None
    account: str | None = None
    card_count: int | None = None
    conservation_price: Decimal | None = None
    fees: dict[ServiceCode, str] = field(default_factory=dict)
    recipients: Recipients = Recipients()
    problems: tuple[FieldProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class Contract:
    """A document of the company's document list (§4). `template` is None when it is not known."""

    document: int
    title: str
    number: str
    template_id: str | None
    template: str | None
    created: datetime


@dataclass(frozen=True, slots=True)
class BuyerRequisite:
    """One requisite of the buyer: enough of it to know whether an invoice may name them (§9)."""

    inn: str = ""
    bin_or_iin: str = ""
    name: str = ""
    natural_person: bool = False


class InvoiceState(Enum):
    """What the stage of an invoice means: CANCELLED is the portal's failure semantics."""

    LIVE = "live"
    PAID = "paid"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class InvoiceKey:
    """The business key that finds our invoice again, the same through all its revisions.

    `services` are the kinds that the invoice bears, `issue` counts from 1 and grows when a person
    has a cancelled month billed again. Source: portal page, «Written».
    """

    company: CompanyId
    services: tuple[ServiceCode, ...]
    period: ServicePeriod
    issuer: str
    issue: int = 1


@dataclass(frozen=True, slots=True)
class IssuedRow:
    """A product row of an invoice that exists: its name, price for one and quantity."""

    name: str
    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedInvoice:
    """An invoice that the portal holds, whoever made it (§3). `key` is None without ours."""

    invoice: InvoiceId
    title: str
    created: date
    state: InvoiceState
    key: InvoiceKey | None = None
    rows: tuple[IssuedRow, ...] = ()


@dataclass(frozen=True, slots=True)
class NestedCount:
    """One account below a partner's, for the annex (§6)."""

    account: str
    active: int
    conserved: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What Wialon shows for one account (§5, §11): a complete answer, zero only when it is zero.

    `active` and `conserved` are the account's own units; `nested` the accounts below it at any
    depth. `unmarked` are deactivated units without the conservation mark, `stale_marks` active
    ones that still bear it. `came` and `went` name units that differ from the previous run's
    list, None when that list is not known.
    """

    active: int
    conserved: int
    unmarked: int = 0
    stale_marks: tuple[str, ...] = ()
    nested: tuple[NestedCount, ...] = ()
    came: tuple[str, ...] | None = None
    went: tuple[str, ...] | None = None


class NotCountedWhy(Enum):
    """Why there is no count; each is a hold of its own (§5, §11)."""

    ACCOUNT_EMPTY = "account_empty"
    ACCOUNT_MISSING = "account_missing"
    CONNECTION_UNKNOWN = "connection_unknown"
    UNREACHABLE = "unreachable"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class NotCounted:
    """There is no count, and why; `detail` is for a person (the value, the host's error).

    `connection` is named when nothing of it could be read: no company of it has a count (§11).
    """

    why: NotCountedWhy
    detail: str = ""
    connection: str = ""


Observation = Counted | NotCounted


@dataclass(frozen=True, slots=True)
class Sharer:
    """Another active, not skipped company that names the same Wialon account (§11)."""

    company: CompanyId
    subscription: str


@dataclass(frozen=True, slots=True)
class OpenCredit:
    """What is left of an approved credit (§8); `approved` orders credits, oldest first."""

    credit: str
    service: ServiceCode
    left: Money
    approved: date


@dataclass(frozen=True, slots=True)
class Override:
    """What a forced rerun by a person may set aside (§9): never a hold of another kind."""

    skip: bool = False
    sending_day: bool = False
    cancelled: bool = False


NO_OVERRIDE = Override()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything the decision about one company rests on; stored, so that it can be repeated.

    `issued` is the invoice's date when it is not the day that is decided for: a missed month is
    billed late, as of that month, and dated today. `first_issue` is the least issue number that a
    new invoice may bear: above 1 only when a person has an invoice that was deleted in the portal
    issued again. `partner_above` is the outermost billed partner whose account holds this one's.
    """

    card: CompanyCard
    contracts: tuple[Contract, ...] = ()
    requisites: tuple[BuyerRequisite, ...] = ()
    invoices: tuple[IssuedInvoice, ...] = ()
    observation: Observation = NotCounted(NotCountedWhy.ACCOUNT_EMPTY)
    sharers: tuple[Sharer, ...] = ()
    partner_above: CompanyId | None = None
    credits: tuple[OpenCredit, ...] = ()
    override: Override = NO_OVERRIDE
    first_issue: int = 1
    issued: date | None = None


__all__ = [
    "DISPATCHING",
    "FUEL_SENSOR",
    "NO_OVERRIDE",
    "SUBSCRIPTION",
    "BuyerRequisite",
    "CompanyCard",
    "CompanyId",
    "Contract",
    "Counted",
    "Currency",
    "Facts",
    "FieldProblem",
    "InvoiceId",
    "InvoiceKey",
    "InvoiceState",
    "IssuedInvoice",
    "IssuedRow",
    "NestedCount",
    "NotCounted",
    "NotCountedWhy",
    "Observation",
    "OpenCredit",
    "Override",
    "OwnCompanyId",
    "Recipients",
    "SeparateInvoices",
    "ServiceCode",
    "Sharer",
    "VatWish",
]
