"""Why this amount, and why nothing: the stored decision of a company, or a fresh one.

Source: issue «company explain»; billing rules, first paragraph.
"""

from __future__ import annotations

from datetime import date

from stavbill.billing.decision import Skip, SkipReason
from stavbill.billing.facts import CompanyId
from stavbill.errors import ConfigError
from stavbill.operations.names import companies_named, issued_invoices
from stavbill.operations.parts import Parts
from stavbill.operations.present import Document, decision_document
from stavbill.operations.rerun import RerunRequest, decide_live
from stavbill.plan.join import CompanyRecords
from stavbill.plan.keys import parse_invoice_key
from stavbill.plan.records import InvoiceRecord
from stavbill.store.decisions import StoredDecision, latest_bill, latest_decision
from stavbill.store.mirror import portfolios
from stavbill.store.parking import parked_reasons
from stavbill.store.runs import read_run


async def explain_company(parts: Parts, company: int, on: date | None, *, live: bool) -> Document:
    """Return decision, reasons, lines and explanation of one company.

    The last stored decision, unless `live` or a day asks for a fresh one, or there is none. When
    the month is covered by now, `last_bill` is the decision that billed it.
    Raises `ConfigError` for a company that the portal does not have.
    """
    if not live and on is None:
        stored = explain_stored(parts, company)
        if stored is not None:
            return stored
    found = await decide_live(parts, _only_look(company, on))
    return decision_document(found.decision) | {
        "title": found.title,
        "source": "live",
        "run_id": None,
        "on": found.on.isoformat(),
        "parked": found.parked,
    }


def explain_stored(parts: Parts, company: int) -> Document | None:
    """Return the last stored decision of a company as `explain_company` does; asks nobody."""
    with parts.store.read() as db:
        stored = latest_decision(db, parts.portal, CompanyId(company))
    return None if stored is None else _stored_document(parts, stored)


def _only_look(company: int, on: date | None) -> RerunRequest:
    """Return the question what the schedule would decide, nothing overridden, nothing written."""
    return RerunRequest(company=company, on=on, keep_skip=True, force_day=False, dry_run=True)


def _stored_document(parts: Parts, stored: StoredDecision) -> Document:
    with parts.store.read() as db:
        run = read_run(db, stored.run)
        known = portfolios(db, parts.portal, [stored.company])
        parked = parked_reasons(db, parts.portal, [stored.company])
        billed = latest_bill(db, parts.portal, stored.company)
    records = known.get(stored.company)
    covered = isinstance(stored.decision, Skip) and stored.decision.reason is SkipReason.COVERED
    last = {} if not covered or billed is None else _last_bill(billed, records)
    return (
        decision_document(stored.decision)
        | last
        | {
            **companies_named(parts, [stored.company])[int(stored.company)],
            "issued": issued_invoices(stored.decision, records),
            "source": "run",
            "run_id": stored.run,
            "on": run.on.isoformat() if run is not None else None,
            "parked": parked.get(stored.company),
        }
    )


def _last_bill(billed: StoredDecision, known: CompanyRecords | None) -> Document:
    """Return the decision behind the invoices that cover the month now, as `last_bill`."""
    issued = issued_invoices(billed.decision, known)
    more = {"run_id": billed.run, "issued": issued}
    return {"last_bill": decision_document(billed.decision) | more}


def show_company(parts: Parts, company: int) -> Document:
    """Return what the last reading knows of a company: card, contracts, invoices, tasks.

    Raises `ConfigError` when no reading has seen it.
    """
    wanted = CompanyId(company)
    with parts.store.read() as db:
        known = portfolios(db, parts.portal, [wanted]).get(wanted)
        parked = parked_reasons(db, parts.portal, [wanted])
        stored = latest_decision(db, parts.portal, wanted)
    if known is None:
        msg = (
            f"Компания {company} ещё не читалась из портала. Прочитать: "
            f"stavbill company show {company} --live"
        )
        raise ConfigError(msg)
    names = companies_named(parts, [wanted])[company]
    return company_document(known, parked.get(wanted), stored) | names


def company_document(
    known: CompanyRecords, parked: str | None, stored: StoredDecision | None
) -> Document:
    """Return a company's card, contracts, invoices and tasks as one document."""
    card = known.company.card
    return {
        "company": int(known.company.company),
        "title": known.company.title,
        "status": card.status,
        "connection": card.connection,
        "account": card.account,
        "card_count": card.card_count,
        "fees": {str(code): text for code, text in card.fees.items()},
        "flags": {
            "skip": card.skip,
            "ignore_count": card.ignore_count,
            "partner": card.partner,
            "previous_month": card.previous_month,
        },
        "months": card.months,
        "emails": list(card.recipients.emails),
        "phones": list(card.recipients.phones),
        "problems": [f"{problem.label}: {problem.value}" for problem in card.problems],
        "contracts": [record.contract.title for record in known.contracts],
        "invoices": [_invoice(record) for record in known.invoices],
        "tasks": [int(record.task.task) for record in known.tasks],
        "parked": parked,
        "last_decision": None if stored is None else stored.decision.kind,
    }


def _invoice(record: InvoiceRecord) -> Document:
    return {
        "id": int(record.issued.invoice),
        "number": record.number,
        "title": record.issued.title,
        "created": record.issued.created.isoformat(),
        "state": record.issued.state.value,
        "total": str(record.total),
        "currency": record.currency,
        "own_company": record.own_company,
        "ours": parse_invoice_key(record.external_id) is not None,
    }
