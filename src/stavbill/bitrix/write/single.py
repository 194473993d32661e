"""Effects of one command each: fifty to a batch, of whatever kinds they are.

Source: Bitrix24 reference 3; performance page, «What follows».
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from typing_extensions import override

from stavbill.bitrix.gateway import Gateway
from stavbill.bitrix.write.steps import NotReadBack, Step, send_steps
from stavbill.plan.effects import Effect, EffectKey
from stavbill.plan.order import Order
from stavbill.plan.outcome import Found, Outcome, Rejected


class SingleCommand(NotReadBack, ABC):
    """An executor whose effects take one command each; one that is declined stops no other."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    @abstractmethod
    def takes(self, effect: Effect) -> bool:
        """Say whether this adapter makes `effect` happen."""

    @abstractmethod
    async def find(self, effects: Sequence[Effect]) -> Mapping[EffectKey, Found | None]:
        """Ask the portal by key; None for what it does not hold."""

    @abstractmethod
    def step(self, order: Order) -> Step | Rejected:
        """Return the command, or why there can be none."""

    def weigh(self, order: Order) -> int:
        """Return 1."""
        del order
        return 1

    async def send(self, orders: Sequence[Order]) -> Mapping[EffectKey, Outcome]:
        """Send all as one batch; every order gets its outcome."""
        made = {order.effect.key: self.step(order) for order in orders}
        outcomes: dict[EffectKey, Outcome] = {
            key: one for key, one in made.items() if isinstance(one, Rejected)
        }
        steps = [one for one in made.values() if isinstance(one, Step)]
        return outcomes | await send_steps(self._gateway, steps, halt=False)


class SharedBatches(SingleCommand):
    """Lets several such executors fill their batches together: each request is one of few."""

    def __init__(self, gateway: Gateway, members: Sequence[SingleCommand]) -> None:
        """Take the executors; no two take the same effect."""
        super().__init__(gateway)
        self._members = tuple(members)

    @override
    def takes(self, effect: Effect) -> bool:
        return any(one.takes(effect) for one in self._members)

    @override
    async def find(self, effects: Sequence[Effect]) -> Mapping[EffectKey, Found | None]:
        found: dict[EffectKey, Found | None] = {}
        for member in self._members:
            theirs = [one for one in effects if member.takes(one)]
            if theirs:
                found |= await member.find(theirs)
        return found

    @override
    def step(self, order: Order) -> Step | Rejected:
        return next(one for one in self._members if one.takes(order.effect)).step(order)
