"""The limiter: everybody who asks the portal reserves here first, reader and writer alike.

Source: Bitrix24 reference 2; performance page, «What follows» 5.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from stavbill.bitrix.batch import Spent
from stavbill.bitrix.budget import Budget, Forecast, Limits, forecast, slot_of
from stavbill.clock import Clock

# How long a method is left alone after a 429 that does not say when it is released.
BLOCKED_METHOD_S = 60.0


class BudgetState(Protocol):
    """Where the budget of one portal is kept, so that several processes share it."""

    def change(self, edit: Callable[[str], str]) -> None:
        """Replace the stored text by `edit(text)` in one short exclusive transaction.

        The text is "" at first; its form belongs to `bitrix.budget`.
        """
        ...


class MemoryBudgetState:
    """A budget for one process alone."""

    def __init__(self) -> None:
        self.text = ""

    def change(self, edit: Callable[[str], str]) -> None:
        """Replace the text."""
        self.text = edit(self.text)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A reservation: the calls by method, and the seconds charged for them in a slot."""

    calls: Mapping[str, int]
    charged: Mapping[str, float]
    slot: int


class Limiter:
    """Paces requests so that the portal never has to refuse one.

    A request is reserved in the bucket, its calls in the operating time of their methods, before
    it is sent; afterwards `settle` tells what they cost. Safe to use from many tasks at once.
    """

    def __init__(self, *, limits: Limits, clock: Clock, state: BudgetState) -> None:
        self.limits = limits
        self._clock = clock
        self._state = state
        self._turn = asyncio.Lock()

    async def reserve(self, calls: Mapping[str, int]) -> Ticket:
        """Wait until one request with these method calls may be sent, and take its share.

        `calls` counts the commands of a batch by method; a batch itself costs no operating time.
        Requests leave in the order in which they came, but for those whose method must wait.
        """
        while True:
            async with self._turn:
                bucket_s, method_s, ticket = self._try(calls)
                if ticket is not None:
                    return ticket
                if method_s <= 0:
                    await self._clock.sleep(bucket_s)
            if method_s > 0:
                await self._clock.sleep(max(method_s, bucket_s))

    @asynccontextmanager
    async def slot(self, calls: Mapping[str, int]) -> AsyncIterator[Ticket]:
        """Reserve for the request made inside; without `settle` the estimate stays charged."""
        yield await self.reserve(calls)

    def settle(self, ticket: Ticket, spent: Mapping[str, Sequence[Spent]]) -> None:
        """Replace the reserved seconds by what the portal says that each call cost.

        `spent` is by method. A method that is absent was not run; a call without figures keeps
        its share of the estimate.
        """

        def edit(budget: Budget) -> None:
            budget.refusals = 0
            for method, charged in ticket.charged.items():
                answers = spent.get(method, ())
                guess = charged / max(ticket.calls[method], 1)
                known = [item.seconds for item in answers if item.seconds is not None]
                budget.charge(method, ticket.slot, -charged)
                cost = sum(known) + guess * (len(answers) - len(known))
                budget.charge(method, slot_of(budget.at), cost)
                if known:
                    budget.learn(method, sum(known) / len(known))
                reported = [item.operating for item in answers if item.operating is not None]
                if reported:
                    budget.believe(method, max(reported))

        self._edit(edit)

    def release(self, ticket: Ticket) -> None:
        """Give back the reserved seconds of a request that was certainly not executed."""

        def edit(budget: Budget) -> None:
            for method, charged in ticket.charged.items():
                budget.charge(method, ticket.slot, -charged)

        self._edit(edit)

    def back_off(self, retry_after_s: float = 0.0) -> None:
        """Tell everybody that the portal refused a request although it was reserved."""
        self._edit(lambda budget: budget.back_off(self.limits, retry_after_s))

    def block(self, method: str, seconds: float | None = None) -> None:
        """Tell everybody that the portal refuses `method` for `seconds`."""
        wait = BLOCKED_METHOD_S if seconds is None else seconds
        self._edit(lambda budget: budget.block(method, wait))

    def forecast(self, requests: int, calls: Mapping[str, int]) -> Forecast:
        """Return how many seconds the limits make `requests` requests last, from now on.

        `calls` counts the method calls within them; their cost is what was last learned.
        """
        found: list[Forecast] = []
        self._edit(
            lambda budget: found.append(forecast(budget, self.limits, requests, calls)),
        )
        return found[0]

    def _try(self, calls: Mapping[str, int]) -> tuple[float, float, Ticket | None]:
        """Take a share if there is room: bucket wait, method wait, ticket."""
        answer: list[tuple[float, float, Ticket | None]] = []

        def edit(budget: Budget) -> None:
            bucket_s = budget.bucket_wait(self.limits)
            waits = (budget.method_wait(name, n, self.limits) for name, n in calls.items())
            method_s = max(waits, default=0.0)
            if bucket_s > 0 or method_s > 0:
                answer.append((bucket_s, method_s, None))
                return
            budget.level += 1.0
            slot = slot_of(budget.at)
            charged = {name: budget.cost(name, n, self.limits) for name, n in calls.items()}
            for name, seconds in charged.items():
                budget.charge(name, slot, seconds)
            answer.append((0.0, 0.0, Ticket(dict(calls), charged, slot)))

        self._edit(edit)
        return answer[0]

    def _edit(self, edit: Callable[[Budget], None]) -> None:
        now = self._clock.now().timestamp()

        def change(text: str) -> str:
            budget = Budget.load(text, now, self.limits)
            edit(budget)
            return budget.dump()

        self._state.change(change)
