"""Labels of card fields: how two spellings of one label are recognised as the same.

Spaces, case, «ё», look-alike Latin and Cyrillic letters and a changed or cut hint in brackets do
not count. Source: portal page, «Connecting»; labels of the manual.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_LOOKALIKES = str.maketrans("abcehkmoptxyё", "авсенкмортхуе")


def core_of(label: str) -> str:
    """Return what a label says before its hint, in one spelling: letters and digits alone."""
    head = label.partition("(")[0]
    words = head.casefold().translate(_LOOKALIKES)
    return "".join(sign for sign in words if sign.isalnum())


def whole_of(label: str) -> str:
    """Return the label with its hint, in one spelling."""
    words = label.casefold().translate(_LOOKALIKES)
    return "".join(sign for sign in words if sign.isalnum())


@dataclass(frozen=True, slots=True)
class WantedLabel:
    """A setting and the labels under which cards show it, the manual's own first."""

    name: str
    labels: tuple[str, ...]
    required: bool = True


WANTED: tuple[WantedLabel, ...] = (
    WantedLabel("status", ("Статус",)),
    WantedLabel("responsible", ("Ответственный (Мониторинг)",)),
    WantedLabel("connection", ("Где найти",)),
    WantedLabel("account", ("Логин в Online Stavtrack(без кавычек)",)),
    WantedLabel("card_count", ("Количество объектов в Online.Stavtrack",)),
    WantedLabel("subscription", ("Стоимость абонплаты за 1 объект (Пропустить -)",)),
    WantedLabel("fuel", ("Абонплата за ДУТы (Пример заполнения: 1*100)",)),
    WantedLabel("dispatching", ("Абонплата за Диспетчеризацию(Пример заполнения: 1*100)",)),
    WantedLabel("skip", ("Пропускать компанию (Отключает автоматическую отправку счёта)",)),
    WantedLabel("ignore_count", ("Игнорировать проверку на количество (Выставлять)",)),
    WantedLabel("emails", ("Эмaйл для абонки",)),
    WantedLabel("phones", ("Номер для отправки по WhatsApp",)),
    WantedLabel("sending_day", ("Дата отправки счёта",)),
    WantedLabel("vat", ("НДС",)),
    WantedLabel("partner", ("Партнер",)),
    WantedLabel("previous_month", ("Счёт за предыдущий месяц",)),
    WantedLabel("months", ("Выставлять за несколько",)),
    WantedLabel("contract_number", ("Номер договора для абонки",)),
    WantedLabel("separate", ("Отдельный счёт",)),
    WantedLabel(
        "conservation_price", ("Цена консервации", "Стоимость консервации"), required=False
    ),
    WantedLabel("billed_through", ("Обслуживание до", "Выставлен до"), required=False),
)


# Fields that only the hint in brackets tells from another one.
HINT_DECIDES = frozenset({"responsible"})


@dataclass(frozen=True, slots=True)
class LabelMatches:
    """Which code stands for which setting; what nothing or more than one field fits."""

    codes: Mapping[str, str]
    missing: tuple[WantedLabel, ...]
    ambiguous: Mapping[str, tuple[str, ...]]


def match_labels(fields: Mapping[str, Sequence[str]]) -> LabelMatches:
    """Match settings to fields by their labels; `fields` gives every code its labels.

    The whole label decides before its part without the hint, so that «Ответственный (Тахограф)»
    is not taken for «Ответственный (Мониторинг)». Two fields that fit are listed, never guessed.

    Source: portal page, «Connecting».
    """
    codes: dict[str, str] = {}
    missing: list[WantedLabel] = []
    ambiguous: dict[str, tuple[str, ...]] = {}
    for wanted in WANTED:
        found = _candidates(wanted, fields)
        if len(found) == 1:
            codes[wanted.name] = found[0]
        elif found:
            ambiguous[wanted.name] = tuple(found)
        else:
            missing.append(wanted)
    return LabelMatches(codes, tuple(missing), ambiguous)


def _candidates(wanted: WantedLabel, fields: Mapping[str, Sequence[str]]) -> list[str]:
    hint_decides = wanted.name in HINT_DECIDES
    for spell in (whole_of,) if hint_decides else (whole_of, core_of):
        keys = {spell(label) for label in wanted.labels}
        found = [
            code
            for code, labels in fields.items()
            if any(label and spell(label) in keys for label in labels)
        ]
        if found:
            return found
    return []
