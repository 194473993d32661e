"""What is told beside a bill or a hold: the explanation's steps and the warnings, as data.

Source: billing rules §9, «every decision explains itself».
"""

from __future__ import annotations

from stavbill.billing.case import Case
from stavbill.billing.count import CountPassed, unit_warnings
from stavbill.billing.decision import HoldReason, Note
from stavbill.billing.due import Covered, PeriodDue, SendingDayIs
from stavbill.billing.facts import Recipients, VatWish
from stavbill.billing.issuer import Issuer
from stavbill.billing.tariff import Tariff
from stavbill.billing.vat import vat_warnings

CountFinding = CountPassed | HoldReason | None


def warnings_of(case: Case, issuer: Issuer | HoldReason, count: CountFinding) -> tuple[Note, ...]:
    """Return what deserves a look although it stops nothing (§3, §5, §6, §7, §9, §11)."""
    notes: list[Note] = list(case.day.warnings) if isinstance(case.day, SendingDayIs) else []
    for found in case.findings.values():
        if isinstance(found, (PeriodDue, Covered)):
            notes.extend(found.warnings)
    notes.extend(_free_groups(case))
    if count is not None:
        notes.extend(unit_warnings(case.facts))
    if isinstance(count, CountPassed):
        notes.extend(count.warnings)
    card = case.facts.card
    if isinstance(issuer, Issuer) and card.vat is not VatWish.EMPTY:
        notes.extend(vat_warnings(issuer.rule, card.vat, case.wanted_months()))
    notes.extend(_recipient_warnings(card.recipients))
    if case.on.year in case.policy.forecast_years:
        notes.append(Note("calendar_forecast", "§3", (("year", case.on.year),)))
    return tuple(notes)


def _free_groups(case: Case) -> list[Note]:
    """Return a warning for each service with units at no price, also where no invoice is (§7)."""
    return [
        Note("free_group", "§7", (("service", str(code)),))
        for code, fee in case.fees.items()
        if isinstance(fee, Tariff) and fee.has_free_units
    ]


def _recipient_warnings(recipients: Recipients) -> list[Note]:
    notes = []
    if recipients.unusable:
        notes.append(Note("recipient_unusable", "§9", (("addresses", recipients.unusable),)))
    if not recipients.emails and not recipients.phones:
        notes.append(Note("no_recipient", "§9"))
    return notes


def explanation_of(
    case: Case, issuer: Issuer | HoldReason, count: CountFinding
) -> tuple[Note, ...]:
    """Return the steps that led here: the day, the issuer, the count, the months (§9)."""
    notes: list[Note] = []
    if isinstance(case.day, SendingDayIs):
        notes.append(Note("day_reached", "§3", (("day", case.day.day.isoformat()),)))
    if isinstance(issuer, Issuer):
        notes.append(_issuer_note(issuer))
    if isinstance(count, CountPassed):
        notes.extend(count.explanation)
    for found in case.findings.values():
        if isinstance(found, PeriodDue):
            notes.extend(found.explanation)
        elif isinstance(found, Covered):
            notes.append(covered_note(found))
    return tuple(notes)


def covered_note(found: Covered) -> Note:
    """Return the step that says which invoices cover the month (§3)."""
    names = tuple(str(invoice) for invoice in found.invoices)
    return Note("month_covered", "§3", (("month", found.month.code), ("invoices", names)))


def _issuer_note(issuer: Issuer) -> Note:
    return Note(
        "issuer_chosen",
        "§4",
        (
            ("rule", issuer.rule.code),
            ("issuer", issuer.rule.issuer),
            ("document", issuer.contract.title),
            ("number", issuer.contract_number),
        ),
    )
