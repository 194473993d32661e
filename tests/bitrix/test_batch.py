"""Commands as the portal decodes them, and answers with PHP's way of writing empty maps."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stavbill.bitrix.batch import Command, Reference, sort_answer
from stavbill.bitrix.failures import CallUnclearError


def decoded(command: Command) -> list[tuple[str, str]]:
    return parse_qsl(command.encode().partition("?")[2], keep_blank_values=True)


def test_nested_parameters_become_brackets_in_their_order() -> None:
    command = Command(
        "crm.item.list",
        {"filter": {"@companyId": [5, 7], ">id": 0}, "select": ["id"], "price": Decimal("1E+2")},
    )
    assert decoded(command) == [
        ("filter[@companyId][0]", "5"),
        ("filter[@companyId][1]", "7"),
        ("filter[>id]", "0"),
        ("select[0]", "id"),
        ("price", "100"),
    ]


def test_a_reference_stays_as_the_portal_resolves_it() -> None:
    command = Command("crm.item.productrow.set", {"ownerId": Reference("s0_0", ("item", "id"))})
    assert command.encode() == "crm.item.productrow.set?ownerId=$result[s0_0][item][id]"


def test_a_text_that_looks_like_a_reference_is_not_one() -> None:
    assert "$result[" not in dict(decoded(Command("m", {"title": "$result[s0_0][item][id]"})))


def test_nothing_is_sent_for_none() -> None:
    assert Command("m", {"taxRate": None}).encode() == "m"


@given(st.text())
def test_every_text_arrives_as_it_was(text: str) -> None:
    if "$result[" not in text:
        encoded = Command("m", {"a": text.encode("utf-8", "ignore").decode()})
        assert decoded(encoded) == [("a", text.encode("utf-8", "ignore").decode())]


def test_each_command_stands_in_one_of_three_heaps() -> None:
    answer = sort_answer(
        ["a", "b", "c"],
        {
            "result": {"a": None},
            "result_error": {"b": {"error": "", "error_description": "Not found"}},
            "result_total": [],
            "result_next": [],
            "result_time": [],
        },
        halt=True,
    )
    assert set(answer.ran) == {"a"}
    assert answer.failed["b"].description == "Not found"
    assert answer.not_run == {"c"}


def test_a_list_where_keys_should_stand_is_not_guessed_at() -> None:
    with pytest.raises(CallUnclearError):
        sort_answer(["a"], {"result": [[1]], "result_error": []}, halt=False)


def test_silence_about_a_command_without_halt_is_unclear() -> None:
    with pytest.raises(CallUnclearError):
        sort_answer(["a", "b"], {"result": {"a": 1}, "result_error": []}, halt=False)
