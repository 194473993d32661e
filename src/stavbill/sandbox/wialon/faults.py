"""What may go wrong between a Wialon host and its caller, switched on by tests or by hand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum


class Trouble(Enum):
    """The kinds of fault, by what the caller sees of them."""

    INCOMPLETE_PAGE = "a page holds fewer items than it should; totalItemsCount does not say so"
    EMPTY_BODY = "HTTP 200 and nothing"
    NULL_BODY = "HTTP 200 and the text null"
    HTML_BODY = "HTTP 200 and a page of the proxy"
    HTTP_STATUS = "an HTTP error of the proxy, `number` is the status"
    ERROR = "an API error, `number` is its code, `reason` its reason; nothing was executed"
    SESSION_LOST = "the session is gone, error 1 from here on"
    SLOW = "the answer takes `number` seconds more"
    ANSWER_LOST = "the call is executed, the connection closed without an answer"


@dataclass(frozen=True, slots=True)
class Fault:
    """One trouble, for calls of `svc` (every call when empty).

    The first `after` matching calls pass, the next `times` suffer (all when None). `number` is
    what the kind says: seconds, status, code, or items missing from a page.
    """

    kind: Trouble
    svc: str = ""
    after: int = 0
    times: int | None = 1
    number: float = 0
    reason: str = ""


@dataclass(slots=True)
class Faults:
    """The faults that are on, and the items that one cannot see or read.

    `hidden` items are left out of every answer without a sign; units in `without_act` lose
    `act` and `dactt`.
    """

    hidden: set[int] = field(default_factory=set)
    without_act: set[int] = field(default_factory=set)
    waiting: list[Fault] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        """Switch a fault on."""
        self.waiting.append(fault)

    def clear(self) -> None:
        """Switch everything off."""
        self.waiting.clear()
        self.hidden.clear()
        self.without_act.clear()

    def strike(self, svc: str) -> tuple[Fault, ...]:
        """Return the faults that hit this call, and count it."""
        hitting: list[Fault] = []
        left: list[Fault] = []
        for fault in self.waiting:
            if fault.svc not in ("", svc):
                left.append(fault)
            elif fault.after:
                left.append(replace(fault, after=fault.after - 1))
            else:
                hitting.append(fault)
                if fault.times is None:
                    left.append(fault)
                elif fault.times > 1:
                    left.append(replace(fault, times=fault.times - 1))
        self.waiting = left
        return tuple(hitting)
