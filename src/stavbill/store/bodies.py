"""Records as JSON texts and back, exactly: what was stored is equal to what comes back."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from typing import Annotated, Generic, TypeVar

from pydantic import Field, TypeAdapter

from stavbill.billing.decision import Bill, Decision, Hold, Skip
from stavbill.billing.facts import Facts
from stavbill.billing.period import FixedDate
from stavbill.plan.effects import (
    AddTimeline,
    Effect,
    MendTask,
    OpenTask,
    PostMessage,
    PutFields,
    PutInvoice,
    PutMark,
    PutStage,
)
from stavbill.plan.records import (
    CompanyRecord,
    ContractRecord,
    InvoiceRecord,
    RequisiteRecord,
    TaskRecord,
)

T = TypeVar("T")


class Body(Generic[T]):
    """How one kind of record is written down."""

    def __init__(self, adapter: TypeAdapter[T]) -> None:
        self._adapter = adapter

    def write(self, record: T) -> str:
        """Return the record as JSON."""
        return self._adapter.dump_json(record).decode()

    def read(self, text: str) -> T:
        """Return the record in `text`; equal to the one that was written."""
        return self._adapter.validate_json(text)


# The field's name hides its type's name where pydantic looks the type up.
next(one for one in fields(FixedDate) if one.name == "date").type = date

FACTS: Body[Facts] = Body(TypeAdapter(Facts))
DECISION: Body[Decision] = Body(
    TypeAdapter(Annotated[Bill | Skip | Hold, Field(discriminator="kind")])
)
EFFECT: Body[Effect] = Body(
    TypeAdapter(
        Annotated[
            PutInvoice
            | PutFields
            | OpenTask
            | MendTask
            | AddTimeline
            | PutStage
            | PostMessage
            | PutMark,
            Field(discriminator="kind"),
        ]
    )
)
COMPANY: Body[CompanyRecord] = Body(TypeAdapter(CompanyRecord))
INVOICE: Body[InvoiceRecord] = Body(TypeAdapter(InvoiceRecord))
CONTRACT: Body[ContractRecord] = Body(TypeAdapter(ContractRecord))
REQUISITE: Body[RequisiteRecord] = Body(TypeAdapter(RequisiteRecord))
TASK: Body[TaskRecord] = Body(TypeAdapter(TaskRecord))
