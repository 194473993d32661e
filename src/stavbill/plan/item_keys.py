"""By what our checklist items are known again: the words that they begin with.

A checklist item has no field but its title, and a code in its title is nothing for people to read.
So every kind of item begins with words of its own, and the rest of it may change. Items of older
versions bear the code in square brackets at their end and are known by it. Source: portal page,
«Written» («text key»); billing rules §9.
"""

from __future__ import annotations

import re

_CODE = re.compile(r"\[([a-z0-9_-]+)\]\s*$")
# So long that no person begins an item of his own like it. A group is a part of the key.
_BEGINNINGS: tuple[tuple[str, str], ...] = (
    ("tariff", r"Тариф не понят \(([^)]*)\): «"),
    ("field", r"Поле «(.*?)» не понято: «"),
    ("status_empty", r"Поле «Статус» пусто: "),
    ("no_contract", r"Нет договора, по которому выставляется абонплата "),
    ("issuer_unknown", r"Юрлицо «.*?» не найдено среди реквизитов вашей компании"),
    ("count_mismatch", r"Количество не сходится: в тарифе "),
    ("shared_account", r"Учётная запись Wialon общая с компаниями "),
    ("account_missing", r"Логин в Wialon не указан: |Учётная запись Wialon «.*?» не найдена\."),
    ("connection_unknown", r"«Где найти» = «.*?»: такого подключения к Wialon нет"),
    ("units_unknown", r"Объекты в Wialon не посчитаны: "),
    ("conservation_price_missing", r"В консервации объектов: \d+, а цена консервации "),
    ("requisites", r"Нет реквизитов покупателя: "),
    ("overlap", r"Часть месяцев уже выставлена \((.*?): "),
    ("cancelled_by_hand", r"Счёт за этот месяц отменён вручную \((.*?): "),
    ("covered_unclear", r"Не понятно, за какой месяц счета "),
    ("billed_through_partner", r"Объекты оплачиваются через партнёра "),
    ("no_recipient", r"Отправить некуда: нет ни почты, "),
    ("recipient_unusable", r"Адрес не годится для отправки: "),
    ("address", r"Исправить адрес \S+: "),
    ("check", r"Расхождение (\d+): "),
)
_PATTERNS = tuple(
    (kind, re.compile(rf"(?:\((\d+)\) )?(?:{beginning})", re.DOTALL))
    for kind, beginning in _BEGINNINGS
)


def key_of(text: str) -> str | None:
    """Return the key of an item as it stands or shall stand, None for items of people.

    Source: billing rules §9 («updated, not repeated»).
    """
    code = _CODE.search(text)
    if code is not None:
        return code[1]
    for kind, pattern in _PATTERNS:
        found = pattern.match(text.strip())
        if found is not None:
            number, *about = found.groups()
            key = "-".join((kind, *(part for part in about if part is not None)))
            return f"{key}--{number}" if number else key
    return None


def numbered(texts: list[str]) -> list[str]:
    """Return texts of which no two have one key: the second of a kind says so in front."""
    seen: dict[str | None, int] = {}
    told: list[str] = []
    for text in texts:
        key = key_of(text)
        seen[key] = seen.get(key, 0) + 1
        told.append(text if seen[key] == 1 else f"({seen[key]}) {text}")
    return told
