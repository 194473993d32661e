"""Why a Wialon host could not be read, in classes that lead to different holds, and in Russian.

Source: Wialon Remote API, error codes; billing rules §5.
"""

from __future__ import annotations

from stavbill.billing.facts import NotCountedWhy
from stavbill.errors import WialonError
from stavbill.wialon.connection import Connection, token_variable

INVALID_SESSION = 1
INVALID_INPUT = 4
ACCESS_DENIED = 7
INVALID_TOKEN = 8
ONE_AT_A_TIME = 1003
SESSION_EXPIRED = 1011

SESSION_LOST = frozenset({INVALID_SESSION, SESSION_EXPIRED})
# Reading may be repeated after these: the host was busy or stumbled, nothing was changed.
LATER = frozenset({-101, -100, 3, 5, 6, 9, 10, ONE_AT_A_TIME, 1005})

MEANINGS = {
    -101: "внутренний сбой сети хоста",
    -100: "внутренний тайм-аут хоста",
    1: "сессия недействительна",
    2: "хост не знает такой команды",
    3: "неверный результат",
    4: "хост не принял параметры запроса",
    5: "ошибка выполнения запроса",
    6: "неизвестная ошибка хоста",
    7: "доступ запрещён",
    8: "токен не принят",
    9: "сервер авторизации недоступен",
    10: "слишком много одновременных запросов",
    14: "ошибка биллинга Wialon",
    1003: "хост просит запрашивать по одному",
    1005: "превышено время выполнения",
    1006: "исчерпаны попытки двухфакторного входа",
    1011: "сессия истекла или сменился IP-адрес",
}


class WialonUnreachableError(WialonError):
    """The host gave no usable answer within the tries, or refuses the token or a right."""

    why = NotCountedWhy.UNREACHABLE


class WialonIncompleteError(WialonError):
    """The host answered, but not with everything: nothing may be counted from it."""

    why = NotCountedWhy.INCOMPLETE


class UnclearUnitError(WialonIncompleteError):
    """A unit of which the host does not say what it is: the count of its `account` is unknown."""

    def __init__(self, text: str, account: int) -> None:
        """Keep the account whose count is lost."""
        super().__init__(text)
        self.account = account


class SessionLostError(WialonUnreachableError):
    """The session ended in the middle; a reader logs in once and reads from the beginning."""


class ListMovedError(WialonIncompleteError):
    """The list changed or fell short while it was read; a reader reads it once more."""


class BusyError(WialonUnreachableError):
    """No answer, or one that asks to wait; a session waits and repeats the read."""


def refusal(connection: Connection, svc: str, code: int, reason: str) -> WialonError:
    """Return the error that the code of an answer means; the caller raises it.

    The text names connection, host, command and what to do, never the token.
    """
    meaning = MEANINGS.get(code, "ошибка")
    said = f"код {code}" + (f", {reason}" if reason else "")
    where = f"Wialon «{connection.name}» ({connection.host}), {svc}"
    text = f"{where}: {meaning} ({said})."
    if code in SESSION_LOST or (code == ONE_AT_A_TIME and "NO_SESSION" in reason):
        return SessionLostError(text, code)
    if code in LATER:
        return BusyError(text, code)
    return WialonUnreachableError(text, code, advice=advice(connection, svc, code))


def advice(connection: Connection, svc: str, code: int) -> str:
    """Return what a person must do about an error that waiting does not mend, "" if unknown."""
    variable = token_variable(connection.name)
    if code == INVALID_TOKEN:
        return (
            "Токен истёк или отозван: по умолчанию он живёт 30 дней, а без дела удаляется через "
            f"100. Получите новый токен, задайте его в {variable}, затем: stavbill doctor"
        )
    if svc == "token/login" and code == INVALID_INPUT:
        return f"Токен должен состоять из 72 знаков: проверьте {variable}."
    if svc == "token/login" and code == ACCESS_DENIED:
        return "Пользователь токена отключён, токен ещё не начал действовать или нет доступа."
    if code == ACCESS_DENIED:
        return f"Дайте пользователю токена права на просмотр учётных записей и объектов: {variable}"
    return ""


def incomplete(connection: Connection, found: str) -> WialonIncompleteError:
    """Return the error for an answer that is not whole; `found` says what is missing."""
    return WialonIncompleteError(_partial(connection, found))


def moved(connection: Connection, found: str) -> ListMovedError:
    """Return the error for a list that did not hold still; worth one more reading."""
    return ListMovedError(_partial(connection, found))


def unclear(connection: Connection, account: int, found: str) -> UnclearUnitError:
    """Return the error for a unit that cannot be counted; other accounts are not concerned."""
    text = (
        f"Wialon «{connection.name}» ({connection.host}), учётная запись {account}: {found}. "
        "Её объекты не посчитаны."
    )
    return UnclearUnitError(text, account)


def _partial(connection: Connection, found: str) -> str:
    return (
        f"Wialon «{connection.name}» ({connection.host}): ответ неполный, {found}. "
        "Объекты не посчитаны, счета этого подключения задержаны."
    )
