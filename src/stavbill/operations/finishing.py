"""Finishing what earlier runs left, before anything new: applied, verified, and closed.

Source: style of the house §3, steps 0, 6 and 7; beyond 2.
"""

from __future__ import annotations

from stavbill.operations.applying import verify_portal, verify_run
from stavbill.operations.month_steps import MonthRequest, close_month, month_report
from stavbill.operations.parts import Parts
from stavbill.operations.progress import SILENT, Progress
from stavbill.operations.reading import PortalFacts
from stavbill.operations.report import RunReport
from stavbill.operations.stages import drop_outrun_stages
from stavbill.store.runs import (
    Run,
    RunKind,
    RunState,
    add_requests,
    read_run,
    unfinished_runs,
)

# A month is closed here, with its report; a nightly check by whoever repeats it.
LEFT_OPEN = frozenset({RunKind.MONTH, RunKind.NIGHTLY})
BILLING = frozenset({RunKind.MONTH, RunKind.RERUN})
TOLD = RunKind.DELIVERY


async def finish_earlier(
    parts: Parts, portal: PortalFacts, progress: Progress = SILENT
) -> tuple[RunReport, ...]:
    """Apply what runs that were killed left, and ask the portal whether all is well.

    Returns the reports of the months that came to their end by it.

    A month gets its report and its end like any other, and a violation that it made stops all
    writing. Interrupted anywhere, the next call does the rest. Raises `WritingStoppedError` when a
    flag is up and something is left, and when the portal is another database's.
    """
    progress.stage("finish")
    await portal.journal.require_portal(mark=False)
    with parts.store.read() as db:
        left = [one.run for one in unfinished_runs(db, parts.portal) if one.kind is TOLD]
    await drop_outrun_stages(parts, portal, left)
    reruns: list[Run] = []
    months: list[RunReport] = []
    for resumed in await portal.journal.resume(leave=LEFT_OPEN):
        with parts.store.read() as db:
            known = read_run(db, resumed.run)
        if known is None or known.kind not in BILLING or not resumed.is_settled:
            continue
        if known.kind is RunKind.MONTH:
            closed = await _close(parts, portal, known, progress)
            months.extend([] if known.finished is not None else [closed])
        else:
            reruns.append(known)
    # However many were asked for at once: one look at the portal judges them all.
    for last in reruns[-1:]:
        await verify_portal(parts, portal, last.run, last.on)
    return tuple(months)


async def _close(parts: Parts, portal: PortalFacts, known: Run, progress: Progress) -> RunReport:
    """Verify a month that was resumed, and keep its report; one that grew old stays stopped."""
    report = _report(parts, known)
    await verify_run(parts, portal, known.run, report, progress)
    if known.state is RunState.STOPPED and report.state == "done":
        report.state = "stopped" if known.totals.get("state") == "stopped" else "stale"
    with parts.store.write() as db:
        add_requests(db, known.run, -known.requests)
    close_month(parts, known.run, report)
    return report


def _report(parts: Parts, known: Run) -> RunReport:
    """Return the report as far as the store knows it; a month that had an end keeps its figures."""
    report = month_report(parts, known.run, MonthRequest(on=known.on))
    report.changed = list(known.totals.get("changed_since_plan", ()))
    report.forecast = known.forecast
    report.requests.portal = known.requests
    if known.finished is None:
        report.seconds = (parts.now() - known.started).total_seconds()
    else:
        report.seconds = float(known.totals.get("seconds", 0))
        report.requests.portal = max(known.requests - report.requests.wialon, 0)
    return report
