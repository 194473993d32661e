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
Holder = tuple[Services | None, IssuedInvoice]
Months = dict[int, list[Holder]]


@dataclass(frozen=True, slots=True)
class History:
    """What all invoices of a company cover, live and cancelled apart.

    `live` and `cancelled` give for each month, by its index, the invoices that cover something of
    it, and which services (None: every one). `doubtful` are live invoices of which nobody can tell
    what they cover; `keys` are those of our own invoices, by their first month.
    """

    live: Months
    cancelled: Months
    doubtful: list[Coverage]
    keys: dict[int, list[InvoiceKey]]

    def live_on(self, services: Services, month: Month) -> tuple[InvoiceId, ...]:
        """Return the live invoices that cover one of `services` in `month`, by number."""
        return _numbers(self.live.get(month.index), services)

    def cancelled_on(self, services: Services, month: Month) -> tuple[InvoiceId, ...]:
        """Return the cancelled invoices that covered one of `services` in `month`, by number."""
        return _numbers(self.cancelled.get(month.index), services)

    def covered_services(self, services: Services, month: Month) -> set[ServiceCode]:
        """Return those of `services` that live invoices cover in `month`."""
        covered: set[ServiceCode] = set()
        for theirs, _ in self.live.get(month.index, ()):
            covered.update(services if theirs is None else theirs)
        return covered.intersection(services)

    def last_covered(self, services: Services, before: Month | None = None) -> Month | None:
        """Return the latest month, of those `before` one, in which one of `services` is covered."""
        limit = before.index if before else None
        for index in sorted(self.live, reverse=True):
            if limit is not None and index >= limit:
                continue
            if any(_share(theirs, services) for theirs, _ in self.live[index]):
                return Month.from_index(index)
        return None

    def made_in(self, made: Month, services: Services, month: Month) -> tuple[InvoiceId, ...]:
        """Return live invoices made in `made` that cover one of `services` in `month`."""
        holders = self.live.get(month.index, ())
        made_then = [holder for holder in holders if Month.of(holder[1].created) == made]
        return _numbers(made_then, services)

    def unclear_for(self, months: Iterable[Month], since: Month) -> tuple[InvoiceId, ...]:
        """Return live invoices that may cover `months`, and nobody can tell.

        Those with a subscription wording and no month, made since `since` began, and those whose
        rows name one of `months` in words that are not ours.
        """
        if not self.doubtful:
            return ()
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
        issue = 0
        for key in self.keys.get(period.first.index, ()):
            if _share(key.services, services):
                issue = max(issue, key.issue)
        return issue + 1


def history_of(invoices: tuple[IssuedInvoice, ...], policy: Policy) -> History:
    """Return what `invoices` cover; its answers do not depend on their order."""
    live: Months = {}
    cancelled: Months = {}
    doubtful: list[Coverage] = []
    keys: dict[int, list[InvoiceKey]] = {}
    for invoice in invoices:
        is_live = invoice.state is not InvoiceState.CANCELLED
        months = live if is_live else cancelled
        key = invoice.key
        if key is not None:
            # Most invoices are ours, so the key is read without a slot for each of its months.
            first = key.period.first.index
            keys.setdefault(first, []).append(key)
            for index in range(first, first + key.period.months):
                months.setdefault(index, []).append((key.services, invoice))
            continue
        seen = coverage_of(invoice, policy)
        for slot in seen.slots:
            services = None if slot.service is None else (slot.service,)
            months.setdefault(slot.month.index, []).append((services, invoice))
        if is_live and (seen.monthless or seen.unclear_months):
            doubtful.append(seen)
    return History(live, cancelled, doubtful, keys)


def _numbers(holders: Iterable[Holder] | None, services: Services) -> tuple[InvoiceId, ...]:
    if not holders:
        return ()
    return tuple(
        sorted({invoice.invoice for theirs, invoice in holders if _share(theirs, services)})
    )


def _share(theirs: Services | None, services: Services) -> bool:
    """Say whether two invoices have a service in common; None stands for every service."""
    if theirs is None or theirs == services:
        return True
    return any(service in theirs for service in services)
