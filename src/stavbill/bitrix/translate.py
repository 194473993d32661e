"""Field values into the core's words; what cannot be understood becomes a `FieldProblem`.

Source: billing rules §1; Bitrix24 reference 5.4 (every type that a portal may use).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from stavbill.billing.facts import FieldProblem, SeparateInvoices, ServiceCode, VatWish
from stavbill.billing.period import DayOfMonth, FixedDate, SendingDay
from stavbill.bitrix.batch import Json
from stavbill.bitrix.mapping import UserField
from stavbill.bitrix.write.values import date_at

YES = frozenset({"y", "yes", "true", "1", "да", "есть", "вкл", "+"})
NO = frozenset({"n", "no", "false", "0", "нет", "", "не заполнено", "не указано", "выкл", "-", "—"})
LAST_DAY = 31
MOST_MONTHS = 60
RUSSIAN_DATE = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:\s.*)?")
RATE = re.compile(r"(?:ндс\s*)?(\d{1,2}(?:[.,]\d+)?)\s*%?")
Value = TypeVar("Value")


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
        except (ValueError, InvalidOperation) as error:
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
    text = str(value).strip()
    if known.kind == "enumeration":
        if text in ("", "0"):
            return ""
        if text not in known.options:
            msg = f"{text} (нет такого варианта)"
            raise LostOptionError(msg)
        return known.options[text].strip()
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
    if text in ("-", "—", "–"):
        return None
    number = Decimal(text.replace("\u00a0", "").replace(" ", "").replace(",", "."))
    if number != number.to_integral_value():
        raise ValueError(text)
    return int(number)


def count(text: str) -> int | None:
    """Return a number of units, not below zero."""
    number = whole_number(text)
    if number is not None and number < 0:
        raise ValueError(text)
    return number


def months(text: str) -> int | None:
    """Return «Выставлять за несколько»: at least 1; 0 means nothing is set."""
    number = whole_number(text)
    if number is not None and not 0 <= number <= MOST_MONTHS:
        raise ValueError(text)
    return number or None


def price(text: str) -> Decimal:
    """Return a price in rubles."""
    number = Decimal(text.replace("\u00a0", "").replace(" ", "").replace(",", "."))
    if number < 0:
        raise ValueError(text)
    return number


def sending_day(text: str) -> SendingDay | None:
    """Return «Дата отправки счёта»: a day of the month, or a date (§3)."""
    if text in ("-", "—", "–"):
        return None
    word = text.removesuffix("число").strip()
    if word.isdecimal() and 1 <= int(word) <= LAST_DAY:
        return DayOfMonth(int(word))
    if re.fullmatch(r"\d{1,2}\.0", word) and 1 <= int(word[:-2]) <= LAST_DAY:
        return DayOfMonth(int(word[:-2]))
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


def vat(text: str) -> VatWish | Decimal:
    """Return «НДС»: yes, no, or a rate in percent (§7)."""
    word = " ".join(text.casefold().split())
    if word in ("да", "y", "yes", "true", "с ндс", "ндс", "облагается"):
        return VatWish.YES
    if word in ("нет", "n", "no", "false", "без ндс", "не облагается", "0", "-", "—"):
        return VatWish.NO
    if word == "1":
        return VatWish.YES
    found = RATE.fullmatch(word)
    if found is None:
        raise ValueError(text)
    return Decimal(found[1].replace(",", "."))


def separate(
    texts: Sequence[str], words: Sequence[tuple[ServiceCode, Sequence[str]]]
) -> SeparateInvoices:
    """Return «Отдельный счёт»: yes, no, or the services that it names (§7).

    Raises `ValueError` for a name that no service bears.
    """
    services: set[ServiceCode] = set()
    parts = [part.strip() for text in texts for part in re.split(r"[,;\n]", text)]
    for part in (part for part in parts if part):
        word = part.casefold()
        if word in YES:
            return SeparateInvoices(each=True)
        if word in NO:
            continue
        services.add(_service(part, words))
    return SeparateInvoices(services=frozenset(services))


def _service(part: str, words: Sequence[tuple[ServiceCode, Sequence[str]]]) -> ServiceCode:
    wanted = part.casefold()
    for code, names in words:
        for name in names:
            known = name.casefold()
            if wanted == known or (len(wanted) > 2 and wanted in known.split()):  # noqa: PLR2004
                return code
    for code, names in words:
        if any(name.casefold() in wanted or wanted in name.casefold() for name in names if name):
            return code
    raise ValueError(part)


def account_name(text: str) -> str | None:
    """Return the Wialon account in a login field: what stands after the bar is a remark (§1)."""
    return text.partition("|")[0].strip().strip("\"'«»").strip() or None
