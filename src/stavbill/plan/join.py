"""Join one company's records into what the core may know and what stands outside.

Joins by id, decides nothing. Source: style of the house §3 step 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from stavbill.billing.facts import (
    NO_OVERRIDE,
    CompanyId,
    Facts,
    NotCounted,
    NotCountedWhy,
    Observation,
    OpenCredit,
    Override,
    Sharer,
)
from stavbill.plan.diff import ADDRESS_TAG, HOLD_TAG
from stavbill.plan.effects import EffectKey
from stavbill.plan.records import (
    CompanyRecord,
    ContractRecord,
    InvoiceRecord,
    RequisiteRecord,
    TaskRecord,
)
from stavbill.plan.standing import Standing, StandingTask

CALL_TAG = "planned-call"
NO_ACCOUNT = NotCounted(NotCountedWhy.ACCOUNT_EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyRecords:
    """Everything that a reading of the portal yielded for one company."""

    company: CompanyRecord
    contracts: tuple[ContractRecord, ...] = ()
    requisites: tuple[RequisiteRecord, ...] = ()
    invoices: tuple[InvoiceRecord, ...] = ()
    tasks: tuple[TaskRecord, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What other sources know about the company: Wialon, its neighbours, the store, a person."""

    observation: Observation = NO_ACCOUNT
    sharers: tuple[Sharer, ...] = ()
    partner_above: CompanyId | None = None
    credits: tuple[OpenCredit, ...] = ()
    settled: frozenset[EffectKey] = frozenset()
    unsettled: bool = False
    parked: str | None = None
    override: Override = NO_OVERRIDE
    first_issue: int = 1
    issued: date | None = None


def facts_of(records: CompanyRecords, around: Surroundings) -> Facts:
    """Return all that the core may know about the company."""
    return Facts(
        card=records.company.card,
        contracts=tuple(record.contract for record in records.contracts),
        requisites=tuple(record.buyer for record in records.requisites),
        invoices=tuple(record.issued for record in records.invoices),
        observation=around.observation,
        sharers=around.sharers,
        partner_above=around.partner_above,
        credits=around.credits,
        override=around.override,
        first_issue=around.first_issue,
        issued=around.issued,
    )


def standing_of(records: CompanyRecords, around: Surroundings) -> Standing:
    """Return what is true outside for the company; of several tasks of a kind the oldest."""
    company = records.company
    tasks = sorted((record.task for record in records.tasks), key=lambda task: task.task)
    return Standing(
        company=company.company,
        title=company.title,
        responsible=company.responsible,
        card_count=company.card.card_count,
        billed_through=company.billed_through,
        has_billed_through_field=company.has_billed_through_field,
        invoices=tuple(record.issued for record in records.invoices),
        hold_task=_first(tasks, HOLD_TAG),
        address_task=_first(tasks, ADDRESS_TAG),
        call_task=_first(tasks, CALL_TAG),
        settled=around.settled,
        unsettled=around.unsettled,
        parked=around.parked,
    )


def _first(tasks: list[StandingTask], tag: str) -> StandingTask | None:
    return next((task for task in tasks if task.tag == tag), None)
