"""A served portal with invented companies, the gateway that writes to it, and a look inside."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from stavbill.bitrix.batch import Command, Json, Param
from stavbill.bitrix.budget import Limits
from stavbill.bitrix.gateway import Gateway, open_http
from stavbill.bitrix.limiter import Limiter, MemoryBudgetState
from stavbill.bitrix.write.stages import StageCodes
from stavbill.bitrix.write.steps import ask
from stavbill.plan.effects import InvoiceStage
from stavbill.sandbox.clock import ScaledClock
from stavbill.sandbox.portal.faults import Fault, Trouble
from stavbill.sandbox.portal.portal import Portal
from stavbill.sandbox.portal.web import portal_app

FUNNEL = 7
STAGES = {
    InvoiceStage.NEW: ("DT31_7:N", "Новый", None),
    InvoiceStage.SENT: ("DT31_7:S", "Отправлен клиенту", None),
    InvoiceStage.PAID: ("DT31_7:P", "Оплачен", "S"),
    InvoiceStage.CANCELLED: ("DT31_7:D", "Не оплачен", "F"),
}
FAULTS = {
    "lost_before": Fault(Trouble.LOST_BEFORE, nth=(1,)),
    "lost_after": Fault(Trouble.LOST_AFTER, nth=(1,)),
    "mid_batch": Fault(Trouble.LOST_MID_BATCH, nth=(1,)),
    "late": Fault(Trouble.LATE, nth=(1,), seconds=60.0),
    "internal_after": Fault(
        Trouble.ERROR_AFTER, nth=(1,), status=500, code="INTERNAL_SERVER_ERROR"
    ),
    "query_limit": Fault(Trouble.QUERY_LIMIT, nth=(1,)),
    "operation_limit": Fault(Trouble.OPERATION_TIME, nth=(1,)),
}
INVOICE = 31


@dataclass(slots=True)
class Desk:
    """What a test has at hand: `gateway` is ours, everything else looks at the portal itself."""

    portal: Portal
    clock: ScaledClock
    gateway: Gateway
    stages: StageCodes
    own_company: int
    user: int
    companies: Sequence[int]
    _look: Gateway

    def fail_next(self, fault: str) -> None:
        """Let the next request meet this fault."""
        self.portal.faults.switch(FAULTS[fault], seed=7)

    async def invoices(self) -> list[dict[str, Json]]:
        """Return every invoice."""
        rows: list[dict[str, Json]] = []
        while True:
            params: dict[str, Param] = {
                "entityTypeId": INVOICE,
                "order": {"id": "ASC"},
                "start": len(rows),
            }
            answer = (await self._look.call("crm.item.list", params)).value
            assert isinstance(answer, dict)
            page = objects(answer["items"])
            rows.extend(page)
            if len(page) < 50:
                return rows

    async def add_invoice(self, company: int, key: str, **fields: Param) -> int:
        """Make an invoice by hand, without rows."""
        given: dict[str, Param] = {
            "title": "[Биллинг] Декабрь 2026",
            "companyId": company,
            "mycompanyId": self.own_company,
            "xmlId": key,
            "currencyId": "RUB",
            "begindate": "2026-12-10",
            "closedate": "2026-12-20",
        }
        params: dict[str, Param] = {"entityTypeId": INVOICE, "fields": given | fields}
        answer = (await self._look.call("crm.item.add", params)).value
        assert isinstance(answer, dict)
        item = answer["item"]
        assert isinstance(item, dict)
        return int(str(item["id"]))

    async def edit_invoice(self, item: int, **fields: Param) -> None:
        """Change an invoice by hand."""
        await self._look.call(
            "crm.item.update", {"entityTypeId": INVOICE, "id": item, "fields": fields}
        )

    async def add_old_invoices(self, company: int, count: int) -> None:
        """Make many invoices of earlier years."""
        fields: dict[str, Param] = {"companyId": company, "xmlId": "old", "title": "Счёт"}
        command = Command("crm.item.add", {"entityTypeId": INVOICE, "fields": fields})
        await ask(self._look, {f"o{place}": command for place in range(count)})

    async def tasks(self, company: int) -> list[dict[str, Json]]:
        """Return the company's tasks."""
        filters = {"UF_CRM_TASK": f"CO_{company}"}
        answer = (await self._look.call("tasks.task.list", {"filter": filters})).value
        assert isinstance(answer, dict)
        return objects(answer["tasks"])

    async def item_ids(self, task: int) -> dict[str, int]:
        """Return a task's checklist items, headings left out: id by text."""
        answer = (await self._look.call("task.checklistitem.getlist", {"TASKID": task})).value
        rows = [row for row in objects(answer) if row["PARENT_ID"] != 0]
        return {str(row["TITLE"]): int(str(row["ID"])) for row in rows}

    async def items(self, task: int) -> list[str]:
        """Return the texts of a task's checklist items, each as often as it stands there."""
        answer = (await self._look.call("task.checklistitem.getlist", {"TASKID": task})).value
        return [str(row["TITLE"]) for row in objects(answer) if row["PARENT_ID"] != 0]

    async def comments(self, company: int) -> list[dict[str, Json]]:
        """Return the newest comments in the company's timeline."""
        filters: dict[str, Param] = {"ENTITY_ID": company, "ENTITY_TYPE": "company"}
        answer = await self._look.call("crm.timeline.comment.list", {"filter": filters})
        return objects(answer.value)

    async def add_comments(self, company: int, count: int) -> None:
        """Write comments by hand."""
        fields: dict[str, Param] = {
            "ENTITY_ID": company,
            "ENTITY_TYPE": "company",
            "COMMENT": "Звонил клиент",
        }
        command = Command("crm.timeline.comment.add", {"fields": fields})
        await ask(self._look, {f"c{place}": command for place in range(count)})

    async def add_field(self, name: str, kind: str) -> str:
        """Create a user field on companies and return its code."""
        fields = {"FIELD_NAME": name, "USER_TYPE_ID": kind, "LABEL": name}
        await self._look.call("crm.company.userfield.add", {"fields": fields})
        return f"UF_CRM_{name}"

    async def company(self, company: int) -> dict[str, Json]:
        """Return a company's card."""
        params: dict[str, Param] = {"filter": {"ID": company}, "select": ["ID", "UF_*"]}
        (card,) = objects((await self._look.call("crm.company.list", params)).value)
        return card


