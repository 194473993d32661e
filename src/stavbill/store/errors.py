"""A database's trouble in an operator's words: what happened, where, what now."""

from __future__ import annotations

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from stavbill.errors import StoreError

_ADVICE = (
    (
        ("disk is full", "no space left", "could not extend file"),
        (
            "на диске не осталось места. Освободите место и повторите команду: начатое продолжится "
            "с того же места"
        ),
    ),
    (
        ("readonly database", "read-only"),
        "запись запрещена. Проверьте владельца и права файла и каталога базы и запустите снова",
    ),
    (
        ("database is locked", "database table is locked", "lock timeout"),
        "её дольше минуты занимает другой процесс. Дождитесь его или завершите его и повторите",
    ),
    (
        ("unable to open database file",),
        "файл не открывается. Проверьте, что каталог существует и доступен для записи",
    ),
    (
        ("file is not a database", "malformed"),
        "файл повреждён или это не база stavbill. Восстановите его из резервной копии",
    ),
    (
        ("disk i/o error",),
        "ошибка чтения или записи диска. Проверьте диск и журнал системы",
    ),
    (
        ("password authentication failed", "role", "no password supplied"),
        "сервер не пускает пользователя. Проверьте имя и пароль в адресе базы",
    ),
    (
        ("does not exist",),
        "такой базы на сервере нет. Создайте её или исправьте адрес базы",
    ),
)
_UNREACHABLE = "сервер базы недоступен. Проверьте, что он запущен, и адрес базы, и повторите"


def shown(url: URL) -> str:
    """Return the database's address without its password."""
    return url.render_as_string(hide_password=True)


def translate(error: DBAPIError, url: URL) -> StoreError | None:
    """Return what to tell the operator; None when it is a mistake of ours, not trouble."""
    said = str(error.orig).strip()
    plain = said.casefold()
    for signs, advice in _ADVICE:
        if any(sign in plain for sign in signs):
            return StoreError(f"База {shown(url)}: {advice} ({said}).")
    if isinstance(error, IntegrityError | ProgrammingError):
        return None
    if error.connection_invalidated or url.get_backend_name() == "postgresql":
        return StoreError(f"База {shown(url)}: {_UNREACHABLE} ({said}).")
    return StoreError(f"База {shown(url)}: {said}. Проверьте диск, права и место и повторите.")
