"""The front door of the core: facts in, decision out. Reads like the order of §9.

Source: billing rules §9.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from stavbill.billing.case import Case, Fees
from stavbill.billing.count import CountPassed, annex_of, check_count, observed_parts
from stavbill.billing.covered import History, history_of
from stavbill.billing.credit import apply_credits
from stavbill.billing.decision import (
    Bill,
    BilledThroughPartner,
    CoverageUnclear,
    Decision,
    FieldNotUnderstood,
    Hold,
    HoldReason,
    InvoiceDraft,
    Note,
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
    CompanyCard,
    Counted,
    Facts,
    InvoiceKey,
    ServiceCode,
)
from stavbill.billing.issuer import Issuer, choose_issuer, rule_of
from stavbill.billing.lines import (
    ConservedGroup,
    Services,
    invoice_groups,
    invoice_lines,
    invoice_title,
    is_separate,
)
from stavbill.billing.notes import CountFinding, covered_note, explanation_of, warnings_of
from stavbill.billing.period import Month, next_working_day
from stavbill.billing.policy import IssuerRule, Policy
from stavbill.billing.tariff import Tariff, TariffProblem, parse_tariff

NOTHING_DUE = (Covered, NotPassed)


def decide(facts: Facts, policy: Policy, on: date) -> Decision:
    """Return what shall happen for one company on the day `on`, with every reason.

    The first skip that is true ends the question; otherwise all hold reasons are collected at
    once; otherwise the company is billed, with warnings.

    Source: billing rules §9.
    """
    fees = _fees(facts, policy)
    skip = _skip_by_card(facts, fees, policy)
    if skip is not None:
        return skip
    history = history_of(facts.invoices, policy)
    findings = _periods(facts, fees, history, on)
    if all(isinstance(found, NOTHING_DUE) for found in findings.values()):
        return _skip_covered(facts, findings)
    day = sending_day(facts.card, on, policy)
    if not facts.override.sending_day:
        waits = _skip_by_day(facts, day, on)
        if waits is not None:
            return waits
    return _bill_or_hold(Case(facts, policy, on, fees, findings, history, day))


def _fees(facts: Facts, policy: Policy) -> Fees:
    """Return every fee as understood; one whose field cannot be read is never «no fee» (§9)."""
    fees: Fees = {code: parse_tariff(facts.card.fees.get(code)) for code in policy.services}
    for problem in facts.card.problems:
        if problem.field in fees:
            fees[ServiceCode(problem.field)] = TariffProblem(problem.value, 0, "quantity")
    return fees


def _skip_by_card(facts: Facts, fees: Fees, policy: Policy) -> Skip | None:
    """Return the skip that the card alone gives: §9 (0) to (3)."""
    card = facts.card
    if _all_empty(card, fees):
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
    if not any(_costs(fee) for fee in fees.values()):
        return Skip(
            company=card.company,
            reason=SkipReason.NO_FEE,
            warnings=_free_units(facts),
        )
    return None


def _all_empty(card: CompanyCard, fees: Fees) -> bool:
    """Say whether no fee field has any text; one that cannot be read is not empty."""
    for code, fee in fees.items():
        if card.fees.get(code, "").strip() or isinstance(fee, TariffProblem):
            return False
    return True


def _free_units(facts: Facts) -> tuple[Note, ...]:
    """Return the warning that units run without a fee (§7, §9)."""
    match facts.observation:
        case Counted() as seen if active := observed_parts(seen, partner=facts.card.partner).active:
            return (Note("no_fee_units", "§9", (("active", active),)),)
        case _:
            return ()


def _periods(facts: Facts, fees: Fees, history: History, on: date) -> dict[Services, PeriodFinding]:
    """Return for each invoice that the card asks for which months are due, or why none.

    A fee that cannot be read counts as a fee: it is never «no fee».
    """
    charged = [code for code, fee in fees.items() if isinstance(fee, TariffProblem) or fee.billed]
    groups = invoice_groups(charged, facts.card.separate)
    return {
        services: period_due(services, facts.card, history, on, facts.override)
        for services in groups
        if any(_costs(fees[code]) for code in services)
    }


def _costs(fee: Tariff | TariffProblem) -> bool:
    return isinstance(fee, TariffProblem) or fee.total > 0


def _skip_covered(facts: Facts, findings: dict[Services, PeriodFinding]) -> Skip:
    notes: list[Note] = []
    warnings: list[Note] = []
    for found in findings.values():
        if isinstance(found, Covered):
            notes.append(covered_note(found))
            warnings.extend(found.warnings)
        elif isinstance(found, NotPassed):
            last = (("first", found.period.first.code), ("last", found.period.last.code))
            notes.append(Note("months_not_passed", "§3", last))
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


def _bill_or_hold(case: Case) -> Decision:
    """Return the bill, or the hold with all its reasons at once: §9 (6) and (7)."""
    facts, policy = case.facts, case.policy
    issuer = choose_issuer(facts.card, facts.contracts, policy)
    count = _count(case, issuer)
    reasons = [*_card_reasons(case), *_tariff_reasons(case)]
    if not isinstance(issuer, Issuer):
        reasons.append(issuer)
    if count is not None and not isinstance(count, CountPassed):
        reasons.append(count)
    if case.history.doubtful:
        unclear = case.history.unclear_for(case.wanted_months(), Month.of(case.on))
        reasons.extend([CoverageUnclear(unclear)] if unclear else [])
    due = case.due
    held = () if len(due) == len(case.findings) else case.held
    card_count = count.card_count if isinstance(count, CountPassed) else None
    warnings = warnings_of(case, issuer, count)
    explanation = explanation_of(case, issuer, count)
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


def _count(case: Case, issuer: Issuer | HoldReason) -> CountFinding:
    """Check the units; None when the subscription cannot be read: no reason on top of a reason."""
    tariff = case.fees[case.policy.services[0]]
    if isinstance(tariff, TariffProblem):
        return None
    rule = issuer.rule if isinstance(issuer, Issuer) else None
    currency = rule.currency if rule else case.policy.default_currency
    return check_count(case.facts, tariff, _conservation_price(case, rule), currency)


def _conservation_price(case: Case, rule: IssuerRule | None) -> Decimal | None:
    """Return the price of conserved units: the card's, else the issuer's, else the currency's."""
    price = case.facts.card.conservation_price
    if price is None and rule is not None:
        price = rule.conservation_price
    currency = rule.currency if rule else case.policy.default_currency
    return case.policy.conservation_price(currency) if price is None else price


