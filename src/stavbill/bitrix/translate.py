"""Field values into the core's words; what cannot be understood becomes a `FieldProblem`.

Source: billing rules §1; Bitrix24 reference 5.4 (every type that a portal may use).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TypeAlias, TypeVar

from stavbill.billing.facts import FieldProblem, SeparateInvoices, ServiceCode, VatWish
from stavbill.billing.period import DayOfMonth, FixedDate, SendingDay
from stavbill.bitrix.batch import Json
from stavbill.bitrix.mapping import UserField
from stavbill.bitrix.write.values import date_at
from stavbill.typed import clean, number, whole

YES = frozenset({"y", "yes", "true", "1", "да", "есть", "вкл", "+"})
NO = frozenset({"n", "no", "false", "0", "нет", "", "не заполнено", "не указано", "выкл", "-", "—"})
DASHES = frozenset({"-", "—", "–", "−"})
KOPECK = Decimal("0.01")
LAST_DAY = 31
MOST_MONTHS = 60
RUSSIAN_DATE = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:\s.*)?", re.ASCII)
DAY_OF_MONTH = re.compile(r"(\d{1,2})(?:[.,]0{1,2})?", re.ASCII)
RATE = re.compile(r"(?:ндс\s*)?(\d{1,2}(?:[.,]\d{1,2})?)\s*%?", re.ASCII)
# What may stand between two names of services; «и» between spaces is a word.
BETWEEN_NAMES = re.compile(r"\s*[,;/+&|\n]+\s*|\s+и\s+|\s*$")
Value = TypeVar("Value")
Wish: TypeAlias = VatWish | Decimal


class LostOptionError(ValueError):
    """A card names an option that the field's list does not have."""


@dataclass(slots=True)
class Reading:
    """One card being read: the row, the fields' descriptions, the problems met."""

    row: dict[str, Json]
    problems: list[FieldProblem] = field(default_factory=list)

    def read(
        self,
        name: str,
        known: UserField | None,
        expected: str,
        parse: Callable[[str], Value | None],
    ) -> Value | None:
        """Return a field's value by `parse`, None when empty; what `parse` refuses is a problem.

        `parse` raises `ValueError` for a text that it does not understand.
        """
        if known is None:
            return None
        text = ""
        try:
            text = plain_text(known, self.row.get(known.code))
            return parse(text) if text else None
        except ValueError as error:
            shown = text or str(error)
            lost = isinstance(error, LostOptionError)
            self.problems.append(FieldProblem(known.label, shown, expected, name, lost))
            return None

    def texts(self, name: str, known: UserField | None) -> tuple[str, ...]:
        """Return a field's values as texts, one for each value of a multiple field."""
        if known is None:
            return ()
        try:
            return tuple(text for text in all_texts(known, self.row.get(known.code)) if text)
        except ValueError as error:
            expected = "значение из списка поля"
            lost = isinstance(error, LostOptionError)
            self.problems.append(FieldProblem(known.label, str(error), expected, name, lost))
            return ()


def all_texts(known: UserField, value: Json) -> list[str]:
    """Return the value or values of a field as texts, options by their text.

    Raises `ValueError` for an option that the field does not have and for unknown shapes.
    """
    if isinstance(value, list):
        return [_text(known, one) for one in value]
    if isinstance(value, dict) and known.multiple:
        return [_text(known, one) for one in value.values()]
    return [_text(known, value)]


def plain_text(known: UserField, value: Json) -> str:
    """Return a field's value as one text; several values of a multiple field by a newline."""
    return "\n".join(text for text in all_texts(known, value) if text).strip()


def _text(known: UserField, value: Json) -> str:
    if value is None or value is False:
        return ""
    if value is True:
        return "Y"
    if isinstance(value, dict | list):
        msg = f"неизвестный вид значения: {type(value).__name__}"
        raise ValueError(msg)  # noqa: TRY004  a value that the portal sent, not a wrong call
    text = clean(str(value))
    if known.kind == "enumeration":
        if text in ("", "0"):
            return ""
        if text not in known.options:
            msg = f"{text} (нет такого варианта)"
            raise LostOptionError(msg)
        return clean(known.options[text])
    if known.kind == "money":
        return text.partition("|")[0].strip()
    return text


