"""One figure and its line: `name value unit limit ok|short`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value against its limit; `at_least` says on which side of it is good.

    A peer's figure, there to be compared with, has no limit.
    """

    name: str
    value: float
    unit: str
    limit: float | None
    at_least: bool = True

    @property
    def is_ok(self) -> bool:
        """Whether the value keeps its limit."""
        if self.limit is None:
            return True
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    @property
    def line(self) -> str:
        """The figure as the bench prints it, numbers without needless digits."""
        sign = ">=" if self.at_least else "<="
        limit = "-" if self.limit is None else f"{sign}{_short(self.limit)}"
        verdict = "ok" if self.is_ok else "short"
        return f"{self.name} {_short(self.value)} {self.unit} {limit} {verdict}"


def _short(number: float) -> str:
    return f"{number:.0f}" if abs(number) >= 100 else f"{number:.3g}"  # noqa: PLR2004  digits shown
