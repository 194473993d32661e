"""The steps of a month's run, each safe to repeat by this process or another.

What a step found stands in the store under the run's id; the next step asks for it there. So the
same steps serve a command, which does them one after the other, and the workers, which share them.

Source: style of the house §3; engine page, «How it maps».
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from pydantic import TypeAdapter

from stavbill.billing.decision import Bill, Decision, InvoiceDraft
from stavbill.billing.facts import NO_OVERRIDE, CompanyId, Override
from stavbill.billing.period import Month
from stavbill.billing.policy import Policy
from stavbill.errors import ConfigError
from stavbill.journal.fence import refuse_interrupted
from stavbill.operations.applying import count_outcomes
from stavbill.operations.counting import read_wialon
from stavbill.operations.forecasting import (
    SHAPE,
    forecast_document,
    read_requests,
    write_requests,
)
from stavbill.operations.parts import Parts
from stavbill.operations.planned import Planned, planned_of, sum_of
from stavbill.operations.planning import CHUNK, Planner, PlanRequest, chunks_of
from stavbill.operations.progress import SILENT, Progress
from stavbill.operations.reading import PortalFacts, known_sizes, read_portal, stored_policy
from stavbill.operations.report import RequestsUsed, RunReport, compared_document
from stavbill.operations.shared_troubles import causes_document, waiting_companies
from stavbill.operations.surroundings import ConnectionView
from stavbill.plan.gate import Permission, gate
from stavbill.plan.shared_causes import CauseKind, SharedCause
from stavbill.store.decisions import decision_of, decisions_after
from stavbill.store.recording import drop_planned
from stavbill.store.run_parts import (
    chunk_count,
    chunk_of,
    planned_chunk,
    planned_documents,
    put_chunks,
    put_reading,
    read_reading,
)
from stavbill.store.runs import (
    RunId,
    RunKind,
    RunState,
    add_requests,
    read_run,
    set_forecast,
    set_state,
    set_totals,
    start_run,
)

_CONNECTIONS = TypeAdapter(dict[str, ConnectionView])
_SEVERAL = 200
ENDS = {"done": RunState.DONE, "stopped": RunState.STOPPED, "planned": RunState.PLANNED}


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthRequest:
    """What the operator asked for; `on` None is today. An empty `companies` is everybody.

    `month` asks for the run of a month that has passed: it is decided as on that month's last day,
    and its invoices bear today's date. `approved` names the stored plan of which nothing but what
    is still the same shall be written. `unattended` is what a schedule asks for.
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
    approved: RunId | None = None
    unattended: bool = False


def begin_month(parts: Parts, run: RunId, request: MonthRequest) -> None:
    """Begin the run, unless it stands already."""
    on, _ = _days(parts, request)
    with parts.store.write() as db:
        if read_run(db, run) is None:
            start_run(
                db,
                run,
                portal=parts.portal,
                kind=RunKind.MONTH,
                on=on,
                dry_run=request.dry_run,
                at=parts.now(),
            )


async def read_month(
    parts: Parts, portal: PortalFacts, run: RunId, request: MonthRequest, progress: Progress
) -> None:
    """Read portal and Wialon, and share the companies out in chunks; nothing when that is done."""
    with parts.store.read() as db:
        if read_reading(db, run) is not None:
            return
    on, _ = _days(parts, request)
    await read_portal(parts, portal, request.companies, on, progress)
    wialon = await read_wialon(parts.store, parts.wialon, parts.clock, progress)
    named = tuple(CompanyId(company) for company in request.companies)
    chunks = chunks_of(parts.store, parts.portal, companies=named, limit=request.limit)
    first = 1
    for several in _batched(chunks):
        with parts.store.write() as db:
            put_chunks(db, run, several, first=first, at=parts.now())
        first += len(several)
    document = {
        "connections": _CONNECTIONS.dump_python(wialon.connections, mode="json"),
        "requests": wialon.requests,
    }
    with parts.store.write() as db:
        put_reading(db, run, document, at=parts.now())


