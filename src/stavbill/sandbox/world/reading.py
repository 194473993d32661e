"""What people typed, read by the letter of the rules: tariffs, days, addresses, old invoices.

Sources: billing rules §2, §3, §4, §9. Written from the rules alone, for `expect`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from stavbill.sandbox.world import months
from stavbill.sandbox.world.expected import DISPATCHING, FUEL, SERVICES, SIM, SUBSCRIPTION
from stavbill.sandbox.world.model import Document, Invoice

Groups = tuple[tuple[int, int], ...]
"""Pairs of quantity and price in kopecks."""

_GROUP = re.compile(
    r"""\s*(?P<quantity>\d+|[-—–])\s*[*xXхХ×·]\s*
    (?P<price>\d{1,2}\s\d{3}(?!\d)|\d+)(?P<part>[.,]\d{1,2})?
    \s*(?:руб\.?|р\.?|₽)?(?=\s|$)""",
    re.VERBOSE,
)
_NOTHING = re.compile(r"\s*[-—–]?\s*")


def tariff(text: str) -> Groups | None:
    """Return the groups that are billed, none for «no such fee», None when it cannot be read."""
    if _NOTHING.fullmatch(text):
        return ()
    found: list[tuple[int, int]] = []
    pieces = re.split(r"\||\n|,\s", text.strip())
    for piece in pieces[:1] + [each for each in pieces[1:] if each.strip()]:
        position = 0
        while position < len(piece.rstrip()):
            match = _GROUP.match(piece, position)
            if match is None:
                return None
            position = match.end()
            if match["quantity"].isdigit():
                price = re.sub(r"\s", "", match["price"]) + (match["part"] or "").replace(",", ".")
                found.append((int(match["quantity"]), int(Decimal(price) * 100)))
        if not piece.strip():
            return None
    return tuple(found)


@dataclass(frozen=True, slots=True)
class SendingDay:
    """From when a run of this month bills: `opens`; None when the company waits for a later one."""

    opens: date | None


def sending_day(text: str, run: date, default: int) -> SendingDay | None:
    """Return the company's day in the run's month, None when the field cannot be read."""
    text = text.strip()
    month = months.of(run)
    if text.isdigit() and 1 <= int(text) <= 31:
        return SendingDay(_day(month, int(text)))
    if text:
        named = _date(text)
        if named is None:
            return None
        ahead = months.between(month, months.of(named))
        if ahead > 0:
            return SendingDay(None)
        if ahead == 0:
            return SendingDay(months.moved_to_working(named))
    return SendingDay(_day(month, default))


def _day(month: months.Month, number: int) -> date:
    return months.moved_to_working(date(*month, min(number, months.last_day(month))))


def _date(text: str) -> date | None:
    for form in ("%d.%m.%Y", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a day on a card
        except ValueError:
            continue
    return None


def usable_emails(text: str) -> tuple[int, int]:
    """Return how many addresses of the field are usable, and how many are not."""
    parts = [part for part in re.split(r"[\s,;]+", text) if part]
    good = [part for part in parts if re.fullmatch(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", part)]
    return len(good), len(parts) - len(good)


def usable_phone(text: str) -> bool:
    """Say whether WhatsApp could reach the number."""
    return re.fullmatch(r"[78]\d{10}", re.sub(r"[\s()+-]", "", text)) is not None


_BRACKET = re.compile(r"\(\s*([А-Яа-яё]+)\s*(\d{4})?\s*(?:[–—-]\s*([А-Яа-яё]+)\s*)?(\d{4})?\s*\)")
_WORDINGS = (
    (FUEL, ("дут",)),
    (DISPATCHING, ("диспетчеризац",)),
    (SIM, ("sim,",)),
    (SUBSCRIPTION, ("подписка на сервис", "абонентское обслуживание")),
)


def months_of(text: str) -> tuple[months.Month, ...]:
    """Return the months that stand in brackets in a title or a row; none when none do."""
    for match in _BRACKET.finditer(text):
        names = {name.casefold(): number for number, name in enumerate(months.NAMES, start=1)}
        first, last = names.get(match[1].casefold()), names.get((match[3] or match[1]).casefold())
        year = match[4] or match[2]
        if first is None or last is None or year is None:
            continue
        start = (int(match[2] or year), first)
        return months.span(start, months.between(start, (int(year), last)) + 1)
    return ()


def wording_of(text: str) -> str | None:
    """Return the service that a wording tells of, if any."""
    folded = text.casefold()
    for service, words in _WORDINGS:
        if any(word in folded for word in words):
            return service
    return None


@dataclass(frozen=True, slots=True)
class Taken:
    """What an invoice takes: pairs of service and month, or `unreadable` for it tells none."""

    slots: frozenset[tuple[str, months.Month]]
    unreadable: bool = False


def taken(invoice: Invoice) -> Taken:
    """Return the service months of an invoice: by its rows, else by its title for all services."""
    by_title = months_of(invoice.title)
    slots: set[tuple[str, months.Month]] = set()
    unreadable = False
    telling = False
    for row in invoice.rows:
        service = wording_of(row.name)
        if service is None:
            continue
        telling = True
        when = months_of(row.name) or by_title
        slots.update((service, month) for month in when)
        unreadable = unreadable or (service == SUBSCRIPTION and not when)
    if not telling:
        slots.update((service, month) for service in SERVICES for month in by_title)
        unreadable = not by_title and wording_of(invoice.title) == SUBSCRIPTION
    return Taken(frozenset(slots), unreadable)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the issuer table: the template, the title's beginning, who issues in what."""

    template_id: int
    title: str
    issuer_id: int
    currency: str


def contract(
    documents: Iterable[Document], rules: Iterable[Rule], known_templates: frozenset[int]
) -> tuple[Rule, Document] | None:
    """Return the first rule with a document, and the newest document of it."""
    kept = list(documents)
    for rule in rules:
        fitting = [
            each
            for each in kept
            if each.template_id == rule.template_id
            or (
                each.template_id not in known_templates
                and each.title.strip().casefold().startswith(rule.title.casefold())
            )
        ]
        if fitting:
            return rule, max(fitting, key=lambda each: each.created_at)
    return None
