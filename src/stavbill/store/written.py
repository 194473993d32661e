"""What the journal wrote for some companies, as the nightly check asks for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Connection, func, or_, select

from stavbill.billing.facts import CompanyId, InvoiceId
from stavbill.billing.period import Month
from stavbill.plan.diff import HOLD_TAG
from stavbill.plan.effects import EffectKey, MendTask, OpenTask, PutFields, PutInvoice
from stavbill.plan.reconcile import NOTHING_WRITTEN, Written, WrittenInvoice
from stavbill.plan.reconcile_tasks import CHECK_PREFIX
from stavbill.plan.records import InvoiceRecord
from stavbill.store import bodies
from stavbill.store.effects import UNSETTLED, Status
from stavbill.store.runs import RunState
from stavbill.store.tables import companies, decisions, effects, records, runs

_MAYBE_THERE = frozenset({Status.DONE, Status.DIFFERS}) | UNSETTLED
# A plan that was only looked at, or waits for a person, has written nothing.
_APPLIED = (RunState.APPLYING.value, RunState.DONE.value, RunState.STOPPED.value)


@dataclass(frozen=True, slots=True)
class WrittenByUs:
    """What was written for a chunk of companies, and which items told of findings before."""

    companies: Mapping[CompanyId, Written] = field(default_factory=dict)
    told: Mapping[CompanyId, frozenset[str]] = field(default_factory=dict)

    def of(self, company: CompanyId) -> Written:
        """Return what was written for one company."""
        return self.companies.get(company, NOTHING_WRITTEN)

    def told_of(self, company: CompanyId) -> frozenset[str]:
        """Return the codes of items that told of a company's findings."""
        return self.told.get(company, frozenset())


def written_by_us(
    db: Connection, portal: str, ids: Collection[CompanyId], *, before: datetime
) -> WrittenByUs:
    """Return what the journal wrote for some companies.

    What was first known to be written after `before` is left out of what is compared: the portal's
    lists may lag behind. The keys of such invoices are known all the same.
    """
    rows = db.execute(
        select(effects)
        .where(
            effects.c.portal == portal,
            effects.c.company.in_(ids),
            or_(
                effects.c.kind.in_(["put_invoice", "put_fields"]),
                effects.c.key.like(f"{CHECK_PREFIX}%"),
                effects.c.key.like("hold:%"),
            ),
        )
        .order_by(effects.c.written_at, effects.c.effect)
    )
    known: dict[CompanyId, Written] = {}
    told: dict[CompanyId, set[str]] = {}
    for row in rows:
        company, status = CompanyId(row.company), Status(row.status)
        written = known.get(company, NOTHING_WRITTEN)
        is_there = row.portal_id is not None or status in _MAYBE_THERE
        if row.kind == "put_invoice" and is_there:
            keys = written.known_keys | {EffectKey(row.key)}
            known[company] = written = replace(written, known_keys=keys)
        if status is not Status.DONE:
            continue
        match bodies.EFFECT.read(row.body):
            case PutInvoice(key=key, draft=draft) if row.written_at <= before and row.portal_id:
                one = WrittenInvoice(key, InvoiceId(row.portal_id), draft)
                known[company] = replace(written, invoices=(*written.invoices, one))
            case PutFields() as fields:
                is_fresh = max(row.sent_at or row.written_at, row.written_at) > before
                known[company] = _with_fields(written, fields, is_fresh=is_fresh)
            case OpenTask(tag=tag) if tag == HOLD_TAG:
                known[company] = replace(written, hold_task=True)
            case OpenTask(items=items) | MendTask(add=items):
                told.setdefault(company, set()).update(item.code for item in items)
            case _:
                pass
    return WrittenByUs(known, {company: frozenset(codes) for company, codes in told.items()})


def _with_fields(written: Written, fields: PutFields, *, is_fresh: bool) -> Written:
    """Return what is known of a card after another write; a fresh one leaves its fields unknown."""
    count, through = written.card_count, written.billed_through
    if fields.card_count is not None:
        count = None if is_fresh else fields.card_count
    if fields.billed_through is not None:
        through = None if is_fresh else fields.billed_through
    return replace(written, card_count=count, billed_through=through)


