"""The nightly comparison: what the journal wrote for a company against what the portal holds.

Both ways: each invoice of ours is looked for, and each invoice with our key is asked where it comes
from. Source: operations page, «Nightly check»; beyond 2 and 3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from stavbill.billing.decision import Bill, Decision, Hold, InvoiceDraft, Skip, UnitsUnknown
from stavbill.billing.facts import CompanyId, InvoiceId, InvoiceState
from stavbill.plan.diff import UNJUDGED_SKIPS, vanished_invoices
from stavbill.plan.effects import EffectKey, MendTask, OpenTask, PutFields
from stavbill.plan.findings import REMEDIES, Finding, FindingKind, Remedy, found
from stavbill.plan.join import CompanyRecords
from stavbill.plan.records import InvoiceRecord
from stavbill.plan.standing import Standing
from stavbill.plan.texts import amount, rubles

KOPECK = Decimal("0.01")
EMPTY = "пусто"


@dataclass(frozen=True, slots=True)
class WrittenInvoice:
    """An invoice that the journal knows to be done: its key, the portal's id, what was wanted."""

    key: EffectKey
    invoice: InvoiceId
    draft: InvoiceDraft


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What the journal wrote for one company.

    `known_keys` are the keys of all invoices that it may have written, settled or not; `card_count`
    and `billed_through` what it last wrote into the card, None when never; `hold_task` says whether
    it ever opened a task about a hold.
    """

    invoices: tuple[WrittenInvoice, ...] = ()
    known_keys: frozenset[EffectKey] = field(default_factory=frozenset)
    card_count: int | None = None
    billed_through: date | None = None
    hold_task: bool = False


NOTHING_WRITTEN = Written()


def compare_invoices(
    records: CompanyRecords, written: Written, elsewhere: Mapping[InvoiceId, CompanyId]
) -> tuple[Finding, ...]:
    """Return how a company's invoices differ from what was written.

    `elsewhere` tells which of ours stand at another company now. Two invoices for one month and
    the like are not looked for here: they are on the must-never list.

    Source: operations page, «Nightly check» (missing, changed by hand, paid, cancelled).
    """
    company = records.company.company
    by_id = {record.issued.invoice: record for record in records.invoices}
    findings: list[Finding] = []
    for one in written.invoices:
        record = by_id.get(one.invoice) or _same_key(records, one.key)
        if record is None:
            if one.invoice in elsewhere or not _is_issued_again(one, written, records):
                findings.append(_missing(company, one, elsewhere))
        elif record.issued.state is InvoiceState.CANCELLED:
            findings.append(
                found(
                    FindingKind.CANCELLED,
                    company,
                    one.key,
                    invoice=record.issued.invoice,
                    title=record.issued.title,
                )
            )
        else:
            findings.extend(_changed(company, one, record))
    mine = {one.invoice for one in written.invoices}
    findings.extend(
        found(
            FindingKind.UNKNOWN_KEY,
            company,
            str(record.issued.invoice),
            invoice=record.issued.invoice,
            title=record.issued.title,
            found=record.external_id.strip(),
        )
        for record in records.invoices
        if record.issued.invoice not in mine and _is_unknown(company, record, written.known_keys)
    )
    return tuple(findings)


def _is_issued_again(one: WrittenInvoice, written: Written, records: CompanyRecords) -> bool:
    """Say whether a later issue for the same kinds and months stands: the advice was followed."""
    key = one.draft.key
    later = {
        other.key
        for other in written.invoices
        if other.draft.key.issue > key.issue
        and (other.draft.key.services, other.draft.key.period) == (key.services, key.period)
    }
    return any(
        record.external_id.strip() in later and record.issued.state is not InvoiceState.CANCELLED
        for record in records.invoices
    )


def _same_key(records: CompanyRecords, key: EffectKey) -> InvoiceRecord | None:
    """Return an invoice that bears the key under another id: a person restored or remade it."""
    return next((one for one in records.invoices if one.external_id.strip() == key), None)


def _is_unknown(
    company: CompanyId, record: InvoiceRecord, known_keys: frozenset[EffectKey]
) -> bool:
    key = record.issued.key
    if key is None or record.issued.state is InvoiceState.CANCELLED:
        return False
    # Another company's key is a violation of its own.
    return key.company == company and record.external_id.strip() not in known_keys


def _missing(
    company: CompanyId, one: WrittenInvoice, elsewhere: Mapping[InvoiceId, CompanyId]
) -> Finding:
    other = elsewhere.get(one.invoice)
    kind = FindingKind.DELETED if other is None else FindingKind.MOVED
    return found(
        kind,
        company,
        one.key if other is None else _subject(one.key, str(other)),
        invoice=one.invoice,
        title=one.draft.title,
        total=rubles(one.draft.total),
        other=other,
    )


def _changed(company: CompanyId, one: WrittenInvoice, record: InvoiceRecord) -> Iterator[Finding]:
    """Yield what differs on an invoice that stands; one reason for one change of the sum."""
    invoice, title = record.issued.invoice, record.issued.title
    for kind, wanted, seen in _differences(one, record):
        yield found(
            kind,
            company,
            _subject(one.key, seen) if REMEDIES[kind] is Remedy.ASK else one.key,
            invoice=invoice,
            title=title,
            wanted=wanted,
            found=seen or EMPTY,
        )
    if record.issued.state is InvoiceState.PAID and not one.draft.is_paid_by_credits:
        yield found(FindingKind.PAID, company, one.key, invoice=invoice, title=title)


def _subject(key: EffectKey, seen: str) -> str:
    """Return the subject of what a person is asked about, answered for one value and no other."""
    return f"{key}#{hashlib.sha256(seen.encode()).hexdigest()[:10]}"


def _differences(
    one: WrittenInvoice, record: InvoiceRecord
) -> Iterator[tuple[FindingKind, str, str]]:
    draft = one.draft
    key, own = record.external_id.strip(), record.own_company
    if key != one.key:
        yield FindingKind.KEY, one.key, key
    if own != draft.own_company:
        yield FindingKind.OWN_COMPANY, str(draft.own_company), str(own or "")
    if record.currency != draft.currency.value:
        yield FindingKind.CURRENCY, draft.currency.value, record.currency
    total = record.total.quantize(KOPECK)
    if total != draft.total.amount:
        yield FindingKind.TOTAL, rubles(draft.total), amount(int(total * 100), record.currency)
    elif record.rows_read and (rows := _rows(record)) != (wanted := _lines(draft)):
        yield FindingKind.ROWS, _listed(wanted), _listed(rows)
    if record.issued.title.strip() != draft.title.strip():
        yield FindingKind.TITLE, draft.title, record.issued.title
    if (record.begins, record.ends) != (draft.issued, draft.pay_by):
        yield (
            FindingKind.DATES,
            _days(draft.issued, draft.pay_by),
            _days(record.begins, record.ends),
        )


Totals = dict[str, tuple[Decimal, Decimal]]


def _lines(draft: InvoiceDraft) -> Totals:
    """Return pieces and sum by wording: how a line is split into rows says nothing."""
    totals: Totals = {}
    for line in draft.lines:
        pieces, total = totals.get(line.name, (Decimal(0), Decimal(0)))
        totals[line.name] = (pieces + line.quantity, total + line.total.amount)
    return totals


def _rows(record: InvoiceRecord) -> Totals:
    totals: Totals = {}
    for row in record.issued.rows:
        name = row.name.strip()
        pieces, total = totals.get(name, (Decimal(0), Decimal(0)))
        cost = (row.price * row.quantity).quantize(KOPECK)
        totals[name] = (pieces + row.quantity, total + cost)
    return totals


def _listed(totals: Totals) -> str:
    return "; ".join(
        f"{name}: {pieces.normalize():f} шт. на {total.quantize(KOPECK)}"
        for name, (pieces, total) in sorted(totals.items())
    )


def _day(day: date | None) -> str:
    return EMPTY if day is None else f"{day:%d.%m.%Y}"


def _days(begins: date | None, ends: date | None) -> str:
    return f"{_day(begins)} и {_day(ends)}"


def compare_card(
    records: CompanyRecords, written: Written, observed: int | None
) -> tuple[Finding, ...]:
    """Return how the card's fields differ from what was last written into them.

    The count is set again only while Wialon (`observed`, None when not known) shows what was
    written; «billed through» only while an invoice of ours that reaches so far stands.

    Source: portal page, «Written»; billing rules §5.
    """
    findings = []
    record = records.company
    card, company = record.card, record.company
    unread = {problem.field for problem in card.problems}
    count = written.card_count
    is_ours = count is not None and not card.ignore_count and "card_count" not in unread
    if is_ours and card.card_count != count:
        kind = FindingKind.CARD_COUNT if observed == count else FindingKind.CARD_COUNT_CHANGED
        seen = EMPTY if card.card_count is None else card.card_count
        findings.append(found(kind, company, "card_count", wanted=count, found=seen))
    through, now = written.billed_through, record.billed_through
    can_be_read = record.has_billed_through_field and "billed_through" not in unread
    if through is not None and can_be_read and now != through:
        values = {"wanted": _day(through), "found": _day(now)}
        subject = "billed_through"
        if now is not None and now > through:
            findings.append(found(FindingKind.BILLED_FURTHER, company, subject, **values))
        elif _reaches(records, through):
            findings.append(found(FindingKind.BILLED_THROUGH, company, subject, **values))
    return tuple(findings)


def _reaches(records: CompanyRecords, through: date) -> bool:
    return any(
        record.issued.key is not None
        and record.issued.state is not InvoiceState.CANCELLED
        and record.issued.key.period.billed_through >= through
        for record in records.invoices
    )


def compare_hold(decision: Decision, standing: Standing, *, was_held: bool) -> tuple[Finding, ...]:
    """Return whether the hold task is missing, needless, or about what is mended by now.

    `was_held` says that the last run that was applied held the company, and that its task was
    opened then or before: what was never there is not lost. A decision for want of Wialon's
    answer, and one on a day that is not the company's, say nothing about the task.

    Source: billing rules §9.
    """
    company, task = decision.company, standing.hold_task
    if task is None:
        if was_held and isinstance(decision, Hold) and not _for_want_of_units(decision):
            return (found(FindingKind.HOLD_TASK_LOST, company, "hold"),)
        return ()
    subject = str(task.task)
    match decision:
        case Skip(reason=reason) if reason not in UNJUDGED_SKIPS:
            return (found(FindingKind.HOLD_TASK_NEEDLESS, company, subject, task=task.task),)
        case Bill(held=()):
            return (found(FindingKind.HOLD_MENDED, company, subject, task=task.task),)
        case _:
            return ()


def _for_want_of_units(hold: Hold) -> bool:
    return any(isinstance(reason, UnitsUnknown) for reason in hold.reasons)


def compare_vanished(decision: Decision, standing: Standing) -> tuple[Finding, ...]:
    """Return that an invoice was deleted whose month would be billed again now.

    Source: beyond 3.
    """
    keys = vanished_invoices(decision, standing)
    if not keys:
        return ()
    text = ", ".join(keys)
    return (found(FindingKind.VANISHED, decision.company, "|".join(keys), keys=text),)


def field_effect(
    findings: tuple[Finding, ...], company: CompanyId, written: Written, on: date
) -> tuple[PutFields, ...]:
    """Return the effect that sets again what was written into the card and shall be mended.

    Source: portal page, «Written» (target state, written only when it differs).
    """
    kinds = {one.kind for one in findings}
    count = written.card_count if FindingKind.CARD_COUNT in kinds else None
    through = written.billed_through if FindingKind.BILLED_THROUGH in kinds else None
    if count is None and through is None:
        return ()
    key = EffectKey(f"check-fields:{company}:{on}:{count}:{through}")
    return (PutFields(key=key, company=company, card_count=count, billed_through=through),)


def is_about_hold(effect: object, standing: Standing, tag: str) -> bool:
    """Say whether an effect opens, mends or closes the company's hold task.

    Source: billing rules §9.
    """
    match effect:
        case OpenTask():
            return effect.tag == tag
        case MendTask():
            return standing.hold_task is not None and effect.task == standing.hold_task.task
        case _:
            return False
