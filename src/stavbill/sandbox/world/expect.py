"""An independent reading of the billing rules: what a run must do with each company of a cluster.

It knows the world's records only, and no line of the product. Sources: billing rules §1-§11.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from stavbill.sandbox.world import months, reading, setting
from stavbill.sandbox.world.expected import (
    BILL,
    DISPATCHING,
    FUEL,
    HOLD,
    SIM,
    SIM_NAME,
    SKIP,
    SUBSCRIPTION,
    Expectation,
    ExpectedInvoice,
    ExpectedLine,
)
from stavbill.sandbox.world.model import Account, Card, Cluster, Company, Invoice, Stage, Unit

CONSERVED_PRICE = {"RUB": 100_00}
DEFAULT_DAY = 10
KNOWN_TEMPLATES = frozenset(template.id for template in setting.TEMPLATES)
RULES = (
    reading.Rule(
        setting.SUBSCRIPTION_RF,
        "Подписка на сервис удаленного управления автопарком РФ",
        setting.AUTOTRACKER,
        "RUB",
    ),
    reading.Rule(
        setting.SUBSCRIPTION_KZ,
        "Подписка на сервис удаленного управления автопарком КЗ",
        setting.AUTOTRACKER_KZ,
        "KZT",
    ),
    reading.Rule(setting.SERVICE_RF_GONE, "Абонентское обслуживание РФ", setting.MATVEEV, "RUB"),
)
MAIN_TITLE = "Подписка на сервис"
SEPARATE_TITLES = {
    FUEL: setting.SEPARATE_FUEL,
    DISPATCHING: setting.SEPARATE_DISPATCHING,
    SIM: SIM_NAME,
}
Fees = dict[str, reading.Groups | None]


@dataclass(slots=True)
class Bucket:
    """The services of one invoice, and what the months of it say."""

    services: frozenset[str]
    title: str
    months: tuple[months.Month, ...] = ()
    covered: bool = False
    waits: bool = False
    holds: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Counted:
    """What Wialon shows for a company: (active, conserved), or why that cannot be said."""

    pair: tuple[int, int] | None
    why_not: str = ""


class Judge:
    """Judges the companies of one cluster as of one day.

    `own_companies` are the ids of those that the portal really has. With `forced` a person has
    set the sending day and the skip flag aside, for every company.
    """

    def __init__(
        self,
        cluster: Cluster,
        as_of: date,
        own_companies: frozenset[int],
        *,
        forced: bool = False,
    ) -> None:
        """Read every card once."""
        self.as_of, self.own, self.forced = as_of, own_companies, forced
        self.companies = cluster.companies
        self.fees = {each.id: fees_of(each.card) for each in cluster.companies}
        self.accounts = {account.id: account for account in cluster.accounts}
        self.units: dict[int, list[Unit]] = {}
        for unit in cluster.units:
            self.units.setdefault(unit.account_id, []).append(unit)

    def expectations(self) -> dict[int, Expectation]:
        """Return the decision for each company."""
        return {company.id: self.judge(company) for company in self.companies}

    def judge(self, company: Company) -> Expectation:
        """Walk the order of §9: the first skip that is true, else all holds, else the bill."""
        card, fees = company.card, self.fees[company.id]
        skip = self.skip_before_months(card, fees)
        if skip:
            return Expectation(SKIP, frozenset({skip}))
        buckets = self.buckets(company)
        if all(bucket.covered or bucket.waits for bucket in buckets):
            waiting = any(bucket.waits for bucket in buckets)
            perhaps = frozenset({"not_its_day"} if waiting else ())
            return Expectation(SKIP, frozenset({"covered"}), may_also=perhaps)
        day = reading.sending_day(card.sending, self.as_of, DEFAULT_DAY)
        awaited = None if self.forced else day
        if awaited is not None and awaited.opens is None:
            return Expectation(SKIP, frozenset({"postponed"}))
        if awaited is not None and awaited.opens is not None and self.as_of < awaited.opens:
            return Expectation(SKIP, frozenset({"not_its_day"}))
        reasons, also, count = self.holds(company, buckets)
        if day is None:
            reasons.add("field_problem")
        if reasons:
            return Expectation(
                HOLD, frozenset(reasons), may_also=frozenset(also - reasons), card_count=count
            )
        good, bad = reading.usable_emails(card.emails)
        mend = bool(bad) or (not good and not reading.usable_phone(card.whatsapp))
        invoices = tuple(sorted(self.bill(company, each) for each in buckets if not each.covered))
        return Expectation(BILL, invoices=invoices, card_count=count, mend_address=mend)

    def skip_before_months(self, card: Card, fees: Fees) -> str:
        """Return the skip that needs no look at months or days, or nothing."""
        if not any(
            (card.tariff.strip(), card.fuel.strip(), card.dispatching.strip(), card.sim.strip())
        ):
            return "not_a_customer"
        if card.status and not is_active(card):
            return "inactive"
        if card.skip and not self.forced:
            return "skip_flag"
        if all(groups is not None and not worth(groups) for groups in fees.values()):
            return "no_fee"
        return ""

    # ------------------------------------------------------------------------------ months, §3

    def buckets(self, company: Company) -> list[Bucket]:
        """Return the invoices that the fees make, each with its months judged."""
        fees = self.fees[company.id]
        charged = {name for name, groups in fees.items() if groups is None or worth(groups)}
        apart = separate_services(company.card) & charged
        found = [Bucket(frozenset({name}), SEPARATE_TITLES[name]) for name in sorted(apart)]
        if charged - apart:
            found.insert(0, Bucket(frozenset(charged - apart), MAIN_TITLE))
        for bucket in found:
            self.judge_months(company, bucket)
        return found

    def judge_months(self, company: Company, bucket: Bucket) -> None:
        """Say which months a bucket bills, or that they are covered, waiting or doubtful."""
        live = [each for each in company.invoices if each.stage is not Stage.CANCELLED]
        dead = [each for each in company.invoices if each.stage is Stage.CANCELLED]
        covered, cancelled = months_taken(live, bucket), months_taken(dead, bucket)
        run, card = months.of(self.as_of), company.card
        count = card.months or 1
        if not card.previous_month:
            first = months.shift(run, 1)
        elif count == 1:
            first = months.shift(run, -1)
        else:
            first = months.shift(max(covered), 1) if covered else months.shift(run, -count)
            bucket.waits = months.between(first, run) < count
        bucket.months = months.span(first, count)
        bucket.covered = first in covered
        if bucket.covered or bucket.waits:
            return
        if covered & set(bucket.months[1:]):
            bucket.holds.add("overlap")
        if (cancelled - covered) & set(bucket.months):
            bucket.holds.add("cancelled_by_hand")
        since = date(*run, 1)
        if any(reading.taken(each).unreadable and each.created_at.date() >= since for each in live):
            bucket.holds.add("covered_unclear")

    # -------------------------------------------------------------------------------- holds, §9

    def holds(
        self, company: Company, buckets: list[Bucket]
    ) -> tuple[set[str], set[str], int | None]:
        """Return all reasons, those that may stand beside them, and the count for the card."""
        card, fees = company.card, self.fees[company.id]
        reasons = {reason for bucket in buckets for reason in bucket.holds}
        if any(groups is None for groups in fees.values()):
            reasons.add("tariff")
        if not card.status:
            reasons.add("status_empty")
        chosen = reading.contract(company.documents, RULES, KNOWN_TEMPLATES)
        if chosen is None:
            reasons.add("no_contract")
        elif chosen[0].issuer_id not in self.own:
            reasons.add("issuer_unknown")
        if not has_requisites(company):
            reasons.add("requisites")
        if self.is_below_partner(company):
            reasons.add("billed_through_partner")
        currency = chosen[0].currency if chosen else "RUB"
        also: set[str] = set()
        count = self.check_count(company, currency, reasons, also)
        return reasons, also, count

    def check_count(
        self, company: Company, currency: str, reasons: set[str], also: set[str]
    ) -> int | None:
        """Compare tariff and Wialon (§5, §6, §11); return what the card's count must become."""
        card, groups = company.card, self.fees[company.id][SUBSCRIPTION]
        if card.ignore_count or groups == ():
            return None
        sharing = self.sharing(company)
        seen = self.observed(company)
        if groups is None:
            # Whether more is said of units that nothing can be compared with, the rules leave open.
            also.update({"shared_account"} if len(sharing) > 1 else ())
            also.update({seen.why_not} if seen.pair is None else {"conservation_price_missing"})
            return None
        if seen.pair is None:
            reasons.add(seen.why_not)
            return None
        price = CONSERVED_PRICE.get(currency)
        if price is None and seen.pair[1]:
            reasons.add("conservation_price_missing")
            return None
        told = [expected_pair(self.fees[each.id][SUBSCRIPTION], price) for each in sharing]
        known = [pair for pair in told if pair is not None]
        total = (sum(pair[0] for pair in known), sum(pair[1] for pair in known))
        if len(known) == len(told) and total == seen.pair:
            return sum(seen.pair) if len(sharing) == 1 else None
        if len(sharing) > 1:
            reasons.add("shared_account")
            also.add("count_mismatch")
        else:
            reasons.add("count_mismatch")
        return None

    def sharing(self, company: Company) -> list[Company]:
        """Return the active, not skipped companies that name this company's account."""
        place = (company.card.where, account_name(company.card))
        if self.is_below_partner(company):
            return [company]
        return [
            each
            for each in self.companies
            if (each.card.where, account_name(each.card)) == place
            and (each.id == company.id or (is_active(each.card) and not each.card.skip))
        ]

    def observed(self, company: Company) -> Counted:
        """Return what stands in the company's account, a partner's subtree included."""
        if company.card.where not in setting.TOP_ACCOUNTS:
            return Counted(None, "connection_unknown")
        account = self.account_of(company)
        if account is None:
            return Counted(None, "account_missing")
        covered = [account.id]
        if company.card.partner:
            covered = [each.id for each in self.accounts.values() if account in self.path(each)]
        units = [unit for each in covered for unit in self.units.get(each, [])]
        if any(unit.state_unknown for unit in units):
            return Counted(None, "units_unknown")
        active = sum(unit.active for unit in units)
        return Counted((active, sum(is_conserved(unit) for unit in units)))

    def account_of(self, company: Company) -> Account | None:
        """Return the account that the card names on its connection."""
        name, where = account_name(company.card), company.card.where
        for account in self.accounts.values():
            if account.name == name and account.connection == where:
                return account
        return None

    def path(self, account: Account) -> list[Account]:
        """Return an account and those above it."""
        found = [account]
        while found[-1].parent_id is not None:
            found.append(self.accounts[found[-1].parent_id])
        return found

    def is_below_partner(self, company: Company) -> bool:
        """Say whether an active, not skipped partner's account stands above the company's."""
        account = self.account_of(company)
        if account is None:
            return False
        above = self.path(account)[1:]
        partners = [each for each in self.companies if each.card.partner and not each.card.skip]
        return any(
            is_active(each.card) and self.account_of(each) in above
            for each in partners
            if each.id != company.id
        )

    # ------------------------------------------------------------------------------ invoice, §7

    def bill(self, company: Company, bucket: Bucket) -> ExpectedInvoice:
        """Return the invoice of a bucket."""
        chosen = reading.contract(company.documents, RULES, KNOWN_TEMPLATES)
        assert chosen is not None  # noqa: S101 - no contract is a hold
        rule, document = chosen
        lines = []
        for service in bucket.services:
            by_price: dict[int, int] = {}
            for quantity, price in self.fees[company.id][service] or ():
                by_price[price] = by_price.get(price, 0) + quantity
            lines += [
                ExpectedLine(service, month, quantity, price)
                for month in bucket.months
                for price, quantity in by_price.items()
                if quantity and price
            ]
        return ExpectedInvoice(
            rule.issuer_id,
            rule.currency,
            company.card.contract_number.strip() or document.number,
            f"[Биллинг] {bucket.title} {months.bracket(bucket.months[0], len(bucket.months))}",
            tuple(sorted(lines)),
        )