def companies_gone(
    db: Connection, portal: str, *, after: int = 0, limit: int = 200
) -> tuple[CompanyId, ...]:
    """Return the next companies that have invoices of ours and are not in the mirror any more."""
    rows = db.execute(
        select(effects.c.company)
        .outerjoin(
            companies,
            (companies.c.portal == effects.c.portal) & (companies.c.company == effects.c.company),
        )
        .where(
            effects.c.portal == portal,
            effects.c.kind == "put_invoice",
            effects.c.status == Status.DONE.value,
            effects.c.company > after,
            companies.c.company.is_(None),
        )
        .distinct()
        .order_by(effects.c.company)
        .limit(limit)
    )
    return tuple(CompanyId(row.company) for row in rows)


def invoices_elsewhere(
    db: Connection, portal: str, ids: Collection[InvoiceId]
) -> dict[InvoiceId, CompanyId]:
    """Return at which company each of some invoices stands in the mirror; absent when nowhere."""
    if not ids:
        return {}
    rows = db.execute(
        select(records.c.record, records.c.company).where(
            records.c.portal == portal, records.c.kind == "invoice", records.c.record.in_(ids)
        )
    )
    return {InvoiceId(row.record): CompanyId(row.company) for row in rows}


def own_invoices(
    db: Connection, portal: str, *, after: int = 0, limit: int = 500
) -> tuple[InvoiceRecord, ...]:
    """Return the next invoices with a key of ours, by id, those after `after`."""
    rows = db.execute(
        select(records.c.body)
        .where(
            records.c.portal == portal,
            records.c.kind == "invoice",
            records.c.external_id.like("stavbill:%"),
            records.c.record > after,
        )
        .order_by(records.c.record)
        .limit(limit)
    )
    return tuple(bodies.INVOICE.read(row.body) for row in rows)


def last_decided(db: Connection, portal: str, ids: Collection[CompanyId]) -> dict[CompanyId, str]:
    """Return how some companies were last decided by a run that was applied: bill, skip, hold."""
    applied = (
        select(decisions.c.company, decisions.c.kind, decisions.c.decided)
        .join(runs, runs.c.run == decisions.c.run)
        .where(
            decisions.c.portal == portal,
            decisions.c.company.in_(ids),
            runs.c.dry_run.is_(False),
            runs.c.state.in_(_APPLIED),
        )
        .subquery()
    )
    last = (
        select(applied.c.company, func.max(applied.c.decided).label("decided"))
        .group_by(applied.c.company)
        .subquery()
    )
    rows = db.execute(
        select(applied.c.company, applied.c.kind).join(
            last,
            (last.c.company == applied.c.company) & (last.c.decided == applied.c.decided),
        )
    )
    return {CompanyId(row.company): row.kind for row in rows}


def issued_to_skipped(
    db: Connection, portal: str, ids: Collection[CompanyId], *, on: date, at: datetime
) -> dict[CompanyId, frozenset[str]]:
    """Return, by company, the keys of invoices decided in spite of the company's skip flag.

    Asked is the decision of the run that issued each: the flag as it was then, and whether a person
    had the company billed all the same. Only invoices written since the month of `on`, the day that
    is billed for, or of `at`, now, began: whichever is earlier.
    """
    # A day before: the portal's day begins earlier than that of UTC.
    first = Month.of(min(on, at.date())).first_day - timedelta(days=1)
    begins = datetime.combine(first, time(), UTC)
    rows = db.execute(
        select(effects.c.company, effects.c.key, decisions.c.facts)
        .join(
            decisions,
            (decisions.c.run == effects.c.run) & (decisions.c.company == effects.c.company),
        )
        .where(
            effects.c.portal == portal,
            effects.c.company.in_(ids),
            effects.c.kind == "put_invoice",
            effects.c.written_at >= begins,
            # Most facts say nothing of the kind: only those that do are read as a whole.
            decisions.c.facts.like('%"skip":true%'),
        )
    )
    found: dict[CompanyId, set[str]] = {}
    for row in rows:
        facts = bodies.FACTS.read(row.facts)
        if facts.card.skip and not facts.override.skip:
            found.setdefault(CompanyId(row.company), set()).add(row.key)
    return {company: frozenset(keys) for company, keys in found.items()}
