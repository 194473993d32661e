"""Stages: what they mean to us, by the portal's own codes; and the change of one invoice's stage.

Source: Bitrix24 reference 6.3 and 6.6; portal page, «Written».
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stavbill.bitrix.batch import Command, Json
from stavbill.bitrix.gateway import Gateway
from stavbill.bitrix.write.invoice_list import INVOICE_TYPE
from stavbill.bitrix.write.steps import NotReadBack, Step, send_steps
from stavbill.bitrix.write.values import text_at
from stavbill.errors import ConfigError
from stavbill.plan.effects import Effect, EffectKey, InvoiceStage, PutStage
from stavbill.plan.order import Order
from stavbill.plan.outcome import Found, Outcome, Rejected


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


class StageExecutor(NotReadBack):
    """Makes `PutStage` happen; the stage is set as a whole, so a repeat is harmless."""

    def __init__(self, gateway: Gateway, *, stages: StageCodes) -> None:
        self._gateway = gateway
        self._stages = stages

    def takes(self, effect: Effect) -> bool:
        """Say whether `effect` is a stage."""
        return isinstance(effect, PutStage)

    def weigh(self, order: Order) -> int:
        """Return 1."""
        del order
        return 1

    async def find(self, effects: Sequence[Effect]) -> Mapping[EffectKey, Found | None]:
        """Return None for each: a stage has no object of its own and may be set again."""
        return {effect.key: None for effect in effects}

    async def send(self, orders: Sequence[Order]) -> Mapping[EffectKey, Outcome]:
        """Set the stages; the answer shows whether the portal took them."""
        outcomes: dict[EffectKey, Outcome] = {}
        steps = []
        for order in orders:
            effect = order.effect
            if not isinstance(effect, PutStage):
                msg = f"not a stage: {effect.kind}"
                raise TypeError(msg)
            invoice = order.settled_ids.get(effect.invoice)
            if invoice is None:
                outcomes[effect.key] = Rejected(f"номер счёта {effect.invoice} неизвестен")
            else:
                steps.append(self._step(effect, invoice))
        return outcomes | await send_steps(self._gateway, steps, halt=False)

    def _step(self, effect: PutStage, invoice: int) -> Step:
        code = self._stages.code(effect.stage)
        command = Command(
            "crm.item.update",
            {"entityTypeId": INVOICE_TYPE, "id": invoice, "fields": {"stageId": code}},
        )

        def refusal(value: Json) -> str | None:
            found = text_at(value, "item", "stageId")
            return None if found == code else f"стадия {found} вместо {code} у счёта {invoice}"

        return Step(effect.key, lambda _: (command,), portal_id=invoice, refusal=refusal)
