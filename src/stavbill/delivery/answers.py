"""What a channel may answer when it was handed a message, and the last look before it is gone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

# Awaited right before the message can no longer be taken back. It notes durably that the last byte
# leaves now; False means that the claim is lost, and nothing may leave.
LastLook = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Taken:
    """The server or the provider took it. `reference` is its name for the message."""

    reference: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Later:
    """Certainly not taken, and perhaps taken later: greylisting, a full mailbox, a busy server.

    `after_s` is how long the other side asks to wait, 0 when it did not say. `counts` is False when
    nobody refused: the connection broke, or the server closes down.
    """

    reason: str
    after_s: int = 0
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Never:
    """Certainly not taken, and it would not be again.

    `of_address` says that the address is to blame; otherwise it is the letter, or who sends it.
    """

    reason: str
    of_address: bool = True


@dataclass(frozen=True, slots=True)
class Doubt:
    """The last byte left and no certain answer came: never sent again by itself."""

    reason: str


@dataclass(frozen=True, slots=True)
class SenderTrouble:
    """Certainly not taken, and no message of this sender would be: connection, login, quota."""

    reason: str


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Certainly not taken: the last look forbade it."""


Answer = Taken | Later | Never | Doubt | SenderTrouble | Withdrawn
