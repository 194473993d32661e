"""What one Wialon service holds: users, accounts, units and the tokens that open it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

Item = TypeVar("Item")

EVERYTHING = -1
READ_ONLY = 0x100


@dataclass(slots=True)
class Field:
    """One custom (or admin) field of an item; its id counts within the item."""

    id: int
    name: str
    value: str


@dataclass(slots=True)
class Account:
    """A resource; with `is_account` it has a billing plan and may own units and accounts.

    `parent_id` is the parent account, None for the top one. `disabled` is the block for
    non-payment. `created_at` is UNIX seconds.
    """

    id: int
    name: str
    creator_id: int
    parent_id: int | None = None
    is_account: bool = True
    dealer: bool = False
    disabled: bool = False
    disabled_changed_at: int = 0
    balance: str = "0.00"
    days: int = 0
    created_at: int = 0
    owner_id: int = 0
    """For a resource that is no account: the account it belongs to."""

    @property
    def billing_id(self) -> int:
        """The account that pays for the item: an account is its own."""
        return self.id if self.is_account else self.owner_id


@dataclass(slots=True)
class Unit:
    """One vehicle. Times are UNIX seconds; `deactivated_at` is 0 while it is active."""

    id: int
    name: str
    account_id: int
    creator_id: int
    active: bool = True
    deactivated_at: int = 0
    created_at: int = 0
    hardware_id: int = 9
    last_message_at: int | None = None
    state_hidden: bool = False
    """Answers leave `act` and `dactt` out, as some hosts do for want of a right."""
    fields: tuple[Field, ...] = ()
    admin_fields: tuple[Field, ...] = ()

    @property
    def billing_id(self) -> int:
        """The account that the unit belongs to: the lowest one, not the dealer."""
        return self.account_id


@dataclass(slots=True)
class User:
    """One login of the service."""

    id: int
    name: str
    account_id: int
    creator_id: int = 0
    disabled: bool = False
    created_at: int = 0

    @property
    def billing_id(self) -> int:
        """The account that the user belongs to."""
        return self.account_id


@dataclass(frozen=True, slots=True)
class Token:
    """A key of 72 characters: whose it is, what it may do, when it works, which items it sees.

    `flags` are the token access flags (0x100 read, 0x400 fields, 0x1000 connectivity, -1
    everything). `activates_at` and `expires_at` are UNIX seconds, 0 for at once and never.
    `items` empty means every item of the user. Source: wialon.md §1.5.
    """

    name: str
    user_id: int
    flags: int = 0x100 | 0x200 | 0x400 | 0x1000
    activates_at: int = 0
    expires_at: int = 0
    items: frozenset[int] = frozenset()
    app: str = "stavbill"


@dataclass(slots=True)
class Fleet:
    """One service as a whole; every mapping is kept in ascending order of id.

    `version` grows with each change, so that derived counts know when they are stale.
    """

    accounts: dict[int, Account] = field(default_factory=dict)
    units: dict[int, Unit] = field(default_factory=dict)
    users: dict[int, User] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    version: int = 0
    _usage: dict[int, tuple[int, int]] = field(default_factory=dict)
    _usage_version: int = -1

    def add(self, *items: Account | Unit | User) -> None:
        """Take items in; give them in ascending order of id where there are many."""
        for item in items:
            match item:
                case Account():
                    self.accounts = _put(self.accounts, item.id, item)
                case Unit():
                    self.units = _put(self.units, item.id, item)
                case User():
                    self.users = _put(self.users, item.id, item)
        self.version += 1

    def add_token(self, token: Token) -> None:
        """Let a token in."""
        self.tokens[token.name] = token

    def remove(self, item_id: int) -> None:
        """Take an item out without a trace, as a deletion in the management system does."""
        self.accounts.pop(item_id, None)
        self.units.pop(item_id, None)
        self.users.pop(item_id, None)
        self.version += 1

    def touched(self) -> None:
        """Say that an item was changed in place."""
        self.version += 1

    def find(self, item_id: int) -> Account | Unit | User | None:
        """Return the item of that id, whatever it is."""
        return self.units.get(item_id) or self.accounts.get(item_id) or self.users.get(item_id)

    def chain(self, account_id: int | None) -> tuple[int, ...]:
        """Return an account and all accounts above it, lowest first."""
        found: list[int] = []
        while account_id is not None and account_id not in found:
            account = self.accounts.get(account_id)
            if account is None:
                break
            found.append(account_id)
            account_id = account.parent_id
        return tuple(found)

    def usage(self, account_id: int) -> tuple[int, int]:
        """Return an account's own units as (active, deactivated)."""
        if self._usage_version != self.version:
            counted: dict[int, tuple[int, int]] = {}
            for unit in self.units.values():
                active, idle = counted.get(unit.account_id, (0, 0))
                counted[unit.account_id] = (active + unit.active, idle + (not unit.active))
            self._usage, self._usage_version = counted, self.version
        return self._usage.get(account_id, (0, 0))

    def subtree(self, account_id: int) -> tuple[int, ...]:
        """Return an account and all accounts below it, on every level."""
        children: dict[int | None, list[int]] = {}
        for account in self.accounts.values():
            if account.is_account:
                children.setdefault(account.parent_id, []).append(account.id)
        found, open_ids = [], [account_id]
        while open_ids:
            current = open_ids.pop()
            found.append(current)
            open_ids.extend(children.get(current, ()))
        return tuple(found)


def _put(kept: dict[int, Item], item_id: int, item: Item) -> dict[int, Item]:
    """Keep the mapping in order of id; appending the greatest one costs nothing."""
    late = bool(kept) and item_id not in kept and item_id < next(reversed(kept))
    kept[item_id] = item
    return dict(sorted(kept.items())) if late else kept