def _card_reasons(case: Case) -> list[HoldReason]:
    facts, card = case.facts, case.facts.card
    reasons: list[HoldReason] = [FieldNotUnderstood(problem) for problem in card.problems]
    if card.status is None and "status" not in {told.field for told in card.problems}:
        reasons.append(StatusEmpty())
    if not any(_is_enough(requisite) for requisite in facts.requisites):
        reasons.append(RequisitesMissing())
    if facts.partner_above is not None:
        reasons.append(BilledThroughPartner(facts.partner_above))
    return reasons


def _is_enough(requisite: BuyerRequisite) -> bool:
    """Say whether a requisite names a buyer: INN, BIN or IIN, or a natural person's name (§9)."""
    if requisite.natural_person and requisite.name.strip():
        return True
    return bool(requisite.inn.strip() or requisite.bin_or_iin.strip())


def _tariff_reasons(case: Case) -> list[HoldReason]:
    """Return a reason for each tariff text; a field that is told of already is not told twice."""
    problems = case.facts.card.problems
    return [
        TariffNotUnderstood(code, fee.text, fee.position, fee.expected)
        for code, fee in case.fees.items()
        if isinstance(fee, TariffProblem) and code not in {told.field for told in problems}
    ]


def _count_to_write(facts: Facts, card_count: int | None) -> int | None:
    return card_count if card_count != facts.card.card_count else None


def _draft(case: Case, services: Services, found: PeriodDue, issuer: Issuer) -> InvoiceDraft:
    policy, card = case.policy, case.facts.card
    issue = max(found.issue, case.facts.first_issue)
    issued = case.facts.issued or case.on
    price = _conservation_price(case, issuer.rule)
    conserved = None if price is None else ConservedGroup(policy.services[0], int(price * 100))
    lines = invoice_lines(case.fees, services, found.period, issuer, card.vat, conserved=conserved)
    return InvoiceDraft(
        key=InvoiceKey(card.company, services, found.period, issuer.rule.code, issue),
        title=invoice_title(
            services, found.period, issuer, policy, separate=is_separate(services, card.separate)
        ),
        own_company=issuer.own_company,
        issuer=issuer.rule.issuer,
        currency=issuer.rule.currency,
        contract_number=issuer.contract_number,
        issued=issued,
        pay_by=next_working_day(issued + timedelta(days=policy.pay_within_days), policy.calendar),
        lines=tuple(lines),
        annex=annex_of(case.facts) if services[0] == policy.services[0] else (),
    )
