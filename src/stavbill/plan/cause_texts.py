"""Shared causes in Russian: the line of a report, and the operator's one task.

Source: billing rules §11, last entry.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date

from stavbill.plan.effects import NO_COMPANY, EffectKey, MendTask, OpenTask, TaskId
from stavbill.plan.shared_causes import CauseKind, SharedCause

CAUSE_TAG = "stavbill-cause"
CAUSE_TASK = EffectKey("shared-cause:")
_CLOSES = "shared-cause-ended:"
_ELEVEN, _NINETEEN, _FEW = 11, 19, (2, 3, 4)

HEADS = {
    CauseKind.CONNECTION: "Wialon {} не прочитан",
    CauseKind.CONNECTION_UNKNOWN: "Подключение Wialon «{}» не настроено",
    CauseKind.ISSUER: "Юрлицо «{}» не найдено среди реквизитов ваших компаний в Битрикс24",
    CauseKind.CONSERVATION_PRICE: "Не задана цена консервации для валюты {}",
    CauseKind.FIELD_OPTIONS: "Поле «{}»: на карточках стоят варианты, которых в списке поля нет",
}
ADVICE = {
    CauseKind.CONNECTION: (
        "Проверьте, отвечает ли хост и действует ли токен подключения: токен живёт 30 дней, если "
        "при выпуске не задан другой срок."
    ),
    CauseKind.CONNECTION_UNKNOWN: (
        "Добавьте подключение в настройки биллинга или исправьте «Где найти» на карточках."
    ),
    CauseKind.ISSUER: (
        "Заведите юрлицо в реквизитах ваших компаний или исправьте правило в настройках биллинга."
    ),
    CauseKind.CONSERVATION_PRICE: "Задайте цену в настройках биллинга.",
    CauseKind.FIELD_OPTIONS: "Верните варианты в список поля или выберите на карточках другие.",
}
REST = (
    "Задач по каждой компании нет: счета выставит первый запуск после исправления. Эта задача "
    "закроется сама."
)


@dataclass(frozen=True, slots=True)
class WaitingCompanies:
    """A shared cause and how many companies of a run wait for it; nought when none is due yet."""

    cause: SharedCause
    companies: int


def cause_line(waiting: WaitingCompanies) -> str:
    """Return the report's line: «Wialon stavros1 не прочитан: 285 компаний ждут»."""
    head = HEADS[waiting.cause.kind].format(waiting.cause.subject or "не указано")
    return f"{head}: {_waiting(waiting.companies)}" if waiting.companies else head


def _waiting(number: int) -> str:
    units = number % 10
    if _ELEVEN <= number % 100 <= _NINETEEN or units == 0 or units > max(_FEW):
        return f"{number} компаний ждут"
    return f"{number} компании ждут" if units in _FEW else f"{number} компания ждёт"


def cause_mark(cause: SharedCause) -> str:
    """Return a short mark of a cause, the same for as long as it lasts."""
    return hashlib.sha256(f"{cause.kind.value}:{cause.subject}".encode()).hexdigest()[:10]


def cause_task(waiting: WaitingCompanies, number: int, due: date) -> OpenTask:
    """Return the one task that tells the operator; `number` counts those that were closed before.

    Source: billing rules §11.
    """
    detail = waiting.cause.detail
    lines = (
        f"{cause_line(waiting)}.",
        *((detail,) if detail else ()),
        "",
        ADVICE[waiting.cause.kind],
        REST,
    )
    return OpenTask(
        key=EffectKey(f"{CAUSE_TASK}{cause_mark(waiting.cause)}:{number}"),
        company=NO_COMPANY,
        title=f"Биллинг: {cause_line(waiting)}",
        description="\n".join(lines),
        tag=CAUSE_TAG,
        responsible=None,
        items=(),
        due=due,
    )


def cause_ends_key(name: str) -> EffectKey:
    """Return the key of the completion of the cause's task with the key `name`."""
    return EffectKey(f"{_CLOSES}{name.removeprefix(CAUSE_TASK)}")


def cause_ends(name: str, task: int) -> MendTask:
    """Return the completion of the task about a cause that is gone."""
    return MendTask(key=cause_ends_key(name), company=NO_COMPANY, task=TaskId(task), complete=True)
