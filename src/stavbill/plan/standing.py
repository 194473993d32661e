"""Standing: what is already true outside for one company, as one read showed it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from stavbill.billing.facts import CompanyId, IssuedInvoice
from stavbill.plan.effects import EffectKey, ItemId, TaskId, UserId


@dataclass(frozen=True, slots=True)
class StandingItem:
    """A checklist item that stands on a task; `root` items are headings of checklists."""

    item: ItemId
    text: str
    done: bool
    root: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingTask:
    """An open task of one of our kinds. `key` is the mark found in its text, None for others'."""

    task: TaskId
    tag: str
    key: EffectKey | None
    responsible: UserId | None
    items: tuple[StandingItem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Everything that the difference needs to know about one company.

    `settled` are the keys of effects that the journal knows to be done, `unsettled` says that some
    are still in doubt (the company waits). `parked` is the reason for which a person parked it or
    the journal did. `billed_through` and `card_count` are what the card shows now.
    """

    company: CompanyId
    title: str = ""
    responsible: UserId | None = None
    card_count: int | None = None
    billed_through: date | None = None
    has_billed_through_field: bool = False
    invoices: tuple[IssuedInvoice, ...] = ()
    hold_task: StandingTask | None = None
    address_task: StandingTask | None = None
    call_task: StandingTask | None = None
    settled: frozenset[EffectKey] = field(default_factory=frozenset)
    unsettled: bool = False
    parked: str | None = None
