"""A month's run: finish, read, count, plan, gate, apply, verify, report.

Source: style of the house §3; beyond 1 (plan, approve, apply); operations page, «Safety».
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date

from stavbill.billing.decision import Bill, Decision, InvoiceDraft
from stavbill.billing.facts import NO_OVERRIDE, CompanyId, Override
from stavbill.billing.period import Month
from stavbill.errors import ConfigError
from stavbill.operations.applying import apply_run
from stavbill.operations.counting import read_wialon
from stavbill.operations.forecasting import (
    SHAPE,
    forecast_document,
    read_requests,
    write_requests,
)
from stavbill.operations.parts import Parts
from stavbill.operations.planning import Planned, PlanRequest, plan_companies
from stavbill.operations.present import violation_document
from stavbill.operations.progress import SILENT, Progress
from stavbill.operations.reading import PortalFacts, known_sizes, learn_portal, read_portal
from stavbill.operations.report import RequestsUsed, RunReport
from stavbill.plan.gate import Go, Permission, gate
from stavbill.store.decisions import decision_of, decisions_after
from stavbill.store.mirror import company_count
from stavbill.store.recording import drop_company
from stavbill.store.runs import (
    RunId,
    RunKind,
    RunState,
    add_requests,
    latest_runs,
    read_run,
    set_forecast,
    set_state,
    set_totals,
    start_run,
)

ENDS = {"done": RunState.DONE, "stopped": RunState.STOPPED, "planned": RunState.PLANNED}


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthRequest:
    """What the operator asked for; `on` None is today. An empty `companies` is everybody.

    `month` asks for the run of a month that has passed: it is decided as on that month's last day,
    and its invoices bear today's date.
    """

    on: date | None = None
    month: Month | None = None
    companies: tuple[int, ...] = ()
    limit: int | None = None
    dry_run: bool = False
    yes: bool = False
    accept_band: bool = False
    max_invoices: int | None = None
    override: Override = NO_OVERRIDE


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyRequest:
    """Which stored plan shall be applied; `run` None is the last one."""

    run: str | None = None
    companies: tuple[int, ...] = ()
    yes: bool = False
    accept_band: bool = False
    max_invoices: int | None = None


async def run_month(parts: Parts, request: MonthRequest, progress: Progress = SILENT) -> RunReport:
    """Bill a month, or only plan it (`dry_run`); the same code up to the gate.

    Raises `ConfigError` and `PortalError` before anything was written, `WritingStoppedError` when
    a flag forbids writing. Everything else is in the report.
    """
    return await _run(parts, request, None, progress)


async def apply_plan(parts: Parts, request: ApplyRequest, progress: Progress = SILENT) -> RunReport:
    """Apply a stored plan, all of it or some companies' part.

    The world is read and decided again, and only what still is as it was approved is written: a
    company whose invoices would be others now is left out and named. Applying twice writes nothing.

    Source: beyond 1, «Recompute-and-diff».
    """
    plan = _stored_plan(parts, request.run)
    with parts.store.read() as db:
        stored = read_run(db, plan)
    if stored is None:
        msg = f"План {plan} не найден. Последние планы: stavbill run show"
        raise ConfigError(msg)
    again = MonthRequest(
        on=stored.on,
        companies=request.companies or tuple(stored.totals.get("companies", ())),
        yes=True,
        accept_band=request.accept_band,
        max_invoices=request.max_invoices,
    )
    return await _run(parts, again, plan, progress)


def _stored_plan(parts: Parts, wanted: str | None) -> RunId:
    if wanted is not None:
        return RunId(wanted)
    with parts.store.read() as db:
        known = latest_runs(db, parts.portal)
    for run in known:
        if run.state in (RunState.PLANNED, RunState.WAITING_APPROVAL):
            return run.run
    msg = "Нет плана, который ждёт применения. Составьте его: stavbill run plan"
    raise ConfigError(msg)


async def _run(
    parts: Parts, request: MonthRequest, approved: RunId | None, progress: Progress
) -> RunReport:
    began = parts.clock.monotonic()
    on, issued = _days(parts, request)
    run = RunId(f"{on:%Y-%m-%d}-{uuid.uuid4().hex[:8]}")  # noqa: TID251  names the run
    portal = await learn_portal(parts)
    if not request.dry_run:
        progress.stage("finish")
        await portal.journal.resume()
    _start(parts, run, on, request)
    requests = RequestsUsed()
    await read_portal(parts, portal, request.companies, on, progress)
    wialon = await read_wialon(parts.store, parts.wialon, parts.clock, progress)
    requests.wialon = wialon.requests
    plan = PlanRequest(
        run=run,
        portal=parts.portal,
        on=on,
        connections=wialon.connections,
        policy=portal.policy,
        companies=tuple(CompanyId(company) for company in request.companies),
        limit=request.limit,
        override=request.override,
        at=parts.now(),
        issued=issued,
        park=not request.dry_run,
    )
    progress.stage("decide", _how_many(parts, request))
    planned = plan_companies(parts.store, plan, progress)
    report = _report(run, on, request, planned, requests)
    report.forecast = forecast_document(parts, planned)
    if approved is not None:
        report.changed = _leave_out_changed(parts, approved, run)
    progress.forecast(write_requests(planned.effects), float(str(report.forecast["seconds"])))
    report.gate = gate(planned.totals, _permission(parts, request))
    _keep(parts, run, report, request)
    if not request.dry_run:
        await _go_on(parts, portal, run, report, progress)
    report.requests.portal = parts.gateway.requests + parts.reader.requests
    report.requests.minimum = _minimum(parts, report, writes=report.state == "done")
    report.seconds = parts.clock.monotonic() - began
    _close(parts, run, report)
    return report


def _days(parts: Parts, request: MonthRequest) -> tuple[date, date | None]:
    """Return the day that is decided for, and the invoices' date when it is another one."""
    today = parts.today()
    if request.on is not None or request.month is None:
        return request.on or today, None
    if request.month == Month.of(today):
        return today, None
    if request.month > Month.of(today):
        msg = (
            f"Месяц {request.month.name} ещё не наступил. Посмотреть вперёд: --as-of ДАТА --dry-run"
        )
        raise ConfigError(msg)
    return request.month.last_day, today


