"""The configuration in the core's words: issuer rules, dated VAT rates, wording, prices, days."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache

from stavbill.billing.facts import (
    DISPATCHING,
    FUEL_SENSOR,
    SUBSCRIPTION,
    OwnCompanyId,
    ServiceCode,
)
from stavbill.billing.money import Currency
from stavbill.billing.period import WorkingCalendar


@lru_cache(maxsize=16_384)
def plain(text: str) -> str:
    """Return `text` as it is compared: case, «ё» and runs of white space do not count (§4)."""
    return " ".join(text.casefold().replace("ё", "е").split())


def begins_with(text: str, beginning: str) -> bool:
    """Say whether `text` begins with `beginning` as whole words, both made `plain` (§4)."""
    if not beginning or not text.startswith(beginning):
        return False
    rest = text[len(beginning) :]
    return not rest or not rest[0].isalnum()


# How people name services on invoices of their own making; the first that fits decides.
HAND_STEMS = (
    ("дут", FUEL_SENSOR),
    ("диспетчер", DISPATCHING),
    ("подписка на сервис", SUBSCRIPTION),
    ("абонентск", SUBSCRIPTION),
    ("абонплат", SUBSCRIPTION),
)


@dataclass(frozen=True, slots=True)
class DatedRate:
    """A VAT rate in percent from `since` on; `percent` None means outside VAT (§7)."""

    since: date
    percent: Decimal | None


@dataclass(frozen=True, slots=True)
class ServiceWording:
    """How one service is written on invoices of one issuer rule.

    `line` stands before the month on a row, `title` on an invoice of this service alone, without
    «[Биллинг]» and month; `conserved` on a row of conserved units, so that no two rows read the
    same (§11).
    """

    service: ServiceCode
    line: str
    title: str
    conserved: str = ""

    @property
    def conserved_line(self) -> str:
        """The words of a row of conserved units: the configured ones, else «… (консервация)»."""
        return self.conserved or f"{self.line} (консервация)"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerRule:
    """One row of the ordered rule table of §4: which contract leads to which issuer.

    A document matches by `template_ids` or `template_names`; one whose template the portal does
    not know, by the beginning of its title. `own_company` is None when the portal has no own
    company of the name `issuer`: contracts of the rule then hold. `conservation_price` is this
    issuer's own; None leaves the currency's (§5).
    """

    code: str
    issuer: str
    own_company: OwnCompanyId | None
    currency: Currency
    template_ids: tuple[str, ...] = ()
    template_names: tuple[str, ...] = ()
    title: str
    wording: tuple[ServiceWording, ...]
    vat: tuple[DatedRate, ...]
    conservation_price: Decimal | None = None

    def words(self, service: ServiceCode) -> ServiceWording:
        """Return the wording of `service`; the service's code stands in where none is given."""
        for wording in self.wording:
            if wording.service == service:
                return wording
        return ServiceWording(service, str(service), str(service))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What holds for every company of a portal.

    `services` is every fee-bearing service in the order of invoice lines, subscription first.
    `conservation_prices` gives the price that marks a conservation group, by currency (§5); a
    currency that is absent has none. `hand_wording` are further beginnings of rows and titles by
    which invoices that others made are recognised as a service; `stems` begin words that tell a
    service anywhere in a row.
    """

    rules: tuple[IssuerRule, ...]
    services: tuple[ServiceCode, ...]
    active_statuses: frozenset[str]
    calendar: WorkingCalendar
    default_sending_day: int = 10
    pay_within_days: int = 10
    default_currency: Currency = Currency.RUB
    conservation_prices: tuple[tuple[Currency, Decimal], ...] = ((Currency.RUB, Decimal(100)),)
    hand_wording: tuple[ServiceWording, ...] = ()
    stems: tuple[tuple[str, ServiceCode], ...] = HAND_STEMS
    title_mark: str = "[Биллинг]"
    forecast_years: frozenset[int] = frozenset()

    wordings: tuple[tuple[str, ServiceCode], ...] = field(init=False, repr=False, compare=False)
    ranks: dict[str, int] = field(init=False, repr=False, compare=False)
    by_template_id: dict[str, IssuerRule] = field(init=False, repr=False, compare=False)
    by_template_name: dict[str, IssuerRule] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Prepare what every company asks: wordings, the longest first, ranks and templates."""
        by_id: dict[str, IssuerRule] = {}
        by_name: dict[str, IssuerRule] = {}
        for rule in self.rules:
            for template in rule.template_ids:
                by_id.setdefault(template, rule)
            for name in rule.template_names:
                by_name.setdefault(plain(name), rule)
        ranks = {rule.code: rank for rank, rule in enumerate(self.rules)}
        object.__setattr__(self, "ranks", ranks)
        object.__setattr__(self, "by_template_id", by_id)
        object.__setattr__(self, "by_template_name", by_name)
        words = [word for rule in self.rules for word in rule.wording] + list(self.hand_wording)
        known = {(plain(word.line), word.service) for word in words}
        known |= {(plain(word.title), word.service) for word in words}
        subscription = self.services[0]
        known |= {
            (plain(word.conserved), subscription) for word in words if word.service == subscription
        }
        known |= {(plain(rule.title), self.services[0]) for rule in self.rules}
        ordered = sorted(
            (pair for pair in known if pair[0]), key=lambda pair: (-len(pair[0]), pair)
        )
        object.__setattr__(self, "wordings", tuple(ordered))

    def conservation_price(self, currency: Currency) -> Decimal | None:
        """Return the price that marks conserved units in `currency`, None when none is set."""
        for known, price in self.conservation_prices:
            if known is currency:
                return price
        return None