def fees_of(card: Card) -> Fees:
    """Return the groups of every service, None for a text that cannot be read."""
    texts = {
        SUBSCRIPTION: card.tariff,
        FUEL: card.fuel,
        DISPATCHING: card.dispatching,
        SIM: card.sim,
    }
    return {service: reading.tariff(text) for service, text in texts.items()}


def worth(groups: reading.Groups) -> int:
    """Return what the groups cost in a month, in kopecks."""
    return sum(quantity * price for quantity, price in groups)


def is_active(card: Card) -> bool:
    """Say whether the status is one of those that begin with «Актив»."""
    return bool(card.status) and str(card.status).startswith("Актив")


def account_name(card: Card) -> str:
    """Return the account's name without the remark behind the bar."""
    return card.account.partition("|")[0].strip()


def separate_services(card: Card) -> set[str]:
    """Return the services that go on an invoice of their own."""
    if "Да" in card.separate:
        return set(SEPARATE_TITLES)
    return {service for service, title in SEPARATE_TITLES.items() if title in card.separate}


def months_taken(invoices: list[Invoice], bucket: Bucket) -> set[months.Month]:
    """Return the months that invoices take of a bucket: one of its services is enough."""
    slots = {slot for each in invoices for slot in reading.taken(each).slots}
    return {month for service, month in slots if service in bucket.services}


