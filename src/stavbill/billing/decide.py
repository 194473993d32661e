"""The front door of the core: facts in, decision out. Reads like the order of §9.

Source: billing rules §9.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from stavbill.billing.count import CountPassed, check_count
from stavbill.billing.covered import History, history_of
from stavbill.billing.credit import apply_credits
from stavbill.billing.decision import (
    Bill,
    BilledThroughPartner,
    CancelledByHand,
    CoverageUnclear,
    Decision,
    FieldNotUnderstood,
    Hold,
    HoldReason,
    InvoiceDraft,
    Note,
    Overlap,
    RequisitesMissing,
    Skip,
    SkipReason,
    StatusEmpty,
    TariffNotUnderstood,
)
from stavbill.billing.due import (
    Covered,
    NotPassed,
    PeriodDue,
    PeriodFinding,
    PostponedTo,
    SendingDayIs,
    period_due,
    sending_day,
)
from stavbill.billing.facts import (
    BuyerRequisite,
    Counted,
    Facts,
    InvoiceKey,
    ServiceCode,
)
from stavbill.billing.issuer import Issuer, choose_issuer, rule_of
from stavbill.billing.lines import Services, invoice_groups, invoice_lines, invoice_title
from stavbill.billing.period import Month, next_working_day
from stavbill.billing.policy import Policy
from stavbill.billing.tariff import Tariff, TariffProblem, parse_tariff
from stavbill.billing.vat import vat_warnings

Fees = dict[ServiceCode, Tariff | TariffProblem]


def decide(facts: Facts, policy: Policy, on: date) -> Decision:
    """Return what shall happen for one company on the day `on`, with every reason.

    The first skip that is true ends the question; otherwise all hold reasons are collected at
    once; otherwise the company is billed, with warnings.

    Source: billing rules §9.
    """
    fees: Fees = {code: parse_tariff(facts.card.fees.get(code)) for code in policy.services}
    skip = _skip_by_card(facts, fees, policy)
    if skip is not None:
        return skip
    history = history_of(facts.invoices, policy)
    findings = _periods(facts, fees, policy, history, on)
    if all(isinstance(found, Covered | NotPassed) for found in findings.values()):
        return _skip_covered(facts, findings)
    day = sending_day(facts.card, on, policy)
    if not facts.override.sending_day:
        waits = _skip_by_day(facts, day, on)
        if waits is not None:
            return waits
    return _bill_or_hold(_Case(facts, policy, on, fees, findings, history, day))


def _skip_by_card(facts: Facts, fees: Fees, policy: Policy) -> Skip | None:
    """Return the skip that the card alone gives: §9 (0) to (3)."""
    card = facts.card
    if not any(card.fees.get(code, "").strip() for code in policy.services):
        contract = any(rule_of(known, policy) for known in facts.contracts)
        looks_forgotten = contract or bool(card.account)
        values = (("contract", int(contract)), ("account", card.account or ""))
        notes = (Note("tariff_forgotten", "§9", values),) if looks_forgotten else ()
        return Skip(company=card.company, reason=SkipReason.NOT_A_CUSTOMER, warnings=notes)
    if card.status is not None and card.status not in policy.active_statuses:
        status = Note("status", "§9", (("status", card.status),))
        return Skip(company=card.company, reason=SkipReason.INACTIVE, explanation=(status,))
    if card.skip and not facts.override.skip:
        return Skip(company=card.company, reason=SkipReason.SKIP_FLAG)
    if all(isinstance(fee, Tariff) and fee.total == 0 for fee in fees.values()):
        return Skip(
            company=card.company,
            reason=SkipReason.NO_FEE,
            warnings=_free_units(facts, "no_fee_units"),
        )
    return None


def _free_units(facts: Facts, code: str) -> tuple[Note, ...]:
    """Return the warning that units run without a fee (§7, §9)."""
    match facts.observation:
        case Counted(active=active) if active:
            return (Note(code, "§9", (("active", active),)),)
        case _:
            return ()


def _periods(
    facts: Facts, fees: Fees, policy: Policy, history: History, on: date
) -> dict[Services, PeriodFinding]:
    """Return for each invoice that the card asks for which months are due, or why none.

    A fee that cannot be read counts as a fee: it is never «no fee».
    """
    charged = [code for code in policy.services if not _is_free(fees[code])]
    groups = invoice_groups(charged, facts.card.separate)
    return {
        services: period_due(services, facts.card, history, on, facts.override)
        for services in groups
        if any(_costs(fees[code]) for code in services)
    }


def _is_free(fee: Tariff | TariffProblem) -> bool:
    return isinstance(fee, Tariff) and not fee.billed


def _costs(fee: Tariff | TariffProblem) -> bool:
    return isinstance(fee, TariffProblem) or fee.total > 0


def _skip_covered(facts: Facts, findings: dict[Services, PeriodFinding]) -> Skip:
    notes: list[Note] = []
    warnings: list[Note] = []
    for found in findings.values():
        match found:
            case Covered(month=month, invoices=invoices, warnings=doubts):
                names = tuple(str(invoice) for invoice in invoices)
                values = (("month", month.code), ("invoices", names))
                notes.append(Note("month_covered", "§3", values))
                warnings.extend(doubts)
            case NotPassed(period=period):
                last = (("first", period.first.code), ("last", period.last.code))
                notes.append(Note("months_not_passed", "§3", last))
            case _:
                pass
    covered = any(isinstance(found, Covered) for found in findings.values())
    return Skip(
        company=facts.card.company,
        reason=SkipReason.COVERED if covered else SkipReason.NOT_PASSED,
        explanation=tuple(notes),
        warnings=tuple(warnings),
    )


def _skip_by_day(facts: Facts, day: SendingDayIs | PostponedTo, on: date) -> Skip | None:
    """Return the skip of a company whose day has not come: §9 (5)."""
    company = facts.card.company
    match day:
        case PostponedTo(day=until):
            note = Note("postponed", "§3", (("until", until.isoformat()),))
            return Skip(company=company, reason=SkipReason.POSTPONED, explanation=(note,))
        case SendingDayIs(day=due, warnings=warnings) if on < due:
            note = Note("not_its_day", "§3", (("day", due.isoformat()),))
            return Skip(
                company=company,
                reason=SkipReason.NOT_ITS_DAY,
                explanation=(note,),
                warnings=warnings,
            )
        case _:
            return None


@dataclass(frozen=True, slots=True)
class _Case:
    """Everything found so far about a company that is due."""

    facts: Facts
    policy: Policy
    on: date
    fees: Fees
    findings: dict[Services, PeriodFinding]
    history: History
    day: SendingDayIs | PostponedTo


def _bill_or_hold(case: _Case) -> Decision:
    """Return the bill, or the hold with all its reasons at once: §9 (6) and (7)."""
    facts, policy = case.facts, case.policy
    issuer = choose_issuer(facts.card, facts.contracts, policy)
    count = _count(case, issuer)
    reasons = [*_card_reasons(case), *_tariff_reasons(case.fees)]
    reasons.extend(
        found for found in (issuer, count) if not isinstance(found, Issuer | CountPassed | None)
    )
    unclear = case.history.unclear_for(_wanted_months(case), Month.of(case.on))
    if unclear:
        reasons.append(CoverageUnclear(unclear))
    held = tuple(
        found for found in case.findings.values() if isinstance(found, Overlap | CancelledByHand)
    )
    due = {
        services: found for services, found in case.findings.items() if isinstance(found, PeriodDue)
    }
    card_count = count.card_count if isinstance(count, CountPassed) else None
    warnings = _warnings(case, issuer, count)
    explanation = _explanation(case, issuer, count)
    if reasons or not due or not isinstance(issuer, Issuer):
        return Hold(
            company=facts.card.company,
            reasons=(*reasons, *held),
            warnings=warnings,
            explanation=explanation,
            card_count=_count_to_write(facts, card_count),
        )
    drafts, credited = apply_credits(
        [_draft(case, services, found, issuer) for services, found in due.items()], facts.credits
    )
    return Bill(
        company=facts.card.company,
        drafts=tuple(drafts),
        held=held,
        warnings=warnings,
        explanation=explanation + credited,
        card_count=_count_to_write(facts, card_count),
    )


def _count(case: _Case, issuer: object) -> CountPassed | HoldReason | None:
    """Check the units; None when the subscription cannot be read: no reason on top of a reason."""
    tariff = case.fees[case.policy.services[0]]
    if isinstance(tariff, TariffProblem):
        return None
    currency = issuer.rule.currency if isinstance(issuer, Issuer) else case.policy.default_currency
    price = case.facts.card.conservation_price
    if price is None:
        price = case.policy.conservation_price(currency)
    return check_count(case.facts, tariff, price, currency)


def _wanted_months(case: _Case) -> set[Month]:
    return {
        month
        for found in case.findings.values()
        if isinstance(found, PeriodDue)
        for month in found.period.each()
    }


def _card_reasons(case: _Case) -> list[HoldReason]:
    facts = case.facts
    reasons: list[HoldReason] = [FieldNotUnderstood(problem) for problem in facts.card.problems]
    told = {problem.field for problem in facts.card.problems}
    if facts.card.status is None and "status" not in told:
        reasons.append(StatusEmpty())
    if not any(_is_enough(requisite) for requisite in facts.requisites):
        reasons.append(RequisitesMissing())
    if facts.partner_above is not None:
        reasons.append(BilledThroughPartner(facts.partner_above))
    return reasons


def _is_enough(requisite: BuyerRequisite) -> bool:
    """Say whether a requisite names a buyer: INN, BIN or IIN, or a natural person's name (§9)."""
    if requisite.natural_person and requisite.name:
        return True
    return bool(requisite.inn or requisite.bin_or_iin)


