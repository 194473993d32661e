"""Effects: wanted states of the outside world, each with a key by which it is found again.

An effect names others by key (`after`), never by a portal's id, so that a plan is complete before
the first write. Planning again finds only what is missing. Source: style of the house §3; portal
page, «Written».
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import ClassVar, Literal, NewType

from stavbill.billing.decision import InvoiceDraft
from stavbill.billing.facts import CompanyId
from stavbill.plan.portal_marks import PortalMark

EffectKey = NewType("EffectKey", str)
TaskId = NewType("TaskId", int)
UserId = NewType("UserId", int)
ItemId = NewType("ItemId", int)

# What concerns the whole portal belongs to no company; it is never parked.
NO_COMPANY = CompanyId(0)


class Repeat(Enum):
    """What the journal may do when it does not know whether an effect happened."""

    HARMLESS = "send again: the state is set as a whole"
    UNLESS_OUTRUN = "send again only if nobody has moved it further meanwhile"
    FIND_FIRST = "ask by key once the portal can no longer be executing it"
    ASK_PERSON = "nobody can be asked: report it, never send again by itself"

    @property
    def is_state(self) -> bool:
        """Say whether the effect is a state, which may be wanted again after it was reached."""
        return self in (Repeat.HARMLESS, Repeat.UNLESS_OUTRUN)


class InvoiceStage(Enum):
    """What an invoice's stage shall mean; the adapter knows the portal's codes."""

    NEW = "new"
    SENT = "sent"
    PAID = "paid"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class PutInvoice:
    """An invoice with its rows shall exist once, by `key` in its external-id field.

    `comment` is the explanation for people; `responsible` None leaves the portal's default.
    """

    repeat: ClassVar[Repeat] = Repeat.FIND_FIRST
    key: EffectKey
    company: CompanyId
    draft: InvoiceDraft
    comment: str
    stage: InvoiceStage
    responsible: UserId | None
    after: tuple[EffectKey, ...] = ()
    kind: Literal["put_invoice"] = "put_invoice"


@dataclass(frozen=True, slots=True, kw_only=True)
class PutFields:
    """Fields of the company card shall have these values; None leaves a field alone.

    `billed_through` is the last day covered; the adapter adds 23:59:59 and the time zone where the
    field is a date with time.
    """

    repeat: ClassVar[Repeat] = Repeat.HARMLESS
    key: EffectKey
    company: CompanyId
    card_count: int | None = None
    billed_through: date | None = None
    after: tuple[EffectKey, ...] = ()
    kind: Literal["put_fields"] = "put_fields"


@dataclass(frozen=True, slots=True)
class ItemText:
    """A checklist item: `code` says what it is about (stable), `text` is the whole item.

    The text ends with the code in square brackets, by which the item is known again.
    """

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class ItemUpdate:
    """An item that stands on a task shall have this text."""

    item: ItemId
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTask:
    """A task with its checklist shall stand open for the company; found by `key` in its text.

    `company` NO_COMPANY opens one that is about the whole portal. `tag` is the task kind's own tag;
    `due` a working day, or None.
    """

    repeat: ClassVar[Repeat] = Repeat.FIND_FIRST
    key: EffectKey
    company: CompanyId
    title: str
    description: str
    tag: str
    responsible: UserId | None
    items: tuple[ItemText, ...]
    due: date | None = None
    after: tuple[EffectKey, ...] = ()
    kind: Literal["open_task"] = "open_task"


@dataclass(frozen=True, slots=True, kw_only=True)
class MendTask:
    """An open task shall have these further items, those ticked, and perhaps be completed.

    `add` are compared with what stands on the task before anything is added; `tick`, `renew` and
    `update` name items that stand there by id: done, open again, with another text. The task's id
    is known, because the portal showed the task.
    """

    repeat: ClassVar[Repeat] = Repeat.FIND_FIRST
    key: EffectKey
    company: CompanyId
    task: TaskId
    add: tuple[ItemText, ...] = ()
    tick: tuple[ItemId, ...] = ()
    renew: tuple[ItemId, ...] = ()
    update: tuple[ItemUpdate, ...] = ()
    complete: bool = False
    after: tuple[EffectKey, ...] = ()
    kind: Literal["mend_task"] = "mend_task"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddTimeline:
    """A comment shall stand in the company's timeline, its short key at the end of its text."""

    repeat: ClassVar[Repeat] = Repeat.FIND_FIRST
    key: EffectKey
    company: CompanyId
    text: str
    after: tuple[EffectKey, ...] = ()
    kind: Literal["add_timeline"] = "add_timeline"


@dataclass(frozen=True, slots=True, kw_only=True)
class PutStage:
    """The invoice `invoice` (by its key) shall stand at this stage."""

    repeat: ClassVar[Repeat] = Repeat.UNLESS_OUTRUN
    key: EffectKey
    company: CompanyId
    invoice: EffectKey
    stage: InvoiceStage
    after: tuple[EffectKey, ...] = ()
    kind: Literal["put_stage"] = "put_stage"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostMessage:
    """A message shall stand in a chat once, its short key at the end of its text.

    `dialog` is a chat as people name it («chat58», «sg33», a user's id), or «task57» for the chat
    of a task.
    """

    repeat: ClassVar[Repeat] = Repeat.FIND_FIRST
    key: EffectKey
    dialog: str
    text: str
    company: CompanyId = NO_COMPANY
    after: tuple[EffectKey, ...] = ()
    kind: Literal["post_message"] = "post_message"


@dataclass(frozen=True, slots=True, kw_only=True)
class PutMark:
    """The next mark of our installation shall stand on the portal, found by its token.

    It is a comment of `own_company`; the comments `replaces` are marks that no longer count.
    """

    repeat: ClassVar[Repeat] = Repeat.FIND_FIRST
    key: EffectKey
    own_company: int
    mark: PortalMark
    replaces: tuple[int, ...] = ()
    company: CompanyId = NO_COMPANY
    after: tuple[EffectKey, ...] = ()
    kind: Literal["put_mark"] = "put_mark"


Effect = (
    PutInvoice | PutFields | OpenTask | MendTask | AddTimeline | PutStage | PostMessage | PutMark
)
