"""Fields of the company card: our values in the type that the portal's own field has.

Source: Bitrix24 reference 5.1, 5.4 and 11; portal page, «Written».
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from enum import Enum

from typing_extensions import override

from stavbill.bitrix.batch import Command, Json, Param
from stavbill.bitrix.gateway import Gateway
from stavbill.bitrix.write.single import SingleCommand
from stavbill.bitrix.write.steps import Step
from stavbill.errors import ConfigError
from stavbill.plan.effects import Effect, EffectKey, PutFields
from stavbill.plan.order import Order
from stavbill.plan.outcome import Found, Rejected

_LAST_SECOND = time(23, 59, 59)


class FieldKind(Enum):
    """The type of a user field, by the portal's `USER_TYPE_ID`."""

    INTEGER = "integer"
    DOUBLE = "double"
    STRING = "string"
    DATE = "date"
    DATETIME = "datetime"


_COUNT_KINDS = frozenset({FieldKind.INTEGER, FieldKind.DOUBLE, FieldKind.STRING})
_DAY_KINDS = frozenset({FieldKind.DATE, FieldKind.DATETIME, FieldKind.STRING})


@dataclass(frozen=True, slots=True)
class CardField:
    """A mapped user field: its code (`UF_CRM_…`) and its type on this portal."""

    code: str
    kind: FieldKind


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFields:
    """Where our values go on the card; None where the portal has no such field.

    `zone` is the portal's time zone, in which a day ends at 23:59:59.
    """

    zone: tzinfo
    card_count: CardField | None = None
    billed_through: CardField | None = None

    def __post_init__(self) -> None:
        """Refuse a field whose type cannot hold our value."""
        for label, mapped, kinds in (
            ("Количество ТС", self.card_count, _COUNT_KINDS),
            ("Обслуживание до", self.billed_through, _DAY_KINDS),
        ):
            if mapped is not None and mapped.kind not in kinds:
                expected = ", ".join(sorted(kind.value for kind in kinds))
                msg = (
                    f"поле «{label}» ({mapped.code}) имеет тип {mapped.kind.value}, ожидается один "
                    f"из: {expected}. Укажите другое поле в настройках"
                )
                raise ConfigError(msg)


def write_last_day(day: date, kind: FieldKind, zone: tzinfo) -> str:
    """Return the last day covered: a date, its last second with the offset, or 31.01.2027."""
    match kind:
        case FieldKind.DATE:
            return day.isoformat()
        case FieldKind.DATETIME:
            return datetime.combine(day, _LAST_SECOND, zone).isoformat()
        case FieldKind.STRING:
            return day.strftime("%d.%m.%Y")
        case FieldKind.INTEGER | FieldKind.DOUBLE:
            msg = f"a day does not go into a field of type {kind.value}"
            raise ValueError(msg)


class FieldsExecutor(SingleCommand):
    """Makes `PutFields` happen, 50 companies a batch; a repeat is harmless."""

    def __init__(self, gateway: Gateway, *, fields: CardFields) -> None:
        super().__init__(gateway)
        self._fields = fields

    @override
    def takes(self, effect: Effect) -> bool:
        """Say whether `effect` sets fields of a card."""
        return isinstance(effect, PutFields)

    @override
    async def find(self, effects: Sequence[Effect]) -> Mapping[EffectKey, Found | None]:
        """Return None for each: values have no object of their own and may be set again."""
        return {effect.key: None for effect in effects}

    @override
    def step(self, order: Order) -> Step | Rejected:
        """Return the update of the company."""
        effect = order.effect
        if not isinstance(effect, PutFields):
            msg = f"not fields of a card: {effect.kind}"
            raise TypeError(msg)
        values, missing = self._values(effect)
        if missing:
            return Rejected(f"на карточке нет поля для: {', '.join(missing)}")
        return _step(effect, values)

    def _values(self, effect: PutFields) -> tuple[dict[str, Param], list[str]]:
        values: dict[str, Param] = {}
        missing: list[str] = []
        count, through = self._fields.card_count, self._fields.billed_through
        if effect.card_count is not None:
            if count is None:
                missing.append("«Количество ТС»")
            else:
                values[count.code] = str(effect.card_count)
        if effect.billed_through is not None:
            if through is None:
                missing.append("«Обслуживание до»")
            else:
                values[through.code] = write_last_day(
                    effect.billed_through, through.kind, self._fields.zone
                )
        return values, missing


def _step(effect: PutFields, values: Mapping[str, Param]) -> Step:
    command = Command("crm.company.update", {"id": effect.company, "fields": values})

    def refusal(value: Json) -> str | None:
        return None if value is True else f"портал ответил {value!r} вместо true"

    return Step(
        effect.key,
        lambda _: (command,) if values else (),
        portal_id=int(effect.company),
        refusal=refusal,
    )