def _tariff_reasons(fees: Fees) -> list[HoldReason]:
    return [
        TariffNotUnderstood(code, fee.text, fee.position, fee.expected)
        for code, fee in fees.items()
        if isinstance(fee, TariffProblem)
    ]


def _count_to_write(facts: Facts, card_count: int | None) -> int | None:
    return card_count if card_count != facts.card.card_count else None


def _draft(case: _Case, services: Services, found: PeriodDue, issuer: Issuer) -> InvoiceDraft:
    policy, card = case.policy, case.facts.card
    issue = max(found.issue, case.facts.first_issue)
    fees = {code: fee for code, fee in case.fees.items() if isinstance(fee, Tariff)}
    observation = case.facts.observation
    annex = observation.nested if card.partner and isinstance(observation, Counted) else ()
    return InvoiceDraft(
        key=InvoiceKey(card.company, services, found.period, issuer.rule.code, issue),
        title=invoice_title(services, found.period, issuer, policy),
        own_company=issuer.own_company,
        issuer=issuer.rule.issuer,
        currency=issuer.rule.currency,
        contract_number=issuer.contract_number,
        issued=case.on,
        pay_by=next_working_day(case.on + timedelta(days=policy.pay_within_days), policy.calendar),
        lines=tuple(invoice_lines(fees, services, found.period, issuer, card.vat)),
        annex=annex if services[0] == policy.services[0] else (),
    )


