"""The forced rerun of one company: read it again, decide, write, in at most ten requests.

A rerun overrides the skip flag, the sending day and, when a person says so, «cancelled by hand»;
never another hold, never the duplicate rule. Source: billing rules §9; quality page.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date

from stavbill.billing.decision import Decision
from stavbill.billing.facts import CompanyId, Override
from stavbill.errors import ConfigError
from stavbill.operations.counting import WialonReading, read_accounts
from stavbill.operations.forecasting import forecast_document
from stavbill.operations.parts import Parts
from stavbill.operations.planning import Planned, PlanRequest, plan_companies
from stavbill.operations.present import decision_document, violation_document
from stavbill.operations.progress import SILENT
from stavbill.operations.reading import PortalFacts, learn_with_company
from stavbill.operations.report import RequestsUsed, RunReport
from stavbill.store.decisions import decision_of
from stavbill.store.effects import counts_by_kind
from stavbill.store.mirror import portfolios
from stavbill.store.parking import parked_reasons
from stavbill.store.runs import (
    RunId,
    RunKind,
    RunState,
    add_requests,
    set_state,
    set_totals,
    start_run,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunRequest:
    """What a person asks for; `again` bills a month again whose invoice was cancelled by hand."""

    company: int
    on: date | None = None
    again: bool = False
    keep_skip: bool = False
    dry_run: bool = False
    force_day: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A fresh decision about one company, nothing written."""

    decision: Decision
    title: str
    on: date
    parked: str | None


async def rerun_company(parts: Parts, request: RerunRequest) -> RunReport:
    """Read, decide and write one company; the report bears its decision.

    Raises `ConfigError` when the portal has no such company.
    """
    began = parts.clock.monotonic()
    on = request.on or parts.today()
    run = RunId(f"rerun-{request.company}-{uuid.uuid4().hex[:8]}")  # noqa: TID251  names the run
    portal, wialon, planned = await _decide(parts, request, run, on, keep=True)
    report = RunReport(
        run=run,
        on=on,
        dry_run=request.dry_run,
        state="planned",
        counts=planned.counts,
        requests=RequestsUsed(wialon=wialon.requests),
        parked=planned.parked,
        failures=planned.failures,
        violations=[violation_document(found) for found in planned.violations],
    )
    report.effects.update(planned.effects)
    report.forecast = forecast_document(parts, planned)
    with parts.store.read() as db:
        stored = decision_of(db, run, CompanyId(request.company))
    if stored is not None:
        report.company = decision_document(stored.decision)
    if not request.dry_run:
        await _apply(parts, portal, run, report)
    report.requests.portal = parts.gateway.requests + parts.reader.requests
    report.seconds = parts.clock.monotonic() - began
    with parts.store.write() as db:
        add_requests(db, run, report.requests.total)
        set_totals(db, run, report.document())
        state = RunState.PLANNED if request.dry_run else RunState.DONE
        set_state(db, run, state, at=parts.now())
    return report


async def decide_live(parts: Parts, request: RerunRequest) -> Live:
    """Read one company again and decide, without writing anything to the portal."""
    on = request.on or parts.today()
    run = RunId(f"explain-{request.company}-{uuid.uuid4().hex[:8]}")  # noqa: TID251  names it
    _, _, planned = await _decide(parts, request, run, on, keep=False)
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
        on=on,
        parked=parked.get(company),
    )


async def _decide(
    parts: Parts, request: RerunRequest, run: RunId, on: date, *, keep: bool
) -> tuple[PortalFacts, WialonReading, Planned]:
    company = CompanyId(request.company)
    portal = await learn_with_company(parts, company)
    with parts.store.read() as db:
        known = portfolios(db, parts.portal, [company]).get(company)
    if known is None:
        msg = f"Компании {company} нет на портале {parts.portal}"
        raise ConfigError(msg)
    wialon = await read_accounts(parts.store, parts.wialon, parts.clock, known.company.card)
    if keep:
        with parts.store.write() as db:
            start_run(
                db,
                run,
                portal=parts.portal,
                kind=RunKind.RERUN,
                on=on,
                dry_run=request.dry_run,
                at=parts.now(),
            )
    planned = plan_companies(
        parts.store,
        PlanRequest(
            run=run,
            portal=parts.portal,
            on=on,
            connections=wialon.connections,
            policy=portal.policy,
            companies=(company,),
            override=Override(
                skip=not request.keep_skip,
                sending_day=request.force_day,
                cancelled=request.again,
            ),
            at=parts.now(),
            park=not request.dry_run,
            keep=keep,
        ),
        SILENT,
    )
    return portal, wialon, planned


async def _apply(parts: Parts, portal: PortalFacts, run: RunId, report: RunReport) -> None:
    with parts.store.write() as db:
        set_state(db, run, RunState.APPLYING, at=parts.now())
    await portal.journal.apply(run)
    with parts.store.read() as db:
        for (kind, status), number in counts_by_kind(db, run).items():
            report.outcomes[status.value] += number
            report.written[f"{kind}:{status.value}"] += number
    report.state = "done"
