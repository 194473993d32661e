"""Which contract counts, and so which legal entity issues the invoice in which currency.

Source: billing rules §4.
"""

from __future__ import annotations

from dataclasses import dataclass

from stavbill.billing.decision import IssuerUnknown, NoContract
from stavbill.billing.facts import CompanyCard, Contract, OwnCompanyId
from stavbill.billing.policy import IssuerRule, Policy, begins_with, plain


@dataclass(frozen=True, slots=True)
class Issuer:
    """The chosen rule, its own company, the contract that led to it and the printed number."""

    rule: IssuerRule
    own_company: OwnCompanyId
    contract: Contract
    contract_number: str


def choose_issuer(
    card: CompanyCard, contracts: tuple[Contract, ...], policy: Policy
) -> Issuer | NoContract | IssuerUnknown:
    """Return the issuer by the first rule that has a document, or why there is none.

    Of several documents of that rule the newest by creation time counts.

    Source: billing rules §4.
    """
    rule: IssuerRule | None = None
    newest: Contract | None = None
    for contract in contracts:
        other = rule_of(contract, policy)
        if other is None:
            continue
        if rule is None or newest is None or policy.ranks[other.code] < policy.ranks[rule.code]:
            rule, newest = other, contract
        elif other is rule and _is_newer(contract, newest):
            newest = contract
    if rule is None or newest is None:
        return NoContract(tuple(sorted(contract.title for contract in contracts)))
    if rule.own_company is None:
        return IssuerUnknown(rule.code, rule.issuer)
    number = card.contract_number or _printed_number(newest, rule)
    return Issuer(rule, rule.own_company, newest, number)


def _is_newer(contract: Contract, other: Contract) -> bool:
    return (contract.created, contract.document) > (other.created, other.document)


def rule_of(contract: Contract, policy: Policy) -> IssuerRule | None:
    """Return the rule that `contract` belongs to, None for documents that never count.

    A template that the portal knows wins over an edited title; a document without one is known by
    the beginning of its title.

    Source: billing rules §4.
    """
    if contract.template_id is not None:
        by_id = policy.by_template_id.get(contract.template_id)
        if by_id is not None:
            return by_id
    if contract.template is not None:
        return policy.by_template_name.get(plain(contract.template))
    title = plain(contract.title)
    for beginning, rule in policy.by_template_name.items():
        if begins_with(title, beginning):
            return rule
    return None


def _printed_number(contract: Contract, rule: IssuerRule) -> str:
    """Return the document's number, else what its title says after the template's name."""
    if contract.number:
        return contract.number
    words = contract.title.split()
    for known in rule.template_names:
        if begins_with(plain(contract.title), plain(known)):
            return " ".join(words[len(known.split()) :]).strip(" *")
    return ""
