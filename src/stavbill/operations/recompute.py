"""The time machine: a past decision computed again from its stored facts.

Source: beyond 5.
"""

from __future__ import annotations

from stavbill.billing.decide import decide
from stavbill.billing.decision import Bill, Decision
from stavbill.billing.facts import CompanyId
from stavbill.errors import ConfigError
from stavbill.operations.parts import Parts
from stavbill.operations.present import Document
from stavbill.operations.reading import stored_policy
from stavbill.plan.keys import parse_invoice_key
from stavbill.store.decisions import StoredDecision, decision_of, latest_decision
from stavbill.store.runs import RunId, read_run


def recompute_decision(parts: Parts, key: str, run: str | None) -> Document:
    """Decide again from stored facts, by today's rules, and compare to the kopeck.

    `key` is an invoice's key or a company's id; `run` None takes the last decision. Raises
    `ConfigError` when nothing is stored.
    """
    parsed = parse_invoice_key(key)
    if parsed is None and not key.isdecimal():
        msg = f"«{key}»: ожидался ключ счёта (stavbill:…) или ID компании"
        raise ConfigError(msg)
    company = parsed.company if parsed is not None else CompanyId(int(key))
    stored = _stored(parts, company, run)
    with parts.store.read() as db:
        of_run = read_run(db, stored.run)
    if of_run is None:
        msg = f"Запуск {stored.run} не найден"
        raise ConfigError(msg)
    again = decide(stored.facts, stored_policy(parts), of_run.on)
    return {
        "company": int(company),
        "run_id": stored.run,
        "same": again == stored.decision,
        "stored": _figure(stored.decision),
        "now": _figure(again),
    }


def _stored(parts: Parts, company: CompanyId, run: str | None) -> StoredDecision:
    with parts.store.read() as db:
        if run is not None:
            found = decision_of(db, RunId(run), company)
        else:
            found = latest_decision(db, parts.portal, company)
    if found is None:
        msg = f"Для компании {company} нет сохранённого решения"
        raise ConfigError(msg)
    return found


def _figure(decision: Decision) -> str:
    if isinstance(decision, Bill):
        return " + ".join(
            f"{draft.total.amount} {draft.currency.value}" for draft in decision.drafts
        )
    return decision.kind
