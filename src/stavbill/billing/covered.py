"""Which months of which services are billed already, whoever made the invoice.

Source: billing rules §3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from stavbill.billing.facts import (
    InvoiceId,
    InvoiceKey,
    InvoiceState,
    IssuedInvoice,
    ServiceCode,
)
from stavbill.billing.period import MONTH_NAMES, Month, ServicePeriod
from stavbill.billing.policy import Policy, plain

_NAMES = "|".join(name.casefold() for name in MONTH_NAMES)
_NUMBERS = {name.casefold(): number for number, name in enumerate(MONTH_NAMES, start=1)}
_BRACKETS = re.compile(
    rf"\(\s*({_NAMES})(?:\s+(\d{{4}}))?(?:\s*[-–—]\s*({_NAMES}))?(?:\s+(\d{{4}}))?\s*\)",
)
MAX_SPAN = 60


@dataclass(frozen=True, slots=True)
class Slot:
    """A service of a month; `service` None means every service (§3)."""

    service: ServiceCode | None
    month: Month


@dataclass(frozen=True, slots=True)
class Coverage:
    """What one invoice covers.

    `unclear_months` are months that it names with unknown wording; `monthless` says that it has a
    subscription wording and no month at all.
    """

    invoice: IssuedInvoice
    slots: frozenset[Slot]
    unclear_months: frozenset[Month] = frozenset()
    monthless: bool = False


@lru_cache(maxsize=16_384)
def months_in(text: str) -> frozenset[Month]:
    """Return the months that `text` names in brackets: «(Март 2022)», «(Март–Май 2022)».

    Either dash, with or without spaces, case ignored; a month without a year takes the year of the
    other end. Nothing understood gives no months.

    Source: billing rules §3, §7.
    """
    months: set[Month] = set()
    for found in _BRACKETS.finditer(text.casefold()):
        first_name, first_year, last_name, last_year = found.groups()
        year = first_year or last_year
        if year is None:
            continue
        first = Month(int(year), _NUMBERS[first_name])
        last = Month(int(last_year or year), _NUMBERS[last_name]) if last_name else first
        span = last.index - first.index + 1
        if 1 <= span <= MAX_SPAN:
            months.update(ServicePeriod(first, span).each())
    return frozenset(months)


def service_in(text: str, policy: Policy) -> ServiceCode | None:
    """Return the service whose wording `text` bears, None when nothing tells.

    Its beginning decides, then a whole wording anywhere in it, then the stems by which people name
    a service in their own words. A fee «за …» something that no stem names tells nothing.
    """
    words = plain(text)
    mark = plain(policy.title_mark)
    if mark and words.startswith(mark):
        words = words[len(mark) :].lstrip()
    for beginning, service in policy.wordings:
        if words.startswith(beginning):
            return service
    for beginning, service in policy.wordings:
        if f" {beginning}" in words:
            return service
    for stem, service in policy.stems:
        if f" {stem}" in f" {words}":
            other = service == policy.services[0] and " за " in words
            return None if other else service
    return None


def coverage_of(invoice: IssuedInvoice, policy: Policy) -> Coverage:
    """Return what `invoice` covers: by our key, else by its rows, else by its title.

    A row without a month takes the title's. A title's month without telling rows covers every
    service, whatever else the title says.

    Source: billing rules §3.
    """
    if invoice.key is not None:
        months = invoice.key.period.each()
        return Coverage(
            invoice,
            frozenset(Slot(service, month) for service in invoice.key.services for month in months),
        )
    titled = months_in(invoice.title)
    slots: set[Slot] = set()
    unknown: set[Month] = set()
    monthless = False
    telling = False
    for row in invoice.rows:
        service = service_in(row.name, policy)
        named = months_in(row.name)
        if service is None:
            unknown |= named
            continue
        telling = True
        months_of_row = named or titled
        slots.update(Slot(service, month) for month in months_of_row)
        monthless = monthless or (not months_of_row and service == policy.services[0])
    if not telling:
        slots.update(Slot(None, month) for month in titled)
        subscription = service_in(invoice.title, policy) == policy.services[0]
        monthless = subscription and not titled and not unknown
    unclear = frozenset(unknown) - titled - {slot.month for slot in slots}
    dated = any(slot.service == policy.services[0] for slot in slots)
    return Coverage(invoice, frozenset(slots), unclear, monthless and not dated)


Services = tuple[ServiceCode, ...]
# First and last month by index, the services (None: every one), the invoice.
Span = tuple[int, int, Services | None, IssuedInvoice]


@dataclass(frozen=True, slots=True)
class History:
    """What all invoices of a company cover, live and cancelled apart.

    `doubtful` are live invoices of which nobody can tell what they cover; `keys` those of our own
    invoices, with the index of their first month. Answers do not depend on the order of invoices.
    """

    live: list[Span]
    cancelled: list[Span]
    doubtful: list[Coverage]
    keys: list[tuple[int, InvoiceKey]]

    def live_on(self, services: Services, month: Month) -> tuple[InvoiceId, ...]:
        """Return the live invoices that cover one of `services` in `month`, by number."""
        return _numbers(self.live, services, month.index)

    def cancelled_on(self, services: Services, month: Month) -> tuple[InvoiceId, ...]:
        """Return the cancelled invoices that covered one of `services` in `month`, by number."""
        return _numbers(self.cancelled, services, month.index)

    def covered_services(self, services: Services, month: Month) -> set[ServiceCode]:
        """Return those of `services` that live invoices cover in `month`."""
        covered: set[ServiceCode] = set()
        index = month.index
        for first, last, theirs, _ in self.live:
            if first <= index <= last:
                covered.update(services if theirs is None else theirs)
        return covered.intersection(services)

    def last_covered(self, services: Services, before: Month | None = None) -> Month | None:
        """Return the latest month, of those `before` one, in which one of `services` is covered."""
        latest = -1
        for first, last, theirs, _ in self.live:
            end = last if before is None else min(last, before.index - 1)
            if first <= end and end > latest and _share(theirs, services):
                latest = end
        return None if latest < 0 else Month.from_index(latest)

    def made_in(self, made: Month, services: Services, month: Month) -> tuple[InvoiceId, ...]:
        """Return live invoices made in `made` that cover one of `services` in `month`."""
        made_then = [span for span in self.live if Month.of(span[3].created) == made]
        return _numbers(made_then, services, month.index)

    def unclear_for(self, months: Iterable[Month], since: Month) -> tuple[InvoiceId, ...]:
        """Return live invoices that may cover `months`, and nobody can tell.

        Those with a subscription wording and no month, made since `since` began, and those whose
        rows name one of `months` in words that are not ours.
        """
        wanted = frozenset(months)
        found = {
            seen.invoice.invoice
            for seen in self.doubtful
            if (seen.monthless and Month.of(seen.invoice.created) >= since)
            or seen.unclear_months & wanted
        }
        return tuple(sorted(found))

    def next_issue(self, services: Services, period: ServicePeriod) -> int:
        """Return the issue number for an invoice of `services` and `period`.

        1, or one more than the highest that one of our invoices of these months bears.
        """
        issue, wanted = 0, period.first.index
        for first, key in self.keys:
            if first == wanted and _share(key.services, services):
                issue = max(issue, key.issue)
        return issue + 1


def history_of(invoices: tuple[IssuedInvoice, ...], policy: Policy) -> History:
    """Return what `invoices` cover."""
    live: list[Span] = []
    cancelled: list[Span] = []
    doubtful: list[Coverage] = []
    keys: list[tuple[int, InvoiceKey]] = []
    for invoice in invoices:
        is_live = invoice.state is not InvoiceState.CANCELLED
        spans = live if is_live else cancelled
        key = invoice.key
        if key is not None:
            # Most invoices are ours, so the key is read without a slot for each of its months.
            first = key.period.first.index
            keys.append((first, key))
            spans.append((first, first + key.period.months - 1, key.services, invoice))
            continue
        seen = coverage_of(invoice, policy)
        for slot in seen.slots:
            services = None if slot.service is None else (slot.service,)
            spans.append((slot.month.index, slot.month.index, services, invoice))
        if is_live and (seen.monthless or seen.unclear_months):
            doubtful.append(seen)
    return History(live, cancelled, doubtful, keys)


def _numbers(spans: list[Span], services: Services, index: int) -> tuple[InvoiceId, ...]:
    found = [
        invoice.invoice
        for first, last, theirs, invoice in spans
        if first <= index <= last and _share(theirs, services)
    ]
    return tuple(sorted(set(found))) if found else ()


def _share(theirs: Services | None, services: Services) -> bool:
    """Say whether two invoices have a service in common; None stands for every service."""
    if theirs is None or theirs == services:
        return True
    return any(service in theirs for service in services)
