"""The nightly comparison over the store: chunk by chunk, what was found and what follows from it.

One company's trouble never leaves its row, and nothing is asked of the portal here.
Source: operations page, «Nightly check»; beyond 2 and 3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from stavbill.billing.count import observed_parts
from stavbill.billing.decide import decide
from stavbill.billing.facts import CompanyCard, CompanyId, Counted, InvoiceId, OpenCredit
from stavbill.billing.policy import Policy
from stavbill.drawn import drawn_name
from stavbill.log import get_logger
from stavbill.operations.checking import view_of
from stavbill.operations.surroundings import (
    AccountView,
    ConnectionView,
    index_partners,
    look_around,
)
from stavbill.plan.diff import HOLD_TAG, DiffOptions, diff, parking_task
from stavbill.plan.effects import Effect, EffectKey
from stavbill.plan.findings import Finding, FindingKind, Remedy, found
from stavbill.plan.invariants import Violation, violations
from stavbill.plan.join import CompanyRecords, Surroundings, facts_of, standing_of
from stavbill.plan.reconcile import (
    compare_card,
    compare_hold,
    compare_invoices,
    compare_vanished,
    field_effect,
    is_about_hold,
)
from stavbill.plan.reconcile_tasks import CHECK_TAG, Numbered, check_task_effects
from stavbill.plan.sentences import violation_text
from stavbill.plan.standing import Standing, StandingTask
from stavbill.store.credits import open_credits
from stavbill.store.database import Store
from stavbill.store.findings import companies_with, keep_findings
from stavbill.store.mirror import portfolios
from stavbill.store.parking import parked_reasons
from stavbill.store.recording import record_effects, touched_since_read
from stavbill.store.runs import RunId
from stavbill.store.unsettled import settled_keys, unsettled_companies
from stavbill.store.written import (
    WrittenByUs,
    companies_gone,
    invoices_elsewhere,
    issued_to_skipped,
    last_decided,
    written_by_us,
)

# A portal's lists may lag behind its writes by this much.
LAG = timedelta(minutes=5)
log = get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequest:
    """What shall be compared: `read_at` is when the reading began, `due` the day of tasks."""

    run: RunId
    portal: str
    owner: str
    on: date
    at: datetime
    read_at: datetime
    due: date
    connections: Mapping[str, ConnectionView]
    policy: Policy


@dataclass(slots=True)
class Compared:
    """What the comparison came to so far.

    `parks` are companies that became contradictory, with the reason; `ours` is the first violation
    of our own making. `concerned` counts companies for which something would be written, `vanished`
    those that had invoices of ours and are gone since the last check that was believed.
    """

    companies: int = 0
    invoices: int = 0
    waiting: int = 0
    failed: int = 0
    concerned: int = 0
    vanished: int = 0
    new: int = 0
    gone: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    effects: Counter[str] = field(default_factory=Counter)
    parks: list[tuple[CompanyId, str]] = field(default_factory=list)
    ours: Violation | None = None

    @property
    def deleted(self) -> int:
        """How many invoices of ours are not in the portal any more."""
        kinds = (FindingKind.DELETED, FindingKind.VANISHED)
        return sum(self.kinds[kind.value] for kind in kinds)


@dataclass(frozen=True, slots=True)
class _Around:
    """What the store knows of a chunk beside its records."""

    written: WrittenByUs
    elsewhere: Mapping[InvoiceId, CompanyId]
    views: Mapping[CompanyId, AccountView]
    credits: Mapping[CompanyId, tuple[OpenCredit, ...]]
    settled: Mapping[CompanyId, frozenset[EffectKey]]
    unsettled: frozenset[CompanyId]
    parked: Mapping[CompanyId, str]
    decided: Mapping[CompanyId, str]
    skipped: Mapping[CompanyId, frozenset[str]]


@dataclass(frozen=True, slots=True)
class _Looked:
    """One company: what was found, what shall be written, why it is contradictory."""

    known: CompanyRecords
    standing: Standing
    findings: tuple[Finding, ...]
    effects: tuple[Effect, ...]
    reason: str | None
    ours: Violation | None


class Comparer:
    """Compares chunks of companies for one nightly check; what they share is asked once."""

    def __init__(self, store: Store, request: CheckRequest) -> None:
        self._store = store
        self._request = request
        self.compared = Compared()
        with store.read() as db:
            self._index = index_partners(db, request.portal, request.connections, request.policy)

    def compare(self, ids: Sequence[CompanyId]) -> None:
        """Compare a chunk of companies of the mirror; keep findings and record effects.

        Companies that somebody writes to, or wrote to since they were read, are left as they are.
        """
        with self._store.read() as db:
            records = portfolios(db, self._request.portal, ids)
            around = self._around(db, records)
        looked: dict[CompanyId, _Looked] = {}
        for company, known in records.items():
            try:
                looked[company] = self._look(known, around)
            except Exception:
                incident = drawn_name()
                log.exception("check_failed", company=company, incident=incident)
                self.compared.failed += 1
        self._keep(looked, around)

    def compare_gone(self) -> None:
        """Count the companies that are not in the portal any more after we had billed them."""
        for ids in self._gone():
            with self._store.read() as db:
                known = companies_with(db, self._request.portal, ids, FindingKind.COMPANY_GONE)
            self.compared.vanished += len(ids) - len(known)
            self.compared.kinds[FindingKind.COMPANY_GONE.value] += len(ids)

    def keep_gone(self) -> None:
        """Keep that they are gone, once it is believed: whoever is only invisible comes back."""
        request = self._request
        for ids in self._gone():
            told = [found(FindingKind.COMPANY_GONE, one, "company") for one in ids]
            with self._store.write() as db:
                kept = keep_findings(db, request.portal, ids, told, at=request.at)
            self.compared.new += kept.new
            self.compared.gone += kept.gone

    def _gone(self) -> Iterator[Sequence[CompanyId]]:
        after = 0
        while True:
            with self._store.read() as db:
                ids = companies_gone(db, self._request.portal, after=after)
            if not ids:
                return
            yield ids
            after = ids[-1]

    def _around(self, db: Connection, records: Mapping[CompanyId, CompanyRecords]) -> _Around:
        request, ids = self._request, list(records)
        written = written_by_us(db, request.portal, ids, before=request.read_at - LAG)
        lost = [
            one.invoice
            for company, known in records.items()
            for one in written.of(company).invoices
            if one.invoice not in {record.issued.invoice for record in known.invoices}
        ]
        return _Around(
            written=written,
            elsewhere=invoices_elsewhere(db, request.portal, lost),
            views=look_around(
                db,
                request.portal,
                [known.company.card for known in records.values()],
                connections=request.connections,
                index=self._index,
                policy=request.policy,
            ),
            credits=open_credits(db, request.portal, ids),
            settled=settled_keys(db, request.portal, ids),
            unsettled=unsettled_companies(db, request.portal, ids),
            parked=parked_reasons(db, request.portal, ids),
            decided=last_decided(db, request.portal, ids),
            skipped=issued_to_skipped(db, request.portal, ids, on=request.on, at=request.at),
        )

    def _look(self, known: CompanyRecords, around: _Around) -> _Looked:
        request, company = self._request, known.company.company
        written = around.written.of(company)
        view = around.views[company]
        skipped = around.skipped.get(company, frozenset())
        broken = violations(view_of(known, request.on, skipped), request.policy)
        findings = [
            found(FindingKind.MUST_NEVER, company, _subject(one), what=violation_text(one))
            for one in broken
        ]
        findings.extend(compare_invoices(known, written, around.elsewhere))
        card = compare_card(known, written, _observed(known.company.card, view))
        findings.extend(card)
        surroundings = Surroundings(
            observation=view.observation,
            sharers=view.sharers,
            partner_above=view.partner_above,
            credits=around.credits.get(company, ()),
            settled=around.settled.get(company, frozenset()),
            parked=around.parked.get(company),
        )
        standing = standing_of(known, surroundings)
        effects: list[Effect] = [*field_effect(card, company, written, request.on)]
        was_held = written.hold_task and around.decided.get(company) == "hold"
        is_deleted = any(one.kind is FindingKind.DELETED for one in findings)
        if is_deleted or was_held or standing.hold_task is not None:
            decision = decide(facts_of(known, surroundings), request.policy, request.on)
            vanished = compare_vanished(decision, standing)
            findings = [one for one in findings if not _is_within(one, vanished)]
            hold = compare_hold(decision, standing, was_held=was_held)
            findings.extend((*vanished, *hold))
            if any(one.remedy is Remedy.MEND for one in hold):
                wanted = diff(decision, standing, request.on, DiffOptions(due=request.due))
                effects.extend(one for one in wanted if is_about_hold(one, standing, HOLD_TAG))
        contradictory = [one for one in findings if one.remedy is Remedy.PARK]
        reason = contradictory[0].detail if contradictory else None
        ours = next((one for one in broken if one.ours), None)
        return _Looked(known, standing, tuple(findings), tuple(effects), reason, ours)

    def _keep(self, looked: Mapping[CompanyId, _Looked], around: _Around) -> None:
        """Keep a chunk's findings and effects in one transaction."""
        request, compared = self._request, self.compared
        with self._store.write() as db:
            busy = touched_since_read(db, request.portal, request.run, list(looked))
            ours = [
                one
                for company, one in looked.items()
                if company not in busy and company not in around.unsettled
            ]
            ids = [one.known.company.company for one in ours]
            findings = [finding for one in ours for finding in one.findings]
            kept = keep_findings(db, request.portal, ids, findings, at=request.at)
            effects: list[Effect] = []
            for one in ours:
                company = one.known.company.company
                wanted = self._wanted(one, kept.standing.get(company, ()), around)
                compared.concerned += bool(wanted)
                effects.extend(wanted)
            record_effects(
                db, request.run, effects, portal=request.portal, by=request.owner, at=request.at
            )
        compared.companies += len(ours)
        compared.waiting += len(looked) - len(ours)
        compared.invoices += sum(len(around.written.of(company).invoices) for company in ids)
        compared.new += kept.new
        compared.gone += kept.gone
        compared.kinds.update(one.kind.value for one in findings)
        compared.effects.update(effect.kind for effect in effects)
        compared.parks.extend(
            (one.standing.company, one.reason)
            for one in ours
            if one.reason is not None and one.standing.company not in around.parked
        )
        compared.ours = compared.ours or next((one.ours for one in ours if one.ours), None)

    def _wanted(
        self, one: _Looked, numbered: Sequence[Numbered], around: _Around
    ) -> tuple[Effect, ...]:
        """Return the effects for a company; of a parked one only the task that tells why."""
        standing, company = one.standing, one.standing.company
        reason = standing.parked or one.reason
        if reason is not None:
            task = parking_task(standing, reason, self._request.due)
            return () if task.key in standing.settled else (task,)
        told = around.written.told_of(company)
        check = check_task_effects(
            standing, _check_task(one.known), numbered, told, self._request.due
        )
        wanted = (*one.effects, *check)
        return tuple(effect for effect in wanted if effect.key not in standing.settled)


def _subject(one: Violation) -> str:
    invoices = "+".join(str(invoice) for invoice in one.invoices)
    return f"{one.what.value}:{invoices}:{one.detail}"


def _is_within(one: Finding, vanished: Sequence[Finding]) -> bool:
    """Say whether a deleted invoice is told of by the reason for which the company is parked."""
    keys = {key for finding in vanished for key in finding.subject.split("|")}
    return one.kind is FindingKind.DELETED and one.subject in keys


def _observed(card: CompanyCard, view: AccountView) -> int | None:
    """Return how many units Wialon last showed for the company alone, None when nobody knows."""
    if view.sharers or not isinstance(view.observation, Counted):
        return None
    return observed_parts(view.observation, partner=card.partner).total


def _check_task(known: CompanyRecords) -> StandingTask | None:
    tasks = [record.task for record in known.tasks if record.task.tag == CHECK_TAG]
    return min(tasks, key=lambda task: task.task, default=None)
