"""Applying a recorded plan, and the list of what must never be true, asked of the portal after.

Source: style of the house §3, steps 6 and 7; beyond 2.
"""

from __future__ import annotations

from stavbill.billing.period import next_working_day
from stavbill.operations.checking import park_violations, violations_after_run
from stavbill.operations.parts import Parts
from stavbill.operations.present import violation_document
from stavbill.operations.progress import Progress
from stavbill.operations.reading import PortalFacts
from stavbill.operations.report import RunReport
from stavbill.plan.diff import parking_task
from stavbill.plan.invariants import Violation
from stavbill.plan.join import Surroundings, standing_of
from stavbill.plan.sentences import violation_text
from stavbill.store.effects import counts_by_kind
from stavbill.store.mirror import portfolios
from stavbill.store.runs import RunId, RunState, set_state


async def apply_run(
    parts: Parts, portal: PortalFacts, run: RunId, report: RunReport, progress: Progress
) -> None:
    """Let the journal make the run's effects happen, then ask the portal whether all is well.

    Raises `WritingStoppedError` when a flag is up; what was not sent then goes on later.
    """
    with parts.store.write() as db:
        set_state(db, run, RunState.APPLYING, at=parts.now())
    progress.stage("apply", sum(report.effects.values()))
    await portal.journal.apply(run, progress=progress.advance)
    with parts.store.read() as db:
        for (kind, status), number in counts_by_kind(db, run).items():
            report.outcomes[status.value] += number
            report.written[f"{kind}:{status.value}"] += number
    report.state = "done"
    if report.outcomes.total() == 0:
        return
    progress.stage("verify")
    found = await violations_after_run(parts, portal, report.on)
    known = [violation_document(one) for one in found]
    report.violations.extend(one for one in known if one not in report.violations)
    ours = [one for one in found if one.ours]
    if ours:
        await _tell(parts, portal, run, ours[0])
    if park_violations(parts, found, run):
        report.state = "stopped"


async def _tell(parts: Parts, portal: PortalFacts, run: RunId, worst: Violation) -> None:
    """Raise the one task about a violation of our own making, before all writing stops."""
    with parts.store.read() as db:
        known = portfolios(db, parts.portal, [worst.company])
    records = known[worst.company]
    due = next_working_day(parts.today(), portal.policy.calendar)
    task = parking_task(standing_of(records, Surroundings()), violation_text(worst), due)
    portal.journal.record(run, [task])
    await portal.journal.apply(run)
