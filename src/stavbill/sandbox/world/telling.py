"""Expectations as JSON, for comparison by programs that share no code with this one."""

from __future__ import annotations

from typing import TypedDict

from stavbill.sandbox.world.build import World
from stavbill.sandbox.world.expected import Expectation, ExpectedInvoice


class ToldLine(TypedDict):
    """One line; `month` as 2026-12, `price` and `amount` in kopecks."""

    service: str
    month: str
    quantity: int
    price: int
    amount: int


class ToldInvoice(TypedDict):
    """One invoice; `total` in kopecks, `issuer` an own company's id."""

    issuer: int
    currency: str
    contract: str
    title: str
    total: int
    lines: list[ToldLine]


class Told(TypedDict):
    """One company's expectation; `scenario` is empty for drawn companies."""

    company: int
    scenario: str
    outcome: str
    reasons: list[str]
    may_also: list[str]
    invoices: list[ToldInvoice]
    card_count: int | None
    mend_address: bool


def told(world: World) -> list[Told]:
    """Return what a run on the world's day must do with each company, by id."""
    return [
        _told(company_id, cluster.scenario, expectation)
        for cluster in world.clusters()
        for company_id, expectation in world.expectations(cluster).items()
    ]


def _told(company_id: int, scenario: str, expectation: Expectation) -> Told:
    return {
        "company": company_id,
        "scenario": scenario,
        "outcome": expectation.outcome,
        "reasons": sorted(expectation.reasons),
        "may_also": sorted(expectation.may_also),
        "invoices": [_told_invoice(each) for each in expectation.invoices],
        "card_count": expectation.card_count,
        "mend_address": expectation.mend_address,
    }


def _told_invoice(invoice: ExpectedInvoice) -> ToldInvoice:
    return {
        "issuer": invoice.issuer_id,
        "currency": invoice.currency,
        "contract": invoice.contract,
        "title": invoice.title,
        "total": invoice.total,
        "lines": [
            {
                "service": line.service,
                "month": f"{line.month[0]}-{line.month[1]:02d}",
                "quantity": line.quantity,
                "price": line.price,
                "amount": line.amount,
            }
            for line in invoice.lines
        ],
    }
