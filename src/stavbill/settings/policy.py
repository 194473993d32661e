"""Settings in the core's words: the `Policy` that every decision is made by."""

from __future__ import annotations

from collections.abc import Sequence

from stavbill.billing.facts import OwnCompanyId, ServiceCode
from stavbill.billing.policy import DatedRate, IssuerRule, Policy, ServiceWording
from stavbill.plan.records import OwnCompany
from stavbill.settings.load import Settings
from stavbill.settings.model import OWN_SERVICES, IssuerSettings, ServiceSettings
from stavbill.settings.own_companies import match_own_company
from stavbill.workdays import NationalWorkdays


def build_policy(
    settings: Settings, own_companies: Sequence[OwnCompany], workdays: NationalWorkdays
) -> Policy:
    """Return the policy for a portal with these own companies.

    A rule whose issuer is not found, or not found alone, has `own_company` None: contracts of the
    rule then hold their companies, and `issuer_problems` says why.

    Source: billing rules §3, §4, §5, §7, §9.
    """
    toml, billing = settings.toml, settings.toml.billing
    return Policy(
        rules=tuple(_rule(rule, toml.services, own_companies) for rule in toml.issuers),
        services=tuple(
            ServiceCode(code) for code in (*OWN_SERVICES, *(each.code for each in toml.services))
        ),
        active_statuses=frozenset(toml.statuses.active),
        calendar=workdays,
        default_sending_day=billing.sending_day,
        pay_within_days=billing.pay_within_days,
        default_currency=billing.default_currency,
        conservation_prices=tuple(billing.conservation_prices.items()),
        hand_wording=tuple(
            ServiceWording(ServiceCode(word.service), word.line, word.title)
            for word in billing.hand_wording
        ),
        title_mark=billing.title_mark,
        forecast_years=workdays.forecast_years,
    )


def issuer_problems(settings: Settings, own_companies: Sequence[OwnCompany]) -> tuple[str, ...]:
    """Return a Russian sentence for each rule whose issuer the portal does not clearly have."""
    known = {company.own_company for company in own_companies}
    problems = []
    for rule in settings.toml.issuers:
        place = f"issuers, правило {rule.code}"
        if rule.own_company is not None:
            if rule.own_company not in known:
                problems.append(f"{place}: среди своих компаний портала нет id {rule.own_company}")
            continue
        found = match_own_company(rule.issuer, own_companies)
        if not found:
            names = ", ".join(f"«{company.name}»" for company in own_companies) or "нет ни одной"
            problems.append(
                f"{place}: среди своих компаний портала нет «{rule.issuer}» (есть: {names}). "
                "Исправьте issuer или впишите own_company = id"
            )
        elif len(found) > 1:
            ids = ", ".join(str(company.own_company) for company in found)
            problems.append(
                f"{place}: «{rule.issuer}» подходит к нескольким своим компаниям ({ids}). "
                "Впишите own_company = id"
            )
    return tuple(problems)


def _rule(
    rule: IssuerSettings,
    services: Sequence[ServiceSettings],
    own_companies: Sequence[OwnCompany],
) -> IssuerRule:
    words = {
        code: ServiceWording(ServiceCode(code), word.line, word.title, word.conserved)
        for code, word in rule.wording.items()
    }
    for service in services:
        words.setdefault(
            service.code,
            ServiceWording(ServiceCode(service.code), service.line, service.title),
        )
    return IssuerRule(
        code=rule.code,
        issuer=rule.issuer,
        own_company=_own_company(rule, own_companies),
        currency=rule.currency,
        template_ids=rule.template_ids,
        template_names=rule.templates,
        title=rule.title,
        wording=tuple(words.values()),
        vat=tuple(DatedRate(rate.since, rate.percent) for rate in rule.vat),
    )


def _own_company(rule: IssuerSettings, own_companies: Sequence[OwnCompany]) -> OwnCompanyId | None:
    if rule.own_company is not None:
        given = OwnCompanyId(rule.own_company)
        return given if any(each.own_company == given for each in own_companies) else None
    found = match_own_company(rule.issuer, own_companies)
    return found[0].own_company if len(found) == 1 else None
