"""What was decided about a company, with every reason and the explanation as data, never prose.

Source: billing rules §9.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Literal

from stavbill.billing.facts import (
    CompanyId,
    FieldProblem,
    InvoiceId,
    InvoiceKey,
    NestedCount,
    OwnCompanyId,
    ServiceCode,
)
from stavbill.billing.money import Currency, Money
from stavbill.billing.period import Month, ServicePeriod


class SkipReason(Enum):
    """Why nothing is billed and nobody has to act; in the order of §9."""

    NOT_A_CUSTOMER = "not_a_customer"
    INACTIVE = "inactive"
    SKIP_FLAG = "skip_flag"
    NO_FEE = "no_fee"
    COVERED = "covered"
    NOT_ITS_DAY = "not_its_day"
    POSTPONED = "postponed"
    NOT_PASSED = "not_passed"


@dataclass(frozen=True, slots=True)
class TariffNotUnderstood:
    """A fee field that cannot be read, with the text and the place (§2)."""

    service: ServiceCode
    text: str
    position: int
    expected: str
    kind: Literal["tariff"] = "tariff"


@dataclass(frozen=True, slots=True)
class FieldNotUnderstood:
    """Another field that cannot be read (§1)."""

    problem: FieldProblem
    kind: Literal["field_problem"] = "field_problem"


@dataclass(frozen=True, slots=True)
class StatusEmpty:
    """«Статус» is empty: neither active nor inactive (§9)."""

    kind: Literal["status_empty"] = "status_empty"


@dataclass(frozen=True, slots=True)
class NoContract:
    """No document of the company matches a billing rule (§4). `other` are titles that do not."""

    other: tuple[str, ...] = ()
    kind: Literal["no_contract"] = "no_contract"


@dataclass(frozen=True, slots=True)
class IssuerUnknown:
    """A rule matched, its issuer is not among the portal's own companies (§4)."""

    rule: str
    issuer: str
    kind: Literal["issuer_unknown"] = "issuer_unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class CountMismatch:
    """Tariff and Wialon disagree in at least one part (§5); `card` is the card's own count."""

    expected_active: int
    expected_conserved: int
    active: int
    conserved: int
    card: int | None
    came: tuple[str, ...] | None = None
    went: tuple[str, ...] | None = None
    kind: Literal["count_mismatch"] = "count_mismatch"


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedAccountMismatch:
    """The companies of one account together disagree with it (§11)."""

    others: tuple[CompanyId, ...]
    expected: int
    active: int
    conserved: int
    unreadable: tuple[CompanyId, ...] = ()
    kind: Literal["shared_account"] = "shared_account"


@dataclass(frozen=True, slots=True)
class AccountMissing:
    """The Wialon account is not named, or is not there (§5)."""

    account: str
    kind: Literal["account_missing"] = "account_missing"


@dataclass(frozen=True, slots=True)
class ConnectionUnknown:
    """«Где найти» names no configured connection (§11)."""

    value: str
    kind: Literal["connection_unknown"] = "connection_unknown"


@dataclass(frozen=True, slots=True)
class UnitsUnknown:
    """Wialon is unreachable or answered in part (§5): silence is not zero.

    `connection` is named when nothing of it could be read, for all its companies (§11).
    """

    detail: str
    connection: str = ""
    kind: Literal["units_unknown"] = "units_unknown"


@dataclass(frozen=True, slots=True)
class ConservationPriceMissing:
    """Units are conserved, and the currency has no conservation price (§5)."""

    currency: Currency
    conserved: int
    kind: Literal["conservation_price_missing"] = "conservation_price_missing"


@dataclass(frozen=True, slots=True)
class RequisitesMissing:
    """No requisite of the buyer is enough for an invoice (§9)."""

    kind: Literal["requisites"] = "requisites"


@dataclass(frozen=True, slots=True)
class Overlap:
    """A later month of the span is billed already (§3)."""

    services: tuple[ServiceCode, ...]
    months: tuple[Month, ...]
    invoices: tuple[InvoiceId, ...]
    kind: Literal["overlap"] = "overlap"


