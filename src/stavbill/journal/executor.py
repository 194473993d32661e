"""What the journal asks of an adapter that makes effects happen: three verbs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from stavbill.plan.effects import Effect, EffectKey
from stavbill.plan.order import Order
from stavbill.plan.outcome import Found, Outcome, ReadBack


class Executor(Protocol):
    """An adapter for some kinds of effects. No verb repeats a write by itself.

    `weigh` says how many of the 50 commands of a batch an order takes, so that the journal fills
    batches; `read_back_limit` how many effects one read-back request takes (0: kinds that are not
    read back).
    """

    read_back_limit: int

    def takes(self, effect: Effect) -> bool:
        """Say whether this adapter makes `effect` happen."""
        ...

    def weigh(self, order: Order) -> int:
        """Return the number of batch commands that `order` needs (1..50)."""
        ...

    async def find(self, effects: Sequence[Effect]) -> Mapping[EffectKey, Found | None]:
        """Ask the portal by key; None for what it does not hold. Raises when it cannot be asked."""
        ...

    async def send(self, orders: Sequence[Order]) -> Mapping[EffectKey, Outcome]:
        """Send one batch; every order gets its outcome, and nothing is sent twice."""
        ...

    async def read_back(self, written: Mapping[EffectKey, Order]) -> Mapping[EffectKey, ReadBack]:
        """Compare what the portal holds with what was wanted."""
        ...
