"""Planning: every company is joined, decided and differed, chunk by chunk, into the store.

A month is never in memory: a chunk of companies is loaded, decided, stored and dropped. One
company's trouble never leaves its row. Source: style of the house §3, steps 2 to 5.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from stavbill.billing.decide import decide
from stavbill.billing.decision import Decision
from stavbill.billing.facts import NO_OVERRIDE, CompanyId, Facts, OpenCredit, Override
from stavbill.billing.period import Month, next_working_day
from stavbill.billing.policy import Policy
from stavbill.drawn import drawn_name
from stavbill.log import get_logger
from stavbill.operations.checking import view_of
from stavbill.operations.planned import Planned
from stavbill.operations.present import Document, violation_document
from stavbill.operations.surroundings import (
    AccountView,
    ConnectionView,
    PartnerIndex,
    index_partners,
    look_around,
)
from stavbill.plan.diff import DiffOptions, diff, parking_task, vanished_invoices
from stavbill.plan.effects import Effect, EffectKey
from stavbill.plan.gate import share_of
from stavbill.plan.invariants import violations
from stavbill.plan.join import CompanyRecords, Surroundings, facts_of, standing_of
from stavbill.plan.sentences import violation_text
from stavbill.plan.shared_causes import SharedCause
from stavbill.plan.standing import Standing
from stavbill.store.credits import open_credits
from stavbill.store.database import Store
from stavbill.store.decisions import put_decisions
from stavbill.store.mirror import company_ids, portfolios
from stavbill.store.parking import park, parked_reasons
from stavbill.store.recording import record_effects, touched_since_read
from stavbill.store.run_parts import put_planned
from stavbill.store.runs import RunId
from stavbill.store.unsettled import settled_keys, unsettled_companies
from stavbill.store.written import issued_to_skipped

CHUNK = 50
TASK_DAYS = 3
log = get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """What shall be planned: the run, its day, which companies, what a person sets aside."""

    run: RunId
    portal: str
    owner: str
    on: date
    connections: Mapping[str, ConnectionView]
    policy: Policy
    override: Override = NO_OVERRIDE
    at: datetime
    issued: date | None = None
    park: bool = True
    keep: bool = True
    shared: frozenset[SharedCause] = frozenset()


@dataclass(frozen=True, slots=True)
class _Around:
    """What the store knows of a chunk beside its records."""

    views: Mapping[CompanyId, AccountView]
    credits: Mapping[CompanyId, tuple[OpenCredit, ...]]
    settled: Mapping[CompanyId, frozenset[EffectKey]]
    unsettled: Collection[CompanyId]
    parked: Mapping[CompanyId, str]
    skipped: Mapping[CompanyId, frozenset[str]]


@dataclass(frozen=True, slots=True)
class _Considered:
    """One company of a chunk: what was decided, what shall be written, why a person is needed."""

    known: CompanyRecords
    facts: Facts
    decision: Decision
    effects: tuple[Effect, ...]
    reason: str | None
    waiting: bool


class Planner:
    """Plans chunks of companies for one request; what they all share is asked once."""

    def __init__(self, store: Store, request: PlanRequest) -> None:
        self._store = store
        self._request = request
        with store.read() as db:
            self._index = index_partners(db, request.portal, request.connections, request.policy)
        days = timedelta(days=TASK_DAYS)
        self._due = next_working_day(request.on + days, request.policy.calendar)

    def plan(self, ids: Sequence[CompanyId], number: int | None = None) -> Planned:
        """Decide a chunk of companies; keep decisions and effects, and as which part of the run.

        Companies that the mirror does not know are left out.
        """
        request = self._request
        planned = Planned(shared=bool(request.shared))
        with self._store.read() as db:
            records = portfolios(db, request.portal, ids)
            around = _around(db, request, list(records.values()), self._index)
        considered: list[_Considered] = []
        for company, known in records.items():
            try:
                considered.append(_plan_one(request, known, around, self._due, planned))
            except Exception as error:
                incident = drawn_name()
                log.exception("company_failed", company=company, run=request.run, incident=incident)
                planned.counts.failed += 1
                failed: Document = {
                    "company": int(company),
                    "incident": incident,
                    "error": type(error).__name__,
                }
                planned.failures.append(failed)
        if not request.keep:
            _account(planned, considered, request)
            planned.decided.extend((one.facts, one.decision) for one in considered)
            return planned
        self._keep(considered, around, planned, number, ids)
        return planned

    def _keep(
        self,
        considered: Sequence[_Considered],
        around: _Around,
        planned: Planned,
        number: int | None,
        ids: Sequence[CompanyId],
    ) -> None:
        """Keep a chunk in one transaction; whoever was written to since it was read waits."""
        request, now = self._request, self._request.at
        with self._store.write() as db:
            busy = touched_since_read(db, request.portal, request.run, ids)
            known = [
                _put_off(one, around) if one.decision.company in busy else one for one in considered
            ]
            _account(planned, known, request)
            effects = [effect for one in known for effect in one.effects]
            put_decisions(
                db,
                request.run,
                [(one.facts, one.decision) for one in known],
                portal=request.portal,
                at=now,
            )
            recorded = record_effects(
                db, request.run, effects, portal=request.portal, by=request.owner, at=now
            )
            if request.park:
                _park(db, request, known, around, planned)
            planned.effects.update(effect.kind for effect in effects)
            for one in recorded.contradictions:
                planned.counts.parked += 1
                reason = f"запись {one.key} уже отправлялась с другим содержанием"
                planned.parked.append({"company": int(one.company), "reason": reason})
            if number is not None:
                document = planned.document()
                put_planned(db, request.run, number, ids, document, at=now)


def plan_companies(store: Store, request: PlanRequest, companies: Sequence[CompanyId]) -> Planned:
    """Decide some companies of the mirror, and keep decisions and effects in the store."""
    planner, planned = Planner(store, request), Planned()
    named = sorted(set(companies))
    for start in range(0, len(named), CHUNK):
        planned.add(planner.plan(named[start : start + CHUNK]))
    return planned


def chunks_of(
    store: Store, portal: str, *, companies: Sequence[CompanyId] = (), limit: int | None = None
) -> Iterator[Sequence[CompanyId]]:
    """Return the mirror's companies in chunks, in the order of ids; or only those named."""
    if companies:
        named = sorted(set(companies))
        for start in range(0, len(named), CHUNK):
            yield named[start : start + CHUNK]
        return
    after, left = 0, limit
    while left is None or left > 0:
        with store.read() as db:
            ids = company_ids(db, portal, after=after, limit=min(CHUNK, left or CHUNK))
        if not ids:
            return
        yield ids
        after = ids[-1]
        left = None if left is None else left - len(ids)


