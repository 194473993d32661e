"""The time machine: a past decision computed again from its stored facts.

Source: beyond 5.
"""

from __future__ import annotations

from dataclasses import fields

from stavbill.billing.decide import decide
from stavbill.billing.decision import Bill, Decision, InvoiceDraft
from stavbill.billing.facts import CompanyId, InvoiceKey
from stavbill.errors import ConfigError
from stavbill.operations.parts import Parts
from stavbill.operations.present import Document
from stavbill.operations.reading import stored_policy
from stavbill.plan.effects import EffectKey
from stavbill.plan.keys import format_invoice_key, parse_invoice_key
from stavbill.plan.texts import rubles
from stavbill.store.decisions import StoredDecision, decision_of, latest_decision
from stavbill.store.mirror import portfolios
from stavbill.store.runs import RunId, read_run
from stavbill.store.sendings import settled_invoice

# What an invoice is made of, as an accountant calls it; further parts by their name in code.
DRAFT_PARTS = {
    "title": "название",
    "own_company": "юрлицо",
    "issuer": "юрлицо",
    "currency": "валюта",
    "contract_number": "номер договора",
    "issued": "дата",
    "pay_by": "срок оплаты",
    "lines": "строки",
    "credits": "перерасчёты",
    "annex": "приложение",
}
DECISIONS = {"bill": "счёт", "skip": "счёта нет: пропуск", "hold": "счёта нет: задержка"}


def recompute_decision(parts: Parts, key: str, run: str | None) -> Document:
    """Decide again from stored facts, by today's rules, and compare to the kopeck.

    An invoice's `key` takes the run that issued it, a company's id the last decision; `run` names
    another one. `stored` and `now` are the sums of that invoice, or of all the company's. Raises
    `ConfigError` when nothing is stored.
    """
    parsed = parse_invoice_key(key)
    if parsed is None and not key.isdecimal():
        msg = f"«{key}»: ожидался ключ счёта (stavbill:…) или ID компании"
        raise ConfigError(msg)
    company = parsed.company if parsed is not None else CompanyId(int(key))
    stored = _stored(parts, company, parsed, run)
    with parts.store.read() as db:
        of_run = read_run(db, stored.run)
        known = portfolios(db, parts.portal, [company]).get(company)
    if of_run is None:
        msg = f"Запуск {stored.run} не найден"
        raise ConfigError(msg)
    again = decide(stored.facts, stored_policy(parts), of_run.on)
    before, now = _drafts(stored.decision, parsed), _drafts(again, parsed)
    return {
        "company": int(company),
        "title": "" if known is None else known.company.title,
        "invoice": None if parsed is None else format_invoice_key(parsed),
        "run_id": stored.run,
        "on": of_run.on.isoformat(),
        "same": before == now if parsed is not None else again == stored.decision,
        "stored": _figure(stored.decision, before),
        "now": _figure(again, now),
        "differs": _differences(before, now),
    }


def _stored(
    parts: Parts, company: CompanyId, wanted: InvoiceKey | None, run: str | None
) -> StoredDecision:
    key = EffectKey("") if wanted is None else format_invoice_key(wanted)
    with parts.store.read() as db:
        issued = None if wanted is None else settled_invoice(db, parts.portal, key)
        by = RunId(run) if run is not None else None if issued is None else issued.run
        if by is not None:
            found = decision_of(db, by, company)
        elif wanted is None:
            found = latest_decision(db, parts.portal, company)
        else:
            msg = (
                f"Счёт {key} эта база не выставляла. Посмотреть решение одного запуска: "
                f"stavbill invoice recompute {key} --run ЗАПУСК"
            )
            raise ConfigError(msg)
    if found is None:
        where = "" if by is None else f" в запуске {by}"
        msg = f"Для компании {company} нет сохранённого решения{where}"
        raise ConfigError(msg)
    if wanted is not None and not _drafts(found.decision, wanted):
        msg = f"Запуск {found.run} не решал выставить счёт {key}"
        raise ConfigError(msg)
    return found


def _drafts(decision: Decision, wanted: InvoiceKey | None) -> tuple[InvoiceDraft, ...]:
    """Return the invoices of a decision, or the one that is asked for."""
    drafts = decision.drafts if isinstance(decision, Bill) else ()
    return tuple(draft for draft in drafts if wanted is None or draft.key == wanted)


def _figure(decision: Decision, drafts: tuple[InvoiceDraft, ...]) -> str:
    if drafts:
        return " + ".join(rubles(draft.total) for draft in drafts)
    return "такого счёта нет" if isinstance(decision, Bill) else DECISIONS[decision.kind]


def _differences(before: tuple[InvoiceDraft, ...], now: tuple[InvoiceDraft, ...]) -> list[str]:
    """Name what differs between the invoices that stand on both sides."""
    renewed = {draft.key: draft for draft in now}
    pairs = [(draft, renewed[draft.key]) for draft in before if draft.key in renewed]
    names = {
        DRAFT_PARTS.get(part.name, part.name): None
        for old, new in pairs
        for part in fields(InvoiceDraft)
        if getattr(old, part.name) != getattr(new, part.name)
    }
    return list(names)
