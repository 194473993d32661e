"""Rows of lists into records: documents, requisites, invoices, product rows, tasks.

Source: Bitrix24 reference 5.5, 6, 7, 8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal

from stavbill.billing.facts import (
    BuyerRequisite,
    CompanyId,
    Contract,
    InvoiceId,
    InvoiceState,
    IssuedInvoice,
    IssuedRow,
    OwnCompanyId,
)
from stavbill.bitrix.batch import Json
from stavbill.bitrix.read.chain import exact
from stavbill.bitrix.write.values import date_at, id_at, rows_at, text_at
from stavbill.plan.diff import ADDRESS_TAG, HOLD_TAG, PARKED_TAG
from stavbill.plan.effects import EffectKey, ItemId, TaskId, UserId
from stavbill.plan.join import CALL_TAG
from stavbill.plan.keys import parse_invoice_key
from stavbill.plan.reconcile_tasks import CHECK_TAG
from stavbill.plan.records import ContractRecord, InvoiceRecord, RequisiteRecord, TaskRecord
from stavbill.plan.standing import StandingItem, StandingTask

COMPANY_TYPE = 4
TITLE_MARKS = (
    ("биллинг: счёт не выставлен", HOLD_TAG),
    ("биллинг: исправить адрес", ADDRESS_TAG),
    ("биллинг: компания на паузе", PARKED_TAG),
    ("биллинг: сверка", CHECK_TAG),
    ("задача на прозвон", CALL_TAG),
)


@dataclass(frozen=True, slots=True)
class StageMeaning:
    """What a stage code means, by the portal's own stage list."""

    cancelled: frozenset[str]
    paid: frozenset[str]

    def state(self, code: str) -> InvoiceState:
        """Return what an invoice at this stage is."""
        if code in self.cancelled:
            return InvoiceState.CANCELLED
        return InvoiceState.PAID if code in self.paid else InvoiceState.LIVE


def contract_record(row: dict[str, Json], templates: Mapping[str, str]) -> ContractRecord | None:
    """Return a document of a company's list; None for one that is bound to something else."""
    company, document = id_at(row, "entityId"), id_at(row, "id")
    if company is None or document is None:
        return None
    template = text_at(row, "templateId") or None
    return ContractRecord(
        CompanyId(company),
        Contract(
            document=document,
            title=text_at(row, "title").strip(),
            number=text_at(row, "number").strip(),
            template_id=template,
            template=templates.get(template or ""),
            created=moment(text_at(row, "createTime")),
        ),
    )


def moment(text: str) -> datetime:
    """Return a moment in UTC; the beginning of time for one that cannot be read."""
    for parse in (datetime.fromisoformat, _russian_moment):
        try:
            found = parse(text)
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return datetime(1970, 1, 1, tzinfo=UTC)


def _russian_moment(text: str) -> datetime:
    return datetime.strptime(text, "%d.%m.%Y %H:%M:%S").replace(tzinfo=UTC)


def requisite_record(
    row: dict[str, Json], natural_presets: frozenset[str]
) -> RequisiteRecord | None:
    """Return a requisite of a company, None for another owner's."""
    company, requisite = id_at(row, "ENTITY_ID"), id_at(row, "ID")
    if company is None or requisite is None:
        return None
    parts = ("RQ_LAST_NAME", "RQ_FIRST_NAME", "RQ_SECOND_NAME")
    person = " ".join(text for part in parts if (text := text_at(row, part).strip()))
    named = (person, text_at(row, "RQ_NAME"), text_at(row, "RQ_COMPANY_NAME"))
    return RequisiteRecord(
        CompanyId(company),
        requisite,
        BuyerRequisite(
            inn=text_at(row, "RQ_INN").strip(),
            bin_or_iin=(text_at(row, "RQ_BIN") or text_at(row, "RQ_IIN")).strip(),
            name=next((text.strip() for text in named if text.strip()), ""),
            natural_person=text_at(row, "PRESET_ID") in natural_presets,
        ),
        kpp=text_at(row, "RQ_KPP").strip(),
    )


