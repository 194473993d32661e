"""Tasks: opened once with their checklist, mended by what is missing, completed when it is time.

Source: portal page, «Written»; Bitrix24 reference 8.1 and 8.3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

from stavbill.bitrix.batch import MAX_COMMANDS, Command, CommandFailure
from stavbill.bitrix.failures import CallRefusedError, CallUnclearError, Verdict, judge, say
from stavbill.bitrix.gateway import Gateway
from stavbill.bitrix.write.checklists import list_items, read_checklist
from stavbill.bitrix.write.steps import NotReadBack, Step, ask, ask_each, raise_failure, send_steps
from stavbill.bitrix.write.task_commands import (
    StandingWork,
    TaskOptions,
    get_task,
    is_completed,
    list_tasks,
    missing,
    opening,
)
from stavbill.bitrix.write.values import id_at, rows_at, text_at
from stavbill.plan.effects import Effect, EffectKey, MendTask, OpenTask
from stavbill.plan.keys import short_mark
from stavbill.plan.order import Order
from stavbill.plan.outcome import Done, Found, Outcome, Refused, Rejected, Unclear

_GET_LIST = "task.checklistitem.getlist"
_TOO_MANY = "пункты задачи не поместились в один пакет, остальные добавит следующий"


class TaskExecutor(NotReadBack):
    """Makes `OpenTask` and `MendTask` happen.

    A task that stands already is read before it is written to, so that nothing is added twice.
    """

    def __init__(self, gateway: Gateway, *, options: TaskOptions) -> None:
        self._gateway = gateway
        self._options = options

    def takes(self, effect: Effect) -> bool:
        """Say whether `effect` is about a task."""
        return isinstance(effect, OpenTask | MendTask)

    def weigh(self, order: Order) -> int:
        """Return a command for the task and one for each item, at most a whole batch."""
        effect = _task_effect(order.effect)
        if isinstance(effect, MendTask):
            changed = (effect.add, effect.tick, effect.renew, effect.update)
            return min(max(sum(map(len, changed)) + effect.complete, 1), MAX_COMMANDS)
        return min(1 + len(effect.items), MAX_COMMANDS)

    async def find(self, effects: Sequence[Effect]) -> Mapping[EffectKey, Found | None]:
        """Look for the tasks by company, tag and mark, then for what is missing on them."""
        wanted = {effect.key: _task_effect(effect) for effect in effects}
        tasks = await self._look_up([e for e in wanted.values() if isinstance(e, OpenTask)])
        tasks |= {e.key: int(e.task) for e in wanted.values() if isinstance(e, MendTask)}
        works = await self._read({wanted[key]: task for key, task in tasks.items()})
        found: dict[EffectKey, Found | None] = dict.fromkeys(wanted)
        for key, work in works.items():
            if isinstance(work, StandingWork):
                is_complete = not missing(wanted[key], tasks[key], work)
                found[key] = Found(tasks[key], complete=is_complete)
            elif judge(work.code) is not Verdict.REJECTED:
                # A task that is gone is an answer; that the portal could not be asked is none.
                raise_failure(self._gateway, _GET_LIST, work)
        return found

    async def _look_up(self, effects: Sequence[OpenTask]) -> dict[EffectKey, int]:
        """Return the oldest task that bears each effect's mark."""
        commands = {f"t{place}": list_tasks(effect) for place, effect in enumerate(effects)}
        results = await ask(self._gateway, commands)
        tasks: dict[EffectKey, int] = {}
        for place, effect in enumerate(effects):
            mark = short_mark(effect.key)
            rows = rows_at(results[f"t{place}"].value, "tasks")
            ours = [id_at(row, "id") for row in rows if mark in text_at(row, "description")]
            if known := [task for task in ours if task is not None]:
                tasks[effect.key] = min(known)
        return tasks

    async def _read(
        self, tasks: Mapping[OpenTask | MendTask, int]
    ) -> dict[EffectKey, StandingWork | CommandFailure]:
        """Read what stands on the tasks; the state only of those that shall be completed."""
        commands: dict[str, Command] = {}
        for place, (effect, task) in enumerate(tasks.items()):
            commands[f"c{place}"] = list_items(task)
            if isinstance(effect, MendTask) and effect.complete:
                commands[f"s{place}"] = get_task(task)
        results = await ask_each(self._gateway, commands)
        works: dict[EffectKey, StandingWork | CommandFailure] = {}
        for place, effect in enumerate(tasks):
            items, state = results[f"c{place}"], results.get(f"s{place}")
            if isinstance(items, CommandFailure):
                works[effect.key] = items
            elif isinstance(state, CommandFailure):
                works[effect.key] = state
            else:
                completed = state is not None and is_completed(state.value)
                works[effect.key] = StandingWork(read_checklist(items.value), completed)
        return works

    async def send(self, orders: Sequence[Order]) -> Mapping[EffectKey, Outcome]:
        """Send one batch, after one that reads the tasks which stand already."""
        tasks = {
            _task_effect(order.effect): task
            for order in orders
            if (task := _standing_task(order)) is not None
        }
        try:
            works = await self._read(tasks)
        except CallRefusedError as error:
            return {
                order.effect.key: Refused(str(error), ceil(error.retry_after_s)) for order in orders
            }
        except CallUnclearError as error:
            return {order.effect.key: Refused(f"задача не прочитана: {error}") for order in orders}
        outcomes: dict[EffectKey, Outcome] = {}
        steps: list[Step] = []
        cut: list[EffectKey] = []
        for order in orders:
            effect = _task_effect(order.effect)
            work = works.get(effect.key)
            if isinstance(work, CommandFailure):
                outcomes[effect.key] = self._unreadable(tasks[effect], work)
                continue
            step, is_cut = self._step(effect, tasks.get(effect), work)
            steps.append(step)
            if is_cut:
                cut.append(effect.key)
        outcomes |= await send_steps(self._gateway, steps, halt=True)
        for key in cut:
            if isinstance(done := outcomes[key], Done):
                outcomes[key] = Unclear(_TOO_MANY, done.portal_id)
        return outcomes

    def _step(
        self, effect: OpenTask | MendTask, task: int | None, work: StandingWork | None
    ) -> tuple[Step, bool]:
        """Return the step for one effect, and whether a batch was too small for all of it."""
        if isinstance(effect, OpenTask) and (task is None or work is None):
            step = Step(
                effect.key,
                lambda first: opening(effect, self._options, first)[:MAX_COMMANDS],
                read_id=lambda value: id_at(value, "task", "id"),
            )
            return step, 1 + len(effect.items) > MAX_COMMANDS
        if task is None or work is None:
            msg = f"task of {effect.key} was not read"
            raise ValueError(msg)
        commands = missing(effect, task, work)
        part = commands[:MAX_COMMANDS]
        return Step(effect.key, lambda _: part, portal_id=task), len(commands) > MAX_COMMANDS

    def _unreadable(self, task: int, failure: CommandFailure) -> Outcome:
        """Return the outcome for a task that could not be read: nothing was written to it."""
        reason = say(_GET_LIST, failure.code, failure.description)
        verdict = judge(failure.code)
        if verdict is Verdict.ACCESS:
            raise_failure(self._gateway, _GET_LIST, failure)
        if verdict is Verdict.REJECTED:
            return Rejected(f"задача {task}: {reason}")
        return Refused(f"задача {task} не прочитана: {reason}")


def _standing_task(order: Order) -> int | None:
    effect = _task_effect(order.effect)
    return int(effect.task) if isinstance(effect, MendTask) else order.portal_id


def _task_effect(effect: Effect) -> OpenTask | MendTask:
    if not isinstance(effect, OpenTask | MendTask):
        msg = f"not about a task: {effect.kind}"
        raise TypeError(msg)
    return effect
