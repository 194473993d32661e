"""Planning: every company is joined, decided and differed, chunk by chunk, into the store.

A month is never in memory: a chunk of companies is loaded, decided, stored and dropped. One
company's trouble never leaves its row. Source: style of the house §3, steps 2 to 5.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from stavbill.billing.decide import decide
from stavbill.billing.decision import Decision
from stavbill.billing.facts import NO_OVERRIDE, CompanyId, Facts, OpenCredit, Override
from stavbill.billing.period import Month, next_working_day
from stavbill.billing.policy import Policy
from stavbill.log import get_logger
from stavbill.operations.present import Document
from stavbill.operations.progress import Progress
from stavbill.operations.report import Counts
from stavbill.operations.surroundings import (
    AccountView,
    ConnectionView,
    PartnerIndex,
    index_partners,
    look_around,
)
from stavbill.plan.diff import DiffOptions, diff, parking_task, vanished_invoices
from stavbill.plan.effects import Effect, EffectKey
from stavbill.plan.gate import MonthTotals, share_of
from stavbill.plan.invariants import PortalView, Violation, violations
from stavbill.plan.join import CompanyRecords, Surroundings, facts_of, standing_of
from stavbill.plan.sentences import violation_text
from stavbill.plan.standing import Standing
from stavbill.store.credits import open_credits
from stavbill.store.database import Store
from stavbill.store.decisions import put_decisions
from stavbill.store.effects import settled_keys, unsettled_companies
from stavbill.store.mirror import company_ids, portfolios
from stavbill.store.parking import park, parked_reasons
from stavbill.store.recording import record_effects
from stavbill.store.runs import RunId

CHUNK = 50
TASK_DAYS = 3
log = get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """What shall be planned: the run, its day, which companies, what a person sets aside."""

    run: RunId
    portal: str
    on: date
    connections: Mapping[str, ConnectionView]
    policy: Policy
    companies: tuple[CompanyId, ...] = ()
    limit: int | None = None
    override: Override = NO_OVERRIDE
    at: datetime
    issued: date | None = None
    park: bool = True
    keep: bool = True


@dataclass(slots=True)
class Planned:
    """What planning found, added up; the decisions and effects themselves stand in the store."""

    counts: Counts = field(default_factory=Counts)
    totals: MonthTotals = field(default_factory=MonthTotals)
    effects: dict[str, int] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)
    decided: list[tuple[Facts, Decision]] = field(default_factory=list)
    parked: list[Document] = field(default_factory=list)
    failures: list[Document] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Around:
    """What the store knows of a chunk beside its records."""

    views: Mapping[CompanyId, AccountView]
    credits: Mapping[CompanyId, tuple[OpenCredit, ...]]
    settled: Mapping[CompanyId, frozenset[EffectKey]]
    unsettled: Collection[CompanyId]
    parked: Mapping[CompanyId, str]


def plan_companies(store: Store, request: PlanRequest, progress: Progress) -> Planned:
    """Decide every company that the mirror holds, and store decisions and effects."""
    planned = Planned()
    with store.read() as db:
        index = index_partners(db, request.portal, request.connections, request.policy)
    due = next_working_day(request.on + timedelta(days=TASK_DAYS), request.policy.calendar)
    for ids in _chunks(store, request):
        _plan_chunk(store, request, ids, index=index, due=due, planned=planned)
        progress.advance(len(ids))
    return planned


def _chunks(store: Store, request: PlanRequest) -> Iterator[Sequence[CompanyId]]:
    if request.companies:
        named = sorted(set(request.companies))
        for start in range(0, len(named), CHUNK):
            yield named[start : start + CHUNK]
        return
    after, left = 0, request.limit
    while left is None or left > 0:
        with store.read() as db:
            ids = company_ids(db, request.portal, after=after, limit=min(CHUNK, left or CHUNK))
        if not ids:
            return
        yield ids
        after = ids[-1]
        left = None if left is None else left - len(ids)


def _plan_chunk(
    store: Store,
    request: PlanRequest,
    ids: Sequence[CompanyId],
    *,
    index: PartnerIndex,
    due: date,
    planned: Planned,
) -> None:
    with store.read() as db:
        records = portfolios(db, request.portal, ids)
        around = _around(db, request, list(records.values()), index)
    decided: list[tuple[Facts, Decision]] = []
    effects: list[Effect] = []
    broken: list[tuple[CompanyId, str]] = []
    for company, known in records.items():
        try:
            facts, decision, wanted, reason = _plan_one(request, known, around, due, planned)
            if reason is not None and company not in around.parked:
                broken.append((company, reason))
        except Exception as error:
            incident = uuid.uuid4().hex[:8]  # noqa: TID251  names an incident, decides nothing
            log.exception("company_failed", company=company, run=request.run, incident=incident)
            planned.counts.failed += 1
            failed: Document = {
                "company": int(company),
                "incident": incident,
                "error": type(error).__name__,
            }
            planned.failures.append(failed)
            broken.append((company, f"внутренняя ошибка, инцидент {incident}"))
            continue
        decided.append((facts, decision))
        effects.extend(wanted)
    _store(store, request, decided, effects, broken=broken, planned=planned)


def _around(
    db: Connection, request: PlanRequest, records: Sequence[CompanyRecords], index: PartnerIndex
) -> _Around:
    ids = [known.company.company for known in records]
    cards = [known.company.card for known in records]
    portal = request.portal
    return _Around(
        views=look_around(
            db,
            portal,
            cards,
            connections=request.connections,
            index=index,
            policy=request.policy,
        ),
        credits=open_credits(db, portal, ids),
        settled=settled_keys(db, portal, ids),
        unsettled=unsettled_companies(db, portal, ids),
        parked=parked_reasons(db, portal, ids),
    )


def _plan_one(
    request: PlanRequest, known: CompanyRecords, around: _Around, due: date, planned: Planned
) -> tuple[Facts, Decision, tuple[Effect, ...], str | None]:
    company = known.company.company
    view = around.views[company]
    settled = around.settled.get(company, frozenset())
    found = violations(_portal_view(request, known), request.policy)
    reason = around.parked.get(company)
    if reason is None and found:
        reason = violation_text(found[0])
        planned.violations.extend(found)
    surroundings = Surroundings(
        observation=view.observation,
        sharers=view.sharers,
        partner_above=view.partner_above,
        credits=around.credits.get(company, ()),
        settled=settled,
        unsettled=company in around.unsettled,
        parked=reason,
        override=request.override,
        issued=request.issued,
        first_issue=_first_issue(settled) if request.override.cancelled else 1,
    )
    facts, standing = facts_of(known, surroundings), standing_of(known, surroundings)
    decision = decide(facts, request.policy, request.on)
    vanished = vanished_invoices(decision, standing)
    if vanished and reason is None:
        reason = f"счёт выставлен и удалён из портала: {', '.join(vanished)}"
    _account(planned, decision, known, request, reason, waiting=standing.unsettled)
    if reason is not None:
        return facts, decision, _tell(standing, reason, due), reason
    options = DiffOptions(due=due, conserved_units=view.conserved_units)
    return facts, decision, diff(decision, standing, request.on, options), None


def _tell(standing: Standing, reason: str, due: date) -> tuple[Effect, ...]:
    """Return the one task that tells a person why a company is parked, unless it was told."""
    task = parking_task(standing, reason, due)
    told = standing.unsettled or task.key in standing.settled
    return () if told else (task,)


def _portal_view(request: PlanRequest, known: CompanyRecords) -> PortalView:
    return PortalView(
        card=known.company.card,
        contracts=tuple(record.contract for record in known.contracts),
        invoices=known.invoices,
        since=Month.of(request.on),
        overridden=request.override.skip,
    )


def _first_issue(settled: frozenset[EffectKey]) -> int:
    """Return one more than the highest issue number that the journal ever wrote."""
    issues = [int(key.rpartition(":")[2]) for key in settled if key.startswith("stavbill:")]
    return max(issues, default=0) + 1


def _account(
    planned: Planned,
    decision: Decision,
    known: CompanyRecords,
    request: PlanRequest,
    reason: str | None,
    *,
    waiting: bool,
) -> None:
    counts = planned.counts
    if reason is not None:
        counts.companies += 1
        counts.parked += 1
        planned.parked.append({"company": int(decision.company), "reason": reason})
        return
    if waiting:
        counts.companies += 1
        counts.waiting += 1
        return
    counts.add(decision)
    month = Month.of(request.on)
    card = known.company.card
    planned.totals.add_company(share_of(decision, card, known.invoices, request.policy, month))


def _store(
    store: Store,
    request: PlanRequest,
    decided: Sequence[tuple[Facts, Decision]],
    effects: Sequence[Effect],
    *,
    broken: Sequence[tuple[CompanyId, str]],
    planned: Planned,
) -> None:
    """Keep a chunk's decisions and effects; companies that met a bug of ours are parked.

    So are companies that our list of invariants found contradictory by someone's hand.
    """
    kinds = Counter(effect.kind for effect in effects)
    if not request.keep:
        planned.decided.extend(decided)
        return
    now = request.at
    with store.write() as db:
        put_decisions(db, request.run, decided, portal=request.portal, at=now)
        recorded = record_effects(db, request.run, effects, portal=request.portal, at=now)
        for company, reason in broken if request.park else ():
            park(db, request.portal, company, reason=reason, run=request.run, at=now)
    for kind, number in kinds.items():
        planned.effects[kind] = planned.effects.get(kind, 0) + number
    for one in recorded.contradictions:
        planned.counts.parked += 1
        planned.parked.append({"company": int(one.company), "reason": f"contradiction: {one.key}"})
