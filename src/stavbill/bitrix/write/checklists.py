"""Checklists: what stands on a task, what is still missing, and the commands that add it.

Source: Bitrix24 reference 8.3 (positional parameters: their order is their meaning).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stavbill.bitrix.batch import Command, Json, Reference
from stavbill.bitrix.write.values import id_at, rows_at, text_at
from stavbill.plan.effects import ItemId, ItemText


@dataclass(frozen=True, slots=True)
class Checklist:
    """The items of a task: their texts, and ids with whether they are ticked."""

    texts: frozenset[str]
    ticked: dict[ItemId, bool]

    def missing(self, items: Sequence[ItemText]) -> tuple[ItemText, ...]:
        """Return the items whose text does not stand on the task."""
        return tuple(item for item in items if plain(item.text) not in self.texts)

    def unticked(self, items: Sequence[ItemId]) -> tuple[ItemId, ...]:
        """Return those that stand there unticked; one that a person removed needs no tick."""
        return tuple(item for item in items if self.ticked.get(item) is False)


def plain(text: str) -> str:
    """Return a text as items are compared: runs of white space do not count."""
    return " ".join(text.split())


def read_checklist(value: Json) -> Checklist:
    """Return the checklist in an answer of `task.checklistitem.getlist`."""
    rows = rows_at(value)
    return Checklist(
        texts=frozenset(plain(text_at(row, "TITLE")) for row in rows),
        ticked={
            ItemId(item): text_at(row, "IS_COMPLETE") == "Y"
            for row in rows
            if (item := id_at(row, "ID")) is not None
        },
    )


def list_items(task: int) -> Command:
    """Return the command that reads a task's checklist items."""
    return Command("task.checklistitem.getlist", {"TASKID": task})


def add_item(task: int | Reference, item: ItemText) -> Command:
    """Return the command that adds an item.

    Without a parent it joins the task's checklist, or begins one.
    """
    return Command("task.checklistitem.add", {"TASKID": task, "FIELDS": {"TITLE": item.text}})


def tick_item(task: int, item: ItemId) -> Command:
    """Return the command that ticks an item; it answers true also for one ticked already."""
    return Command("task.checklistitem.complete", {"TASKID": task, "ITEMID": item})
