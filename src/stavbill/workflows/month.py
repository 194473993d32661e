"""The month's run as a workflow: its steps shared among the workers, gone on with after a crash.

`run:<portal>:<day>` is the parent; chunks of companies are planned by children, and the plan is
applied by as many children as workers may work side by side. Of those each sends whatever batch is
free: the journal's claims share the work out, and batches stay full.

Source: engine page, «How it maps».
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Lock

from dbos import DBOS, SetWorkflowID

from stavbill.errors import WritingStoppedError
from stavbill.log import get_logger
from stavbill.operations.applying import begin_applying, verify_run
from stavbill.operations.finishing import finish_earlier
from stavbill.operations.month import wait_for_person
from stavbill.operations.month_steps import (
    MonthRequest,
    begin_month,
    chunks_in,
    close_month,
    judge_month,
    month_report,
    plan_chunks,
    read_month,
    request_of,
)
from stavbill.operations.naming import STALE, attempt_of
from stavbill.operations.progress import SILENT
from stavbill.operations.reading import stored_policy
from stavbill.operations.reporting import tell_runs
from stavbill.plan.gate import Go
from stavbill.store.control import raised_flags
from stavbill.store.runs import RunId, RunState, add_requests, read_run, set_state
from stavbill.store.unsettled import is_stale
from stavbill.store.workers import living
from stavbill.workflows.limits import DEAD_AFTER_S
from stavbill.workflows.naming import MONTH_ATTEMPTS
from stavbill.workflows.queues import APPLY, PLAN, POLL_S
from stavbill.workflows.running import followed
from stavbill.workflows.runtime import Document, current, is_passing

# Chunks of companies in one child: some tenths of a second of deciding.
CHUNKS_A_CHILD = 10
TRIES = 10
FIRST_WAIT_S = 5.0
# A flag is looked at so often; a month waits half a day for it, and may be stopped several times.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 5.0, 300.0
LONGEST_STOP_S = 12 * 3600.0
STOPS = 50

log = get_logger()


@DBOS.workflow(name="month")
@followed
def month(base: str, document: Document) -> Document:
    """Bill a month; return the run, its state and exit code.

    A second start under the same id is the same workflow. A run that lay about for hours before
    its plan was written is begun again under the next number.
    """
    result: Document = {}
    for attempt in range(1, MONTH_ATTEMPTS + 1):
        run = attempt_of(base, attempt)
        result = _attempt(run, document)
        if result["state"] != "stale":
            break
    return result


def _attempt(run: str, document: Document) -> Document:
    began = _while_stopped(run, lambda _: read_step(run, document))
    if began != "read":
        return {"run": run, "state": began}
    chunks = chunks_step(run)
    children = []
    for first in range(1, chunks + 1, CHUNKS_A_CHILD):
        last = min(first + CHUNKS_A_CHILD - 1, chunks)
        with SetWorkflowID(f"{run}:plan:{first}"):
            children.append(
                DBOS.enqueue_workflow(PLAN, plan, run, document, first=first, last=last)
            )
    for child in children:
        child.get_result(polling_interval_sec=POLL_S)
    answer = judge_step(run, document)
    if answer != "go":
        tell_step()
        return {"run": run, "state": answer}
    end = _while_stopped(run, lambda number: _applied(run, number))
    if end != "done":
        return {"run": run, "state": end}
    result = close_step(run, document)
    tell_step()
    return result


def _applied(run: str, number: int) -> str:
    """Let the workers apply the plan side by side, for the `number`th time; return how it ended."""
    again = "" if number == 1 else f":{number}"
    sharers = []
    for share in range(1, sharers_step() + 1):
        with SetWorkflowID(f"{run}:apply:{share}{again}"):
            sharers.append(DBOS.enqueue_workflow(APPLY, apply, run))
    ends = {sharer.get_result(polling_interval_sec=POLL_S) for sharer in sharers}
    return next((end for end in ("stale", "stopped") if end in ends), "done")


def _while_stopped(run: str, work: Callable[[int], str]) -> str:
    """Do something, and again whenever writing is allowed again after a flag stopped it.

    Returns its answer, «stopped» when the run itself was stopped, or nobody lowered the flag.
    """
    answer = "stopped"
    for number in range(1, STOPS + 1):
        answer = work(number)
        if answer != "stopped" or not _allowed_again(run):
            break
    return answer


def _allowed_again(run: str) -> bool:
    waited_s, pause_s = 0.0, FIRST_PAUSE_S
    while waited_s < LONGEST_STOP_S:
        found = flags_step(run, pause_s)
        if found != "waits":
            return found == "go"
        waited_s += pause_s
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
    return False


@DBOS.workflow(name="plan")
@followed
def plan(run: str, document: Document, first: int, last: int) -> None:
    """Decide some chunks of companies."""
    plan_step(run, document, first, last)


@DBOS.workflow(name="apply")
@followed
def apply(run: str) -> str:
    """Send what the run plans, beside others who do so too; return how it ended."""
    return apply_step(run)


def _passing(error: BaseException) -> bool:
    log.warning("step_failed", error=type(error).__name__)
    return is_passing(error)


_retried = DBOS.step(
    retries_allowed=True,
    max_attempts=TRIES,
    interval_seconds=FIRST_WAIT_S,
    should_retry=_passing,
)


@_retried
def read_step(run: str, document: Document) -> str:
    """Finish what earlier runs left, then read portal and Wialon: `read`, or why not."""
    runtime, request = current(), request_of(document)
    parts, name = runtime.parts, RunId(run)

    async def work() -> str:
        before = _requests()
        portal = await runtime.portal_for(run)
        try:
            await finish_earlier(parts, portal)
        except WritingStoppedError as stop:
            log.warning("writing_stopped", run=run, why=str(stop))
            return "stopped"
        begin_month(parts, name, request)
        await read_month(parts, portal, name, request, SILENT)
        _count_requests(name, before)
        return "read"

    return runtime.wait_for(work())


@_retried
def flags_step(run: str, pause_s: float) -> str:
    """Wait, then look whether writing is allowed: `go`, `waits`, or `ended` for a stopped run."""
    runtime = current()
    parts = runtime.parts
    runtime.wait_for(parts.clock.sleep(pause_s))
    with parts.store.read() as db:
        known = read_run(db, RunId(run))
        raised = raised_flags(db, parts.portal)
    if known is not None and known.state is RunState.STOPPED:
        return "ended"
    return "waits" if raised else "go"


@DBOS.step()
def chunks_step(run: str) -> int:
    """Return how many chunks of companies there are."""
    return chunks_in(current().parts, RunId(run))


# The interpreter runs one of them at a time anyway: children that take turns at every call of the
# database take longer than one after the other. The next one is at hand all the same.
_deciding = Lock()


@_retried
def plan_step(run: str, document: Document, first: int, last: int) -> None:
    """Decide the chunks from `first` to `last`, in this thread."""
    parts = current().parts
    policy = stored_policy(parts)
    request, numbers = request_of(document), range(first, last + 1)
    with _deciding:
        plan_chunks(parts, policy, RunId(run), request, numbers=numbers)


@_retried
def judge_step(run: str, document: Document) -> str:
    """Ask the gate: `go`, or `waiting_approval`; `stopped` when the run was cancelled."""
    parts, name = current().parts, RunId(run)
    with parts.store.read() as db:
        known = read_run(db, name)
    if known is not None and known.state in (RunState.APPLYING, RunState.DONE):
        return "go"
    report = judge_month(parts, name, request_of(document))
    if isinstance(report.gate, Go):
        try:
            begin_applying(parts, name)
        except WritingStoppedError as stop:
            log.warning("writing_stopped", run=run, why=str(stop))
            return "stopped"
        return "go"
    wait_for_person(parts, name, report)
    close_month(parts, name, report)
    log.warning("run_waits_for_person", run=run)
    return report.state


@DBOS.step()
def sharers_step() -> int:
    """Return how many workers there are to write the run side by side."""
    runtime = current()
    since = runtime.parts.now() - timedelta(seconds=DEAD_AFTER_S)
    with runtime.parts.store.read() as db:
        alive = living(db, seen_since=since)
    return min(max(len(alive), 1), runtime.shares)


@_retried
def apply_step(run: str) -> str:
    """Apply the run's effects until nothing can be done any more: `done`, `stopped`, `stale`."""
    runtime, name = current(), RunId(run)
    parts = runtime.parts

    async def work() -> str:
        before = _requests()
        portal = await runtime.portal_for(run)
        with parts.store.read() as db:
            stale = is_stale(db, name, at=parts.now())
        try:
            await portal.journal.apply(name, begun_only=stale)
        except WritingStoppedError as stop:
            log.warning("writing_stopped", run=run, why=str(stop))
            return "stopped"
        finally:
            _count_requests(name, before)
        if stale:
            with parts.store.write() as db:
                set_state(db, name, RunState.STOPPED, at=parts.now(), detail=STALE)
        return "stale" if stale else "done"

    return runtime.wait_for(work())


