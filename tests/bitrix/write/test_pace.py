"""A night's writing against the portal's own limits, on one clock without real time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from typing import Protocol

import httpx
from typing_extensions import override

from stavbill.billing.facts import CompanyId
from stavbill.bitrix.budget import Limits
from stavbill.bitrix.gateway import Gateway
from stavbill.bitrix.limiter import Limiter, MemoryBudgetState
from stavbill.bitrix.write.fields import CardField, CardFields, FieldKind, FieldsExecutor
from stavbill.bitrix.write.invoices import InvoiceExecutor
from stavbill.bitrix.write.stages import StageCodes
from stavbill.plan.effects import EffectKey, PutFields
from stavbill.plan.order import Order
from stavbill.plan.outcome import Done, Outcome
from stavbill.sandbox.portal.portal import Portal
from tests.bitrix.clocks import VirtualClock
from tests.bitrix.write.desk import STAGES, furnish
from tests.bitrix.write.drafts import draft, put_invoice

IN_FLIGHT = 24


class Sender(Protocol):
    async def send(self, orders: Sequence[Order]) -> Mapping[EffectKey, Outcome]: ...


class InProcess(httpx.AsyncBaseTransport):
    """Hands requests to the portal in this process, so that no real time passes."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        given = await self._portal.handle(
            request.method, request.url.path, dict(request.headers), body, ""
        )
        return httpx.Response(given.status, headers=dict(given.headers), content=given.body)


class Night:
    """A portal that takes as long as it says, and a gateway to it."""

    def __init__(self, cost_s: dict[str, float]) -> None:
        self.clock = VirtualClock()
        self.portal = Portal(self.clock)
        self.portal.limits.delay_on = True
        self.portal.limits.cost_s = {"*": 0.01} | cost_s
        furnish(self.portal)
        webhook = self.portal.add_webhook()
        limiter = Limiter(limits=Limits(), clock=self.clock, state=MemoryBudgetState())
        self.gateway = Gateway(
            f"https://portal.example{webhook.path}",
            http=httpx.AsyncClient(transport=InProcess(self.portal)),
            limiter=limiter,
            clock=self.clock,
        )
        for company in range(1, 10):
            self.portal.state.companies.put(
                company, {"ID": company, "TITLE": "ООО «Ромашка»", "IS_MY_COMPANY": "N"}
            )

    async def send(self, executor: Sender, batches: Iterator[Sequence[Order]]) -> None:
        async def worker() -> None:
            for orders in batches:
                outcomes = await executor.send(orders)
                assert all(isinstance(outcome, Done) for outcome in outcomes.values()), outcomes

        await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))

    def refused(self) -> int:
        return self.portal.calls.refused_by_rate + self.portal.calls.refused_by_operating


async def test_four_hundred_requests_in_flight_provoke_no_refusal() -> None:
    night = Night({"crm.company.update": 0.05})
    fields = CardFields(zone=UTC, card_count=CardField("UF_CRM_X", FieldKind.INTEGER))
    executor = FieldsExecutor(night.gateway, fields=fields)
    batches = (
        [
            Order(
                PutFields(
                    key=EffectKey(f"{batch}:{place}"), company=CompanyId(1 + place), card_count=1
                )
            )
            for place in range(5)
        ]
        for batch in range(400)
    )
    await night.send(executor, batches)
    assert night.refused() == 0
    assert night.portal.calls.requests == 400
    floor_s = (400 - 50) / 2
    assert night.clock.elapsed <= 1.05 * floor_s


async def test_a_method_stays_under_its_operating_time_and_close_to_the_floor() -> None:
    night = Night({"crm.item.add": 0.4})
    executor = InvoiceExecutor(
        night.gateway, stages=StageCodes({stage: code for stage, (code, _, _) in STAGES.items()})
    )
    invoices = [put_invoice(company, draft(company)) for company in range(1, 2001)]
    batches = ([Order(each) for each in invoices[n : n + 25]] for n in range(0, 2000, 25))
    await night.send(executor, batches)
    assert night.refused() == 0
    assert night.portal.calls.requests == 80
    # 800 s of work, 480 in ten minutes: one whole window must pass.
    assert night.clock.elapsed <= 1.15 * 600
