"""What went wrong in a call, told apart by the one question that matters: whether it was executed.

Source: Bitrix24 reference 1.5 and 1.8 (b24restdocs: error-codes.md, limits.md, settings/oauth).
"""

from __future__ import annotations

import re
from enum import Enum

from stavbill.errors import PortalError


class Verdict(Enum):
    """What an error code says about the call that it answers."""

    REFUSED = "refused before execution: may be sent again"
    ACCESS = "refused for want of access: nothing can be sent until a person mends it"
    REJECTED = "understood and declined: the same call would be declined again"
    UNCLEAR = "nobody knows whether it was executed"


class CallRefusedError(PortalError):
    """The call was certainly not executed and may be sent again after `retry_after_s` seconds."""

    def __init__(self, text: str, code: str = "", *, retry_after_s: float = 0.0) -> None:
        """Keep how long the portal asks to wait."""
        super().__init__(text, code)
        self.retry_after_s = retry_after_s


class CallRejectedError(PortalError):
    """The portal understood the call and declined it; `description` is its own text."""

    def __init__(self, text: str, code: str = "", *, description: str = "") -> None:
        """Keep the portal's own text beside ours."""
        super().__init__(text, code)
        self.description = description


class CallUnclearError(PortalError):
    """The call was sent and nobody knows whether it was executed."""


class AccessLostError(PortalError):
    """The webhook is wrong, expired, blocked or has lost a permission; the text says what to do.

    Nothing that was sent in this call was executed.
    """


class PortalMovedError(AccessLostError):
    """The portal answers from another address now; the text names it."""


_REFUSED = {
    "query_limit_exceeded",
    "operation_time_limit",
    "expired_token",
}
_UNCLEAR = {
    "internal_server_error",
    "error_unexpected_answer",
}
# Codes after which no other call of this webhook would fare better, and what a person does then.
_ACCESS = {
    "no_auth_found": "адрес вебхука неверен или вебхук удалён. Создайте входящий вебхук заново и "
    "обновите STAVBILL_PORTAL_URL",
    "invalid_token": "токен недействителен. Создайте входящий вебхук заново и обновите "
    "STAVBILL_PORTAL_URL",
    "invalid_credentials": "у пользователя, создавшего вебхук, нет прав на это действие. Верните "
    "ему права или создайте вебхук от имени администратора",
    "insufficient_scope": "у вебхука нет нужного разрешения. Отметьте в настройках вебхука права "
    "crm, task, user, disk, lists, im и сохраните его",
    "user_access_error": "приложение закрыто для этого пользователя. Откройте ему доступ",
    "allowed_only_intranet_user": "вебхук создан внешним пользователем. Создайте его от имени "
    "сотрудника",
    "method_confirm_waiting": "метод ждёт подтверждения администратора портала. Подтвердите его",
    "method_confirm_denied": "администратор портала отказал в этом методе. Договоритесь с ним",
    "wrong_auth_type": "метод недоступен вебхуку, ему нужно локальное приложение",
    "error_method_not_found": "на портале нет этого метода. Обновите модули портала и проверьте, "
    "что адрес вебхука указан без лишних частей",
    "invalid_request": "портал принимает только https. Исправьте адрес в STAVBILL_PORTAL_URL",
    "overload_limit": "REST этого портала заблокирован вручную, снять блокировку может только "
    "поддержка Битрикс24. Напишите в поддержку",
    "portal_deleted": "портал удалён или его публичная часть закрыта. Проверьте адрес портала",
}
_COMMERCIAL_ONLY = "REST доступен только на коммерческих тарифах. Проверьте тариф портала"
_FORBIDDEN = 403
_UNAUTHORIZED = 401
_SERVER_ERROR = 500


def judge(code: str, status: int | None = None) -> Verdict:
    """Return what error `code` means; `status` is None for a command inside a batch.

    Codes are compared without regard to case; a 5xx with a code that does not say «refused» is
    unclear, whatever the code (reference 1.8).
    """
    plain = code.casefold()
    if plain in _REFUSED:
        return Verdict.REFUSED
    if plain in _UNCLEAR:
        return Verdict.UNCLEAR
    if (
        plain in _ACCESS
        or status == _UNAUTHORIZED
        or (plain, status) == ("access_denied", _FORBIDDEN)
    ):
        return Verdict.ACCESS
    if status is not None and status >= _SERVER_ERROR:
        return Verdict.UNCLEAR
    return Verdict.REJECTED


def advise(code: str, status: int | None = None) -> str:
    """Return what a person should do about an access error, in Russian."""
    plain = code.casefold()
    if (plain, status) == ("access_denied", _FORBIDDEN):
        return _COMMERCIAL_ONLY
    return _ACCESS.get(plain, "портал не пускает вебхук. Проверьте STAVBILL_PORTAL_URL и права")


def tidy(text: object) -> str:
    """Return the portal's own words in one line, without the markup that tasks put in."""
    return " ".join(re.sub(r"<br\s*/?>", " ", str(text or "")).split())


def say(method: str, code: str, description: str) -> str:
    """Return the sentence that names a declined call, for reports and tasks."""
    words = ": ".join(part for part in (code, tidy(description)) if part)
    return f"Битрикс24 отклонил {method}: {words or 'без объяснения'}"
