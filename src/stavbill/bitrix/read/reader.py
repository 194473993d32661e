"""The portal's reader: its shape, and every kind of record in bulk or for some companies.

Source: portal page, «Read»; performance page 1 and 2.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import tzinfo

from stavbill.billing.facts import CompanyId, InvoiceId, IssuedRow
from stavbill.bitrix.batch import Command, CommandResult, Json, Param
from stavbill.bitrix.mapping import PortalMapping, verify_fields
from stavbill.bitrix.read.banks import bank_details
from stavbill.bitrix.read.card import CardReader
from stavbill.bitrix.read.chain import PAGE, BulkReader, ListSpec
from stavbill.bitrix.read.changes import ChangesReader
from stavbill.bitrix.read.pages import with_all_pages
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
from stavbill.bitrix.read.users import users
from stavbill.bitrix.server_time import ServerTime
from stavbill.bitrix.write.invoice_list import INVOICE_TYPE
from stavbill.bitrix.write.values import text_at
from stavbill.plan.diff import ADDRESS_TAG, HOLD_TAG
from stavbill.plan.effects import TaskId, UserId
from stavbill.plan.reconcile_tasks import CHECK_TAG
from stavbill.plan.records import (
    BankDetail,
    CompanyRecord,
    ContractRecord,
    InvoiceRecord,
    PortalUser,
    RequisiteRecord,
    TaskRecord,
)
from stavbill.plan.standing import StandingItem

BATCH = 50
OPEN_TASK = {"!REAL_STATUS": 5}
TASK_TAGS = (HOLD_TAG, ADDRESS_TAG, CHECK_TAG)


class PortalReader:
    """Reads one portal by its mapping. `zone` is the portal's time zone, for days of creation.

    `calls_group` is the workgroup of planned calls, None when there is none.
    """

    def __init__(
        self,
        bulk: BulkReader,
        mapping: PortalMapping,
        *,
        zone: tzinfo,
        calls_group: int | None = None,
    ) -> None:
        """Read through `bulk`."""
        self._bulk = bulk
        self._mapping = mapping
        self._zone = zone
        self._calls_group = calls_group

    @property
    def requests(self) -> int:
        """How many HTTP requests reading has cost."""
        return self._bulk.requests

    @property
    def server_time(self) -> ServerTime | None:
        """The portal's own time by its last answer, None before the first."""
        return self._bulk.server_time

    async def shape(self) -> PortalShape:
        """Ask what the portal is like, and verify the mapped fields.

        Raises `PortalError` when a mapped field vanished or changed, or a permission is missing.
        """
        first = await self._ask(first_questions())
        questions = second_questions(first)
        second = await self._ask(questions) if questions else {}
        shape = shape_of(first, second)
        verify_fields(self._mapping, shape.fields)
        return shape

    def changes(self, shape: PortalShape) -> ChangesReader:
        """Return the reader of what changed lately."""
        return ChangesReader(self._bulk, self._mapping, shape, zone=self._zone)

    async def _ask(self, commands: Mapping[str, Command]) -> dict[str, CommandResult]:
        answer = await with_all_pages(self._bulk.ask, commands, await self._bulk.ask(commands))
        require_answers(commands, answer.failed)
        return dict(answer.ran)

    async def companies(
        self, shape: PortalShape, only: Sequence[CompanyId] = (), *, expected: int | None = None
    ) -> AsyncIterator[list[CompanyRecord]]:
        """Yield the customers' cards; own companies are not among them."""
        cards = CardReader(self._mapping, shape.fields)
        own = {int(company.own_company) for company in shape.own_companies}
        select = list(dict.fromkeys((*COMPANY_SELECT, *cards.codes)))
        params: dict[str, Param] = {"select": select}
        if only:
            params["filter"] = {"@ID": list(only)}
        async for rows in self._bulk.rows(ListSpec("crm.company.list", params), expected=expected):
            records = [
                cards.record(row) for row in rows if text_at(row, "IS_MY_COMPANY") not in ("Y", "1")
            ]
            yield [record for record in records if record.company not in own]

    async def requisites(
        self, shape: PortalShape, only: Sequence[CompanyId] = (), *, expected: int | None = None
    ) -> AsyncIterator[list[RequisiteRecord]]:
        """Yield the requisites of companies."""
        filters: dict[str, Param] = {"ENTITY_TYPE_ID": COMPANY_TYPE}
        if only:
            filters["@ENTITY_ID"] = list(only)
        params: dict[str, Param] = {"select": list(REQUISITE_SELECT), "filter": filters}
        spec = ListSpec("crm.requisite.list", params)
        async for rows in self._bulk.rows(spec, expected=expected):
            found = (requisite_record(row, shape.natural_presets) for row in rows)
            yield [record for record in found if record is not None]

    def bank_details(
        self, only: Sequence[int] = (), *, expected: int | None = None
    ) -> AsyncIterator[list[BankDetail]]:
        """Yield the bank accounts of the requisites `only`, else all."""
        return bank_details(self._bulk, only, expected=expected)

    def users(self, only: Sequence[UserId] = ()) -> AsyncIterator[list[PortalUser]]:
        """Yield the users `only`, else all. Raises `PortalError` without the permission `user`."""
        return users(self._bulk, only)

    async def contracts(
        self, shape: PortalShape, only: Sequence[CompanyId] = (), *, expected: int | None = None
    ) -> AsyncIterator[list[ContractRecord]]:
        """Yield the documents of companies, whatever they are: the rules choose among them."""
        filters: dict[str, Param] = {"entityTypeId": COMPANY_TYPE}
        if only:
            filters["@entityId"] = list(only)
        spec = ListSpec(
            "crm.documentgenerator.document.list",
            {"select": ["*"], "filter": filters},
            path=("documents",),
            id_key="id",
            id_filter="id",
        )
        async for rows in self._bulk.rows(spec, expected=expected):
            found = (contract_record(row, shape.templates) for row in rows)
            yield [record for record in found if record is not None]

    async def invoices(
        self, shape: PortalShape, only: Sequence[CompanyId] = (), *, expected: int | None = None
    ) -> AsyncIterator[list[InvoiceRecord]]:
        """Yield the smart invoices of companies, without their rows."""
        params: dict[str, Param] = {"entityTypeId": INVOICE_TYPE, "select": list(INVOICE_SELECT)}
        if only:
            params["filter"] = {"@companyId": list(only)}
        spec = ListSpec("crm.item.list", params, path=("items",), id_key="id", id_filter="id")
        async for rows in self._bulk.rows(spec, expected=expected):
            found = (invoice_record(row, shape.meaning, self._zone, None, shape.me) for row in rows)
            yield [record for record in found if record is not None]

    async def rows_of(
        self, invoices: Sequence[InvoiceId]
    ) -> dict[InvoiceId, tuple[IssuedRow, ...]]:
        """Return the product rows of some invoices, 50 invoices a request."""
        found: dict[InvoiceId, tuple[IssuedRow, ...]] = {}
        for start in range(0, len(invoices), BATCH):
            some = invoices[start : start + BATCH]
            results = await self._bulk.batch(
                {f"r{invoice}": _rows_command(invoice) for invoice in some}
            )
            for invoice in some:
                found[invoice] = await self._all_rows(invoice, results[f"r{invoice}"])
        return found

    async def _all_rows(self, invoice: InvoiceId, first: Json) -> tuple[IssuedRow, ...]:
        rows = issued_rows(first)
        page = rows
        while len(page) == PAGE:
            answer = await self._bulk.batch({"r": _rows_command(invoice, len(rows))})
            page = issued_rows(answer["r"])
            rows += page
        return rows

    async def tasks(self, only: Sequence[CompanyId] = ()) -> AsyncIterator[list[TaskRecord]]:
        """Yield the open tasks of our kinds, without their checklists."""
        filters: list[dict[str, Param]] = [{"TAG": tag} for tag in TASK_TAGS]
        if self._calls_group is not None:
            filters.append({"GROUP_ID": self._calls_group})
        narrowed: dict[str, Param] = dict(OPEN_TASK)
        if only:
            narrowed["UF_CRM_TASK"] = [f"CO_{company}" for company in only]
        specs = [
            ListSpec(
                "tasks.task.list",
                {"filter": {**narrowed, **wanted}, "select": list(TASK_SELECT)},
                path=("tasks",),
                id_key="id",
                id_filter="ID",
            )
            for wanted in filters
        ]
        async for rows in self._bulk.short(specs):
            found = (task_record(row) for row in rows)
            yield [record for record in found if record is not None]

    async def checklists(self, tasks: Sequence[TaskId]) -> dict[TaskId, tuple[StandingItem, ...]]:
        """Return the checklists of some tasks, 50 tasks a request."""
        found: dict[TaskId, tuple[StandingItem, ...]] = {}
        for start in range(0, len(tasks), BATCH):
            some = tasks[start : start + BATCH]
            commands = {
                f"t{task}": Command(
                    "task.checklistitem.getlist", {"TASKID": task, "ORDER": {"ID": "ASC"}}
                )
                for task in some
            }
            results = await self._bulk.batch(commands)
            found |= {task: standing_items(results[f"t{task}"]) for task in some}
        return found


def _rows_command(invoice: InvoiceId, start: int = 0) -> Command:
    return Command(
        "crm.item.productrow.list",
        {
            "filter": {"=ownerType": "SI", "=ownerId": invoice},
            "order": {"id": "ASC"},
            "start": start,
        },
    )