def _warnings(case: _Case, issuer: object, count: object) -> tuple[Note, ...]:
    notes: list[Note] = list(case.day.warnings) if isinstance(case.day, SendingDayIs) else []
    for services, found in case.findings.items():
        match found:
            case PeriodDue(warnings=doubts) | Covered(warnings=doubts):
                notes.extend(doubts)
            case _:
                pass
        notes.extend(_free_lines(case, services))
    if isinstance(count, CountPassed):
        notes.extend(count.warnings)
    if isinstance(issuer, Issuer):
        notes.extend(vat_warnings(issuer.rule, case.facts.card.vat, case.on))
    notes.extend(_recipient_warnings(case.facts))
    forecast = sorted(case.policy.forecast_years & {case.on.year})
    notes.extend(Note("calendar_forecast", "§3", (("year", year),)) for year in forecast)
    return tuple(notes)


def _free_lines(case: _Case, services: Services) -> list[Note]:
    """Return a warning for each price group that is free although it has units (§7)."""
    notes = []
    for code in services:
        fee = case.fees[code]
        if isinstance(fee, Tariff) and any(group.price == 0 for group in fee.billed):
            notes.append(Note("free_group", "§7", (("service", str(code)),)))
    return notes


def _recipient_warnings(facts: Facts) -> list[Note]:
    recipients = facts.card.recipients
    notes = []
    if recipients.unusable:
        notes.append(Note("recipient_unusable", "§9", (("addresses", recipients.unusable),)))
    if not recipients.emails and not recipients.phones:
        notes.append(Note("no_recipient", "§9"))
    return notes


def _explanation(case: _Case, issuer: object, count: object) -> tuple[Note, ...]:
    notes: list[Note] = []
    if isinstance(case.day, SendingDayIs):
        notes.append(Note("day_reached", "§3", (("day", case.day.day.isoformat()),)))
    if isinstance(issuer, Issuer):
        notes.append(
            Note(
                "issuer_chosen",
                "§4",
                (
                    ("rule", issuer.rule.code),
                    ("issuer", issuer.rule.issuer),
                    ("document", issuer.contract.title),
                    ("number", issuer.contract_number),
                ),
            )
        )
    if isinstance(count, CountPassed):
        notes.extend(count.explanation)
    for found in case.findings.values():
        match found:
            case PeriodDue(explanation=steps):
                notes.extend(steps)
            case Covered(month=month, invoices=invoices):
                names = tuple(str(invoice) for invoice in invoices)
                notes.append(
                    Note("month_covered", "§3", (("month", month.code), ("invoices", names)))
                )
            case _:
                pass
    return tuple(notes)
