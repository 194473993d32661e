"""What a portal tells of its own invoice funnel and own companies, in every way of saying yes."""

from __future__ import annotations

import pytest

from stavbill.bitrix.batch import CommandResult, Json
from stavbill.bitrix.read.shape import known_shape, second_questions


def answered(**values: Json) -> dict[str, CommandResult]:
    return {key: CommandResult(value=value) for key, value in values.items()}


@pytest.mark.parametrize(
    ("categories", "funnel"),
    [
        ([{"id": 0, "isDefault": "Y"}], "0"),
        ([{"id": 3, "isDefault": False}, {"id": 5, "isDefault": True}], "5"),
        ([{"id": "7", "isDefault": "N"}], "7"),
    ],
)
def test_the_default_funnel_is_asked_for_its_stages(categories: Json, funnel: str) -> None:
    asked = second_questions(answered(categories={"categories": categories}))

    stages = asked["stages"]
    assert stages.params["filter"] == {"ENTITY_ID": f"SMART_INVOICE_STAGE_{funnel}"}


@pytest.mark.parametrize(
    ("ids", "funnel"),
    [
        (["SOURCE", "SMART_INVOICE_STAGE_5"], "5"),
        (["SMART_INVOICE_STAGE_5", "SMART_INVOICE_STAGE_7"], None),
        (["DYNAMIC_177_STAGE_9"], None),
    ],
)
def test_a_portal_that_lists_no_funnels_names_them_among_its_directories(
    ids: list[str], funnel: str | None
) -> None:
    entities: Json = [{"ID": one, "NAME": "Стадии"} for one in ids]
    asked = second_questions(answered(entities=entities))
    if funnel is None:
        assert "stages" not in asked
    else:
        assert asked["stages"].params["filter"] == {"ENTITY_ID": f"SMART_INVOICE_STAGE_{funnel}"}


def test_a_customer_is_no_own_company_whatever_the_flag_looks_like() -> None:
    own: Json = [
        {"ID": "1", "TITLE": "ООО «Пример»", "IS_MY_COMPANY": True},
        {"ID": "2", "TITLE": "Заказчик", "IS_MY_COMPANY": False},
        {"ID": "3", "TITLE": "ИП Образцов", "IS_MY_COMPANY": "Y"},
        {"ID": "4", "TITLE": "Заказчик", "IS_MY_COMPANY": "N"},
    ]

    shape = known_shape(answered(own=own), {})

    assert [company.own_company for company in shape.own_companies] == [1, 3]
