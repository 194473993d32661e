"""One company with everything about it, and the portal's shape, in two requests.

Source: quality page («rerun of one company ≤ 10 requests»); portal page, «Read».
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo

from stavbill.billing.facts import CompanyId
from stavbill.bitrix.batch import Command, CommandResult, Json, Param
from stavbill.bitrix.mapping import PortalMapping, verify_fields
from stavbill.bitrix.read.card import CardReader
from stavbill.bitrix.read.chain import PAGE, BulkReader
from stavbill.bitrix.read.pages import with_all_pages
from stavbill.bitrix.read.reader import OPEN_TASK, PortalReader
from stavbill.bitrix.read.records import (
    COMPANY_TYPE,
    contract_record,
    invoice_record,
    issued_rows,
    requisite_record,
    standing_items,
    task_record,
)
from stavbill.bitrix.read.selects import (
    COMPANY_SELECT,
    INVOICE_SELECT,
    REQUISITE_SELECT,
    TASK_SELECT,
)
from stavbill.bitrix.read.shape import (
    PortalShape,
    first_questions,
    require_answers,
    second_questions,
    shape_of,
)
from stavbill.bitrix.write.invoice_list import INVOICE_TYPE
from stavbill.bitrix.write.values import dig, rows_at, text_at
from stavbill.plan.diff import ADDRESS_TAG, HOLD_TAG
from stavbill.plan.join import CompanyRecords
from stavbill.plan.records import InvoiceRecord, TaskRecord

MOST_FOLLOW_UPS = 40


class SingleReader:
    """Reads one company at a time; long lists go on through the bulk reader's chains."""

    def __init__(
        self,
        bulk: BulkReader,
        lists: PortalReader,
        mapping: PortalMapping,
        *,
        zone: tzinfo,
        calls_group: int | None = None,
    ) -> None:
        """Read through `bulk`; `lists` is asked for whatever is longer than a page."""
        self._bulk = bulk
        self._lists = lists
        self._mapping = mapping
        self._zone = zone
        self._calls_group = calls_group

    async def read(self, company: CompanyId) -> tuple[PortalShape, CompanyRecords | None]:
        """Return the portal's shape and the company's records, None when it is not there.

        Raises `PortalError` as the bulk reading does.
        """
        asked = {**first_questions(), **self._questions(company)}
        first = await self._answered(asked)
        invoices = list(rows_at(dig(first["invoices"].value, "items")))
        tasks = self._tasks(first)
        follow = self._follow_ups(first, invoices, tasks)
        second = await self._answered(follow) if follow else {}
        shape = shape_of(first, second)
        verify_fields(self._mapping, shape.fields)
        rows = rows_at(first["company"].value)
        if not rows or text_at(rows[0], "IS_MY_COMPANY") in ("Y", "1"):
            return shape, None
        return shape, CompanyRecords(
            company=CardReader(self._mapping, shape.fields).record(rows[0]),
            contracts=tuple(
                record
                for row in rows_at(dig(first["documents"].value, "documents"))
                if (record := contract_record(row, shape.templates)) is not None
            ),
            requisites=tuple(
                found
                for row in rows_at(first["requisites"].value)
                if (found := requisite_record(row, shape.natural_presets)) is not None
            ),
            invoices=await self._invoices(shape, company, invoices, second),
            tasks=tuple(_with_items(record, second) for record in tasks),
        )

    def _questions(self, company: CompanyId) -> dict[str, Command]:
        codes = [mapped.code for mapped in self._mapping.all_fields()]
        bound: dict[str, Param] = {**OPEN_TASK, "UF_CRM_TASK": f"CO_{company}"}
        commands = {
            "company": Command(
                "crm.company.list",
                {
                    "select": list(dict.fromkeys((*COMPANY_SELECT, *codes))),
                    "filter": {"ID": company},
                },
            ),
            "requisites": Command(
                "crm.requisite.list",
                {
                    "select": list(REQUISITE_SELECT),
                    "filter": {"ENTITY_TYPE_ID": COMPANY_TYPE, "ENTITY_ID": company},
                    "order": {"ID": "ASC"},
                },
            ),
            "documents": Command(
                "crm.documentgenerator.document.list",
                {
                    "order": {"id": "ASC"},
                    "filter": {"entityTypeId": COMPANY_TYPE, "entityId": company},
                    "select": ["*"],
                },
            ),
            "invoices": Command(
                "crm.item.list",
                {
                    "entityTypeId": INVOICE_TYPE,
                    "order": {"id": "ASC"},
                    "filter": {"companyId": company},
                    "select": list(INVOICE_SELECT),
                },
            ),
        }
        for name, wanted in self._task_filters().items():
            commands[name] = Command(
                "tasks.task.list",
                {
                    "order": {"ID": "ASC"},
                    "filter": {**bound, **wanted},
                    "select": list(TASK_SELECT),
                },
            )
        return commands

    def _task_filters(self) -> dict[str, dict[str, Param]]:
        filters: dict[str, dict[str, Param]] = {
            "hold_tasks": {"TAG": HOLD_TAG},
            "address_tasks": {"TAG": ADDRESS_TAG},
        }
        if self._calls_group is not None:
            filters["call_tasks"] = {"GROUP_ID": self._calls_group}
        return filters

    async def _answered(self, asked: Mapping[str, Command]) -> dict[str, CommandResult]:
        answer = await with_all_pages(self._bulk.ask, asked, await self._bulk.ask(asked))
        require_answers(asked, answer.failed)
        return dict(answer.ran)

    def _tasks(self, first: Mapping[str, CommandResult]) -> list[TaskRecord]:
        found = []
        for name in self._task_filters():
            for row in rows_at(dig(first[name].value, "tasks")):
                record = task_record(row)
                if record is not None:
                    found.append(record)
        return found

    def _follow_ups(
        self,
        first: Mapping[str, CommandResult],
        invoices: Sequence[dict[str, Json]],
        tasks: Sequence[TaskRecord],
    ) -> dict[str, Command]:
        commands = second_questions(first)
        for record in tasks[:5]:
            commands[f"t{record.task.task}"] = Command(
                "task.checklistitem.getlist",
                {"TASKID": record.task.task, "ORDER": {"ID": "ASC"}},
            )
        foreign = [row for row in invoices if not text_at(row, "xmlId").startswith("stavbill:")]
        for row in foreign[-(MOST_FOLLOW_UPS - len(commands)) :]:
            commands[f"r{text_at(row, 'id')}"] = Command(
                "crm.item.productrow.list",
                {"filter": {"=ownerType": "SI", "=ownerId": int(text_at(row, "id"))}},
            )
        return commands

    async def _invoices(
        self,
        shape: PortalShape,
        company: CompanyId,
        first_page: Sequence[dict[str, Json]],
        second: Mapping[str, CommandResult],
    ) -> tuple[InvoiceRecord, ...]:
        records: list[InvoiceRecord] = []
        for row in first_page:
            answer = second.get(f"r{text_at(row, 'id')}")
            rows = None if answer is None else issued_rows(answer.value)
            record = invoice_record(row, shape.meaning, self._zone, rows, shape.me)
            if record is not None:
                records.append(record)
        if len(first_page) >= PAGE:
            known = {record.issued.invoice: record for record in records}
            async for chunk in self._lists.invoices(shape, [company], expected=2 * PAGE):
                for record in chunk:
                    known.setdefault(record.issued.invoice, record)
            records = [known[invoice] for invoice in sorted(known)]
        return tuple(await self._with_rows(records))

    async def _with_rows(self, records: Sequence[InvoiceRecord]) -> list[InvoiceRecord]:
        """Read the rows of invoices of others that did not fit into the second request."""
        lacking = [r.issued.invoice for r in records if r.issued.key is None and not r.rows_read]
        if not lacking:
            return list(records)
        rows = await self._lists.rows_of(lacking)
        return [
            replace(r, issued=replace(r.issued, rows=rows[r.issued.invoice]), rows_read=True)
            if r.issued.invoice in rows
            else r
            for r in records
        ]


def _with_items(record: TaskRecord, second: Mapping[str, CommandResult]) -> TaskRecord:
    answer = second.get(f"t{record.task.task}")
    if answer is None:
        return record
    return replace(record, task=replace(record.task, items=standing_items(answer.value)))
