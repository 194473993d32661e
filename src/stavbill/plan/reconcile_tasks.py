"""The one task for each company that lists what the nightly check found and a person decides.

A finding is told once: its item bears its number, and what was ticked, removed or closed by a
person is not told again. Source: operations page, «Nightly check»; billing rules §9.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

from stavbill.plan.checklists import mend, tick_all
from stavbill.plan.effects import EffectKey, ItemText, MendTask, OpenTask
from stavbill.plan.findings import ACCEPT, Finding, Remedy
from stavbill.plan.item_keys import key_of
from stavbill.plan.standing import Standing, StandingTask

CHECK_TAG = "stavbill-check"
# Keys of everything that the nightly check writes begin so.
CHECK_PREFIX = "check"


@dataclass(frozen=True, slots=True)
class Numbered:
    """A finding with its number in the store, the same for as long as the difference lasts."""

    number: int
    finding: Finding

    @property
    def code(self) -> str:
        """The key of its item."""
        return f"check-{self.number}"


def check_task_effects(
    standing: Standing,
    task: StandingTask | None,
    findings: Sequence[Numbered],
    told: Collection[str],
    due: date,
) -> tuple[OpenTask | MendTask, ...]:
    """Return what makes the company's task list its open findings, none when it does.

    `told` are the codes of items that were written before. When all that it lists is gone, the
    task is completed.

    Source: operations page, «Nightly check» («the rest as tasks»).
    """
    asked = [one for one in findings if one.finding.remedy is Remedy.ASK]
    if task is None:
        fresh = tuple(_item(one) for one in asked if one.code not in told)
        return (_opening(standing, fresh, due),) if fresh else ()
    listed = {key_of(item.text) for item in task.items if not item.root}
    wanted = tuple(_item(one) for one in asked if one.code in listed or one.code not in told)
    if not wanted:
        key = EffectKey(f"{CHECK_PREFIX}-close:{task.task}")
        tick = tick_all(task)
        return (
            MendTask(key=key, company=standing.company, task=task.task, tick=tick, complete=True),
        )
    # What a person ticked is a person's answer: it stays ticked while the difference lasts.
    change = replace(mend(task, wanted), renew=())
    if change.is_empty:
        return ()
    return (
        MendTask(
            key=EffectKey(f"{CHECK_PREFIX}-mend:{task.task}:{change.mark}"),
            company=standing.company,
            task=task.task,
            add=change.add,
            tick=change.tick,
            update=change.update,
        ),
    )


def _opening(standing: Standing, items: tuple[ItemText, ...], due: date) -> OpenTask:
    name = standing.title or f"компания {standing.company}"
    mark = hashlib.sha256("|".join(item.code for item in items).encode()).hexdigest()[:10]
    return OpenTask(
        key=EffectKey(f"{CHECK_PREFIX}:{standing.company}:{mark}"),
        company=standing.company,
        title=f"Биллинг: сверка — {name}",
        description=(
            "На портале не то, что выставил биллинг. Сам он этого не исправляет: это чьё-то "
            f"решение. {ACCEPT} Когда расхождения исчезнут, задача закроется сама."
        ),
        tag=CHECK_TAG,
        responsible=standing.responsible,
        items=items,
        due=due,
    )


def _item(one: Numbered) -> ItemText:
    return ItemText(one.code, f"Расхождение {one.number}: {one.finding.detail}")
