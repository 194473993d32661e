"""The nightly check (сверка с порталом): read, compare, mend what is safe, ask about the rest.

One reading of the whole portal serves it; it may be repeated at any point under the same run.
Source: operations page, «Nightly check»; beyond 2 and 3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

from pydantic import TypeAdapter

from stavbill.billing.facts import CompanyId, InvoiceState
from stavbill.billing.period import Month, next_working_day
from stavbill.drawn import drawn_name
from stavbill.errors import WritingStoppedError
from stavbill.operations.applying import tell_violation
from stavbill.operations.comparing import CheckRequest, Compared, Comparer
from stavbill.operations.finishing import finish_earlier
from stavbill.operations.parts import Parts
from stavbill.operations.present import Document
from stavbill.operations.progress import SILENT, Progress
from stavbill.operations.reading import PortalFacts, learn_portal, read_portal, read_rows_of
from stavbill.operations.surroundings import ConnectionView
from stavbill.plan.diff import HOLD_TAG
from stavbill.plan.effects import MendTask, OpenTask, PutFields
from stavbill.plan.findings import REMEDIES, FindingKind
from stavbill.plan.reconcile_tasks import CHECK_PREFIX, CHECK_TAG
from stavbill.plan.records import InvoiceRecord
from stavbill.plan.sentences import violation_text
from stavbill.store.control import Flag, raise_flag
from stavbill.store.effects import Status, intents_after
from stavbill.store.findings import count_open, end_mended, open_findings
from stavbill.store.mirror import company_count, company_ids, connection_key, last_complete_reading
from stavbill.store.parking import park
from stavbill.store.recording import drop_planned
from stavbill.store.run_parts import read_reading
from stavbill.store.runs import (
    Run,
    RunId,
    RunKind,
    RunState,
    add_requests,
    latest_runs,
    read_run,
    set_state,
    set_totals,
    start_run,
)
from stavbill.store.snapshots import SnapshotState, read_snapshot
from stavbill.store.unsettled import is_stale
from stavbill.store.written import own_invoices

CHUNK = 50
ROWS_CHUNK = 50
TASK_DAYS = 3
# Rows of invoices younger than this are compared: at once when changed, else once in ROUND nights.
ROWS_MONTHS = 2
ROUND = 7
# Wialon's answer of the last run is used no longer than this.
COUNT_LASTS = timedelta(days=2)
# More than this at once is no work of people: a lost permission or a mapping that has changed.
MOST_CONCERNED, CONCERNED_SHARE = 50, 20
MOST_DELETED, DELETED_SHARE = 5, 5
MOST_VANISHED, VANISHED_SHARE = 5, 20
DONE_CODE, BUG, WAITS, STOPPED, DOUBT = 0, 1, 3, 4, 5
_CONNECTIONS = TypeAdapter(dict[str, ConnectionView])


async def reconcile(
    parts: Parts, progress: Progress = SILENT, *, run: RunId | None = None, accept: bool = False
) -> Document:
    """Compare store and portal both ways; return the report, which is also stored as a run.

    `run` names the check: asked for again, it goes on where it stopped, or returns its report.
    Suspiciously many differences are kept but neither mended nor told, unless `accept`. Raises
    `PortalError` when the portal cannot be read; then nothing was concluded.
    """
    began = parts.clock.monotonic()
    drawn = drawn_name()
    run = run or RunId(f"nightly-{parts.today():%Y-%m-%d}-{drawn}")
    with parts.store.read() as db:
        known = read_run(db, run)
        stale = is_stale(db, run, at=parts.now())
    # Whatever its state says: whoever finishes runs that were killed does not know of the report.
    if known is not None and "exit_code" in known.totals:
        return known.totals
    portal = await learn_portal(parts)
    await portal.journal.require_portal(mark=False)
    if known is None or known.state is RunState.READING or stale:
        _begin(parts, run, known)
        await _look(parts, portal, run, progress, accept=accept)
    report = await _act(parts, portal, run, progress)
    report["requests"] = parts.gateway.requests + parts.reader.requests
    report["seconds"] = round(parts.clock.monotonic() - began, 1)
    with parts.store.write() as db:
        add_requests(db, run, parts.gateway.requests + parts.reader.requests)
        set_totals(db, run, report)
        state = RunState.DONE if report["state"] == "done" else RunState.STOPPED
        set_state(db, run, state, at=parts.now(), detail=str(report["stopped"]))
    return report


def findings_document(parts: Parts, company: int | None = None, limit: int = 1000) -> Document:
    """Return the open findings as they stand in the store, by company; nothing is asked."""
    only = None if company is None else CompanyId(company)
    with parts.store.read() as db:
        found = open_findings(db, parts.portal, limit=limit, company=only)
    listed = [
        {
            "number": one.number,
            "company": int(one.finding.company),
            "kind": one.finding.kind.value,
            "remedy": one.finding.remedy.name.lower(),
            "text": one.finding.detail,
            "since": one.first_seen.isoformat(),
            "last_seen": one.last_seen.isoformat(),
        }
        for one in found
    ]
    return {"findings": listed, "open": _open(parts)}


def _open(parts: Parts) -> dict[str, int]:
    with parts.store.read() as db:
        return {kind.value: number for kind, number in count_open(db, parts.portal).items()}


def _begin(parts: Parts, run: RunId, known: Run | None) -> None:
    if known is not None:
        return
    with parts.store.write() as db:
        start_run(
            db,
            run,
            portal=parts.portal,
            kind=RunKind.NIGHTLY,
            on=parts.today(),
            dry_run=False,
            at=parts.now(),
        )


# ------------------------------------------------------------------------------------ looking
async def _look(
    parts: Parts, portal: PortalFacts, run: RunId, progress: Progress, *, accept: bool
) -> None:
    """Finish what was begun, read everything, compare, and keep what shall be done."""
    with suppress(WritingStoppedError):
        # What cannot be finished now leaves its companies out of the comparison.
        await finish_earlier(parts, portal, progress)
    with parts.store.write() as db:
        # Of an earlier look at the same check that was broken off: the world has moved on.
        drop_planned(db, run, at=parts.now(), detail="сверка начата заново")
    await read_portal(parts, portal, (), parts.today(), progress)
    await _read_own_rows(parts, progress)
    with parts.store.read() as db:
        reading = last_complete_reading(db, parts.portal)
        companies = company_count(db, parts.portal)
    if reading is None:
        msg = "a portal that was just read has no complete reading"
        raise LookupError(msg)
    request = CheckRequest(
        run=run,
        portal=parts.portal,
        owner=parts.owner,
        on=parts.today(),
        at=parts.now(),
        read_at=reading.started,
        due=next_working_day(parts.today() + timedelta(days=TASK_DAYS), portal.policy.calendar),
        connections=_connections(parts),
        policy=portal.policy,
    )
    progress.stage("compare", companies)
    comparer, after = Comparer(parts.store, request), 0
    while True:
        with parts.store.read() as db:
            ids = company_ids(db, parts.portal, after=after, limit=CHUNK)
        if not ids:
            break
        after = ids[-1]
        comparer.compare(ids)
        progress.advance(len(ids))
    comparer.compare_gone()
    if comparer.compared.ours is not None:
        await tell_violation(parts, portal, run, comparer.compared.ours)
    why = "" if accept else _suspicious(comparer.compared)
    if not why:
        comparer.keep_gone()
    _conclude(parts, run, comparer.compared, why=why, uncounted=_unseen(request.connections))


async def _read_own_rows(parts: Parts, progress: Progress) -> None:
    """Read the rows of our young invoices that changed since they were read, and some again.

    Whether a change of rows changes an invoice's time is not documented: so each is read again
    once in a while, even when nothing seems to have changed.
    """
    progress.stage("read_rows")
    today, after = parts.today(), 0
    since = Month.of(today).plus(-ROWS_MONTHS)
    waiting: list[InvoiceRecord] = []
    while True:
        with parts.store.read() as db:
            chunk = own_invoices(db, parts.portal, after=after)
        if not chunk:
            break
        after = chunk[-1].issued.invoice
        waiting.extend(
            record
            for record in chunk
            if Month.of(record.issued.created) >= since
            and record.issued.state is not InvoiceState.CANCELLED
            and (not record.rows_read or _is_its_turn(record, today.toordinal()))
        )
        while len(waiting) >= ROWS_CHUNK:
            await read_rows_of(parts, waiting[:ROWS_CHUNK])
            progress.advance(ROWS_CHUNK)
            waiting = waiting[ROWS_CHUNK:]
    if waiting:
        await read_rows_of(parts, waiting)


def _is_its_turn(record: InvoiceRecord, day: int) -> bool:
    return record.issued.invoice % ROUND == day % ROUND


def _connections(parts: Parts) -> dict[str, ConnectionView]:
    """Return what the last run saw in Wialon, as far as it is kept and young enough."""
    views = {connection_key(name) or "": ConnectionView(snapshot=None) for name in parts.wialon}
    with parts.store.read() as db:
        for known in latest_runs(db, parts.portal, kind=RunKind.MONTH):
            young = parts.now() - known.started <= COUNT_LASTS
            reading = read_reading(db, known.run) if young else None
            if reading is None:
                continue
            for name, view in _CONNECTIONS.validate_python(reading["connections"]).items():
                snapshot = None if view.snapshot is None else read_snapshot(db, view.snapshot)
                if snapshot is not None and snapshot.state is SnapshotState.COMPLETE:
                    views[name] = view
            break
    return views


# --------------------------------------------------------------------------------- concluding
def _unseen(connections: Mapping[str, ConnectionView]) -> list[str]:
    """Return the Wialon connections of which nobody knows what they show now."""
    return sorted(name for name, view in connections.items() if view.snapshot is None)


def _conclude(
    parts: Parts, run: RunId, compared: Compared, *, why: str, uncounted: Sequence[str]
) -> None:
    """Keep the report and park what is contradictory; from here on effects may be sent.

    `why` says why what was found is not believed, "" when it is. A violation of our own making
    stops all writing at the same moment, what is to be mended too.
    """
    violation = "" if compared.ours is None else violation_text(compared.ours)
    state = "stopped" if violation else "suspicious" if why else "comparing"
    report: Document = {
        "run_id": run,
        "on": parts.today().isoformat(),
        "state": state,
        "stopped": violation or why,
        "companies": compared.companies,
        "invoices": compared.invoices,
        "waiting": compared.waiting,
        "failed": compared.failed,
        "uncounted": list(uncounted),
        "found": dict(compared.kinds),
        "remedies": _remedies(compared.kinds),
        "new": compared.new,
        "gone": compared.gone,
        "parked": [
            {"company": int(company), "reason": reason} for company, reason in compared.parks
        ],
        "violation": violation,
    }
    now = parts.now()
    with parts.store.write() as db:
        set_totals(db, run, report)
        for company, reason in compared.parks if not why else ():
            park(db, parts.portal, company, reason=reason, run=run, at=now)
        if compared.ours is not None:
            who, ours = "stavbill", compared.ours.company
            park(db, parts.portal, ours, reason=violation, run=run, at=now)
            raise_flag(db, parts.portal, Flag.VIOLATION, reason=violation, who=who, at=now)
        # One that is not to be applied stays as if it were still reading: nobody shall go on.
        if state == "comparing":
            set_state(db, run, RunState.APPLYING, at=now)


def _remedies(kinds: Counter[str]) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for kind, number in kinds.items():
        counted[REMEDIES[FindingKind(kind)].name.lower()] += number
    return dict(counted)


def _suspicious(compared: Compared) -> str:
    """Return why so many differences at once are no work of people, "" when they may be."""
    if compared.deleted > max(MOST_DELETED, compared.invoices // DELETED_SHARE):
        return (
            f"не найдено своих счетов: {compared.deleted} из {compared.invoices}. Проверьте права "
            "вебхука на счета; если всё верно: stavbill check --nightly --accept"
        )
    everybody = compared.companies + compared.vanished
    if compared.vanished > max(MOST_VANISHED, everybody // VANISHED_SHARE):
        return (
            f"пропало сразу {compared.vanished} компаний из {everybody}, которым выставлялись "
            "счета. Проверьте права вебхука на компании; если всё верно: stavbill check --nightly "
            "--accept"
        )
    if compared.concerned > max(MOST_CONCERNED, compared.companies // CONCERNED_SHARE):
        return (
            f"расхождения сразу у {compared.concerned} компаний из {compared.companies}. Проверьте "
            "права вебхука и поля; если всё верно: stavbill check --nightly --accept"
        )
    return ""


# ------------------------------------------------------------------------------------- acting
async def _act(parts: Parts, portal: PortalFacts, run: RunId, progress: Progress) -> Document:
    """Send what was recorded, and account for it."""
    with parts.store.read() as db:
        known = read_run(db, run)
    report: Document = {} if known is None else dict(known.totals)
    outcome: Counter[str] = Counter()
    settled = True
    if report["state"] == "comparing":
        report["state"] = "done"
        progress.stage("apply")
        try:
            applied = await portal.journal.apply(run, progress=progress.advance)
            settled = applied.is_settled
        except WritingStoppedError as stop:
            report |= {"state": "stopped", "stopped": str(stop)}
        outcome = _account(parts, run)
    report |= {
        "mended": outcome["mended"],
        "tasks": outcome["tasks"],
        "asked": outcome["asked"],
        "tasks_closed": outcome["closed"],
        "open": _open(parts),
        "exit_code": _exit_code(report, settled=settled),
    }
    return report


def _exit_code(report: Document, *, settled: bool) -> int:
    if report["violation"] or report["state"] == "stopped":
        return STOPPED
    if report["state"] == "suspicious":
        return WAITS
    if not settled:
        return DOUBT
    return BUG if report["failed"] else DONE_CODE


def _account(parts: Parts, run: RunId) -> Counter[str]:
    """End the findings that were mended, and count what was done."""
    outcome: Counter[str] = Counter()
    after = 0
    while True:
        with parts.store.write() as db:
            chunk = intents_after(db, run, after=after, statuses=[Status.DONE])
            for one in chunk:
                effect, company = one.effect, one.effect.company
                kinds: tuple[FindingKind, ...] = ()
                match effect:
                    case PutFields():
                        kinds = _fields_mended(effect)
                    case OpenTask(tag=tag) if tag == CHECK_TAG:
                        outcome["tasks"] += 1
                        outcome["asked"] += len(effect.items)
                    case OpenTask(tag=tag) if tag == HOLD_TAG:
                        kinds = (FindingKind.HOLD_TASK_LOST,)
                    case MendTask() if effect.key.startswith(CHECK_PREFIX):
                        outcome["asked"] += len(effect.add)
                        outcome["closed"] += effect.complete
                    case MendTask(complete=True):
                        kinds = (FindingKind.HOLD_TASK_NEEDLESS,)
                    case _:
                        pass
                if kinds:
                    ended = end_mended(db, parts.portal, company, kinds, at=parts.now())
                    outcome["mended"] += ended
        if not chunk:
            return outcome
        after = chunk[-1].intent


def _fields_mended(effect: PutFields) -> tuple[FindingKind, ...]:
    count = () if effect.card_count is None else (FindingKind.CARD_COUNT,)
    through = () if effect.billed_through is None else (FindingKind.BILLED_THROUGH,)
    return (*count, *through)
