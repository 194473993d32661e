"""After the journal has applied a plan: the list of what must never be true, asked of the portal.

Source: style of the house §3, steps 6 and 7; beyond 2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

from stavbill.billing.period import next_working_day
from stavbill.errors import PortalError, WritingStoppedError
from stavbill.log import get_logger
from stavbill.operations.checking import park_violations, violations_after_run
from stavbill.operations.parts import Parts
from stavbill.operations.present import violation_document
from stavbill.operations.progress import SILENT, Progress
from stavbill.operations.reading import PortalFacts
from stavbill.operations.report import RunReport
from stavbill.plan.diff import parking_task
from stavbill.plan.invariants import Violation
from stavbill.plan.join import Surroundings, standing_of
from stavbill.plan.sentences import violation_text
from stavbill.store.effects import counts_by_kind
from stavbill.store.mirror import portfolios
from stavbill.store.runs import RunId, RunState, read_run, set_state
from stavbill.store.unsettled import settled_keys

log = get_logger()


def begin_applying(parts: Parts, run: RunId) -> None:
    """Say that the run's effects may be sent from now on, by whoever comes.

    Raises `WritingStoppedError` for a run that somebody has stopped meanwhile.
    """
    with parts.store.write() as db:
        if set_state(db, run, RunState.APPLYING, at=parts.now()):
            return
        known = read_run(db, run)
    msg = f"Запуск {run} остановлен: {known.detail if known is not None else 'его нет'}"
    raise WritingStoppedError(msg)


async def verify_run(
    parts: Parts, portal: PortalFacts, run: RunId, report: RunReport, progress: Progress = SILENT
) -> None:
    """Count what became of the run's effects, and ask the portal whether all is well.

    A violation of our own making stops all writing, after its one task.
    """
    count_outcomes(parts, run, report)
    report.state = "done"
    if report.outcomes.total() == 0:
        return
    progress.stage("verify")
    found = await verify_portal(parts, portal, run, report.on)
    known = [violation_document(one) for one in found]
    report.violations.extend(one for one in known if one not in report.violations)
    if any(one.ours for one in found):
        report.state = "stopped"


async def verify_portal(
    parts: Parts, portal: PortalFacts, run: RunId, on: date
) -> Sequence[Violation]:
    """Ask the portal for what must never be; tell one of ours, park, and stop all writing for it.

    Source: beyond 2 and 3.
    """
    found = await violations_after_run(parts, portal, on)
    ours = [one for one in found if one.ours]
    if ours:
        await tell_violation(parts, portal, run, ours[0])
    park_violations(parts, found, run)
    return found


def count_outcomes(parts: Parts, run: RunId, report: RunReport) -> None:
    """Put into the report how many of the run's effects stand where."""
    outcomes: Counter[str] = Counter()
    written: Counter[str] = Counter()
    with parts.store.read() as db:
        for (kind, status), number in counts_by_kind(db, run).items():
            outcomes[status.value] += number
            written[f"{kind}:{status.value}"] += number
    report.outcomes, report.written = outcomes, written


async def tell_violation(parts: Parts, portal: PortalFacts, run: RunId, worst: Violation) -> None:
    """Raise the one task about a violation of our own making, before all writing stops.

    Nothing else of the run is sent. What keeps the task from the portal is only logged: that
    writing stops matters more.
    """
    company = worst.company
    with parts.store.read() as db:
        records = portfolios(db, parts.portal, [company])[company]
        settled = settled_keys(db, parts.portal, [company]).get(company, frozenset())
    due = next_working_day(parts.today(), portal.policy.calendar)
    task = parking_task(standing_of(records, Surroundings()), violation_text(worst), due)
    if task.key in settled:
        return
    portal.journal.record(run, [task])
    try:
        await portal.journal.apply(run, company=company)
    except (PortalError, WritingStoppedError) as error:
        log.warning("violation_not_told", company=company, error=type(error).__name__)
