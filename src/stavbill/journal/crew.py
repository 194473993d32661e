"""The executors together: who makes an effect happen, and how its batches are filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stavbill.journal.executor import Executor
from stavbill.plan.effects import Effect, EffectKey
from stavbill.plan.order import Order
from stavbill.store.effects import Intent, IntentId


@dataclass(frozen=True, slots=True)
class Batch:
    """Intents that go out together; `is_full` when the next one would not have fitted."""

    executor: Executor
    orders: Mapping[IntentId, Order]
    intents: tuple[Intent, ...]
    is_full: bool


class Crew:
    """Finds the executor for an effect; each kind has exactly one."""

    def __init__(self, executors: Sequence[Executor]) -> None:
        self._executors = tuple(executors)
        self._by_kind: dict[str, Executor] = {}
        self.read_back_limit = max((one.read_back_limit for one in executors), default=0)

    def executor_for(self, effect: Effect) -> Executor:
        """Return the executor that takes the effect. Raises `ValueError` when none does."""
        known = self._by_kind.get(effect.kind)
        if known is None:
            takers = [one for one in self._executors if one.takes(effect)]
            if len(takers) != 1:
                msg = f"{len(takers)} executors take {effect.kind}, expected one"
                raise ValueError(msg)
            known = self._by_kind[effect.kind] = takers[0]
        return known

    def reads_back(self, effect: Effect) -> bool:
        """Say whether effects of this kind are read back before they count."""
        return self.executor_for(effect).read_back_limit > 0

    def fill(
        self,
        intents: Sequence[Intent],
        settled: Mapping[IntentId, Mapping[EffectKey, int]],
        commands: int,
    ) -> Batch:
        """Return the longest beginning of `intents` that fits into one batch of one executor."""
        executor = self.executor_for(intents[0].effect)
        orders: dict[IntentId, Order] = {}
        taken: list[Intent] = []
        weight = 0
        for intent in intents:
            order = Order(intent.effect, intent.portal_id, settled.get(intent.intent, {}))
            weight += executor.weigh(order)
            if taken and weight > commands:
                return Batch(executor, orders, tuple(taken), is_full=True)
            orders[intent.intent] = order
            taken.append(intent)
        return Batch(executor, orders, tuple(taken), is_full=weight >= commands)

    def by_executor(self, intents: Sequence[Intent]) -> list[tuple[Executor, list[Intent]]]:
        """Return the intents grouped by who makes them happen."""
        groups: dict[int, tuple[Executor, list[Intent]]] = {}
        for intent in intents:
            executor = self.executor_for(intent.effect)
            groups.setdefault(id(executor), (executor, []))[1].append(intent)
        return list(groups.values())
