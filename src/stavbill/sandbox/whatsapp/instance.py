"""One instance of the provider: its state, settings, messages, and whom it can reach."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from stavbill.sandbox.clock import SandboxClock
from stavbill.sandbox.whatsapp.faults import Faults

INSTANCE_ID = 1101000001
# The documented tokens have 50 hexadecimal digits.
TOKEN = "5a" * 25
OWN_NUMBER = "79990000000"


class State(StrEnum):
    """States of an instance. Source: green-api.com/en/docs/api/account/GetStateInstance."""

    NOT_AUTHORIZED = "notAuthorized"
    AUTHORIZED = "authorized"
    BLOCKED = "blocked"
    SLEEP_MODE = "sleepMode"
    STARTING = "starting"
    YELLOW_CARD = "yellowCard"


SENDS = frozenset({State.AUTHORIZED})
"""In the other states messages wait in the queue, 24 hours at most."""


class Manner(StrEnum):
    """How the owner of a number takes messages."""

    READS = "reads"
    """sent, delivered, read"""
    READS_AT_ONCE = "reads_at_once"
    """sent, read: `delivered` is left out"""
    RECEIVES = "receives"
    """sent, delivered"""
    OFF = "off"
    """sent, and nothing more: the phone is off, or the sender is blocked by its owner"""
    FAILS = "fails"
    """failed"""
    NO_ACCOUNT = "no_account"
    """noAccount"""


LIVES = {
    Manner.READS: ("sent", "delivered", "read"),
    Manner.READS_AT_ONCE: ("sent", "read"),
    Manner.RECEIVES: ("sent", "delivered"),
    Manner.OFF: ("sent",),
    Manner.FAILS: ("failed",),
    Manner.NO_ACCOUNT: ("noAccount",),
}


@dataclass(slots=True)
class Settings:
    """The settings that matter here, by their documented names.

    Source: green-api.com/en/docs/api/account/SetSettings.
    """

    webhookUrl: str = ""  # noqa: N815 - the documented name, as the next ones
    webhookUrlToken: str = ""  # noqa: N815
    delaySendMessagesMilliseconds: int = 500  # noqa: N815
    outgoingWebhook: str = "yes"  # noqa: N815
    stateWebhook: str = "yes"  # noqa: N815
    incomingWebhook: str = "yes"  # noqa: N815


@dataclass(slots=True)
class Message:
    """One message that the provider has taken; `statuses` in the order in which they came."""

    id: str
    chat: str
    kind: str
    taken_at: datetime
    text: str = ""
    caption: str = ""
    file_name: str = ""
    file: bytes = b""
    url: str = ""
    link_preview: bool = True
    statuses: list[str] = field(default_factory=list)
    changed_at: datetime | None = None

    @property
    def status(self) -> str:
        """The last status; `pending` while it waits in the queue."""
        return self.statuses[-1] if self.statuses else "pending"

    def shown(self) -> dict[str, Any]:
        """Return it as JSON for tests and people; the file's size instead of the file."""
        return {
            "id": self.id, "chat": self.chat, "kind": self.kind, "text": self.text,
            "caption": self.caption, "file_name": self.file_name, "size": len(self.file),
            "url": self.url, "taken_at": self.taken_at.isoformat(), "statuses": self.statuses,
        }  # fmt: skip


@dataclass(slots=True)
class Call:
    """One request to the provider, for the journal."""

    method: str
    status: int
    at: datetime


@dataclass(slots=True)
class Instance:
    """The instance behind one pair of id and token.

    `manners` is by number (digits only), `manner` for all others. `quota` of the tariff: methods by
    name to their month's limit; `chats` the number of chats that the tariff allows, None: any.
    `per_second` requests of each method are allowed.
    """

    clock: SandboxClock
    id: int = INSTANCE_ID
    token: str = TOKEN
    state: State = State.AUTHORIZED
    settings: Settings = field(default_factory=Settings)
    manner: Manner = Manner.READS
    manners: dict[str, Manner] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    calls: list[Call] = field(default_factory=list)
    quota: dict[str, int] = field(default_factory=dict)
    chats: int | None = None
    per_second: int = 50
    used: Counter[str] = field(default_factory=Counter)
    _recent: dict[str, deque[float]] = field(default_factory=dict)
    _made: int = 0

    def manner_of(self, chat: str) -> Manner:
        """Return how the owner of a chat takes messages."""
        return self.manners.get(chat.partition("@")[0], self.manner)

    def new_id(self) -> str:
        """Return the id of the next message: 20 hexadecimal digits, as in the samples."""
        self._made += 1
        return f"3EB0{self._made:016X}"

    def kept(self) -> dict[str, Any]:
        """Return the messages that were taken, and how many ids are used up."""
        return {"messages": self.messages, "files": self.files, "made": self._made}

    def put_back(self, kept: dict[str, Any]) -> None:
        """Hold what `kept` returned."""
        self.messages, self.files = kept["messages"], kept["files"]
        self._made = kept["made"]

    def find(self, message_id: str) -> Message | None:
        """Return the message with this id."""
        return next((each for each in self.messages if each.id == message_id), None)

    def too_fast(self, method: str) -> bool:
        """Count a request; say whether the method was asked too often within a second."""
        now, recent = self.clock.monotonic(), self._recent.setdefault(method, deque())
        while recent and recent[0] <= now - 1:
            recent.popleft()
        recent.append(now)
        return len(recent) > self.per_second
