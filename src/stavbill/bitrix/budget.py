"""The portal's budget as arithmetic: one leaky bucket, and seconds of every method in ten minutes.

Source: Bitrix24 reference 2 (b24restdocs: limits.md); performance page §1 and §3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

# Width of a slot of charges. Where the portal's minute baskets begin is not known, so a charge is
# kept for the whole window after the end of its slot: up to this much longer than the portal does.
SLOT_S = 20.0
# How long an expired charge is remembered: an answer may report a sum from before its expiry.
MEMORY_S = 90.0
# Clocks of several machines differ by so much at most; more is a clock that was set back.
CLOCKS_DIFFER_S = 60.0
# A wait for operating time is looked at again this often: calls in flight may turn out cheaper.
LOOK_AGAIN_S = 10.0
_LEARNING = 0.3
_EPSILON = 1e-9
_LONGEST_BACK_OFF_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a portal allows and how much of it we take.

    `burst` and `drain_per_s` are the bucket (250 and 5 on Enterprise), `margin` requests of it stay
    unused, and `people_share` (0..1) of it is left to others on the same address. A method may
    run `operating_s` within `window_s`; we stop at `operating_share` of it. `first_guess_s` is
    what a call is thought to cost before any was seen.
    """

    burst: float = 50.0
    drain_per_s: float = 2.0
    margin: float = 2.0
    people_share: float = 0.0
    operating_s: float = 480.0
    operating_share: float = 0.95
    window_s: float = 600.0
    first_guess_s: float = 0.3

    @property
    def room(self) -> float:
        """How many requests may stand in the bucket at once."""
        return max((self.burst - self.margin) * (1.0 - self.people_share), 1.0)

    @property
    def rate(self) -> float:
        """How many requests drain each second for us."""
        return self.drain_per_s * (1.0 - self.people_share)

    @property
    def method_s(self) -> float:
        """How many seconds of one method we take within a window."""
        return self.operating_s * self.operating_share


@dataclass(slots=True)
class MethodBudget:
    """One method's charges by slot, what one call costs, and until when the portal blocks it."""

    charges: dict[int, float] = field(default_factory=dict)
    call_s: float | None = None
    blocked_until: float = 0.0


