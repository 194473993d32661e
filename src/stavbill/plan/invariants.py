"""The must-never list, checked over what the portal holds for one company.

Source: beyond 2 (must-never-happen list), beyond 3 (parking).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum

from stavbill.billing.covered import Slot, coverage_of
from stavbill.billing.facts import (
    CompanyCard,
    CompanyId,
    Contract,
    InvoiceId,
    InvoiceKey,
    InvoiceState,
    ServiceCode,
)
from stavbill.billing.issuer import Issuer, choose_issuer
from stavbill.billing.period import Month
from stavbill.billing.policy import Policy
from stavbill.plan.records import InvoiceRecord


class MustNever(Enum):
    """What must never be true in the portal."""

    TWO_INVOICES = "two_invoices"
    WITHOUT_CONTRACT = "without_contract"
    WRONG_ISSUER = "wrong_issuer"
    LINES_DO_NOT_ADD_UP = "lines_do_not_add_up"
    ISSUED_TO_SKIPPED = "issued_to_skipped"
    SAME_KEY_TWICE = "same_key_twice"
    FOREIGN_KEY = "foreign_key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One thing that must never be true. `ours` says whether our own writing made it so.

    One of ours stops all further writing; one made by hand parks the company.
    """

    what: MustNever
    company: CompanyId
    invoices: tuple[InvoiceId, ...]
    ours: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalView:
    """What the portal holds for one company, as far as the list needs it.

    `since` is the run month: rules that rest on today's card or contracts are asked only of
    invoices made in it. `to_skipped` are the keys of those invoices of ours that were decided
    while the company was skipped and nobody had it billed all the same: today's flag says nothing.
    """

    card: CompanyCard
    contracts: tuple[Contract, ...]
    invoices: tuple[InvoiceRecord, ...]
    since: Month
    to_skipped: frozenset[str] = frozenset()


def violations(view: PortalView, policy: Policy) -> tuple[Violation, ...]:
    """Return everything on the must-never list that is true for one company.

    Source: beyond 2.
    """
    live = sorted(
        (record for record in view.invoices if record.issued.state is not InvoiceState.CANCELLED),
        key=lambda record: record.issued.invoice,
    )
    found = [*_twice_by_key(view, live), *_two_for_a_month(view, live, policy)]
    for record in live:
        if record.issued.key is not None:
            found.extend(_of_one(view, record, record.issued.key, policy))
    return tuple(found)


def _twice_by_key(view: PortalView, live: list[InvoiceRecord]) -> Iterable[Violation]:
    """Yield each key that several invoices bear: ours when we created one beside another.

    A person who copies an invoice copies its key, as the creator of the copy shows.
    """
    by_key: dict[str, list[InvoiceRecord]] = {}
    for record in live:
        if record.issued.key is not None:
            by_key.setdefault(record.external_id, []).append(record)
    for key, records in by_key.items():
        if len(records) > 1:
            yield Violation(
                what=MustNever.SAME_KEY_TWICE,
                company=view.card.company,
                invoices=tuple(record.issued.invoice for record in records),
                ours=any(record.made_by_us for record in records[1:]),
                detail=key,
            )


def _two_for_a_month(
    view: PortalView, live: list[InvoiceRecord], policy: Policy
) -> Iterable[Violation]:
    """Yield each pair of invoices that bills one service of one month twice.

    An invoice whose title alone names the month counts for every service of the card. Months that
    ended before the one before `since` are history that people have settled.
    """
    services = [code for code in policy.services if view.card.fees.get(code, "").strip()]
    holders: dict[tuple[ServiceCode, Month], list[InvoiceRecord]] = {}
    for record in live:
        if record.issued.key is None and not record.rows_read:
            # Its title alone would count for every service, which its rows may not say.
            continue
        for slot in coverage_of(record.issued, policy).slots:
            if slot.month < view.since.plus(-1):
                continue
            for service in _services_of(slot, services):
                holders.setdefault((service, slot.month), []).append(record)
    told: set[tuple[InvoiceId, ...]] = set()
    for (service, month), records in sorted(holders.items()):
        invoices = tuple(record.issued.invoice for record in records)
        keys = [record.issued.key for record in records]
        same_key = None not in keys and len({record.external_id for record in records}) == 1
        if len(invoices) == 1 or invoices in told or same_key:
            continue
        told.add(invoices)
        yield Violation(
            what=MustNever.TWO_INVOICES,
            company=view.card.company,
            invoices=invoices,
            ours=_is_ours(view, records),
            detail=f"{service} {month.code}",
        )


def _is_ours(view: PortalView, records: list[InvoiceRecord]) -> bool:
    """Say whether several invoices of one month are of our own making.

    One with another company's key was moved here by a person. A further issue of an invoice is
    written only when the one before it is cancelled: where that one was changed since, and lives
    again, a person has taken the cancellation back.
    """
    own = [record for record in records if _bears_key_of(record, view.card.company)]
    if len(own) < len(records):
        return False
    newest = max(own, key=_issue)
    return not any(
        _issue(record) < _issue(newest) and _was_changed_since(record, newest.made_at)
        for record in own
    )


def _was_changed_since(record: InvoiceRecord, moment: str) -> bool:
    changed, since = _moment(record.updated), _moment(moment)
    return changed is not None and since is not None and changed > since


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if found.tzinfo is None else found


def _bears_key_of(record: InvoiceRecord, company: CompanyId) -> bool:
    return record.issued.key is not None and record.issued.key.company == company


def _issue(record: InvoiceRecord) -> int:
    return 0 if record.issued.key is None else record.issued.key.issue


def _services_of(slot: Slot, services: list[ServiceCode]) -> list[ServiceCode]:
    return services if slot.service is None else [slot.service]


def _of_one(
    view: PortalView, record: InvoiceRecord, key: InvoiceKey, policy: Policy
) -> Iterable[Violation]:
    company, invoice = view.card.company, (record.issued.invoice,)
    if key.company != company:
        yield Violation(
            what=MustNever.FOREIGN_KEY,
            company=company,
            invoices=invoice,
            ours=False,
            detail=record.external_id,
        )
        return
    rule = next((rule for rule in policy.rules if rule.code == key.issuer), None)
    # A rule may have left the table since; an invoice of this month comes from the table of today.
    expected = rule.own_company if rule else None
    made_now = Month.of(record.issued.created) == view.since
    if (rule is not None or made_now) and record.own_company != expected:
        yield Violation(
            what=MustNever.WRONG_ISSUER,
            company=company,
            invoices=invoice,
            ours=False,
            detail=f"{record.own_company}",
        )
    if record.rows_read and not _adds_up(record):
        yield Violation(
            what=MustNever.LINES_DO_NOT_ADD_UP,
            company=company,
            invoices=invoice,
            ours=False,
            detail=f"{record.total}",
        )
    if made_now and not isinstance(choose_issuer(view.card, view.contracts, policy), Issuer):
        yield Violation(
            what=MustNever.WITHOUT_CONTRACT, company=company, invoices=invoice, ours=False
        )
    if record.external_id.strip() in view.to_skipped:
        # Nobody's hand can do this: our own decision said so.
        yield Violation(
            what=MustNever.ISSUED_TO_SKIPPED, company=company, invoices=invoice, ours=True
        )


def _adds_up(record: InvoiceRecord) -> bool:
    total = sum((row.price * row.quantity for row in record.issued.rows), Decimal(0))
    return total.quantize(Decimal("0.01")) == record.total.quantize(Decimal("0.01"))