def _batched(chunks: Iterable[Iterable[CompanyId]]) -> Iterable[list[list[CompanyId]]]:
    several: list[list[CompanyId]] = []
    for chunk in chunks:
        several.append(list(chunk))
        if len(several) == _SEVERAL:
            yield several
            several = []
    if several:
        yield several


def chunks_in(parts: Parts, run: RunId) -> int:
    """Return how many chunks of companies the run has; they are numbered from 1."""
    with parts.store.read() as db:
        return chunk_count(db, run)


def plan_chunks(
    parts: Parts,
    policy: Policy,
    run: RunId,
    request: MonthRequest,
    *,
    numbers: Iterable[int],
    progress: Progress = SILENT,
) -> None:
    """Decide some of the run's chunks; those that are decided already are left alone.

    Asks nothing of the portal. Raises `LookupError` for a run that has not been read.
    """
    planner = _planner(parts, policy, run, request)
    for number in numbers:
        refuse_interrupted()
        with parts.store.read() as db:
            companies, done = chunk_of(db, run, number)
        if not done:
            planner.plan(companies, number)
        progress.advance(len(companies))


def _planner(
    parts: Parts,
    policy: Policy,
    run: RunId,
    request: MonthRequest,
    *,
    shared: Collection[SharedCause] = (),
) -> Planner:
    with parts.store.read() as db:
        reading = read_reading(db, run)
    if reading is None:
        msg = f"run {run} has not been read"
        raise LookupError(msg)
    on, issued = _days(parts, request)
    plan = PlanRequest(
        run=run,
        portal=parts.portal,
        owner=parts.owner,
        on=on,
        connections=_CONNECTIONS.validate_python(reading["connections"]),
        policy=policy,
        override=request.override,
        at=parts.now(),
        issued=issued,
        park=not request.dry_run,
        shared=frozenset(shared),
    )
    return Planner(parts.store, plan)


def plan_shared(parts: Parts, run: RunId, request: MonthRequest) -> None:
    """Plan chunks again whose companies wait for a cause that many share, without their tasks.

    Only when all companies are decided is it known what many share. Nothing of the run has been
    sent yet; what is planned again already is left alone.

    Source: billing rules §11, last entry.
    """
    planned = _planned(parts, run)
    many = {cause for cause in planned.totals.shared if cause.kind is not CauseKind.CONNECTION}
    if not many or _is_partial(request):
        return
    for number in range(1, chunks_in(parts, run) + 1):
        with parts.store.read() as db:
            companies, _ = chunk_of(db, run, number)
            chunk = planned_chunk(db, run, number)
        if chunk is None or not many.intersection(planned_of(chunk).totals.causes):
            continue
        if chunk["shared"]:
            continue
        with parts.store.write() as db:
            for company in companies:
                why = "общая причина: планируется заново"
                drop_planned(db, run, at=parts.now(), detail=why, company=company)
        _planner(parts, stored_policy(parts), run, request, shared=many).plan(companies, number)


def judge_month(
    parts: Parts, run: RunId, request: MonthRequest, progress: Progress = SILENT
) -> RunReport:
    """Add up the plan, leave out what changed since it was approved, and ask the gate."""
    plan_shared(parts, run, request)
    report = month_report(parts, run, request)
    planned = _planned(parts, run)
    report.forecast = forecast_document(parts, planned)
    if request.approved is not None:
        report.changed = _leave_out_changed(parts, request.approved, run)
    seconds = float(str(report.forecast["seconds"]))
    progress.forecast(write_requests(planned.effects), seconds)
    report.gate = gate(planned.totals, _permission(parts, request))
    totals = report.document() | _asked_for(parts, run, request)
    with parts.store.write() as db:
        set_forecast(db, run, report.forecast)
        set_totals(db, run, totals)
        set_state(db, run, RunState.PLANNED, at=parts.now())
    return report