@dataclass(slots=True)
class Budget:
    """The state that all processes of a portal share; times are unix seconds."""

    level: float = 0.0
    at: float = 0.0
    blocked_until: float = 0.0
    refusals: int = 0
    methods: dict[str, MethodBudget] = field(default_factory=dict)

    @classmethod
    def load(cls, text: str, now: float, limits: Limits) -> Budget:
        """Return the budget in `text` ("" for a fresh one) as it stands at `now`.

        A time a little ahead is another machine's clock, and stands: going back to ours would drain
        the same seconds twice. One far ahead (a clock was set back) is brought to the present.
        """
        budget = cls(at=now)
        if text:
            raw = orjson.loads(text)
            methods = raw.pop("methods")
            budget = cls(**raw)
            for name, method in methods.items():
                charges = {int(slot): spent for slot, spent in method.pop("charges").items()}
                budget.methods[name] = MethodBudget(charges=charges, **method)
        budget._refresh(now, limits)
        return budget

    def dump(self) -> str:
        """Return the text that `load` reads."""
        # By hand: `asdict` copies every charge deeply, before and after each request.
        methods = {
            name: {
                "charges": method.charges,
                "call_s": method.call_s,
                "blocked_until": method.blocked_until,
            }
            for name, method in self.methods.items()
        }
        raw = {
            "level": self.level,
            "at": self.at,
            "blocked_until": self.blocked_until,
            "refusals": self.refusals,
            "methods": methods,
        }
        return orjson.dumps(raw, option=orjson.OPT_NON_STR_KEYS).decode()

    def _refresh(self, clock: float, limits: Limits) -> None:
        is_behind = clock < self.at <= clock + CLOCKS_DIFFER_S
        now = self.at if is_behind else clock
        self.level = max(self.level - max(now - self.at, 0.0) * limits.rate, 0.0)
        self.at = now
        self.blocked_until = min(self.blocked_until, now + limits.window_s)
        this_slot = slot_of(now)
        for method in self.methods.values():
            method.blocked_until = min(method.blocked_until, now + limits.window_s)
            kept: dict[int, float] = {}
            for slot, spent in method.charges.items():
                if now < _expiry(slot, limits) + MEMORY_S:
                    place = min(slot, this_slot)
                    kept[place] = kept.get(place, 0.0) + spent
            method.charges = kept

    def bucket_wait(self, limits: Limits) -> float:
        """Return the seconds until one more request fits into the bucket."""
        full = (self.level + 1.0 - limits.room) / limits.rate
        return max(full - _EPSILON, self.blocked_until - self.at, 0.0)

    def method_wait(self, name: str, calls: int, limits: Limits) -> float:
        """Return the seconds until `calls` more calls of a method fit, 0 when they do now.

        More calls than the whole allowance fit when nothing else is charged.
        """
        method = self.methods.get(name)
        if method is None:
            return 0.0
        blocked = max(method.blocked_until - self.at, 0.0)
        alive = sorted(
            (slot, spent)
            for slot, spent in method.charges.items()
            if _expiry(slot, limits) > self.at
        )
        over = sum(spent for _, spent in alive) + self.cost(name, calls, limits) - limits.method_s
        for slot, spent in alive:
            if over <= _EPSILON:
                break
            over -= spent
            blocked = max(blocked, _expiry(slot, limits) - self.at)
        return min(blocked, LOOK_AGAIN_S)

    def cost(self, name: str, calls: int, limits: Limits) -> float:
        """Return the seconds that `calls` calls of a method are expected to take."""
        method = self.methods.get(name)
        known = None if method is None else method.call_s
        return calls * (limits.first_guess_s if known is None else known)

    def charge(self, name: str, slot: int, seconds: float) -> None:
        """Add seconds to a method's slot; negative ones give back, never below nothing."""
        charges = self.methods.setdefault(name, MethodBudget()).charges
        left = charges.get(slot, 0.0) + seconds
        if left > _EPSILON:
            charges[slot] = left
        else:
            charges.pop(slot, None)

    def learn(self, name: str, seconds_per_call: float) -> None:
        """Move a method's cost towards what was measured."""
        method = self.methods.setdefault(name, MethodBudget())
        known = seconds_per_call if method.call_s is None else method.call_s
        method.call_s = known + _LEARNING * (seconds_per_call - known)

    def believe(self, name: str, reported: float) -> None:
        """Raise a method's sum to what the portal reports: others call it too."""
        missing = reported - sum(self.methods.setdefault(name, MethodBudget()).charges.values())
        if missing > _EPSILON:
            self.charge(name, slot_of(self.at), missing)

    def back_off(self, limits: Limits, retry_after_s: float = 0.0) -> None:
        """After a 503 all the same: the bucket is full, and everybody waits ever longer."""
        self.refusals += 1
        wait = min(2.0**self.refusals, _LONGEST_BACK_OFF_S)
        self.level = max(self.level, limits.room)
        self.blocked_until = max(self.blocked_until, self.at + max(wait, retry_after_s))

    def block(self, name: str, seconds: float) -> None:
        """After a 429 all the same: nobody calls the method before it is released."""
        method = self.methods.setdefault(name, MethodBudget())
        method.blocked_until = max(method.blocked_until, self.at + seconds)


def slot_of(at: float) -> int:
    """Return the slot of charges that holds a time."""
    return math.floor(at / SLOT_S)


def _expiry(slot: int, limits: Limits) -> float:
    return (slot + 1) * SLOT_S + limits.window_s


@dataclass(frozen=True, slots=True)
class Forecast:
    """How long the limits alone make a run last: by the bucket, and by each method's seconds."""

    bucket_s: float
    methods_s: Mapping[str, float]

    @property
    def seconds(self) -> float:
        """The longer of the floors."""
        return max((self.bucket_s, *self.methods_s.values()))


def forecast(budget: Budget, limits: Limits, requests: int, calls: Mapping[str, int]) -> Forecast:
    """Return the floors of `requests` requests that hold `calls` method calls.

    Source: performance page §1: (R - B) / r, and 10 min for each full allowance but the first.
    """
    free = limits.room - budget.level
    windows = {
        name: max(math.ceil(budget.cost(name, count, limits) / limits.method_s) - 1, 0)
        for name, count in calls.items()
    }
    return Forecast(
        bucket_s=max((requests - free) / limits.rate, 0.0),
        methods_s={name: count * limits.window_s for name, count in windows.items()},
    )
