"""The forced rerun of one company: read it again, decide, write, in at most ten requests.

A rerun overrides the skip flag, the sending day and, when a person says so, «cancelled by hand»;
never another hold, never the duplicate rule. Source: billing rules §9; quality page.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from stavbill.billing.decision import Decision
from stavbill.billing.facts import CompanyId, Override
from stavbill.drawn import drawn_name
from stavbill.errors import ConfigError
from stavbill.operations.applying import begin_applying, count_outcomes
from stavbill.operations.counting import WialonReading, read_accounts
from stavbill.operations.forecasting import forecast_document
from stavbill.operations.parts import Parts
from stavbill.operations.planned import Planned, sum_of
from stavbill.operations.planning import Planner, PlanRequest
from stavbill.operations.present import decision_document
from stavbill.operations.reading import PortalFacts, learn_portal, learn_with_company
from stavbill.operations.report import RequestsUsed, RunReport
from stavbill.store.decisions import decision_of
from stavbill.store.mirror import portfolios
from stavbill.store.parking import parked_reasons
from stavbill.store.run_parts import planned_documents
from stavbill.store.runs import (
    RunId,
    RunKind,
    RunState,
    add_requests,
    read_run,
    set_state,
    set_totals,
    start_run,
)
from stavbill.store.unsettled import open_runs_of

# How often a company is decided again because somebody else wrote to it meanwhile.
TURNS = 5
ONLY_CHUNK = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunRequest:
    """What a person asks for; `again` bills a month again whose invoice was cancelled by hand.

    `run` names the run: asked for twice, the second goes on where the first stopped, or returns
    its report. Without it every rerun is another one.
    """

    company: int
    on: date | None = None
    again: bool = False
    keep_skip: bool = False
    dry_run: bool = False
    force_day: bool = True
    run: RunId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A fresh decision about one company, nothing written."""

    decision: Decision
    title: str
    on: date
    parked: str | None


async def rerun_company(parts: Parts, request: RerunRequest) -> RunReport:
    """Read, decide and write one company; the report bears its decision.

    What another run has begun for the company is finished first, so the second of two actors sees
    the first one's result. Raises `ConfigError` when the portal has no such company.
    """
    began = parts.clock.monotonic()
    drawn = drawn_name()
    run = request.run or RunId(f"rerun-{request.company}-{drawn}")
    with parts.store.read() as db:
        known = read_run(db, run)
    wialon = 0
    portal: PortalFacts | None = None
    if known is None or known.state in (RunState.READING, RunState.PLANNED):
        portal, wialon = await _decide_in_turn(parts, request, run)
    report = _report(parts, request, run, wialon)
    if not request.dry_run and (known is None or known.state is not RunState.DONE):
        begin_applying(parts, run)
        portal = portal or await learn_portal(parts)
        await portal.journal.apply(run)
    if not request.dry_run:
        count_outcomes(parts, run, report)
        report.state = "done"
    report.requests.portal = parts.gateway.requests + parts.reader.requests
    report.seconds = parts.clock.monotonic() - began
    with parts.store.write() as db:
        add_requests(db, run, report.requests.total)
        set_totals(db, run, report.document())
        state = RunState.PLANNED if request.dry_run else RunState.DONE
        set_state(db, run, state, at=parts.now())
    return report


async def _decide_in_turn(
    parts: Parts, request: RerunRequest, run: RunId
) -> tuple[PortalFacts, int]:
    """Decide, and again when somebody else wrote to the company between reading and deciding."""
    company, requests, turn = CompanyId(request.company), 0, 1
    while True:
        portal, wialon, planned = await _decide(parts, request, run, keep=True)
        requests += wialon.requests
        if planned.counts.waiting == 0 or request.dry_run or turn == TURNS:
            return portal, requests
        turn += 1
        with parts.store.read() as db:
            others = open_runs_of(db, parts.portal, company)
        for other in others:
            if other != run:
                await portal.journal.apply(other, company=company)


def _report(parts: Parts, request: RerunRequest, run: RunId, wialon: int) -> RunReport:
    """Return the report from what is stored of the run."""
    with parts.store.read() as db:
        known = read_run(db, run)
        planned = sum_of(planned_documents(db, run))
        stored = decision_of(db, run, CompanyId(request.company))
    report = RunReport(
        run=run,
        on=known.on if known is not None else request.on or parts.today(),
        dry_run=request.dry_run,
        state="planned",
        counts=planned.counts,
        requests=RequestsUsed(wialon=wialon),
        parked=planned.parked,
        failures=planned.failures,
        violations=planned.violations,
    )
    report.effects.update(planned.effects)
    report.forecast = forecast_document(parts, planned)
    if stored is not None:
        report.company = decision_document(stored.decision)
    return report


async def decide_live(parts: Parts, request: RerunRequest) -> Live:
    """Read one company again and decide, without writing anything to the portal."""
    run = RunId(f"explain-{request.company}-{drawn_name()}")
    _, _, planned = await _decide(parts, request, run, keep=False)
    company = CompanyId(request.company)
    with parts.store.read() as db:
        known = portfolios(db, parts.portal, [company])
        parked = parked_reasons(db, parts.portal, [company])
    if not planned.decided:
        msg = f"Компания {company}: решение не получено, подробности в журнале программы"
        raise ConfigError(msg)
    return Live(
        decision=planned.decided[0][1],
        title=known[company].company.title,
        on=request.on or parts.today(),
        parked=parked.get(company),
    )


async def _decide(
    parts: Parts, request: RerunRequest, run: RunId, *, keep: bool
) -> tuple[PortalFacts, WialonReading, Planned]:
    company, on = CompanyId(request.company), request.on or parts.today()
    portal = await learn_with_company(parts, company)
    if not request.dry_run:
        await portal.journal.require_portal(mark=False)
    with parts.store.read() as db:
        known = portfolios(db, parts.portal, [company]).get(company)
    if known is None:
        msg = f"Компании {company} нет на портале {parts.portal}"
        raise ConfigError(msg)
    wialon = await read_accounts(parts.store, parts.wialon, parts.clock, known.company.card)
    if keep:
        _begin(parts, request, run, on)
    plan = PlanRequest(
        run=run,
        portal=parts.portal,
        owner=parts.owner,
        on=on,
        connections=wialon.connections,
        policy=portal.policy,
        override=Override(
            skip=not request.keep_skip,
            sending_day=request.force_day,
            cancelled=request.again,
        ),
        at=parts.now(),
        park=not request.dry_run,
        keep=keep,
    )
    planned = Planner(parts.store, plan).plan([company], ONLY_CHUNK if keep else None)
    return portal, wialon, planned


def _begin(parts: Parts, request: RerunRequest, run: RunId, on: date) -> None:
    """Begin the run, unless it stands already."""
    with parts.store.write() as db:
        if read_run(db, run) is None:
            start_run(
                db,
                run,
                portal=parts.portal,
                kind=RunKind.RERUN,
                on=on,
                dry_run=request.dry_run,
                at=parts.now(),
            )
