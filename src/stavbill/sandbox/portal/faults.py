"""Faults that can be switched on: lost answers, late executions, refusals, rows that come and go.

Each is drawn from its own seeded sequence or strikes at scripted numbers, so that a run repeats.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Trouble(StrEnum):
    """What may go wrong. The first group strikes requests, the second single calls of a batch."""

    LOST_BEFORE = "lost_before"
    LOST_AFTER = "lost_after"
    LOST_MID_BATCH = "lost_mid_batch"
    LATE = "late"
    ERROR_BEFORE = "error_before"
    ERROR_AFTER = "error_after"
    SLOW = "slow"
    QUERY_LIMIT = "query_limit"
    OVERLOAD = "overload"
    # Single calls.
    OPERATION_TIME = "operation_time"
    REFUSED = "refused"
    ROW_DELETED = "row_deleted"
    ROW_ADDED = "row_added"


OF_A_CALL = frozenset(
    {Trouble.OPERATION_TIME, Trouble.REFUSED, Trouble.ROW_DELETED, Trouble.ROW_ADDED}
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: what, how often (`rate` 0–1) or at which matching occasions (`nth`, from 1).

    `methods` narrows it to these methods (a batch matches if one of its commands does),
    `writes_only` to what changes something, `times` to so many strikes. `seconds`: how late, how
    slow; SLOW beyond a client's patience still executes, with nobody listening. `status`, `code`,
    `text`: the error; a 5xx without a code is a proxy's HTML page. `target`: the id of the row
    that is deleted, the lowest when None.
    """

    kind: Trouble
    rate: float = 0.0
    nth: tuple[int, ...] = ()
    methods: tuple[str, ...] = ()
    writes_only: bool = False
    times: int | None = None
    seconds: float = 0.0
    status: int = 502
    code: str = ""
    text: str = ""
    target: int | None = None


@dataclass(slots=True)
class _Armed:
    fault: Fault
    draw: random.Random
    met: int = field(default=0)
    struck: int = field(default=0)

    def strikes(self, methods: Collection[str], *, writes: bool) -> bool:
        fault = self.fault
        if fault.writes_only and not writes:
            return False
        if fault.methods and not any(name in fault.methods for name in methods):
            return False
        self.met += 1
        # Drawn even when scripted: the sequence must not depend on the other conditions.
        drawn = self.draw.random() < fault.rate
        if fault.times is not None and self.struck >= fault.times:
            return False
        if not (self.met in fault.nth or (not fault.nth and drawn)):
            return False
        self.struck += 1
        return True


class Faults:
    """The faults that are on."""

    def __init__(self) -> None:
        """Start without any."""
        self._armed: list[_Armed] = []
        self._draw = random.Random(0)

    def switch(self, *faults: Fault, seed: int = 0) -> None:
        """Replace what is on by `faults`; none switches everything off."""
        self._draw = random.Random(f"{seed}:draws")
        self._armed = [
            _Armed(fault, random.Random(f"{seed}:{place}:{fault.kind}"))
            for place, fault in enumerate(faults)
        ]

    def on(self) -> tuple[tuple[Fault, int], ...]:
        """Return each fault that is on with the number of its strikes."""
        return tuple((armed.fault, armed.struck) for armed in self._armed)

    def strike_request(self, methods: Collection[str], *, writes: bool) -> dict[Trouble, Fault]:
        """Return the faults that hit this request."""
        return self._strike(methods, writes=writes, of_a_call=False)

    def strike_call(self, method: str, *, writes: bool) -> dict[Trouble, Fault]:
        """Return the faults that hit this single call."""
        return self._strike((method,), writes=writes, of_a_call=True) if self._armed else {}

    def prefix(self, commands: int) -> int:
        """Draw how many of a batch's commands run before it is lost: at least one, not all."""
        return self._draw.randint(1, max(1, commands - 1))

    def _strike(
        self, methods: Collection[str], *, writes: bool, of_a_call: bool
    ) -> dict[Trouble, Fault]:
        return {
            armed.fault.kind: armed.fault
            for armed in self._armed
            if (armed.fault.kind in OF_A_CALL) is of_a_call
            and armed.strikes(methods, writes=writes)
        }


def read_faults(given: Iterable[dict[str, object]]) -> tuple[Fault, ...]:
    """Read faults from JSON objects with the fields of `Fault`.

    Raises ValueError or TypeError for an unknown kind or field.
    """
    out = []
    for each in given:
        plain = dict(each)
        kind = Trouble(str(plain.pop("kind")))
        for name in ("nth", "methods"):
            value = plain.get(name, [])
            if not isinstance(value, (list, tuple)):
                message = f"{name}: a list is expected"
                raise TypeError(message)
            plain[name] = tuple(value)
        out.append(Fault(kind, **plain))  # type: ignore[arg-type] # checked by use, it is a test's
    return tuple(out)
