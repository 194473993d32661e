"""What `doctor` wants to know about a Wialon connection before a run needs it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from stavbill.clock import Clock
from stavbill.wialon.connection import Connection, token_variable
from stavbill.wialon.search import Item, accounts_search, size_of, units_search
from stavbill.wialon.session import Login, WialonSession
from stavbill.wialon.translate import unit_record
from stavbill.wialon.trouble import WialonIncompleteError
from stavbill.wialon.wire import open_client

VIEW_RIGHTS = 0x100
EVERYTHING = -1
WARN_BEFORE = timedelta(days=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionCheck:
    """What one connection shows. `problems` keep it from being counted, `warnings` will one day.

    Both are Russian sentences. `accounts` and `units` are the totals that the token sees.
    `token_flags` is None where the host does not tell; `token_until` also for an endless token.
    """

    connection: str
    host: str
    user: str
    accounts: int
    units: int
    token_flags: int | None
    token_until: datetime | None
    local_version: str
    requests: int
    problems: tuple[str, ...]
    warnings: tuple[str, ...]


async def check_connection(connection: Connection, clock: Clock) -> ConnectionCheck:
    """Log in, count accounts and units, look at two units, and log out: four requests.

    Raises `WialonUnreachableError` when the host or the token does not let anybody in.
    """
    async with open_client(connection) as client:
        session = WialonSession(connection, clock, client)
        try:
            login = await session.login()
            accounts, _ = await size_of(session, accounts_search())
            units, first = await size_of(session, units_search())
        finally:
            await session.logout()
    problems = []
    if not accounts:
        problems.append("токен не видит ни одной учётной записи")
    flags = login.token_flags
    if flags is not None and flags != EVERYTHING and not flags & VIEW_RIGHTS:
        problems.append("у токена нет права просмотра (флаг 256)")
    dark = _dark(connection, first)
    # One unit in the dark costs one account its count; all of them are a right that is missing.
    if dark and len(dark) == len(first):
        problems += dark
        dark = []
    return ConnectionCheck(
        connection=connection.name,
        host=session.moved_to,
        user=login.user,
        accounts=accounts,
        units=units,
        token_flags=flags,
        token_until=login.token_until,
        local_version=login.local_version,
        requests=session.requests,
        problems=tuple(problems),
        warnings=(
            *_warnings(connection, login, clock.now()),
            *dark,
            *(() if units else ("токен не видит ни одного объекта",)),
        ),
    )


def _dark(connection: Connection, items: list[Item]) -> list[str]:
    """Return a sentence for each of the units that could not be counted."""
    found = []
    for item in items:
        try:
            unit_record(connection, item, _Everything())
        except WialonIncompleteError as error:
            found.append(str(error))
    return found


def _warnings(connection: Connection, login: Login, now: datetime) -> list[str]:
    found = []
    if connection.endpoint.startswith("http://"):
        found.append("подключение без шифрования (http): токен виден в сети")
    until = login.token_until
    if until is not None and until - now < WARN_BEFORE:
        variable = token_variable(connection.name)
        found.append(f"токен действует до {until:%d.%m.%Y}: замените {variable} заранее")
    if login.offered and connection.after_login(login.offered) == connection.endpoint:
        offered = Connection(name="", url=login.offered, token=connection.token).host
        if offered and offered != connection.host:
            found.append(
                f"хост предлагает перейти на {offered}: если он ваш, добавьте его в base_hosts"
            )
    return found


class _Everything:
    """Every account is known: `doctor` looks at units without having read the accounts."""

    def __contains__(self, account: object) -> bool:
        return True
