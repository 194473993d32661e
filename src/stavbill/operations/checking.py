"""The must-never list over what the portal holds: after a run, and by `stavbill check`.

Source: beyond 2 and 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from stavbill.billing.facts import CompanyId
from stavbill.billing.period import Month
from stavbill.billing.policy import Policy
from stavbill.operations.names import named
from stavbill.operations.parts import Parts
from stavbill.operations.present import Document, violation_document
from stavbill.operations.progress import SILENT, Progress
from stavbill.operations.reading import PortalFacts, learn_portal, read_invoices, read_portal
from stavbill.plan.invariants import PortalView, Violation, violations
from stavbill.plan.join import CompanyRecords
from stavbill.plan.sentences import violation_text
from stavbill.store.control import Flag, raise_flag
from stavbill.store.mirror import company_ids, portfolios
from stavbill.store.parking import park
from stavbill.store.runs import RunId
from stavbill.store.written import issued_to_skipped

CHUNK = 200
OK, VIOLATED = 0, 4


async def check_portal(parts: Parts, progress: Progress = SILENT) -> Document:
    """Read the portal and return every violation; ours stop writing, others park the company.

    The exit code is 4 when one is ours, as it is of the nightly check.
    """
    portal = await learn_portal(parts)
    await read_portal(parts, portal, (), parts.today(), progress)
    found = list(_all_violations(parts, portal.policy, parts.today()))
    stopped = park_violations(parts, found, None)
    return {
        "violations": named(parts, [violation_document(one) for one in found]),
        "writing_stopped": stopped,
        "requests": parts.gateway.requests + parts.reader.requests,
        "exit_code": VIOLATED if stopped else OK,
    }


async def violations_after_run(parts: Parts, portal: PortalFacts, on: date) -> list[Violation]:
    """Read the invoices again and return what must never be true, for companies not parked yet."""
    await read_invoices(parts, portal)
    return list(_all_violations(parts, portal.policy, on))


def _all_violations(parts: Parts, policy: Policy, on: date) -> Iterable[Violation]:
    after = 0
    while True:
        with parts.store.read() as db:
            ids = company_ids(db, parts.portal, after=after, limit=CHUNK)
            known = portfolios(db, parts.portal, ids)
            skipped = issued_to_skipped(db, parts.portal, ids, on=on, at=parts.now())
        if not ids:
            return
        after = ids[-1]
        for company, records in known.items():
            view = view_of(records, on, skipped.get(company, frozenset()))
            yield from violations(view, policy)


def view_of(records: CompanyRecords, on: date, to_skipped: frozenset[str]) -> PortalView:
    """Return what the must-never list needs of one company, in the month of `on`."""
    return PortalView(
        card=records.company.card,
        contracts=tuple(record.contract for record in records.contracts),
        invoices=records.invoices,
        since=Month.of(on),
        to_skipped=to_skipped,
    )


def park_violations(parts: Parts, found: Sequence[Violation], run: RunId | None) -> bool:
    """Park every company concerned; stop all writing when one violation is of our own making."""
    ours = [one for one in found if one.ours]
    with parts.store.write() as db:
        for one in found:
            park(
                db,
                parts.portal,
                CompanyId(one.company),
                reason=violation_text(one),
                run=run,
                at=parts.now(),
            )
        if ours:
            raise_flag(
                db,
                parts.portal,
                Flag.VIOLATION,
                reason=violation_text(ours[0]),
                who="stavbill",
                at=parts.now(),
            )
    return bool(ours)
