"""A month's run: finish, read, count, plan, gate, apply, verify, report.

Source: style of the house §3; beyond 1 (plan, approve, apply); operations page, «Safety».
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from stavbill.billing.period import Month
from stavbill.drawn import drawn_name
from stavbill.errors import ConfigError
from stavbill.operations.applying import begin_applying, verify_run
from stavbill.operations.finishing import finish_earlier
from stavbill.operations.month_steps import (
    MonthRequest,
    begin_month,
    chunks_in,
    close_month,
    how_many,
    judge_month,
    least_requests,
    plan_chunks,
    read_month,
)
from stavbill.operations.parts import Parts
from stavbill.operations.progress import SILENT, Progress
from stavbill.operations.reading import PortalFacts, learn_portal
from stavbill.operations.report import RunReport
from stavbill.operations.reporting import tell_runs
from stavbill.plan.gate import Go
from stavbill.store.runs import (
    RunId,
    RunKind,
    RunState,
    latest_runs,
    read_run,
    set_state,
)


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
    began = parts.clock.monotonic()
    if request.month is None:
        request = replace(request, on=request.on or parts.today())
    on = request.on or parts.today()
    run = RunId(f"{on:%Y-%m-%d}-{drawn_name()}")
    portal = await learn_portal(parts)
    finished: tuple[RunReport, ...] = ()
    if not request.dry_run:
        finished = await finish_earlier(parts, portal, progress)
    begin_month(parts, run, request)
    await read_month(parts, portal, run, request, progress)
    progress.stage("decide", how_many(parts, run))
    numbers = range(1, chunks_in(parts, run) + 1)
    plan_chunks(parts, portal.policy, run, request, numbers=numbers, progress=progress)
    report = judge_month(parts, run, request, progress)
    report.finished = [one.document() for one in finished]
    if not request.dry_run:
        await _go_on(parts, portal, run, report, progress)
    report.requests.portal = parts.gateway.requests + parts.reader.requests
    report.requests.minimum = least_requests(parts, report, writes=report.state == "done")
    report.seconds = parts.clock.monotonic() - began
    close_month(parts, run, report)
    if report.state == "done":
        await tell_runs(parts, portal)
    return report


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
        msg = f"План {plan} не найден. Последние: stavbill run list"
        raise ConfigError(msg)
    month = stored.totals.get("month")
    again = MonthRequest(
        on=None if month else stored.on,
        month=Month(*map(int, month.split("-"))) if month else None,
        companies=request.companies or tuple(stored.totals.get("companies", ())),
        yes=True,
        accept_band=request.accept_band,
        max_invoices=request.max_invoices,
        approved=plan,
    )
    return await run_month(parts, again, progress)


def _stored_plan(parts: Parts, wanted: str | None) -> RunId:
    if wanted is not None:
        return RunId(wanted)
    with parts.store.read() as db:
        known = latest_runs(db, parts.portal, kind=RunKind.MONTH)
    for run in known:
        if run.state in (RunState.PLANNED, RunState.WAITING_APPROVAL):
            return run.run
    msg = "Нет плана, который ждёт применения. Составьте его: stavbill run plan"
    raise ConfigError(msg)


async def _go_on(
    parts: Parts, portal: PortalFacts, run: RunId, report: RunReport, progress: Progress
) -> None:
    """Apply the plan when the gate lets it through, otherwise wait for a person."""
    if not isinstance(report.gate, Go):
        wait_for_person(parts, run, report)
        return
    begin_applying(parts, run)
    progress.stage("apply", sum(report.effects.values()))
    await portal.journal.apply(run, progress=progress.advance)
    await verify_run(parts, portal, run, report, progress)


def wait_for_person(parts: Parts, run: RunId, report: RunReport) -> None:
    """Leave the plan to a person, who applies it or lets it lie."""
    report.state = "waiting_approval"
    with parts.store.write() as db:
        set_state(db, run, RunState.WAITING_APPROVAL, at=parts.now())