def boolean(text: str) -> bool:
    """Return what `Y`, `1`, `true`, «да» or their opposites say."""
    word = text.casefold()
    if word in YES:
        return True
    if word in NO:
        return False
    raise ValueError(text)


def whole_number(text: str) -> int | None:
    """Return a whole number; «3.0» and «3,00» are 3, dashes are empty."""
    return None if text in DASHES else whole(text)


def count(text: str) -> int | None:
    """Return a number of units, not below zero."""
    value = whole_number(text)
    if value is not None and value < 0:
        raise ValueError(text)
    return value


def months(text: str) -> int | None:
    """Return «Выставлять за несколько»: at least 1; 0 means nothing is set."""
    value = whole_number(text)
    if value is not None and not 0 <= value <= MOST_MONTHS:
        raise ValueError(text)
    return value or None


def price(text: str) -> Decimal | None:
    """Return a price in rubles, at most two places behind the comma; dashes are empty."""
    if text in DASHES:
        return None
    value = number(text)
    if value < 0 or value != value.quantize(KOPECK):
        raise ValueError(text)
    return value


def sending_day(text: str) -> SendingDay | None:
    """Return «Дата отправки счёта»: a day of the month, or a date (§3)."""
    if text in DASHES:
        return None
    word = text.removesuffix("число").strip()
    named = DAY_OF_MONTH.fullmatch(word)
    if named is not None and 1 <= int(named[1]) <= LAST_DAY:
        return DayOfMonth(int(named[1]))
    return FixedDate(day(text))


def day(text: str) -> date:
    """Return a date: `31.12.2026`, ISO, or as CRM answers show dates."""
    found = RUSSIAN_DATE.fullmatch(text)
    if found is not None:
        return date(int(found[3]), int(found[2]), int(found[1]))
    known = date_at(text)
    if known is None:
        raise ValueError(text)
    return known


def vat(text: str) -> Wish:
    """Return «НДС»: yes, no, or a rate in percent; a bare 0 is the rate 0 (§7, §11)."""
    word = " ".join(text.casefold().split())
    if word in ("да", "y", "yes", "true", "с ндс", "ндс", "облагается"):
        return VatWish.YES
    if word in ("нет", "n", "no", "false", "без ндс", "не облагается", *DASHES):
        return VatWish.NO
    if word == "1":
        return VatWish.YES
    found = RATE.fullmatch(word)
    if found is None:
        raise ValueError(text)
    return number(found[1])


def vat_flag(text: str) -> Wish:
    """Return «НДС» of a yes/no field: there a bare 0 is «no» (§11)."""
    return VatWish.NO if text == "0" else vat(text)


def separate(
    texts: Sequence[str], words: Sequence[tuple[ServiceCode, Sequence[str]]]
) -> SeparateInvoices:
    """Return «Отдельный счёт»: yes, no, or the services that it names (§7).

    It is understood whole or not at all: names stand between separators, nothing is left over, and
    yes or no stand alone. Raises `ValueError` otherwise.

    Source: billing rules §7, §11.
    """
    spelled = [_spelled(text) for text in texts if _spelled(text)]
    if any(text in YES for text in spelled):
        if set(spelled) <= YES:
            return SeparateInvoices(each=True)
        raise ValueError(", ".join(texts))
    named = [text for text in spelled if text not in NO]
    if len(named) < len(spelled) and named:
        raise ValueError(", ".join(texts))
    names = {_spelled(name): code for code, several in words for name in several if name}
    services = {code for text in named for code in _services(text, names)}
    return SeparateInvoices(services=frozenset(services))


def _services(text: str, names: Mapping[str, ServiceCode]) -> Iterator[ServiceCode]:
    """Yield the services that a text names; the longest name that ends at a separator is meant."""
    rest = text
    while rest:
        for name in sorted(names, key=len, reverse=True):
            ended = BETWEEN_NAMES.match(rest, len(name)) if rest.startswith(name) else None
            if ended is not None:
                yield names[name]
                rest = rest[ended.end() :]
                break
        else:
            raise ValueError(text)


def _spelled(text: str) -> str:
    return " ".join(text.casefold().replace("ё", "е").split())


def account_name(text: str) -> str | None:
    """Return the Wialon account in a login field: what stands after the bar is a remark (§1)."""
    return text.partition("|")[0].strip().strip("\"'«»").strip() or None
