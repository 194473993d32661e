"""What may go wrong between a sender and the server: refusals, silence, lost answers, reports.

Each fault is drawn from its own seeded sequence or strikes at scripted numbers, so that a run
repeats. Source: RFC 5321 §4.2, §4.5.4; RFC 3464 for the reports.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Trouble(StrEnum):
    """What may go wrong, in the order of a session."""

    UNAVAILABLE = "unavailable"
    """421 at MAIL FROM; the connection is closed."""
    REFUSE = "refuse"
    """The recipient is refused with `code`: 5xx for good, 4xx for now."""
    GREYLIST = "greylist"
    """451 for each sender and recipient until `seconds` have passed since the first try."""
    SILENT = "silent"
    """No answer to RCPT TO for `seconds`; nothing is taken before."""
    DROP_BEFORE_DATA = "drop_before_data"
    """The connection breaks at DATA: nothing of the text was sent."""
    DROP_UNTAKEN = "drop_untaken"
    """The connection breaks after the text; the message was not taken."""
    DROP_AFTER_DATA = "drop_after_data"
    """The connection breaks after the text; the message was taken, the answer is lost."""
    LATE = "late"
    """The message is taken, the answer comes `seconds` later."""
    REFUSE_CONTENT = "refuse_content"
    """The answer to the text is `code`; the message is not taken."""
    REPORT = "report"
    """The message is taken; `seconds` later its sender gets a report with `action`."""


OF_A_RECIPIENT = frozenset({Trouble.REFUSE, Trouble.GREYLIST, Trouble.SILENT, Trouble.REPORT})
CODES = {Trouble.UNAVAILABLE: 421, Trouble.GREYLIST: 451, Trouble.REFUSE_CONTENT: 554}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: what, how often (`rate` 0 to 1) or at which matching occasions (`nth`, from 1).

    `to` narrows it to recipients that end in this text (an address, or `@` and a domain); a fault
    of a whole message matches when one of its recipients does. `times`: so many strikes at most.
    `code`, `text`: the server's answer, or the reported diagnosis. `action`: `failed`, `delayed`
    or `delivered`. `whole`: the report returns the whole message, not its headers alone.
    """

    kind: Trouble
    rate: float = 1.0
    nth: tuple[int, ...] = ()
    to: str = ""
    times: int | None = None
    seconds: float = 0.0
    code: int = 0
    text: str = ""
    action: str = "failed"
    whole: bool = False

    def answer(self) -> str:
        """Return the server's line."""
        code = self.code or CODES.get(self.kind, 550)
        said = self.text or {
            421: "4.3.2 System not accepting network messages",
            450: "4.2.1 Mailbox busy, try again later",
            451: "4.7.1 Greylisted, please try again later",
            452: "4.2.2 Mailbox full",
            550: "5.1.1 No such user here",
            552: "5.2.2 Mailbox full",
            554: "5.7.1 Message rejected",
        }.get(code, f"{code // 100}.0.0 Refused")
        return f"{code} {said}"

    def concerns(self, recipients: Iterable[str]) -> bool:
        """Say whether one of the recipients is meant."""
        return any(each.lower().endswith(self.to.lower()) for each in recipients)


@dataclass(slots=True)
class _Armed:
    fault: Fault
    draw: random.Random
    met: int = 0
    struck: int = 0
    first_seen: dict[tuple[str, str], float] = field(default_factory=dict)

    def strikes(self) -> bool:
        self.met += 1
        # Drawn even when scripted: the sequence must not depend on the other conditions.
        drawn = self.draw.random() < self.fault.rate
        if self.fault.times is not None and self.struck >= self.fault.times:
            return False
        if not (self.met in self.fault.nth or (not self.fault.nth and drawn)):
            return False
        self.struck += 1
        return True


class Faults:
    """The faults that are on."""

    def __init__(self) -> None:
        """Start without any."""
        self._armed: list[_Armed] = []

    def switch(self, *faults: Fault, seed: int = 0) -> None:
        """Replace what is on by `faults`; none switches everything off."""
        self._armed = [
            _Armed(fault, random.Random(f"{seed}:{place}:{fault.kind}"))
            for place, fault in enumerate(faults)
        ]

    def on(self) -> tuple[tuple[Fault, int], ...]:
        """Return each fault that is on with the number of its strikes."""
        return tuple((armed.fault, armed.struck) for armed in self._armed)

    def strike(self, kind: Trouble, *recipients: str) -> Fault | None:
        """Return the fault of this kind that hits a message to `recipients` now."""
        found = None
        for armed in self._armed:
            if armed.fault.kind is kind and armed.fault.concerns(recipients) and armed.strikes():
                found = found or armed.fault
        return found

    def greylists(self, sender: str, recipient: str, now: float) -> Fault | None:
        """Return the fault that still keeps this pair waiting at `now` (clock seconds)."""
        for armed in self._armed:
            if armed.fault.kind is not Trouble.GREYLIST or not armed.fault.concerns([recipient]):
                continue
            pair = (sender.lower(), recipient.lower())
            known = pair in armed.first_seen
            first = armed.first_seen.setdefault(pair, now)
            if not known or now - first < armed.fault.seconds:
                armed.struck += 1
                return armed.fault
        return None


def read_faults(given: Iterable[dict[str, Any]]) -> tuple[Fault, ...]:
    """Read faults from JSON objects with the fields of `Fault`.

    Raises ValueError or TypeError for an unknown kind or field.
    """
    out = []
    for each in given:
        plain = dict(each)
        kind = Trouble(str(plain.pop("kind", "")))
        nth = plain.pop("nth", [])
        if not isinstance(nth, (list, tuple)):
            message = "nth: a list is expected"
            raise TypeError(message)
        out.append(Fault(kind, nth=tuple(nth), **plain))
    return tuple(out)
