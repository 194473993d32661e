"""A checklist that says what it shall: updated, not repeated; people's items stand (§9)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stavbill.plan.checklists import ChecklistChange, code_of, mend, tick_all
from stavbill.plan.diff import HOLD_TAG
from stavbill.plan.effects import ItemId, ItemText, ItemUpdate
from stavbill.plan.standing import StandingTask
from tests.plan.world import item, task, tasks

CONTRACT = ItemText("no_contract", "Нет договора [no_contract]")
COUNT = ItemText("count_mismatch", "3 ≠ 4 [count_mismatch]")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("Нет договора [no_contract]", "no_contract", id="ours"),
        pytest.param("Нет договора [no_contract] \n", "no_contract", id="ours, blanks behind"),
        pytest.param("Позвонить [срочно]", None, id="a person's brackets"),
        pytest.param("Позвонить [Anna]", None, id="a person's capital letters"),
        pytest.param("[no_contract] сделать", None, id="not at the end"),
        pytest.param("", None, id="empty"),
    ],
)
def test_the_code_at_the_end(text: str, code: str | None) -> None:
    assert code_of(text) == code


def test_a_reason_that_came_is_added_and_one_that_went_is_ticked() -> None:
    """§9: items are ticked as reasons go."""
    change = mend(task(1, HOLD_TAG, item(5, CONTRACT.text), item(6, "Позвонить")), (COUNT,))
    assert change == ChecklistChange(add=(COUNT,), tick=(ItemId(5),))


def test_a_reason_that_comes_back_opens_its_item_again() -> None:
    change = mend(task(1, HOLD_TAG, item(5, CONTRACT.text, done=True)), (CONTRACT,))
    assert change == ChecklistChange(renew=(ItemId(5),))


def test_new_numbers_are_written_into_the_same_item() -> None:
    """§9: updated, not repeated, next month."""
    change = mend(task(1, HOLD_TAG, item(5, "3 ≠ 5 [count_mismatch]")), (COUNT,))
    assert change == ChecklistChange(update=(ItemUpdate(ItemId(5), COUNT.text),))


def test_what_says_it_already_is_left_alone() -> None:
    change = mend(task(1, HOLD_TAG, item(5, COUNT.text + " ")), (COUNT,))
    assert change.is_empty
    assert change.mark == ChecklistChange().mark != ChecklistChange(add=(COUNT,)).mark


def test_only_our_open_items_are_ticked_at_the_end() -> None:
    standing = task(
        1, HOLD_TAG, item(5, COUNT.text), item(6, CONTRACT.text, done=True), item(7, "Позвонить")
    )
    assert tick_all(standing) == (ItemId(5),)


@given(tasks(1, HOLD_TAG), st.lists(st.sampled_from((CONTRACT, COUNT)), unique=True).map(tuple))
def test_headings_and_peoples_items_are_never_touched(
    standing: StandingTask | None, wanted: tuple[ItemText, ...]
) -> None:
    if standing is None:
        return
    change = mend(standing, wanted)
    touched = {*change.tick, *change.renew, *(update.item for update in change.update)}
    theirs = {one.item for one in standing.items if one.root or code_of(one.text) is None}
    assert not touched & theirs
