"""The commands that open a task with its checklist, and those that bring a standing one to it.

Source: Bitrix24 reference 8.1 and 8.3; portal page, «Written».
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, tzinfo

from stavbill.bitrix.batch import Command, Json, Param, Reference
from stavbill.bitrix.write.checklists import (
    Checklist,
    add_item,
    renew_item,
    reword_item,
    tick_item,
)
from stavbill.bitrix.write.marks import with_mark
from stavbill.bitrix.write.values import text_at
from stavbill.plan.effects import NO_COMPANY, MendTask, OpenTask, UserId

_COMPLETED = "5"
_END_OF_WORK = time(18, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOptions:
    """Who gets a task that names nobody, in which workgroup it stands, the portal's time zone."""

    default_responsible: UserId
    zone: tzinfo
    group: int | None = None


@dataclass(frozen=True, slots=True)
class StandingWork:
    """What stands on a task before it is written to."""

    checklist: Checklist
    completed: bool


def opening(effect: OpenTask, options: TaskOptions, first: str) -> tuple[Command, ...]:
    """Return the command that makes the task and those that add its items to it.

    `first` is the batch key of the first one.
    """
    due, whole = effect.due, effect.company == NO_COMPANY
    deadline = None if due is None else datetime.combine(due, _END_OF_WORK, options.zone)
    fields: dict[str, Param] = {
        "TITLE": effect.title,
        "DESCRIPTION": with_mark(effect.description, effect.key),
        "RESPONSIBLE_ID": effect.responsible or options.default_responsible,
        "UF_CRM_TASK": None if whole else [f"CO_{effect.company}"],
        "TAGS": [effect.tag],
        # Without an offset a deadline would be taken as the server's time.
        "DEADLINE": None if deadline is None else deadline.isoformat(),
        "GROUP_ID": options.group,
    }
    task = Reference(first, ("task", "id"))
    return (
        Command("tasks.task.add", {"fields": fields}),
        *(add_item(task, item) for item in effect.items),
    )


def missing(effect: OpenTask | MendTask, task: int, standing: StandingWork) -> tuple[Command, ...]:
    """Return the commands that bring a standing task to what is wanted, none when it is so."""
    checklist = standing.checklist
    if isinstance(effect, OpenTask):
        return tuple(add_item(task, item) for item in checklist.missing(effect.items))
    complete = effect.complete and not standing.completed
    return (
        *(add_item(task, item) for item in checklist.missing(effect.add)),
        *(tick_item(task, item) for item in checklist.unticked(effect.tick)),
        *(renew_item(task, item) for item in checklist.still_ticked(effect.renew)),
        *(reword_item(task, update) for update in checklist.worded_otherwise(effect.update)),
        *((Command("tasks.task.complete", {"taskId": task}),) if complete else ()),
    )


def list_tasks(effect: OpenTask) -> Command:
    """Return the command that reads the company's tasks of this tag, newest first.

    Completed ones too: somebody may have been quicker than the look-up.
    """
    link = {} if effect.company == NO_COMPANY else {"UF_CRM_TASK": f"CO_{effect.company}"}
    return Command(
        "tasks.task.list",
        {
            "filter": {**link, "TAG": effect.tag},
            "select": ["ID", "DESCRIPTION"],
            "order": {"ID": "desc"},
        },
    )


def get_task(task: int) -> Command:
    """Return the command that reads a task's state."""
    return Command("tasks.task.get", {"taskId": task, "select": ["ID", "STATUS"]})


def is_completed(value: Json) -> bool:
    """Say whether an answer of `tasks.task.get` shows a completed task."""
    return text_at(value, "task", "status") == _COMPLETED
