"""A small portal in memory, with every way in which a real one loses, delays and refuses.

It knows two kinds of effect: invoices in two parts (the item, then its rows), found by key, and
states that are set as a whole. What it does with a request is scripted, request by request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

from stavbill.clock import Clock
from stavbill.errors import PortalError
from stavbill.journal.fence import may_send
from stavbill.plan.effects import Effect, EffectKey, PutFields, PutInvoice
from stavbill.plan.order import Order
from stavbill.plan.outcome import (
    Confirmed,
    Differs,
    Done,
    Found,
    Outcome,
    ReadBack,
    Refused,
    Rejected,
    Unclear,
)

T = TypeVar("T")

LATEST_EXECUTION_S = 60.0


class Fate(Enum):
    """What becomes of one request."""

    FINE = "executed and answered"
    LOST_BEFORE = "never arrives, no answer"
    LOST_AFTER = "executed, the answer is lost"
    CUT = "the first commands are executed, the answer is lost"
    LATE = "the connection drops, and much later all of it is executed"
    VERY_LATE = "the same, at the last possible moment"
    LATE_CUT = "much later the first commands are executed"
    REFUSED = "refused before execution, with a time to wait"
    HALTED = "the third order is refused; what follows is not run"
    BROKEN = "the adapter raises, having executed all of it"


@dataclass(slots=True)
class Item:
    """An invoice that the portal holds, visible in lists from a moment on."""

    number: int
    key: EffectKey
    visible_at: float
    has_rows: bool = False
    rows_visible_at: float = 0.0


@dataclass(slots=True)
class World:
    """The portal. `fates` are used up one request after the other; then all is fine.

    `rejected` are keys that it declines for ever. `lag_s` is how far its lists are behind.
    `read_fates` say for each look-up or read-back whether it fails.
    """

    clock: Clock
    fates: list[Fate] = field(default_factory=list)
    read_fails: list[bool] = field(default_factory=list)
    rejected: frozenset[EffectKey] = frozenset()
    altered: frozenset[EffectKey] = frozenset()
    lag_s: float = 0.0
    answer_s: float = 3.0
    queue_s: list[float] = field(default_factory=list)
    on_request: Callable[[int], None] = lambda _: None

    items: list[Item] = field(default_factory=list)
    states: dict[EffectKey, int] = field(default_factory=dict)
    order: list[EffectKey] = field(default_factory=list)
    requests: int = 0
    batches: list[int] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    _work: set[asyncio.Task[Any]] = field(default_factory=set)

    def detach(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Do something that no client can stop any more."""
        task = asyncio.ensure_future(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task

    async def calm(self) -> None:
        """Wait until the portal has nothing left to do."""
        await asyncio.gather(*self._work, return_exceptions=True)

    # -------------------------------------------------------------------------- as the portal
    def execute(self, order: Order) -> int | None:
        """Do what an order says, whatever stands there already: the portal compares nothing."""
        effect = order.effect
        if not isinstance(effect, PutInvoice):
            self.states[effect.key] = self.states.get(effect.key, 0) + 1
            self.order.append(effect.key)
            return None
        if order.portal_id is not None:
            self.add_rows(order.portal_id)
            return order.portal_id
        number = self.add_item(effect.key)
        self.add_rows(number)
        return number

    def add_item(self, key: EffectKey) -> int:
        number = len(self.items) + 1
        self.items.append(Item(number, key, self.clock.monotonic() + self.lag_s))
        self.order.append(key)
        return number

    def add_rows(self, number: int) -> None:
        item = self.items[number - 1]
        item.has_rows = True
        item.rows_visible_at = self.clock.monotonic() + self.lag_s

    async def later(self, seconds: float, orders: Sequence[Order], *, cut: bool) -> None:
        """Execute orders after a while."""
        await self.clock.sleep(seconds)
        self.execute_all(orders, cut=cut)

    def execute_all(self, orders: Sequence[Order], *, cut: bool = False) -> dict[EffectKey, int]:
        """Execute orders; `cut` stops in the middle of one, between an item and its rows."""
        done = {}
        half = len(orders) // 2 if cut else len(orders)
        for order in orders[:half]:
            number = self.execute(order)
            if number is not None:
                done[order.effect.key] = number
        if cut and half < len(orders):
            middle = orders[half]
            if isinstance(middle.effect, PutInvoice) and middle.portal_id is None:
                self.add_item(middle.effect.key)
        return done

    async def request(self) -> None:
        """Wait for the limiter, then for the network; counts the request."""
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.queue_s:
                await self.clock.sleep(self.queue_s.pop(0))
            self.requests += 1
            self.on_request(self.requests)
        finally:
            self.in_flight -= 1

    # ------------------------------------------------------------------- what tests look at
    def copies(self) -> dict[EffectKey, int]:
        """Return how many items bear each key."""
        counted: dict[EffectKey, int] = {}
        for item in self.items:
            counted[item.key] = counted.get(item.key, 0) + 1
        return counted

    def without_rows(self) -> list[EffectKey]:
        return [item.key for item in self.items if not item.has_rows]


class InvoiceAdapter:
    """The world's executor for invoices."""

    read_back_limit = 4

    def __init__(self, world: World) -> None:
        self.world = world

    def takes(self, effect: Effect) -> bool:
        return isinstance(effect, PutInvoice)

    def weigh(self, order: Order) -> int:
        return 2 if order.portal_id is None else 1

    async def find(self, effects: Sequence[Effect]) -> Mapping[EffectKey, Found | None]:
        await self._read()
        now = self.world.clock.monotonic()
        answer: dict[EffectKey, Found | None] = {}
        for effect in effects:
            mine = [i for i in self.world.items if i.key == effect.key and i.visible_at <= now]
            shows = bool(mine) and mine[0].has_rows and mine[0].rows_visible_at <= now
            answer[effect.key] = Found(mine[0].number, complete=shows) if mine else None
        return answer

    async def send(self, orders: Sequence[Order]) -> Mapping[EffectKey, Outcome]:
        return await send(self.world, orders)

    async def read_back(self, written: Mapping[EffectKey, Order]) -> Mapping[EffectKey, ReadBack]:
        await self._read()
        now = self.world.clock.monotonic()
        answer: dict[EffectKey, ReadBack] = {}
        for key, order in written.items():
            item = self.world.items[(order.portal_id or 0) - 1]
            shows = item.has_rows and item.rows_visible_at <= now
            same = shows and item.key == key and key not in self.world.altered
            answer[key] = Confirmed() if same else Differs("строки: ожидалось 1, найдено 0")
        return answer

    async def _read(self) -> None:
        await self.world.request()
        await self.world.clock.sleep(1.0)
        if self.world.read_fails and self.world.read_fails.pop(0):
            msg = "портал не ответил"
            raise PortalError(msg)


class StateAdapter:
    """The world's executor for states."""

    read_back_limit = 0

    def __init__(self, world: World) -> None:
        self.world = world

    def takes(self, effect: Effect) -> bool:
        return isinstance(effect, PutFields)

    def weigh(self, order: Order) -> int:
        del order
        return 1

    async def find(self, effects: Sequence[Effect]) -> Mapping[EffectKey, Found | None]:
        msg = f"a state is never looked for: {effects}"
        raise AssertionError(msg)

    async def send(self, orders: Sequence[Order]) -> Mapping[EffectKey, Outcome]:
        return await send(self.world, orders)

    async def read_back(self, written: Mapping[EffectKey, Order]) -> Mapping[EffectKey, ReadBack]:
        msg = f"a state is never read back: {written}"
        raise AssertionError(msg)


async def send(world: World, orders: Sequence[Order]) -> Mapping[EffectKey, Outcome]:
    """Send one batch into the world, which goes on with it even when the sender dies."""
    await world.request()
    if not may_send():
        return {order.effect.key: Refused("срок отправки вышел") for order in orders}
    world.batches.append(len(orders))
    fate = world.fates.pop(0) if world.fates else Fate.FINE
    return await asyncio.shield(world.detach(receive(world, orders, fate)))


async def receive(world: World, orders: Sequence[Order], fate: Fate) -> dict[EffectKey, Outcome]:
    """Do with a batch what its fate wants."""
    keys = [order.effect.key for order in orders]
    await world.clock.sleep(world.answer_s / 2)
    declined = [key for key in keys if key in world.rejected]
    if declined and fate in (Fate.FINE, Fate.HALTED):
        return await _halt(world, orders, keys.index(declined[0]), Rejected("нельзя"))
    lost: dict[EffectKey, Outcome] = {key: Unclear("нет ответа") for key in keys}
    if declined:
        return lost
    match fate:
        case Fate.FINE:
            done = world.execute_all(orders)
            await world.clock.sleep(world.answer_s / 2)
            return {key: Done(done.get(key)) for key in keys}
        case Fate.REFUSED:
            return {key: Refused("QUERY_LIMIT_EXCEEDED", 4) for key in keys}
        case Fate.HALTED:
            return await _halt(world, orders, min(2, len(orders) - 1), Refused("лимит"))
        case Fate.BROKEN:
            world.execute_all(orders)
            msg = "вебхук удалён"
            raise PortalError(msg)
        case Fate.LOST_AFTER | Fate.CUT:
            world.execute_all(orders, cut=fate is Fate.CUT)
        case Fate.LATE | Fate.VERY_LATE | Fate.LATE_CUT:
            seconds = 20.0 if fate is Fate.LATE else LATEST_EXECUTION_S - world.answer_s
            _ = world.detach(world.later(seconds, orders, cut=fate is Fate.LATE_CUT))
        case Fate.LOST_BEFORE:
            pass
    return lost


async def _halt(
    world: World, orders: Sequence[Order], place: int, outcome: Outcome
) -> dict[EffectKey, Outcome]:
    done = world.execute_all(orders[:place])
    await world.clock.sleep(world.answer_s / 2)
    answer: dict[EffectKey, Outcome] = {}
    for number, order in enumerate(orders):
        key = order.effect.key
        if number < place:
            answer[key] = Done(done.get(key))
        else:
            answer[key] = outcome if number == place else Refused("пакет остановлен")
    return answer
