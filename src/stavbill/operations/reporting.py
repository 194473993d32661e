"""People on the portal are told of runs: a task while one waits, a message when one is done.

What there is to tell follows from the store alone, so that it may be asked for at any time, by
anybody: whoever comes first tells it, once. Source: operations page, «Observability», «Safety».
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from stavbill.billing.period import next_working_day
from stavbill.billing.policy import Policy
from stavbill.errors import PortalError, WritingStoppedError
from stavbill.log import get_logger
from stavbill.operations.parts import Parts
from stavbill.operations.reading import PortalFacts, learn_portal, stored_policy
from stavbill.operations.shared_troubles import cause_effects, causes_of_document
from stavbill.plan.effects import NO_COMPANY, Effect
from stavbill.plan.run_texts import (
    IssuerTotal,
    MonthCompared,
    RunTold,
    closes_key,
    report_message,
    waiting_ends,
    waiting_task,
    waits_key,
)
from stavbill.store.effects import Status
from stavbill.store.recording import record_effects
from stavbill.store.runs import (
    Run,
    RunId,
    RunKind,
    RunState,
    finished_since,
    latest_runs,
    set_state,
    start_run,
)
from stavbill.store.told import standing_tasks, tellings

# The run of everybody is seldom farther back; those of named companies lie between.
NEAREST, FARTHEST = 5, 60
# A report that nobody could post for so long is no news any more.
NEWS = timedelta(days=7)
# Such a run has not come to its answer yet: it takes nobody's place.
BEGINNING = frozenset({RunState.READING, RunState.PLANNED})
log = get_logger()


async def tell_runs(parts: Parts, portal: PortalFacts | None = None) -> int:
    """Tell the portal of runs that wait, go on or are done; return how many effects that took.

    Nothing is asked of the portal when there is nothing to tell. Trouble with the portal is only
    logged: a run is not worse for a report that comes later.
    """
    with parts.store.read() as db:
        if not _untold(db, parts):
            return 0
    try:
        portal = portal or await learn_portal(parts)
    except PortalError as error:
        log.warning("report_not_posted", error=type(error).__name__, detail=str(error))
        return 0
    with parts.store.write() as db:
        run, effects = _record(db, parts, _untold(db, parts))
    if not effects:
        return 0
    state = RunState.STOPPED
    try:
        report = await portal.journal.apply(run, wait_doubts=False)
        state = RunState.DONE if report.is_settled else RunState.APPLYING
    except (PortalError, WritingStoppedError) as error:
        # Stopped, so that no later run waits for it; the next telling plans it again.
        log.warning("report_not_posted", error=type(error).__name__, detail=str(error))
    with parts.store.write() as db:
        set_state(db, run, state, at=parts.now())
        _log_declined(db, parts, effects)
    return len(effects)


def _record(
    db: Connection, parts: Parts, effects: Sequence[Effect]
) -> tuple[RunId, Sequence[Effect]]:
    names = "|".join((parts.now().isoformat(), *(effect.key for effect in effects)))
    mark = hashlib.sha256(names.encode()).hexdigest()[:8]
    run = RunId(f"report-{parts.today():%Y-%m-%d}-{mark}")
    if effects:
        start_run(
            db,
            run,
            portal=parts.portal,
            kind=RunKind.REPORT,
            on=parts.today(),
            dry_run=False,
            at=parts.now(),
        )
        record_effects(db, run, effects, portal=parts.portal, by=parts.owner, at=parts.now())
        set_state(db, run, RunState.APPLYING, at=parts.now())
    return run, effects


def _log_declined(db: Connection, parts: Parts, effects: Sequence[Effect]) -> None:
    """Say in the log what the portal declined: nobody else would hear of it."""
    told = tellings(db, parts.portal, [effect.key for effect in effects])
    for key, known in told.items():
        if known.status is Status.REJECTED:
            log.warning("report_declined", key=key)


# -------------------------------------------------------------------------- what is to be told
def _untold(db: Connection, parts: Parts) -> list[Effect]:
    """Return what nobody has told yet."""
    newest = _newest_of_everybody(db, parts)
    waits = newest if newest and newest.state is RunState.WAITING_APPROVAL else None
    wanted = [*_reports(db, parts), *_waiting(parts, waits)]
    told = tellings(db, parts.portal, [effect.key for effect in wanted])
    fresh = [one for one in wanted if (has := told.get(one.key)) is None or has.is_open]
    causes: Iterable[Effect] = ()
    if parts.reports.waiting_task:
        causes = cause_effects(db, parts.portal, newest, stored_policy(parts).calendar)
    return [*fresh, *_ended(db, parts, waits), *causes]


def _reports(db: Connection, parts: Parts) -> Iterator[Effect]:
    """Yield the reports of runs that ended lately and wrote or met anything."""
    if not parts.reports.dialogs:
        return
    policy = stored_policy(parts)
    for run in finished_since(db, parts.portal, parts.now() - NEWS, kind=RunKind.MONTH):
        if run.totals.get("outcomes") or run.totals.get("failed"):
            for dialog in parts.reports.dialogs:
                yield report_message(_told(run, policy), dialog)


def _waiting(parts: Parts, run: Run | None) -> Iterator[Effect]:
    """Yield the task about the run that waits."""
    if run is None or not parts.reports.waiting_task or "gate" not in run.totals:
        return
    policy = stored_policy(parts)
    # From the run, not from today: told again tomorrow, it is the same task.
    due = next_working_day(_day(parts, run), policy.calendar)
    yield waiting_task(_told(run, policy), due)


def _ended(db: Connection, parts: Parts, waits: Run | None) -> Iterator[Effect]:
    """Yield the completion of tasks about runs that wait no longer."""
    beginning = waits_key(RunId(""))
    standing = standing_tasks(db, parts.portal, {NO_COMPANY}, beginning)
    tasks = {one.name.removeprefix(beginning): one.task for one in standing}
    over = {run: task for run, task in tasks.items() if waits is None or run != waits.run}
    told = tellings(db, parts.portal, [closes_key(run) for run in over]) if over else {}
    for run, task in over.items():
        closed = told.get(closes_key(run))
        if closed is None or closed.is_open:
            yield waiting_ends(run, task)


def _newest_of_everybody(db: Connection, parts: Parts) -> Run | None:
    """Return the newest run of everybody: it has taken the place of those before."""
    for reach in (NEAREST, FARTHEST):
        for run in _real_runs(db, parts, reach):
            if not run.totals.get("companies") and run.state not in BEGINNING:
                return run
    return None


def _real_runs(db: Connection, parts: Parts, limit: int) -> list[Run]:
    known = latest_runs(db, parts.portal, limit, kind=RunKind.MONTH)
    return [run for run in known if not run.dry_run]


def _day(parts: Parts, run: Run) -> date:
    return run.started.astimezone(parts.zone).date()


# -------------------------------------------------------------------------------- the documents
def _told(run: Run, policy: Policy) -> RunTold:
    """Return what a stored report says, in the words that texts are made of."""
    totals, names = run.totals, {rule.code: rule.issuer for rule in policy.rules}
    counts, gate = totals["counts"], totals["gate"]
    return RunTold(
        run=run.run,
        on=run.on,
        companies=counts["companies"],
        billed=counts["billed"],
        skipped=counts["skipped"],
        held=tuple(totals["held"].items()),
        held_companies=counts["held"],
        parked=counts["parked"],
        waiting=counts["waiting"],
        failed=counts["failed"],
        violations=len(totals["violations"]),
        totals=tuple(
            IssuerTotal(
                issuer=names.get(row["issuer"], row["issuer"]),
                currency=row["currency"],
                invoices=row["invoices"],
                companies=row["companies"],
                minor=_minor(row["total"]),
            )
            for row in totals["sums"]
        ),
        compared=_compared(totals.get("compared", ()), policy),
        first_run=bool(gate.get("first_run")),
        too_many=gate.get("too_many_invoices"),
        deviating=_compared(gate.get("deviations", ()), policy),
        causes=tuple(causes_of_document(totals.get("shared", ()))),
    )


def _compared(rows: Sequence[Mapping[str, Any]], policy: Policy) -> tuple[MonthCompared, ...]:
    names = {rule.own_company: rule.issuer for rule in reversed(policy.rules)}
    return tuple(
        MonthCompared(
            issuer=names.get(row["own_company"], f"юрлицо {row['own_company']}"),
            currency=row["currency"],
            companies_before=row["companies_before"],
            companies_now=row["companies_now"],
            minor_before=_minor(row["total_before"]),
            minor_now=_minor(row["total_now"]),
        )
        for row in rows
    )


def _minor(text: str) -> int:
    return int(Decimal(text) * 100)