def objects(value: Json) -> list[dict[str, Json]]:
    """Return a list of objects as such."""
    assert isinstance(value, list)
    return [row for row in value if isinstance(row, dict)]


@asynccontextmanager
async def open_desk(*, scale: float = 1000.0) -> AsyncIterator[Desk]:
    """Serve an almost empty portal on loopback, its clock `scale` times as fast as life."""
    clock = ScaledClock(scale)
    portal = Portal(clock)
    webhook = portal.add_webhook()
    furnish(portal)
    runner = web.AppRunner(portal_app(portal), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}{webhook.path}"
    # Both gateways draw on one budget, as all processes of a portal do.
    limiter = Limiter(limits=Limits(), clock=clock, state=MemoryBudgetState())
    async with open_http() as http:
        try:
            look = Gateway(url, http=http, limiter=limiter, clock=clock)
            added = [await _add_company(look, IS_MY_COMPANY="Y") for _ in range(2)]
            command = Command("crm.company.add", {"fields": {"TITLE": "ООО «Ромашка»"}})
            made = await ask(look, {f"c{place}": command for place in range(60)})
            yield Desk(
                portal=portal,
                clock=clock,
                gateway=Gateway(url, http=http, limiter=limiter, clock=clock),
                stages=StageCodes({stage: code for stage, (code, _, _) in STAGES.items()}),
                # Not the first own company, which the portal takes when none is named.
                own_company=added[1],
                user=1,
                companies=[int(str(result.value)) for result in made.values()],
                _look=look,
            )
        finally:
            await runner.cleanup()


async def _add_company(look: Gateway, **fields: Param) -> int:
    answer = await look.call("crm.company.add", {"fields": {"TITLE": "ООО «Наша»", **fields}})
    return int(str(answer.value))


def furnish(portal: Portal) -> None:
    """Give the portal a funnel with stages and one user."""
    state = portal.state
    funnel = {"id": FUNNEL, "name": "Счета", "sort": 10, "entityTypeId": 31, "isDefault": "Y"}
    state.categories.put(FUNNEL, funnel)
    for place, (code, name, semantics) in enumerate(STAGES.values(), start=1):
        state.statuses.put(
            place,
            {
                "ID": place,
                "ENTITY_ID": f"SMART_INVOICE_STAGE_{FUNNEL}",
                "STATUS_ID": code,
                "NAME": name,
                "SORT": place * 10,
                "SEMANTICS": semantics,
                "CATEGORY_ID": FUNNEL,
            },
        )
    state.users.put(1, {"ID": 1, "NAME": "Анна", "LAST_NAME": "Счётова", "ACTIVE": True})
