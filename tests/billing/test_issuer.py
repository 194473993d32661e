"""Which contract counts, and who issues the invoice (§4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from stavbill.billing.decision import IssuerUnknown, NoContract
from stavbill.billing.facts import Contract
from stavbill.billing.issuer import Issuer, choose_issuer, rule_of
from tests.billing.world import AO, CREATED, DELIVERY, KZ, POLICY, PS, RULES, card

LATER = datetime(2022, 1, 15, 9, 0, tzinfo=UTC)
BY_ID = replace(POLICY, rules=(replace(RULES[0], template_ids=("39",)), *RULES[1:]))


def titled(title: str, template: str | None = None) -> Contract:
    return Contract(9, title, "", None, template, CREATED)


@pytest.mark.parametrize(
    ("contract", "rule"),
    [
        pytest.param(PS, "ps-rf", id="§4 by the template's name"),
        pytest.param(AO, "ao-rf", id="§4 no template: by the beginning of the title"),
        pytest.param(KZ, "ps-kz", id="§4 the other currency"),
        pytest.param(titled("АБОНЕНТСКОЕ обслуживание рф № 5"), "ao-rf", id="§4 case ignored"),
        pytest.param(titled("Абонентское обслуживание РФ"), "ao-rf", id="§4 the title and no more"),
        pytest.param(titled("К договору Абонентское обслуживание РФ"), None, id="§4 not beginning"),
        pytest.param(titled("Абонентское обслуживание РФ-7", "Карты"), None, id="§4 edited title"),
        pytest.param(
            titled("Карта водителя", "абонентское  обслуживание РФ"), "ao-rf", id="§4 template wins"
        ),
        pytest.param(DELIVERY, None, id="§4 delivery never counts"),
        pytest.param(titled("Пропуск на завод"), None, id="§4 passes never count"),
        pytest.param(titled(""), None, id="§4 no title at all"),
    ],
)
def test_which_rule_a_document_belongs_to(contract: Contract, rule: str | None) -> None:
    found = rule_of(contract, POLICY)
    assert (found.code if found else None) == rule


def test_a_template_is_known_by_its_id_too() -> None:
    """§4: by the document template's name or id."""
    renamed = replace(PS, template="Переименован", title="Что угодно")
    assert rule_of(renamed, POLICY) is None
    found = rule_of(renamed, BY_ID)
    assert found is not None
    assert found.code == "ps-rf"


@pytest.mark.parametrize(
    ("contracts", "code", "number"),
    [
        pytest.param((AO, PS), "ps-rf", "ПС-2021-147", id="§4 the first rule with a document wins"),
        pytest.param((AO, DELIVERY), "ao-rf", "АО-2021-890", id="E2 §4 АО only"),
        pytest.param((KZ, AO), "ps-kz", "КЗ-2021-5", id="§4 КЗ before АО"),
        pytest.param(
            (PS, replace(PS, document=8, number="ПС-2022-9", created=LATER)),
            "ps-rf", "ПС-2022-9", id="§4 the newest by creation time",
        ),
        pytest.param(
            (replace(PS, document=8, number="ПС-2"), PS),
            "ps-rf", "ПС-2", id="§4 made in one moment: the later document",
        ),
        pytest.param(
            (replace(AO, number=""),), "ao-rf", "АО-2021-890", id="§4 number from the title",
        ),
        pytest.param(
            (replace(PS, number="", title="Счёт"),), "ps-rf", "", id="§4 no number anywhere",
        ),
    ],
)  # fmt: skip
def test_the_issuer_and_the_printed_number(
    contracts: tuple[Contract, ...], code: str, number: str
) -> None:
    for order in (contracts, contracts[::-1]):
        chosen = choose_issuer(card(), order, POLICY)
        assert isinstance(chosen, Issuer)
        assert (chosen.rule.code, chosen.contract_number) == (code, number)
        assert chosen.own_company == chosen.rule.own_company


def test_the_card_overrides_the_printed_number_only() -> None:
    """§4: «Номер договора для абонки» overrides the number."""
    chosen = choose_issuer(card(contract_number="АБ-7"), (AO, PS), POLICY)
    assert isinstance(chosen, Issuer)
    assert (chosen.contract_number, chosen.contract) == ("АБ-7", PS)


def test_no_contract_is_a_reason_that_names_the_other_documents() -> None:
    """E7, §4: no such contract, no invoice."""
    assert choose_issuer(card(), (DELIVERY,), POLICY) == NoContract((DELIVERY.title,))
    assert choose_issuer(card(), (), POLICY) == NoContract(())


def test_an_issuer_that_the_portal_lacks_holds_even_beside_another_contract() -> None:
    """§4: a rule whose issuer is not found holds the companies with that contract."""
    policy = replace(POLICY, rules=(replace(RULES[0], own_company=None), *RULES[1:]))
    assert choose_issuer(card(), (AO, PS), policy) == IssuerUnknown("ps-rf", "ООО «Автотрэкер»")
    assert isinstance(choose_issuer(card(), (AO,), policy), Issuer)
