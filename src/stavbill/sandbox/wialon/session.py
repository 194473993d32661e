"""Logins: who may open a session, how long it lives, what an address may do at once."""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass, field
from functools import cache

from stavbill.sandbox.clock import SandboxClock
from stavbill.sandbox.wialon.model import EVERYTHING, Account, Fleet, Token, Unit, User
from stavbill.sandbox.wialon.switches import Switches
from stavbill.sandbox.wialon.wire import ApiError

MINUTE_S = 60.0
SEARCHES_KEPT = 8
# Rights by token access flag, as far as this host asks for them (wialon.md §1.5).
RIGHTS = {
    0x100: 0x1 | 0x2 | 0x20 | 0x200,
    0x200: 0x4000000 | 0x200000,
    0x400: 0x10 | 0x40,
    0x800: 0x4,
    0x1000: 0x8 | 0x800 | 0x1000 | 0x2000 | 0x100000 | 0x40000000 | 0x80000000,
    0x2000: 0x1000000,
}
VIEW, VIEW_FIELDS, EDIT_FIELDS = 0x1, 0x20, 0x40
VIEW_ADMIN_FIELDS, EDIT_CONNECTIVITY, VIEW_CONNECTIVITY = 0x1000, 0x100000, 0x4000000


@cache
def _rights_of(flags: int) -> int:
    if flags == EVERYTHING:
        return EVERYTHING
    return sum(right for flag, right in RIGHTS.items() if flags & flag)


@dataclass(slots=True)
class Session:
    """One login: its token, its frozen search results and its properties."""

    sid: str
    token: Token
    user: User
    last_used: float
    in_flight: int = 0
    skip_nonactive: bool = False
    searches: dict[str, tuple[int, ...]] = field(default_factory=dict)
    events: deque[float] = field(default_factory=deque)

    @property
    def rights(self) -> int:
        """The mask of rights that the token leaves: -1 for everything."""
        return _rights_of(self.token.flags)

    def may(self, right: int) -> bool:
        """Say whether the token allows it."""
        return self.rights == EVERYTHING or bool(self.rights & right)

    def sees(self, fleet: Fleet, item: Account | Unit | User) -> bool:
        """Say whether an item exists for this session; what it does not see is passed over."""
        if not self.may(VIEW) or (self.token.items and item.id not in self.token.items):
            return False
        return self.sees_account(fleet, item.billing_id)

    def sees_account(self, fleet: Fleet, account_id: int) -> bool:
        """Say whether what belongs to an account is below this user's own."""
        home = self.user.account_id
        return self.may(VIEW) and (account_id == home or home in fleet.chain(account_id))

    def keep_search(self, key: str, ids: tuple[int, ...]) -> None:
        """Freeze a result for the pages to come; the oldest gives way."""
        self.searches.pop(key, None)
        self.searches[key] = ids
        while len(self.searches) > SEARCHES_KEPT:
            del self.searches[next(iter(self.searches))]


@dataclass(slots=True)
class Address:
    """What one address did lately: times of its logins, good and bad, and its block."""

    good: deque[float] = field(default_factory=deque)
    bad: deque[float] = field(default_factory=deque)
    blocked_until: float = 0.0


class Sessions:
    """All sessions of a host and the limits of its addresses."""

    def __init__(self, fleet: Fleet, clock: SandboxClock, switches: Switches) -> None:
        """Start without a session."""
        self._fleet, self._clock, self._switches = fleet, clock, switches
        self._open: dict[str, Session] = {}
        self._addresses: dict[str, Address] = {}
        self._issued = 0

    def login(self, token: str, remote: str) -> Session:
        """Open a session, or refuse: 4 length, 7 not active or disabled, 8 unknown or expired.

        An address with too many logins is shut out with 1003 for a time.
        """
        now = self._clock.monotonic()
        address = self._addresses.setdefault(remote, Address())
        if now < address.blocked_until:
            raise ApiError(1003, "LIMIT logins")
        try:
            known, user = self._check(token)
        except ApiError:
            self._count(address, address.bad, self._switches.failed_logins_per_minute, now)
            raise
        if self._count(address, address.good, self._switches.logins_per_minute, now):
            raise ApiError(1003, "LIMIT logins")
        self._issued += 1
        sid = hashlib.blake2b(f"{known.name}:{self._issued}".encode(), digest_size=16).hexdigest()
        self._open[sid] = session = Session(sid, known, user, now)
        return session

    def _check(self, name: str) -> tuple[Token, User]:
        """Return the token and its user, or raise what stands in the way."""
        if len(name) != 72:
            raise ApiError(4, "token: 72 characters expected")
        token = self._fleet.tokens.get(name)
        now = self._clock.now().timestamp()
        if token is None or (token.expires_at and now >= token.expires_at):
            raise ApiError(8, "INVALID_AUTH_TOKEN")
        user = self._fleet.users.get(token.user_id)
        if user is None or user.disabled or now < token.activates_at:
            raise ApiError(7)
        account = self._fleet.accounts.get(user.account_id)
        if account is not None and account.disabled:
            raise ApiError(7)
        return token, user

    def _count(self, address: Address, times: deque[float], limit: int, now: float) -> bool:
        """Count one login; block the address and say so when that is one too many."""
        while times and now - times[0] >= MINUTE_S:
            times.popleft()
        times.append(now)
        if len(times) > limit:
            address.blocked_until = now + self._switches.block_s
            return True
        return False

    def enter(self, sid: str) -> Session:
        """Return a living session and count one request in it; `leave` it afterwards."""
        session = self._open.get(sid)
        now = self._clock.monotonic()
        if session is None or now - session.last_used >= self._switches.idle_session_s:
            self._open.pop(sid, None)
            raise ApiError(1)
        session.last_used = now
        if session.in_flight >= self._switches.concurrent_requests:
            raise ApiError(self._switches.concurrent_error, "LIMIT api_concurrent")
        session.in_flight += 1
        return session

    def leave(self, session: Session) -> None:
        """Give the place of one request back."""
        session.in_flight -= 1

    def close(self, sid: str) -> None:
        """End a session."""
        self._open.pop(sid, None)

    def lose_all(self) -> None:
        """Forget every session, as a restart of the server does."""
        self._open.clear()

    def check_events(self, session: Session) -> None:
        """Count one poll for events; refuse the eleventh in ten seconds."""
        now = self._clock.monotonic()
        while session.events and now - session.events[0] >= 10:
            session.events.popleft()
        if len(session.events) >= self._switches.events_per_10_s:
            raise ApiError(1003)
        session.events.append(now)

    def count(self) -> int:
        """Count the sessions that were not closed."""
        return len(self._open)