def _minimum(parts: Parts, report: RunReport, *, writes: bool) -> int:
    """Return how many requests the numbers of rows and effects ask for at least."""
    sizes = known_sizes(parts)
    least = read_requests(sizes)
    if writes and report.outcomes:
        least += (
            write_requests(report.effects)
            + read_requests({"invoices": sizes.get("invoices", 0)})
            - SHAPE
        )
    return least


def _start(parts: Parts, run: RunId, on: date, request: MonthRequest) -> None:
    with parts.store.write() as db:
        start_run(
            db,
            run,
            portal=parts.portal,
            kind=RunKind.MONTH,
            on=on,
            dry_run=request.dry_run,
            at=parts.now(),
        )


def _how_many(parts: Parts, request: MonthRequest) -> int:
    if request.companies:
        return len(request.companies)
    with parts.store.read() as db:
        return company_count(db, parts.portal)


def _permission(parts: Parts, request: MonthRequest) -> Permission:
    return Permission(
        band_percent=parts.safety.band_percent,
        max_invoices=request.max_invoices or parts.safety.max_invoices,
        yes=request.yes,
        accept_band=request.accept_band,
        partial=bool(request.companies) or request.limit is not None,
    )


def _report(
    run: RunId, on: date, request: MonthRequest, planned: Planned, requests: RequestsUsed
) -> RunReport:
    report = RunReport(
        run=run,
        on=on,
        dry_run=request.dry_run,
        state="planned",
        counts=planned.counts,
        requests=requests,
        parked=planned.parked,
        failures=planned.failures,
        violations=[violation_document(found) for found in planned.violations],
    )
    report.effects.update(planned.effects)
    return report


def _leave_out_changed(parts: Parts, approved: RunId, run: RunId) -> list[int]:
    """Drop what would now be written otherwise than it was approved; return those companies."""
    changed: list[int] = []
    after = 0
    while True:
        with parts.store.read() as db:
            chunk = decisions_after(db, run, after=after)
            before = {one.company: decision_of(db, approved, one.company) for one in chunk}
        if not chunk:
            return changed
        after = chunk[-1].company
        for one in chunk:
            old = before[one.company]
            if old is None or _substance(old.decision) != _substance(one.decision):
                changed.append(int(one.company))
                with parts.store.write() as db:
                    drop_company(
                        db,
                        run,
                        one.company,
                        at=parts.now(),
                        detail="изменилось после утверждения плана",
                    )


def _substance(decision: Decision) -> tuple[str, tuple[InvoiceDraft, ...]]:
    """Return what was approved: the kind of the decision, and the invoices to the kopeck."""
    return decision.kind, decision.drafts if isinstance(decision, Bill) else ()


def _keep(parts: Parts, run: RunId, report: RunReport, request: MonthRequest) -> None:
    totals = report.document() | {"companies": list(request.companies)}
    with parts.store.write() as db:
        set_forecast(db, run, report.forecast)
        set_state(db, run, RunState.PLANNED, at=parts.now())
        set_totals(db, run, totals)


async def _go_on(
    parts: Parts, portal: PortalFacts, run: RunId, report: RunReport, progress: Progress
) -> None:
    """Apply the plan when the gate lets it through, otherwise wait for a person."""
    if isinstance(report.gate, Go):
        await apply_run(parts, portal, run, report, progress)
        return
    report.state = "waiting_approval"
    with parts.store.write() as db:
        set_state(db, run, RunState.WAITING_APPROVAL, at=parts.now())


def _close(parts: Parts, run: RunId, report: RunReport) -> None:
    with parts.store.write() as db:
        add_requests(db, run, report.requests.total)
        set_totals(db, run, report.document())
        if report.state in ENDS:
            set_state(db, run, ENDS[report.state], at=parts.now())
