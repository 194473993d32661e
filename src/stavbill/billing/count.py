"""Expected against observed units: active against active, conserved against conserved.

Source: billing rules §5, §6, §11.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from stavbill.billing.decision import (
    AccountMissing,
    ConnectionUnknown,
    ConservationPriceMissing,
    CountMismatch,
    Note,
    SharedAccountMismatch,
    UnitsUnknown,
)
from stavbill.billing.facts import (
    CompanyId,
    Counted,
    Facts,
    NestedCount,
    NotCounted,
    NotCountedWhy,
)
from stavbill.billing.money import Currency
from stavbill.billing.tariff import Tariff, parse_tariff

CountProblem = (
    CountMismatch
    | SharedAccountMismatch
    | AccountMissing
    | ConnectionUnknown
    | UnitsUnknown
    | ConservationPriceMissing
)


@dataclass(frozen=True, slots=True)
class CountPassed:
    """The count does not stand in the way. `card_count` is what the card shall say, None: as is."""

    card_count: int | None
    explanation: tuple[Note, ...]
    warnings: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Parts:
    """Units expected or observed, in the two parts that are always compared."""

    active: int
    conserved: int

    @property
    def total(self) -> int:
        """Both parts together."""
        return self.active + self.conserved


def expected_parts(tariff: Tariff, conservation_price: Decimal | None) -> Parts:
    """Return what the tariff expects: groups at exactly the conservation price are conserved.

    Source: billing rules §5.
    """
    conserved = 0
    if conservation_price is not None:
        kopecks = int(conservation_price * 100)
        for group in tariff.merged:
            if group.price == kopecks:
                conserved = group.quantity or 0
    return Parts(tariff.quantity - conserved, conserved)


def observed_parts(seen: Counted, *, partner: bool) -> Parts:
    """Return what Wialon shows: a partner's whole subtree, else the account's own units (§6)."""
    active, conserved = seen.active, seen.conserved
    if partner:
        active += sum(nested.active for nested in seen.nested)
        conserved += sum(nested.conserved for nested in seen.nested)
    return Parts(active, conserved)


def annex_of(facts: Facts) -> tuple[NestedCount, ...]:
    """Return a partner's annex: the accounts of its subtree, its own first if that has units.

    So it adds up to the units that are billed. Empty without nested accounts, and uncounted.

    Source: billing rules §6.
    """
    seen = facts.observation
    if not facts.card.partner or isinstance(seen, NotCounted) or not seen.nested:
        return ()
    own = NestedCount(facts.card.account or "", seen.active, seen.conserved)
    return (own, *seen.nested) if own.active or own.conserved else seen.nested


def check_count(
    facts: Facts, tariff: Tariff, conservation_price: Decimal | None, currency: Currency
) -> CountPassed | CountProblem:
    """Return that the units agree (or need not), or the problem to hold for.

    A subscription of `-` is not checked at all; with the ignore flag the card's data are billed
    whatever Wialon says, and the difference is noted.

    Source: billing rules §5, §11.
    """
    if tariff.is_no_fee:
        return CountPassed(None, (Note("count_not_checked", "§5"),))
    if facts.card.ignore_count:
        return _ignored(facts, tariff, conservation_price)
    match facts.observation:
        case NotCounted() as unknown:
            return _not_counted(unknown, facts)
        case Counted() as seen:
            return _compare(facts, seen, tariff, conservation_price, currency)


def _ignored(facts: Facts, tariff: Tariff, price: Decimal | None) -> CountPassed:
    if isinstance(facts.observation, NotCounted):
        expected = expected_parts(tariff, price)
        values = (("expected", expected.total), ("why", facts.observation.why.value))
        return CountPassed(None, (Note("count_ignored_unknown", "§5", values),))
    expected, unreadable = _together(facts, tariff, price)
    seen = observed_parts(facts.observation, partner=facts.card.partner)
    agrees = seen == expected and not unreadable
    code = "count_ignored" if agrees else "count_ignored_differs"
    note = Note(code, "§5", _numbers(expected, seen))
    return CountPassed(None, (note,), () if agrees else (note,))


def _together(
    facts: Facts, tariff: Tariff, price: Decimal | None
) -> tuple[Parts, tuple[CompanyId, ...]]:
    """Return what all companies of the account expect, and whose tariff cannot be read (§11)."""
    expected = expected_parts(tariff, price)
    unreadable = []
    for sharer in facts.sharers:
        other = parse_tariff(sharer.subscription)
        if isinstance(other, Tariff):
            parts = expected_parts(other, price)
            active, conserved = expected.active + parts.active, expected.conserved + parts.conserved
            expected = Parts(active, conserved)
        else:
            unreadable.append(sharer.company)
    return expected, tuple(sorted(unreadable))


def _not_counted(unknown: NotCounted, facts: Facts) -> CountProblem:
    match unknown.why:
        case NotCountedWhy.ACCOUNT_EMPTY:
            return AccountMissing("")
        case NotCountedWhy.ACCOUNT_MISSING:
            return AccountMissing(facts.card.account or unknown.detail)
        case NotCountedWhy.CONNECTION_UNKNOWN:
            return ConnectionUnknown(facts.card.connection or unknown.detail)
        case NotCountedWhy.UNREACHABLE | NotCountedWhy.INCOMPLETE:
            return UnitsUnknown(unknown.detail, unknown.connection)


def _compare(
    facts: Facts, seen: Counted, tariff: Tariff, price: Decimal | None, currency: Currency
) -> CountPassed | CountProblem:
    observed = observed_parts(seen, partner=facts.card.partner)
    if price is None and observed.conserved:
        return ConservationPriceMissing(currency, observed.conserved)
    if facts.sharers:
        return _compare_shared(facts, seen, tariff, price)
    expected = expected_parts(tariff, price)
    if expected != observed:
        return CountMismatch(
            expected_active=expected.active,
            expected_conserved=expected.conserved,
            active=observed.active,
            conserved=observed.conserved,
            card=facts.card.card_count,
            came=seen.came,
            went=seen.went,
        )
    agreed = Note("count_agreed", "§5", _numbers(expected, observed))
    return CountPassed(observed.total, (agreed,))


def _compare_shared(
    facts: Facts, seen: Counted, tariff: Tariff, price: Decimal | None
) -> CountPassed | CountProblem:
    """Compare the account with the sum of the tariffs of all companies that name it (§11)."""
    expected, unreadable = _together(facts, tariff, price)
    observed = observed_parts(seen, partner=facts.card.partner)
    others = tuple(sorted(sharer.company for sharer in facts.sharers))
    if unreadable or expected != observed:
        return SharedAccountMismatch(
            others=others,
            expected=expected.total,
            active=observed.active,
            conserved=observed.conserved,
            unreadable=unreadable,
        )
    named = ("others", tuple(str(other) for other in others))
    agreed = Note("count_agreed_shared", "§11", (*_numbers(expected, observed), named))
    return CountPassed(tariff.quantity, (agreed,))


def _numbers(expected: Parts, seen: Parts) -> tuple[tuple[str, int], ...]:
    return (
        ("expected_active", expected.active),
        ("expected_conserved", expected.conserved),
        ("active", seen.active),
        ("conserved", seen.conserved),
    )


def unit_warnings(facts: Facts) -> tuple[Note, ...]:
    """Return what deserves a look in the account, whether the count agrees or not.

    Stale marks, deactivated units without a mark, nested accounts of a company that is no partner.
    Nothing when nobody asks for the count.

    Source: billing rules §5, §6, §11.
    """
    seen = facts.observation
    if facts.card.ignore_count or isinstance(seen, NotCounted):
        return ()
    notes = []
    if seen.stale_marks:
        notes.append(Note("stale_conservation_mark", "§11", (("units", seen.stale_marks),)))
    if seen.unmarked:
        notes.append(Note("unmarked_deactivated", "§5", (("count", seen.unmarked),)))
    if seen.nested and not facts.card.partner:
        names = tuple(nested.account for nested in seen.nested)
        notes.append(Note("nested_without_partner_flag", "§6", (("accounts", names),)))
    return tuple(notes)
