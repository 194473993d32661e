"""One time: this machine's clock, the database's and the portal's, compared at every start.

Over 30 s apart, a claim may run out while its holder sends, and a day ends for one before it ends
for the other. Source: beyond 15.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from stavbill.bitrix.server_time import ServerTime
from stavbill.clock import Clock, SystemClock
from stavbill.errors import ConfigError
from stavbill.store.database_clock import DatabaseClock

MOST_APART = timedelta(seconds=30)
# An emulated portal on this machine may have a day of its own of which nobody was told.
OWN_DAY = timedelta(hours=6)
LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
ADVICE = (
    "При такой разнице счёт может уйти дважды, а день смениться не вовремя. Настройте время "
    "(timedatectl set-ntp true) и запустите снова"
)


def clocks_apart(
    clock: Clock, seen: ServerTime | None, *, portal: str, true_now: datetime | None = None
) -> list[str]:
    """Return which clocks are over 30 s apart, one sentence each; what nobody knows is left out.

    `true_now` is the machine's own time where `clock` is a sandbox's: a portal that shows it is one
    that knows nothing of that clock.
    """
    found = []
    if isinstance(clock, DatabaseClock) and abs(clock.ahead) > MOST_APART:
        found.append(_sentence("сервера базы", clock.ahead))
    if seen is not None and abs(seen.ahead) > MOST_APART:
        is_other_day = _host(portal) in LOOPBACK and abs(seen.ahead) > OWN_DAY
        is_true = true_now is not None and abs(seen.portal - true_now) <= MOST_APART
        if not is_other_day and not is_true:
            found.append(_sentence(f"портала {portal}", seen.ahead))
    return found


def require_one_time(
    clock: Clock, seen: ServerTime | None, *, portal: str, true_now: datetime | None = None
) -> None:
    """Raise `ConfigError` when clocks are over 30 s apart: which, by how much, what to do."""
    apart = clocks_apart(clock, seen, portal=portal, true_now=true_now)
    if apart:
        msg = f"{' '.join(apart)} {ADVICE}"
        raise ConfigError(msg)


def comparable(clock: Clock, seen: ServerTime | None) -> ServerTime | None:
    """Return the portal's time where ours runs as fast: a sandbox's clock may run ahead of it."""
    runs_true = isinstance(clock, DatabaseClock) or (
        isinstance(clock, SystemClock) and clock.scale == 1.0
    )
    return seen if runs_true else None


def _sentence(whose: str, ahead: timedelta) -> str:
    way = "отстают от часов" if ahead > timedelta(0) else "спешат относительно часов"
    return f"Часы этой машины {way} {whose} на {_length(abs(ahead))}."


def _length(apart: timedelta) -> str:
    seconds = int(apart.total_seconds())
    minutes, hours = seconds // 60, seconds // 3600
    if hours:
        return f"{hours} ч {minutes % 60} мин"
    return f"{minutes} мин {seconds % 60} с" if minutes else f"{seconds} с"


def _host(portal: str) -> str:
    return portal.rpartition(":")[0] if portal.rpartition(":")[2].isdecimal() else portal
