"""The portal's two brakes: the leaky bucket of requests and the operating time of methods.

Source: bitrix24.md §2.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

BASKET_S = 60.0
BASKETS = 10


@dataclass(slots=True)
class Limits:
    """What the portal allows and what its work costs.

    `cost_s` gives the seconds of operating time of one call by method; «*» is for the rest.
    With `delay_on` a call also takes its cost of the clock's time, and a request is cut after
    `cut_s`. Rates are per second of the portal's clock. Enterprise: capacity 250, drain 5.
    """

    bucket_on: bool = True
    bucket_capacity: float = 50.0
    bucket_drain: float = 2.0
    refused_count: bool = False
    operating_on: bool = True
    operating_limit_s: float = 480.0
    cost_s: dict[str, float] = field(default_factory=lambda: {"*": 0.02, "crm.item.add": 0.05})
    delay_on: bool = False
    cut_s: float = 60.0

    def cost_of(self, method: str) -> float:
        """Return the seconds that one call of `method` takes."""
        return self.cost_s.get(method, self.cost_s.get("*", 0.0))


class Bucket:
    """Requests leak out at a steady rate; one that would overflow is refused before it runs."""

    def __init__(self, limits: Limits) -> None:
        """Start empty."""
        self._limits = limits
        self._level = 0.0
        self._at = 0.0

    def admits(self, now_s: float) -> bool:
        """Count a request; False when it is one too many.

        Whether a refused request raises the level too is not documented: `refused_count`.
        """
        limits = self._limits
        self._level = max(0.0, self._level - (now_s - self._at) * limits.bucket_drain)
        self._at = now_s
        if not limits.bucket_on:
            return True
        fits = self._level + 1 <= limits.bucket_capacity
        if fits or limits.refused_count:
            self._level += 1
        return fits


class Operating:
    """Seconds of work by webhook and method in ten baskets of a minute."""

    def __init__(self, limits: Limits) -> None:
        """Start with no work done."""
        self._limits = limits
        self._baskets: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)

    def used(self, key: tuple[str, str], now_s: float) -> float:
        """Return the seconds of the last ten minutes."""
        baskets = self._baskets.get(key)
        if not baskets:
            return 0.0
        oldest = int(now_s // BASKET_S) - BASKETS + 1
        for number in [number for number in baskets if number < oldest]:
            del baskets[number]
        return sum(baskets.values())

    def exhausted(self, key: tuple[str, str], now_s: float) -> bool:
        """Say whether a call is refused; the call that crosses the limit still succeeds."""
        return self._limits.operating_on and self.used(key, now_s) > self._limits.operating_limit_s

    def spend(self, key: tuple[str, str], now_s: float, seconds: float) -> None:
        """Add a call's work to the present minute."""
        baskets = self._baskets[key]
        number = int(now_s // BASKET_S)
        baskets[number] = baskets.get(number, 0.0) + seconds

    def resets_in(self, key: tuple[str, str], now_s: float) -> float:
        """Return the seconds until the oldest basket drops out."""
        baskets = self._baskets.get(key)
        first = min(baskets) if baskets else int(now_s // BASKET_S)
        return max(0.0, (first + BASKETS) * BASKET_S - now_s)
