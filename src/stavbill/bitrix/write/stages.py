"""Stages: what they mean to us, by the portal's own codes; and the change of one invoice's stage.

Source: Bitrix24 reference 6.3 and 6.6; portal page, «Written».
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from typing_extensions import override

from stavbill.bitrix.batch import Command, Json
from stavbill.bitrix.gateway import Gateway
from stavbill.bitrix.write.invoice_list import INVOICE_TYPE, invoices_of
from stavbill.bitrix.write.single import SingleCommand
from stavbill.bitrix.write.steps import Step
from stavbill.bitrix.write.values import id_at, text_at
from stavbill.errors import ConfigError
from stavbill.plan.effects import Effect, EffectKey, InvoiceStage, PutStage
from stavbill.plan.order import Order
from stavbill.plan.outcome import Found, Rejected

# The stages that an invoice passes before another.
BEFORE: Mapping[InvoiceStage, frozenset[InvoiceStage]] = {
    InvoiceStage.NEW: frozenset(),
    InvoiceStage.SENT: frozenset({InvoiceStage.NEW}),
    InvoiceStage.PAID: frozenset({InvoiceStage.NEW, InvoiceStage.SENT}),
    InvoiceStage.CANCELLED: frozenset({InvoiceStage.NEW, InvoiceStage.SENT}),
}


@dataclass(frozen=True, slots=True)
class StageCodes:
    """The portal's stage code for every meaning, as its own stage list gave it."""

    codes: Mapping[InvoiceStage, str]

    def __post_init__(self) -> None:
        """Refuse a mapping with a gap: an empty stage would silently become the first one."""
        missing = [stage.value for stage in InvoiceStage if not self.codes.get(stage)]
        if missing:
            msg = (
                f"не заданы стадии счёта: {', '.join(missing)}. Укажите их коды в настройках или "
                "выполните: stavbill portal discover"
            )
            raise ConfigError(msg)

    def code(self, stage: InvoiceStage) -> str:
        """Return the portal's code, such as `DT31_2:N`."""
        return self.codes[stage]


class StageExecutor(SingleCommand):
    """Makes `PutStage` happen; in doubt, only where nobody has moved the invoice further."""

    def __init__(self, gateway: Gateway, *, stages: StageCodes) -> None:
        super().__init__(gateway)
        self._stages = stages

    @override
    def takes(self, effect: Effect) -> bool:
        """Say whether `effect` is a stage."""
        return isinstance(effect, PutStage)

    @override
    async def find(self, effects: Sequence[Effect]) -> Mapping[EffectKey, Found | None]:
        """Look where the invoices stand; one that is at its stage or beyond it is found.

        A stage that we do not know was given by a person or a robot, and is beyond.
        """
        wanted = {effect.key: _stage(effect) for effect in effects}
        companies = [effect.company for effect in wanted.values()]
        rows = {
            text_at(row, "xmlId").strip(): row
            for row in await invoices_of(self._gateway, companies)
        }
        return {
            key: None
            if (row := rows.get(effect.invoice)) is None or self._is_before(effect.stage, row)
            else Found(id_at(row, "id") or 0, complete=True)
            for key, effect in wanted.items()
        }

    def _is_before(self, stage: InvoiceStage, row: dict[str, Json]) -> bool:
        earlier = BEFORE[stage]
        return text_at(row, "stageId") in {self._stages.code(one) for one in earlier}

    @override
    def step(self, order: Order) -> Step | Rejected:
        """Return the command that sets the stage; the answer shows whether the portal took it."""
        effect = _stage(order.effect)
        invoice = order.settled_ids.get(effect.invoice)
        if invoice is None:
            return Rejected(f"номер счёта {effect.invoice} неизвестен")
        code = self._stages.code(effect.stage)
        command = Command(
            "crm.item.update",
            {"entityTypeId": INVOICE_TYPE, "id": invoice, "fields": {"stageId": code}},
        )

        def refusal(value: Json) -> str | None:
            found = text_at(value, "item", "stageId")
            return None if found == code else f"стадия {found} вместо {code} у счёта {invoice}"

        return Step(effect.key, lambda _: (command,), portal_id=invoice, refusal=refusal)


def _stage(effect: Effect) -> PutStage:
    if not isinstance(effect, PutStage):
        msg = f"not a stage: {effect.kind}"
        raise TypeError(msg)
    return effect
