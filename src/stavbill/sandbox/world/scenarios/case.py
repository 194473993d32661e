"""What a named case is, and the words in which its answer is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from stavbill.sandbox.world import months, setting
from stavbill.sandbox.world.expected import (
    BILL,
    HOLD,
    SERVICES,
    SKIP,
    Expectation,
    ExpectedInvoice,
    ExpectedLine,
)
from stavbill.sandbox.world.make import Making
from stavbill.sandbox.world.model import Company

Answers = dict[int, Expectation]
CURRENCIES = {setting.AUTOTRACKER_KZ: "KZT"}
MAIN = "Подписка на сервис"
Line = tuple[str, int, int]
"""Service, quantity, price in whole roubles (tenge) - or kopecks where the case says so."""


@dataclass(frozen=True, slots=True)
class Case:
    """One named case: what it shows, how many company ids it takes, how it is staged."""

    name: str
    companies: int
    stage: Callable[[Making, int], Answers]


def skip(company: Company, reason: str) -> Answers:
    """Answer: skipped for that reason."""
    return {company.id: Expectation(SKIP, frozenset({reason}))}


def hold(
    company: Company, *reasons: str, card_count: int | None = None, may_also: Iterable[str] = ()
) -> Answers:
    """Answer: held for all these reasons."""
    return {
        company.id: Expectation(
            HOLD, frozenset(reasons), card_count=card_count, may_also=frozenset(may_also)
        )
    }


def invoice(
    make: Making,
    company: Company,
    *lines: Line,
    issuer: int = setting.AUTOTRACKER,
    document: int = 0,
    contract: str = "",
    title: str = MAIN,
    first: int = 1,
    count: int = 1,
    kopecks: bool = False,
) -> ExpectedInvoice:
    """Return an invoice: each line in each month from `first` (0 is the month of the run)."""
    start = months.shift(make.month, first)
    per = 1 if kopecks else 100
    return ExpectedInvoice(
        issuer,
        CURRENCIES.get(issuer, "RUB"),
        contract or company.documents[document].number,
        f"[Биллинг] {title} {months.bracket(start, count)}",
        tuple(
            sorted(
                ExpectedLine(service, month, quantity, price * per)
                for month in months.span(start, count)
                for service, quantity, price in lines
            )
        ),
    )


def bill(
    company: Company,
    *invoices: ExpectedInvoice,
    card_count: int | None = None,
    mend_address: bool = False,
) -> Answers:
    """Answer: billed with these invoices."""
    answer = Expectation(
        BILL,
        invoices=tuple(sorted(invoices)),
        card_count=card_count,
        mend_address=mend_address,
    )
    return {company.id: answer}


def subscribed(quantity: int, price: int) -> Line:
    """Return a line of the subscription."""
    return (SERVICES[0], quantity, price)


def fuel(quantity: int, price: int) -> Line:
    """Return a line of fuel sensors."""
    return (SERVICES[1], quantity, price)


def dispatching(quantity: int, price: int) -> Line:
    """Return a line of dispatching."""
    return (SERVICES[2], quantity, price)


def sim(quantity: int, price: int) -> Line:
    """Return a line of the configured further service."""
    return (SERVICES[3], quantity, price)
