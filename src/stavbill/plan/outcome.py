"""The four answers that the world can give to an effect.

Source: style of the house §5; Bitrix24 reference 1.8 (which failures leave a write in doubt).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Done:
    """It happened; `portal_id` is the id that the portal gave, None where there is none."""

    portal_id: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """It certainly did not happen (limit, connection refused, halted batch): may be sent again.

    `retry_after_s` is how long the world asks to wait, in whole seconds, rounded up.
    """

    reason: str
    retry_after_s: int = 0


@dataclass(frozen=True, slots=True)
class Rejected:
    """The portal said no, and would again: the company is parked with this reason.

    `portal_id` is set when a first part stands: the invoice, whose rows were declined.
    """

    reason: str
    portal_id: int | None = None


@dataclass(frozen=True, slots=True)
class Unclear:
    """Sent, and no certain answer: treated by the effect's `Repeat`.

    `portal_id` is set when a first part is known to have happened (the invoice stands, its rows
    are in doubt).
    """

    reason: str
    portal_id: int | None = None


Outcome = Done | Refused | Rejected | Unclear


@dataclass(frozen=True, slots=True)
class Found:
    """The portal holds the effect's object under this id; `complete` when nothing is missing."""

    portal_id: int
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Read back and equal to what was wanted."""


@dataclass(frozen=True, slots=True)
class Differs:
    """Read back and different: `detail` names field, wanted and found value."""

    detail: str


ReadBack = Confirmed | Differs
