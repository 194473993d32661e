"""What a run must do with one company, readable by machines and by a billing clerk."""

from __future__ import annotations

from dataclasses import dataclass, field

BILL, SKIP, HOLD = "bill", "skip", "hold"
SKIP_REASONS = frozenset({
    "inactive", "skip_flag", "no_fee", "covered", "not_its_day", "postponed", "not_a_customer",
})  # fmt: skip
HOLD_REASONS = frozenset({
    "tariff", "status_empty", "no_contract", "issuer_unknown", "count_mismatch",
    "account_missing", "units_unknown", "connection_unknown", "requisites", "overlap",
    "cancelled_by_hand", "covered_unclear", "billed_through_partner", "shared_account",
    "conservation_price_missing", "field_problem",
})  # fmt: skip

SUBSCRIPTION, FUEL, DISPATCHING, SIM = "subscription", "fuel_sensor", "dispatching", "sim"
SERVICES = (SUBSCRIPTION, FUEL, DISPATCHING, SIM)
SIM_NAME = "SIM, роуминг"


@dataclass(frozen=True, slots=True, order=True)
class ExpectedLine:
    """One line: service, month as (year, month), quantity, price in kopecks."""

    service: str
    month: tuple[int, int]
    quantity: int
    price: int

    @property
    def amount(self) -> int:
        """Quantity times price, in kopecks."""
        return self.quantity * self.price


@dataclass(frozen=True, slots=True, order=True)
class ExpectedInvoice:
    """One invoice: issuer (an own company's id), printed contract number, title, sorted lines."""

    issuer_id: int
    currency: str
    contract: str
    title: str
    lines: tuple[ExpectedLine, ...]

    @property
    def total(self) -> int:
        """The sum of the lines in kopecks."""
        return sum(line.amount for line in self.lines)


@dataclass(frozen=True, slots=True)
class Expectation:
    """The decision: outcome, invoices of a bill, reasons of a skip or a hold.

    Where the rules leave it open whether a further reason is named beside those of a hold,
    `may_also` lists it. `card_count` is what the card's count must be brought to, None where it
    is left alone or the rules do not say. `mend_address` asks for the task «mend the address».
    """

    outcome: str
    reasons: frozenset[str] = frozenset()
    invoices: tuple[ExpectedInvoice, ...] = ()
    may_also: frozenset[str] = field(default_factory=frozenset)
    card_count: int | None = None
    mend_address: bool = False

    @property
    def total(self) -> int:
        """The sum of all invoices in kopecks."""
        return sum(invoice.total for invoice in self.invoices)