def invoice_record(
    row: dict[str, Json],
    stages: StageMeaning,
    zone: tzinfo,
    rows: Sequence[IssuedRow] | None,
    me: int | None,
) -> InvoiceRecord | None:
    """Return an invoice, None for one without a company (it can cover nobody's month).

    `me` is the user whom we write as, None when the portal does not tell.
    """
    company, invoice = id_at(row, "companyId"), id_at(row, "id")
    if company is None or invoice is None:
        return None
    external = text_at(row, "xmlId")
    stage = text_at(row, "stageId")
    own = id_at(row, "mycompanyId")
    return InvoiceRecord(
        company=CompanyId(company),
        issued=IssuedInvoice(
            invoice=InvoiceId(invoice),
            title=text_at(row, "title"),
            created=moment(text_at(row, "createdTime")).astimezone(zone).date(),
            state=stages.state(stage),
            key=parse_invoice_key(external),
            rows=tuple(rows or ()),
        ),
        external_id=external,
        own_company=None if own is None else OwnCompanyId(own),
        currency=text_at(row, "currencyId"),
        total=exact(row.get("opportunity")) or Decimal(0),
        number=text_at(row, "accountNumber"),
        stage=stage,
        updated=text_at(row, "updatedTime"),
        rows_read=rows is not None,
        begins=date_at(row, "begindate"),
        ends=date_at(row, "closedate"),
        made_by_us=me is not None and id_at(row, "createdBy") == me,
        made_at=text_at(row, "createdTime"),
    )


def issued_rows(result: Json) -> tuple[IssuedRow, ...]:
    """Return product rows: name, price for one after discount, quantity."""
    rows = rows_at(result, "productRows")
    return tuple(
        IssuedRow(
            name=text_at(row, "productName"),
            price=_number(row.get("price")),
            quantity=_number(row.get("quantity")),
        )
        for row in rows
    )


def _number(value: Json) -> Decimal:
    return Decimal(str(value)) if value not in (None, "", False) else Decimal(0)


def task_record(row: dict[str, Json], company: int | None = None) -> TaskRecord | None:
    """Return an open task of one of our kinds, None for one that is not linked to a company."""
    task = id_at(row, "id")
    linked = company if company is not None else _company_of(row.get("ufCrmTask"))
    title = text_at(row, "title").casefold()
    tag = next((tag for mark, tag in TITLE_MARKS if title.startswith(mark)), None)
    if task is None or linked is None or tag is None:
        return None
    responsible = id_at(row, "responsibleId")
    description = text_at(row, "description")
    mark = description.rstrip().rpartition("[sb:")
    return TaskRecord(
        CompanyId(linked),
        StandingTask(
            task=TaskId(task),
            tag=tag,
            key=EffectKey(f"[sb:{mark[2]}") if mark[1] else None,
            responsible=None if responsible is None else UserId(responsible),
        ),
    )


def _company_of(bound: Json) -> int | None:
    values = list(bound.values()) if isinstance(bound, dict) else bound
    for value in values if isinstance(values, list) else [values]:
        text = str(value or "")
        if text.startswith("CO_") and text[3:].isdecimal():
            return int(text[3:])
    return None


def standing_items(result: Json) -> tuple[StandingItem, ...]:
    """Return a checklist's items; headings of checklists are roots."""
    found = []
    for row in rows_at(result):
        item = id_at(row, "ID")
        if item is not None:
            found.append(
                StandingItem(
                    item=ItemId(item),
                    text=text_at(row, "TITLE"),
                    done=text_at(row, "IS_COMPLETE") in ("Y", "1", "true"),
                    root=text_at(row, "PARENT_ID") in ("", "0"),
                )
            )
    return tuple(sorted(found, key=lambda item: item.item))