@_retried
def close_step(run: str, document: Document) -> Document:
    """Ask the portal whether all is well, keep the report, end the run."""
    runtime, name = current(), RunId(run)
    parts = runtime.parts
    request: MonthRequest = request_of(document)

    async def work() -> Document:
        before = _requests()
        report = month_report(parts, name, request)
        try:
            await verify_run(parts, await runtime.portal_for(run), name, report)
        except WritingStoppedError as stop:
            log.warning("writing_stopped", run=run, why=str(stop))
            return {"run": run, "state": "stopped"}
        with parts.store.read() as db:
            known = read_run(db, name)
        if known is not None:
            report.forecast = known.forecast
            report.requests.portal = known.requests + _requests() - before
            report.seconds = (parts.now() - known.started).total_seconds()
            with parts.store.write() as db:
                add_requests(db, name, -known.requests)
        close_month(parts, name, report)
        return {"run": run, "state": report.state, "exit_code": report.exit_code}

    return runtime.wait_for(work())


@_retried
def tell_step() -> int:
    """Tell people that the run waits, or what it came to; return how many effects that took."""
    runtime = current()
    return runtime.wait_for(tell_runs(runtime.parts))


def _requests() -> int:
    parts = current().parts
    return parts.gateway.requests + parts.reader.requests


def _count_requests(run: RunId, before: int) -> None:
    parts = current().parts
    with parts.store.write() as db:
        add_requests(db, run, _requests() - before)