def has_requisites(company: Company) -> bool:
    """Say whether one set of requisites names the buyer well enough."""
    return any(
        each.inn or each.bin or each.iin
        or (each.preset_id == setting.PERSON_PRESET and any(each.person))
        for each in company.requisites
    )  # fmt: skip


def is_conserved(unit: Unit) -> bool:
    """Say whether a unit is deactivated under a mark that no later restoration lifts."""
    marks = [name for name, _ in unit.fields if name.casefold().startswith("консервация от")]
    lifted = [name for name, _ in unit.fields if name.casefold().startswith("восстановление")]
    latest = max((marked_day(name) for name in marks), default=None)
    if unit.active or latest is None:
        return False
    return all(marked_day(name) < latest for name in lifted)


def marked_day(name: str) -> tuple[int, ...]:
    """Return the day that a mark names, as (year, month, day)."""
    return tuple(int(part) for part in reversed(name.rsplit(maxsplit=1)[-1].split(".")))


def expected_pair(groups: reading.Groups | None, price: int | None) -> tuple[int, int] | None:
    """Return (active, conserved) as the tariff has them: conserved at exactly that price."""
    if groups is None:
        return None
    conserved = sum(quantity for quantity, each in groups if each == price)
    return (sum(quantity for quantity, _ in groups) - conserved, conserved)