def _put_off(one: _Considered, around: _Around) -> _Considered:
    """Return a company that waits: nothing is found wrong with it by an old picture."""
    known = around.parked.get(one.decision.company)
    return replace(one, waiting=known is None, effects=(), reason=known)


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
        skipped=issued_to_skipped(db, portal, ids, on=request.on, at=request.at),
    )


def _plan_one(
    request: PlanRequest, known: CompanyRecords, around: _Around, due: date, planned: Planned
) -> _Considered:
    company = known.company.company
    view = around.views[company]
    settled = around.settled.get(company, frozenset())
    skipped = around.skipped.get(company, frozenset())
    found = violations(view_of(known, request.on, skipped), request.policy)
    reason = around.parked.get(company)
    if reason is None and found:
        reason = violation_text(found[0])
        planned.violations.extend(violation_document(one) for one in found)
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
    if reason is not None:
        wanted = _tell(standing, reason, due)
    else:
        options = DiffOptions(due=due, conserved_units=view.conserved_units, shared=request.shared)
        wanted = diff(decision, standing, request.on, options)
    return _Considered(known, facts, decision, wanted, reason, waiting=standing.unsettled)


def _tell(standing: Standing, reason: str, due: date) -> tuple[Effect, ...]:
    """Return the one task that tells a person why a company is parked, unless it was told."""
    task = parking_task(standing, reason, due)
    told = standing.unsettled or task.key in standing.settled
    return () if told else (task,)


def _first_issue(settled: frozenset[EffectKey]) -> int:
    """Return one more than the highest issue number that the journal ever wrote."""
    issues = [int(key.rpartition(":")[2]) for key in settled if key.startswith("stavbill:")]
    return max(issues, default=0) + 1


def _account(planned: Planned, considered: Sequence[_Considered], request: PlanRequest) -> None:
    counts, month = planned.counts, Month.of(request.on)
    for one in considered:
        decision = one.decision
        if one.reason is not None:
            counts.companies += 1
            counts.parked += 1
            planned.parked.append({"company": int(decision.company), "reason": one.reason})
        elif one.waiting:
            counts.companies += 1
            counts.waiting += 1
        else:
            counts.add(decision)
            planned.totals.add_decision(decision)
            card = one.known.company.card
            share = share_of(decision, card, one.known.invoices, request.policy, month)
            planned.totals.add_company(share)


def _park(
    db: Connection,
    request: PlanRequest,
    considered: Sequence[_Considered],
    around: _Around,
    planned: Planned,
) -> None:
    """Park companies that met a bug of ours, or that someone's hand made contradictory."""
    broken = [
        (one.decision.company, one.reason)
        for one in considered
        if one.reason is not None and one.decision.company not in around.parked
    ]
    for failed in planned.failures:
        company = CompanyId(int(str(failed["company"])))
        broken.append((company, f"внутренняя ошибка, инцидент {failed['incident']}"))
    for company, reason in broken:
        park(db, request.portal, company, reason=reason, run=request.run, at=request.at)
