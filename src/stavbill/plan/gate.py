"""The gate before the first write: does this month look like the last one.

Each company is compared with itself one service month earlier, by issuer and currency; an invoice
over several months is spread over them. Source: operations page, «Safety».
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from stavbill.billing.covered import coverage_of
from stavbill.billing.decision import Bill, Decision, Skip, SkipReason
from stavbill.billing.facts import CompanyCard, InvoiceState
from stavbill.billing.period import Month
from stavbill.billing.policy import Policy
from stavbill.plan.records import InvoiceRecord
from stavbill.plan.shared_causes import SharedCause, causes_of, shared_causes

NOT_COMPARED = frozenset({SkipReason.NOT_ITS_DAY, SkipReason.POSTPONED, SkipReason.NOT_PASSED})


@dataclass(frozen=True, slots=True, order=True)
class Purse:
    """Whose money in which currency: the portal's own company and an ISO code."""

    own_company: int
    currency: str


@dataclass(slots=True)
class Tally:
    """Companies billed for one service month, and kopecks of it."""

    companies: int = 0
    minor: int = 0

    def add(self, minor: int) -> None:
        """Count one more company."""
        self.companies += 1
        self.minor += minor


@dataclass(slots=True)
class MonthTotals:
    """What the month would come to, and what the month before came to, by purse.

    `causes` says how many companies wait for each trouble that they may share with others, `judged`
    how many were billed or held.
    """

    now: dict[Purse, Tally] = field(default_factory=dict)
    before: dict[Purse, Tally] = field(default_factory=dict)
    invoices: int = 0
    judged: int = 0
    causes: Counter[SharedCause] = field(default_factory=Counter)

    @property
    def shared(self) -> tuple[SharedCause, ...]:
        """The causes that many companies share (billing rules §11)."""
        return shared_causes(self.causes, self.judged)

    def add_decision(self, decision: Decision) -> None:
        """Count one company among those judged, and for what it waits."""
        if not isinstance(decision, Skip):
            self.judged += 1
            self.causes.update(causes_of(decision))

    def add_company(self, share: CompanyShare) -> None:
        """Add one company's share."""
        self.invoices += share.invoices
        for mine, totals in ((share.now, self.now), (share.before, self.before)):
            for purse, minor in mine.items():
                totals.setdefault(purse, Tally()).add(minor)


@dataclass(frozen=True, slots=True)
class CompanyShare:
    """One company's part: kopecks of this and of the previous service month, new invoices."""

    now: Mapping[Purse, int]
    before: Mapping[Purse, int]
    invoices: int = 0


def share_of(
    decision: Decision,
    card: CompanyCard,
    invoices: Iterable[InvoiceRecord],
    policy: Policy,
    run_month: Month,
) -> CompanyShare:
    """Return what one company adds to the comparison; nothing when its day has not come.

    Only invoices with our key count: the first month beside another biller has nothing to be
    compared with, and a person is asked.

    Source: operations page, «Safety».
    """
    if isinstance(decision, Skip) and decision.reason in NOT_COMPARED:
        return CompanyShare({}, {})
    target = run_month.plus(-1) if card.previous_month else run_month.plus(1)
    if card.previous_month and (card.months or 1) > 1:
        target = run_month.plus(-(card.months or 1))
    now: dict[Purse, int] = {}
    before: dict[Purse, int] = {}
    for record in invoices:
        if record.issued.state is InvoiceState.CANCELLED or record.issued.key is None:
            continue
        months = {slot.month for slot in coverage_of(record.issued, policy).slots}
        purse = Purse(record.own_company or 0, record.currency)
        monthly = int(record.total * 100) // max(len(months), 1)
        for month, side in ((target, now), (target.plus(-1), before)):
            if month in months:
                side[purse] = side.get(purse, 0) + monthly
    drafts = decision.drafts if isinstance(decision, Bill) else ()
    for draft in drafts:
        purse = Purse(draft.own_company, draft.currency.value)
        now[purse] = now.get(purse, 0) + draft.total.minor // draft.period.months
    return CompanyShare(now, before, len(drafts))


@dataclass(frozen=True, slots=True)
class Deviation:
    """A purse outside the band: companies and kopecks, before and now."""

    purse: Purse
    companies_before: int
    companies_now: int
    minor_before: int
    minor_now: int


@dataclass(frozen=True, slots=True)
class Go:
    """Nothing stands in the way."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A person has to say yes: `first_run` when there is nothing to compare with."""

    first_run: bool


@dataclass(frozen=True, slots=True)
class Stop:
    """Outside the band, too many invoices, or a trouble that many companies wait for; all at once.

    `--max-invoices` decides about the second, `--accept-band` about the others.
    """

    deviations: tuple[Deviation, ...] = ()
    too_many: int | None = None
    shared: tuple[SharedCause, ...] = ()


GateAnswer = Go | Ask | Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """What the operator has said beforehand, and the configured limits.

    `partial` is a run of named companies: it is not compared with a whole month. `unattended` is
    one that a schedule began: inside the band it goes on, because nobody sits there to say yes.
    """

    band_percent: int = 20
    max_invoices: int | None = None
    yes: bool = False
    accept_band: bool = False
    partial: bool = False
    unattended: bool = False


def gate(totals: MonthTotals, permission: Permission) -> GateAnswer:
    """Return whether the plan may be applied, before its first write.

    A trouble that many companies wait for stops even where nothing would be billed. Otherwise,
    without a new invoice there is nothing to guard. The band holds for companies billed and for
    the sum, each ± `band_percent`, by purse; the first run has nothing to be compared with.

    Source: operations page, «Safety»; billing rules §11, last entry.
    """
    compares = not (permission.partial or permission.accept_band)
    shared = totals.shared if compares else ()
    if totals.invoices == 0:
        return Stop(shared=shared) if shared else Go()
    limit, first_run = permission.max_invoices, not totals.before
    too_many = totals.invoices if limit is not None and totals.invoices > limit else None
    compares = compares and not first_run
    deviations = _deviations(totals, permission.band_percent) if compares else ()
    # All at once: whoever agrees to the one is not stopped by the other afterwards.
    if deviations or shared or too_many is not None:
        return Stop(deviations, too_many, shared)
    agreed = permission.yes or permission.accept_band
    return Go() if agreed or (permission.unattended and not first_run) else Ask(first_run)


def _deviations(totals: MonthTotals, percent: int) -> tuple[Deviation, ...]:
    found = []
    for purse in sorted(totals.now.keys() | totals.before.keys()):
        now, before = totals.now.get(purse, Tally()), totals.before.get(purse, Tally())
        companies_off = _is_off(now.companies, before.companies, percent)
        if companies_off or _is_off(now.minor, before.minor, percent):
            found.append(Deviation(purse, before.companies, now.companies, before.minor, now.minor))
    return tuple(found)


def _is_off(now: int, before: int, percent: int) -> bool:
    return abs(now - before) * 100 > before * percent
