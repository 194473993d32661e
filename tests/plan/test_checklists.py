"""A checklist that says what it shall: updated, not repeated; people's items stand (§9)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stavbill.plan.checklists import ChecklistChange, mend, tick_all
from stavbill.plan.diff import HOLD_TAG
from stavbill.plan.effects import ItemId, ItemText, ItemUpdate
from stavbill.plan.item_keys import key_of, numbered
from stavbill.plan.standing import StandingTask
from tests.plan.world import item, task, tasks

CONTRACT = ItemText(
    "no_contract", "Нет договора, по которому выставляется абонплата (подписка). Добавьте документ."
)
COUNT = ItemText("count_mismatch", "Количество не сходится: в тарифе 3, в Wialon 4.")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        pytest.param(CONTRACT.text, "no_contract", id="ours"),
        pytest.param(f" {COUNT.text} \n", "count_mismatch", id="ours, blanks around"),
        pytest.param("Нет договора [no_contract]", "no_contract", id="of an older version"),
        pytest.param("Нет договора [no_contract] \n", "no_contract", id="older, blanks behind"),
        pytest.param("(2) Поле «НДС» не понято: «да?».", "field-НДС--2", id="the second of a kind"),
        pytest.param("Расхождение 12: сумма была 5.", "check-12", id="of the nightly check"),
        pytest.param("Нет договора — позвонить юристу", None, id="a person's words"),
        pytest.param("Позвонить [срочно]", None, id="a person's brackets"),
        pytest.param("Позвонить [Anna]", None, id="a person's capital letters"),
        pytest.param("[no_contract] сделать", None, id="not at the end"),
        pytest.param("", None, id="empty"),
    ],
)
def test_an_item_is_known_by_the_words_that_it_begins_with(text: str, key: str | None) -> None:
    assert key_of(text) == key


def test_the_second_of_a_kind_says_so_in_front() -> None:
    texts = numbered([COUNT.text, CONTRACT.text, COUNT.text])
    assert texts == [COUNT.text, CONTRACT.text, f"(2) {COUNT.text}"]
    assert len({key_of(text) for text in texts}) == 3


def test_a_task_of_an_older_version_is_known_again_and_its_items_are_written_anew() -> None:
    old = task(
        1, HOLD_TAG, item(5, "3 ≠ 4 [count_mismatch]"), item(6, "Нет договора [no_contract]")
    )
    assert mend(old, (COUNT,)) == ChecklistChange(
        tick=(ItemId(6),), update=(ItemUpdate(ItemId(5), COUNT.text),)
    )


def test_a_reason_that_came_is_added_and_one_that_went_is_ticked() -> None:
    """§9: items are ticked as reasons go."""
    change = mend(task(1, HOLD_TAG, item(5, CONTRACT.text), item(6, "Позвонить")), (COUNT,))
    assert change == ChecklistChange(add=(COUNT,), tick=(ItemId(5),))


def test_a_reason_that_comes_back_opens_its_item_again() -> None:
    change = mend(task(1, HOLD_TAG, item(5, CONTRACT.text, done=True)), (CONTRACT,))
    assert change == ChecklistChange(renew=(ItemId(5),))


def test_new_numbers_are_written_into_the_same_item() -> None:
    """§9: updated, not repeated, next month."""
    change = mend(
        task(1, HOLD_TAG, item(5, "Количество не сходится: в тарифе 3, в Wialon 5.")), (COUNT,)
    )
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
    theirs = {one.item for one in standing.items if one.root or key_of(one.text) is None}
    assert not touched & theirs
