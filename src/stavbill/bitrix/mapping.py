"""Which user field of this portal holds which setting, and of what type it is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stavbill.billing.facts import ServiceCode
from stavbill.bitrix.batch import Json
from stavbill.bitrix.write.values import rows_at, text_at
from stavbill.errors import PortalError

LABEL_KEYS = ("EDIT_FORM_LABEL", "LIST_COLUMN_LABEL", "LIST_FILTER_LABEL")
FIELD_LABEL_KEYS = ("formLabel", "listLabel", "filterLabel", "title")


@dataclass(frozen=True, slots=True)
class UserField:
    """A user field as the portal describes it: type, whether multiple, options (id → text)."""

    code: str
    kind: str
    multiple: bool
    labels: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The label on the card, the code where there is none."""
        return self.labels[0] if self.labels else self.code


@dataclass(frozen=True, slots=True)
class MappedField:
    """A setting's field: its code, and the type it had when it was mapped ("" not known)."""

    code: str
    label: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalMapping:
    """The settings' fields by name, and those of further services by their code.

    `service_words` are the names by which «Отдельный счёт» may name a service.
    """

    fields: Mapping[str, MappedField]
    services: Mapping[ServiceCode, MappedField] = field(default_factory=dict)
    service_words: Mapping[ServiceCode, Sequence[str]] = field(default_factory=dict)

    def all_fields(self) -> tuple[MappedField, ...]:
        """Return every mapped field once."""
        return (*self.fields.values(), *self.services.values())


def user_fields(listed: Json, described: Json) -> dict[str, UserField]:
    """Return the portal's user fields by code.

    `listed` is the result of `crm.company.userfield.list` (with `filter.LANG`), `described` that of
    `crm.company.fields`: labels and options may stand in either.

    Source: Bitrix24 reference 5.1, 5.4.
    """
    found: dict[str, UserField] = {}
    about = described if isinstance(described, dict) else {}
    for row in rows_at(listed):
        code = text_at(row, "FIELD_NAME")
        other = about.get(code)
        found[code] = UserField(
            code=code,
            kind=text_at(row, "USER_TYPE_ID"),
            multiple=text_at(row, "MULTIPLE") == "Y",
            labels=_labels(row, other, code),
            options=_options(row.get("LIST")) or _options(_items(other)),
        )
    for code, other in about.items():
        if code.startswith("UF_") and code not in found and isinstance(other, dict):
            found[code] = UserField(
                code=code,
                kind=text_at(other, "type"),
                multiple=other.get("isMultiple") is True,
                labels=_labels({}, other, code),
                options=_options(_items(other)),
            )
    return found


def _items(described: Json) -> Json:
    return described.get("items") if isinstance(described, dict) else None


def _labels(row: dict[str, Json], other: Json, code: str) -> tuple[str, ...]:
    texts: list[str] = []
    for key in LABEL_KEYS:
        value = row.get(key)
        if isinstance(value, dict):
            texts.extend(text_at(value, lang) for lang in ("ru", *value))
        else:
            texts.append(text_at(row, key))
    texts.append(text_at(row, "LABEL"))
    texts.extend(text_at(other, key) for key in FIELD_LABEL_KEYS)
    unique = dict.fromkeys(text.strip() for text in texts)
    return tuple(text for text in unique if text and text != code)


def _options(listed: Json) -> dict[str, str]:
    rows = listed if isinstance(listed, list) else list((listed or {}).values()) if isinstance(
        listed, dict
    ) else []  # fmt: skip
    return {text_at(row, "ID"): text_at(row, "VALUE") for row in rows if isinstance(row, dict)}


def verify_fields(mapping: PortalMapping, known: Mapping[str, UserField]) -> None:
    """Raise `PortalError` when a mapped field vanished or changed its type.

    Source: portal page, «stops the run before the first write with that field's label».
    """
    wrong = []
    for mapped in mapping.all_fields():
        name = f"«{mapped.label or mapped.code}» ({mapped.code})"
        seen = known.get(mapped.code)
        if seen is None:
            wrong.append(f"поля {name} больше нет на портале")
        elif mapped.kind and seen.kind != mapped.kind:
            wrong.append(f"поле {name} было типа {mapped.kind}, теперь {seen.kind}")
    if wrong:
        listed = "; ".join(wrong)
        msg = f"Поля карточки изменились: {listed}. Исправьте [fields]: stavbill portal discover"
        raise PortalError(msg)
