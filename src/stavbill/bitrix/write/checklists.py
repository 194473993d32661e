"""Checklists: what stands on a task, what is still missing, and the commands that add it.

Source: Bitrix24 reference 8.3 (positional parameters: their order is their meaning).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stavbill.bitrix.batch import Command, Json, Markup, Reference
from stavbill.bitrix.write.values import id_at, rows_at, text_at
from stavbill.plan.effects import ItemId, ItemText, ItemUpdate
from stavbill.plan.markup import as_text


@dataclass(frozen=True, slots=True)
class Checklist:
    """The items of a task: their texts, also by id, and ids with whether they are ticked."""

    texts: frozenset[str]
    ticked: dict[ItemId, bool]
    titles: dict[ItemId, str]

    def missing(self, items: Sequence[ItemText]) -> tuple[ItemText, ...]:
        """Return the items whose text does not stand on the task."""
        return tuple(
            item for item in items if not {plain(as_text(item.text)), plain(item.text)} & self.texts
        )

    def unticked(self, items: Sequence[ItemId]) -> tuple[ItemId, ...]:
        """Return those that stand there unticked; one that a person removed needs no tick."""
        return tuple(item for item in items if self.ticked.get(item) is False)

    def still_ticked(self, items: Sequence[ItemId]) -> tuple[ItemId, ...]:
        """Return those that stand there ticked; one that a person removed is not opened again."""
        return tuple(item for item in items if self.ticked.get(item) is True)

    def worded_otherwise(self, updates: Sequence[ItemUpdate]) -> tuple[ItemUpdate, ...]:
        """Return those that stand there with another text."""
        return tuple(
            update
            for update in updates
            if update.item in self.titles
            and self.titles[update.item] != plain(as_text(update.text))
        )


def plain(text: str) -> str:
    """Return a text as items are compared: runs of white space do not count."""
    return " ".join(text.split())


def read_checklist(value: Json) -> Checklist:
    """Return the checklist in an answer of `task.checklistitem.getlist`."""
    rows = rows_at(value)
    by_id = {ItemId(item): row for row in rows if (item := id_at(row, "ID")) is not None}
    return Checklist(
        texts=frozenset(plain(text_at(row, "TITLE")) for row in rows),
        ticked={item: text_at(row, "IS_COMPLETE") == "Y" for item, row in by_id.items()},
        titles={item: plain(text_at(row, "TITLE")) for item, row in by_id.items()},
    )


def list_items(task: int) -> Command:
    """Return the command that reads a task's checklist items."""
    return Command("task.checklistitem.getlist", {"TASKID": task})


def add_item(task: int | Reference, item: ItemText) -> Command:
    """Return the command that adds an item.

    Without a parent it joins the task's checklist, or begins one.
    """
    title = Markup(as_text(item.text))
    return Command("task.checklistitem.add", {"TASKID": task, "FIELDS": {"TITLE": title}})


def tick_item(task: int, item: ItemId) -> Command:
    """Return the command that ticks an item; it answers true also for one ticked already."""
    return Command("task.checklistitem.complete", {"TASKID": task, "ITEMID": item})


def renew_item(task: int, item: ItemId) -> Command:
    """Return the command that takes an item's tick away."""
    return Command("task.checklistitem.renew", {"TASKID": task, "ITEMID": item})


def reword_item(task: int, update: ItemUpdate) -> Command:
    """Return the command that gives an item another text; its answer is null."""
    title = Markup(as_text(update.text))
    return Command(
        "task.checklistitem.update",
        {"TASKID": task, "ITEMID": update.item, "FIELDS": {"TITLE": title}},
    )