def _asked_for(parts: Parts, run: RunId, request: MonthRequest) -> dict[str, object]:
    """Return of whom and of which month a run is; a limited one is of those it reached."""
    companies = list(request.companies)
    if request.limit is not None:
        with parts.store.read() as db:
            chunks = [chunk_of(db, run, number)[0] for number in range(1, chunk_count(db, run) + 1)]
        companies = [int(company) for chunk in chunks for company in chunk]
    return {"companies": companies, "month": request.month and request.month.code}


def month_report(parts: Parts, run: RunId, request: MonthRequest) -> RunReport:
    """Return the report of the run as far as it came, from what is stored."""
    on, _ = _days(parts, request)
    with parts.store.read() as db:
        reading = read_reading(db, run)
        known = read_run(db, run)
    started = known is not None and known.state not in (RunState.READING, RunState.PLANNED)
    planned = _planned(parts, run)
    report = RunReport(
        run=run,
        on=on,
        dry_run=request.dry_run,
        state="planned",
        counts=planned.counts,
        requests=RequestsUsed(wialon=0 if reading is None else reading["requests"]),
        parked=planned.parked,
        failures=planned.failures,
        violations=planned.violations,
    )
    report.effects.update(planned.effects)
    report.compared = compared_document(planned.totals)
    connections = {} if reading is None else reading["connections"]
    views = _CONNECTIONS.validate_python(connections)
    report.shared = causes_document(waiting_companies(planned, views))
    if started:
        count_outcomes(parts, run, report)
    return report


def close_month(parts: Parts, run: RunId, report: RunReport) -> None:
    """Keep the report, and end the run unless it waits for a person."""
    with parts.store.write() as db:
        add_requests(db, run, report.requests.total)
        known = read_run(db, run)
        # Of whom and of which month the run was: whoever applies it asks.
        asked = {} if known is None else known.totals
        kept = {"companies": asked.get("companies", []), "month": asked.get("month")}
        set_totals(db, run, report.document() | kept)
        if report.state in ENDS:
            set_state(db, run, ENDS[report.state], at=parts.now())


def least_requests(parts: Parts, report: RunReport, *, writes: bool) -> int:
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


def how_many(parts: Parts, run: RunId) -> int:
    """Return about how many companies the run has, for whoever watches."""
    return chunks_in(parts, run) * CHUNK


def _planned(parts: Parts, run: RunId) -> Planned:
    with parts.store.read() as db:
        return sum_of(planned_documents(db, run))


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


def _permission(parts: Parts, request: MonthRequest) -> Permission:
    return Permission(
        band_percent=parts.safety.band_percent,
        max_invoices=request.max_invoices or parts.safety.max_invoices,
        yes=request.yes,
        accept_band=request.accept_band,
        partial=_is_partial(request),
        unattended=request.unattended,
    )


def _is_partial(request: MonthRequest) -> bool:
    """Say whether only some companies are asked for: nothing of them speaks of the whole month."""
    return bool(request.companies) or request.limit is not None


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
                    drop_planned(
                        db,
                        run,
                        at=parts.now(),
                        detail="изменилось после утверждения плана",
                        company=one.company,
                    )


def _substance(decision: Decision) -> tuple[str, tuple[InvoiceDraft, ...]]:
    """Return what was approved: the kind of the decision, and the invoices to the kopeck."""
    return decision.kind, decision.drafts if isinstance(decision, Bill) else ()


def request_document(request: MonthRequest) -> dict[str, object]:
    """Return a request as JSON knows it."""
    return dict(_REQUEST.dump_python(request, mode="json"))


def request_of(document: Mapping[str, object]) -> MonthRequest:
    """Return the request that `request_document` was made of."""
    return _REQUEST.validate_python(document)


_REQUEST = TypeAdapter(MonthRequest)
