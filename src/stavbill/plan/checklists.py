"""What must change on a checklist so that it says what it shall.

Items are known again by the words that they begin with (`item_keys`); what people added themselves
is left alone. Source: billing rules §9, «one checklist item for each reason, … updated, not
repeated».
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from stavbill.plan.effects import ItemId, ItemText, ItemUpdate
from stavbill.plan.item_keys import key_of
from stavbill.plan.markup import as_text
from stavbill.plan.standing import StandingItem, StandingTask


@dataclass(frozen=True, slots=True)
class ChecklistChange:
    """Items to add, to tick, to open again and to write anew."""

    add: tuple[ItemText, ...] = ()
    tick: tuple[ItemId, ...] = ()
    renew: tuple[ItemId, ...] = ()
    update: tuple[ItemUpdate, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Say whether the checklist says already what it shall."""
        return not (self.add or self.tick or self.renew or self.update)

    @property
    def mark(self) -> str:
        """A short mark of this very change, for its key."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:10]


def mend(task: StandingTask, wanted: tuple[ItemText, ...], *, tick: bool = True) -> ChecklistChange:
    """Return the change that makes our items on `task` exactly `wanted`.

    Without `tick`, items that are not wanted stay as they are.

    Source: billing rules §9.
    """
    ours = _ours(task, wanted)
    codes = {item.code for item in wanted}
    return ChecklistChange(
        add=tuple(item for item in wanted if item.code not in ours),
        tick=tuple(
            item.item for code, item in ours.items() if tick and code not in codes and not item.done
        ),
        renew=tuple(ours[item.code].item for item in wanted if _is_done(ours, item.code)),
        update=tuple(
            ItemUpdate(ours[item.code].item, item.text)
            for item in wanted
            if item.code in ours and ours[item.code].text.strip() != as_text(item.text).strip()
        ),
    )


def tick_all(task: StandingTask) -> tuple[ItemId, ...]:
    """Return our items that are still open."""
    return tuple(item.item for item in _ours(task).values() if not item.done)


def _ours(task: StandingTask, wanted: tuple[ItemText, ...] = ()) -> dict[str, StandingItem]:
    """Return our items by their codes; one that is not wanted any more by its own key."""
    codes = {key_of(as_text(item.text)): item.code for item in wanted}
    keyed = ((key_of(item.text), item) for item in task.items if not item.root)
    return {codes.get(key, key): item for key, item in keyed if key is not None}


def _is_done(ours: dict[str, StandingItem], code: str) -> bool:
    return code in ours and ours[code].done
