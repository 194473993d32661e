"""A session with one Wialon host: login, calls, patience with a busy host, logout."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import orjson

from stavbill.clock import Clock
from stavbill.errors import WialonError
from stavbill.wialon.connection import Connection
from stavbill.wialon.trouble import BusyError, WialonUnreachableError
from stavbill.wialon.wire import post

# A session asks one thing at a time, so there is no herd that jitter would have to spread.
PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0)
RETRIES_IN_ALL = 20


@dataclass(frozen=True, slots=True)
class Login:
    """What is kept of a login answer, which also repeats the token (`th`) and is dropped.

    `token_flags` and `token_until` are None where the host does not tell; a token without an end
    has `token_until` None as well. `offered` is the host's `base_url`, "" without one.
    """

    session: str
    user: str
    offered: str
    local_version: str
    token_flags: int | None
    token_until: datetime | None


class WialonSession:
    """One login and its calls; `requests` counts every request sent, repeats included.

    Reads only: a call whose answer did not come is sent again, at most five times running and
    twenty times in the session's life. Source: Wialon Remote API, «Introduction», token/login.
    """

    def __init__(self, connection: Connection, clock: Clock, client: httpx.AsyncClient) -> None:
        """Keep the parts; the first call logs in."""
        self.connection = connection
        self.requests = 0
        self._clock = clock
        self._client = client
        self._login: Login | None = None
        self._address = connection.endpoint
        self._retries = 0

    async def login(self) -> Login:
        """Begin a session, ending none: a lost one is dead already.

        Raises `WialonUnreachableError` at once for a refused token: ten failed logins in a minute
        block the address, also for people in the office.
        """
        self._login, self._address = None, self.connection.endpoint
        token = self.connection.token.get_secret_value()
        answer = await self._patiently("token/login", {"token": token}, "")
        self._login = _read_login(self.connection, answer)
        if self._login.offered:
            self._address = self.connection.after_login(self._login.offered)
        return self._login

    async def call(self, svc: str, params: dict[str, object]) -> object:
        """Return the answer of a read, an object or a list.

        Raises `SessionLostError` when the session ended: what it had cached is gone, so the caller
        decides where to begin again.
        """
        login = self._login or await self.login()
        return await self._patiently(svc, params, login.session)

    async def logout(self) -> None:
        """End the session. A refusal is ignored: the host ends idle sessions after 5 minutes."""
        login, self._login = self._login, None
        if login is not None:
            with suppress(WialonError):
                await self._once("core/logout", {}, login.session)

    @property
    def moved_to(self) -> str:
        """The host that requests go to after the login."""
        return httpx.URL(self._address).host

    async def _patiently(self, svc: str, params: dict[str, object], sid: str) -> object:
        for pause in PAUSES_S:
            try:
                return await self._once(svc, params, sid)
            except BusyError:
                if self._retries >= RETRIES_IN_ALL:
                    raise
                self._retries += 1
            await self._clock.sleep(pause)
        return await self._once(svc, params, sid)

    async def _once(self, svc: str, params: dict[str, object], sid: str) -> object:
        form = {"svc": svc, "params": orjson.dumps(params).decode()}
        if sid:
            form["sid"] = sid
        self.requests += 1
        return await post(self._client, self.connection, self._address, form)


def _read_login(connection: Connection, answer: object) -> Login:
    known = answer if isinstance(answer, dict) else {}
    session = known.get("eid")
    if not isinstance(session, str) or not session:
        text = f"Wialon «{connection.name}» ({connection.host}): вход не дал сессии (нет eid)."
        raise WialonUnreachableError(text)
    user = known.get("user")
    token = _token_of(known.get("token"))
    flags = token.get("fl")
    return Login(
        session=session,
        user=str(user.get("nm", "")) if isinstance(user, dict) else "",
        offered=str(known.get("base_url") or ""),
        local_version=str(known.get("local_version") or ""),
        token_flags=flags if isinstance(flags, int) else None,
        token_until=_end_of(token),
    )


def _token_of(text: object) -> dict[str, object]:
    """Return the token's own data: an object, or JSON as text."""
    if isinstance(text, str):
        try:
            text = orjson.loads(text)
        except orjson.JSONDecodeError:
            return {}
    return dict(text) if isinstance(text, dict) else {}


def _end_of(token: dict[str, object]) -> datetime | None:
    lasts = token.get("dur")
    starts = token.get("at") or token.get("ct")
    if not isinstance(lasts, int) or not isinstance(starts, int) or lasts <= 0:
        return None
    return datetime.fromtimestamp(starts, tz=UTC) + timedelta(seconds=lasts)