@dataclass(frozen=True, slots=True)
class CancelledByHand:
    """An invoice of a wanted month is cancelled; only a forced rerun bills it again (§3)."""

    services: tuple[ServiceCode, ...]
    invoices: tuple[InvoiceId, ...]
    kind: Literal["cancelled_by_hand"] = "cancelled_by_hand"


@dataclass(frozen=True, slots=True)
class CoverageUnclear:
    """An invoice with a subscription wording whose month cannot be read (§3)."""

    invoices: tuple[InvoiceId, ...]
    kind: Literal["covered_unclear"] = "covered_unclear"


@dataclass(frozen=True, slots=True)
class BilledThroughPartner:
    """The account lies below that of a partner who is billed for it (§6)."""

    partner: CompanyId
    kind: Literal["billed_through_partner"] = "billed_through_partner"


HoldReason = (
    TariffNotUnderstood
    | FieldNotUnderstood
    | StatusEmpty
    | NoContract
    | IssuerUnknown
    | CountMismatch
    | SharedAccountMismatch
    | AccountMissing
    | ConnectionUnknown
    | UnitsUnknown
    | ConservationPriceMissing
    | RequisitesMissing
    | Overlap
    | CancelledByHand
    | CoverageUnclear
    | BilledThroughPartner
)

NoteValue = str | int | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """One step of an explanation, or a warning: a code, the rule's section, the values it used."""

    code: str
    rule: str
    values: tuple[tuple[str, NoteValue], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """One row: `quantity` × `price` − `credit`, all in kopecks of the invoice's currency.

    `vat_percent` is the rate in force in `month` (None: without VAT), `vat` what the line's total
    contains of it, rounded half-up (§7).
    """

    service: ServiceCode
    month: Month
    name: str
    quantity: int
    price: Money
    credit: Money
    vat_percent: Decimal | None
    vat: Money

    @property
    def gross(self) -> Money:
        """Quantity × price, before credits."""
        return self.price * self.quantity

    @property
    def total(self) -> Money:
        """What the line costs after credits; never below zero (§8)."""
        return self.gross - self.credit


@dataclass(frozen=True, slots=True)
class CreditUse:
    """How much of which credit this invoice consumes (§8)."""

    credit: str
    used: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceDraft:
    """An invoice that shall exist (§7): for whom, by whom, what for, how much."""

    key: InvoiceKey
    title: str
    own_company: OwnCompanyId
    issuer: str
    currency: Currency
    contract_number: str
    issued: date
    pay_by: date
    lines: tuple[InvoiceLine, ...]
    credits: tuple[CreditUse, ...] = ()
    annex: tuple[NestedCount, ...] = ()

    @property
    def period(self) -> ServicePeriod:
        """The months that the invoice covers."""
        return self.key.period

    @property
    def gross(self) -> Money:
        """The sum of lines before credits."""
        return Money(sum(line.gross.minor for line in self.lines), self.currency)

    @property
    def total(self) -> Money:
        """The sum of lines after credits."""
        return Money(sum(line.total.minor for line in self.lines), self.currency)

    @property
    def is_paid_by_credits(self) -> bool:
        """Say whether credits cover everything: recorded with total 0 and marked paid (§8)."""
        return self.total.minor == 0 and self.gross.minor > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """Invoices shall exist. `held` are kinds with an invoice of their own that are held (§3)."""

    company: CompanyId
    drafts: tuple[InvoiceDraft, ...]
    held: tuple[HoldReason, ...] = ()
    warnings: tuple[Note, ...] = ()
    explanation: tuple[Note, ...] = ()
    card_count: int | None = None
    kind: Literal["bill"] = "bill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Nothing is billed, as expected."""

    company: CompanyId
    reason: SkipReason
    warnings: tuple[Note, ...] = ()
    explanation: tuple[Note, ...] = ()
    kind: Literal["skip"] = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A person must act: all reasons at once. `card_count` is what the card shall say (§5)."""

    company: CompanyId
    reasons: tuple[HoldReason, ...]
    warnings: tuple[Note, ...] = ()
    explanation: tuple[Note, ...] = ()
    card_count: int | None = None
    kind: Literal["hold"] = "hold"


Decision = Bill | Skip | Hold
