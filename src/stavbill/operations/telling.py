"""The portal is told: stage and timeline of what went out, tasks about what needs a person.

Effects are recorded in the transaction that marks them as told, and the journal does the rest.
Source: delivery page, «Written back»; style of the house §3 step 6.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta

from sqlalchemy import Connection

from stavbill.billing.facts import CompanyId
from stavbill.billing.period import next_working_day
from stavbill.errors import PortalError
from stavbill.journal.journal import Journal
from stavbill.operations.handing import NOT_ACCEPTED
from stavbill.operations.letters import WHATSAPP
from stavbill.operations.mail_parts import MailOptions
from stavbill.operations.parts import Parts
from stavbill.operations.reading import PortalFacts
from stavbill.operations.stages import drop_outrun_stages, still_new
from stavbill.plan.effects import NO_COMPANY, Effect
from stavbill.plan.telling import (
    DOCUMENT_TASK,
    OWN_TROUBLE,
    Delivered,
    OwnTrouble,
    Trouble,
    closing_key,
    document_made,
    document_task,
    doubt_task,
    own_papers_mark,
    own_papers_task,
    reasons_mark,
    refused_task,
    sent_entry,
    sent_stage,
    unaccepted_task,
)
from stavbill.store.messages import (
    Message,
    MessageId,
    Stage,
    bounced_untold,
    mark_messages_told,
    messages_of,
    staged_messages,
)
from stavbill.store.mirror import portfolios
from stavbill.store.parking import parked_reasons
from stavbill.store.recording import record_effects
from stavbill.store.runs import (
    RunId,
    RunKind,
    RunState,
    read_run,
    set_state,
    start_run,
    unfinished_runs,
)
from stavbill.store.sendings import (
    Sending,
    SendingState,
    blamed_sellers,
    due_sendings,
    lock_sendings,
    mark_told,
    move_sendings,
    sendings_by_id,
    untold_sendings,
)
from stavbill.store.told import standing_tasks, tellings

# A request tells the stages of so many invoices.
CHUNK = 2500
PATIENCE = timedelta(hours=1)
STATES = {
    "queued": "в очереди",
    "refused": "не принято",
    "sent": "отправлено",
    "bounced": "вернулось",
    "delivered": "доставлено",
    "opened": "открыто",
    "clicked": "перешли по ссылке",
}
UNKNOWN, TRYING = "ответ сервера потерян, ждём подтверждения", "ещё пробуем"


def has_to_tell(parts: Parts) -> bool:
    """Say whether there is anything to tell the portal, or a telling was left unfinished."""
    with parts.store.read() as db:
        return bool(
            _unfinished(db, parts)
            or _untold(db, parts, 1)
            or _troubled(db, parts, 1)
            or _undocumented(db, parts, 1)
        )


async def tell_portal(parts: Parts, mail: MailOptions, portal: PortalFacts) -> int:
    """Record and write what the portal does not know yet; return how many effects.

    What an earlier pass left unfinished is finished first. Raises `PortalError` and
    `WritingStoppedError` as the journal does; nothing is forgotten then.
    """
    with parts.store.read() as db:
        left = _unfinished(db, parts)
    await drop_outrun_stages(parts, portal, left)
    for run in left:
        await _apply(parts, portal.journal, run)
    told, run = 0, _new_run(parts, mail)
    while recorded := await _record_some(parts, portal, run):
        told += recorded
    # One run for all: its batches are full.
    with parts.store.read() as db:
        begun = read_run(db, run) is not None
    if begun:
        await _apply(parts, portal.journal, run)
    return told


def _new_run(parts: Parts, mail: MailOptions) -> RunId:
    mark = hashlib.sha256(f"{mail.owner}|{parts.now().isoformat()}".encode()).hexdigest()
    return RunId(f"delivery-{parts.today()}-{mark[:8]}")


async def _record_some(parts: Parts, portal: PortalFacts, run: RunId) -> int:
    """Record what is to be told of the next revisions and messages; return how many effects."""
    with parts.store.read() as db:
        sent = _not_parked(db, parts, _untold(db, parts, CHUNK))
    fresh = await still_new(parts, portal, [one.portal_id for one in sent])
    waiting = {one.sending for one in sent if one.portal_id in fresh}
    due = next_working_day(parts.today(), portal.policy.calendar)
    with parts.store.write() as db:
        lock_sendings(db)
        sent = _still_untold(db, sent)
        effects: list[Effect] = []
        effects += [sent_stage(_delivered(one, ())) for one in sent if one.sending in waiting]
        effects += _entries(db, sent)
        effects += _message_tasks(db, parts, due)
        effects += _document_tasks(db, parts, due)
        if not sent and not effects:
            return 0
        effects += _closed_tasks(db, parts, sent)
        move_sendings(db, [one.sending for one in sent], SendingState.TOLD, detail=None)
        mark_told(db, [one.sending for one in sent], at=parts.now())
        if effects:
            _begin(db, parts, run)
            record_effects(db, run, effects, portal=parts.portal, by=parts.owner, at=parts.now())
    return max(len(effects), 1)


def _begin(db: Connection, parts: Parts, run: RunId) -> None:
    if read_run(db, run) is None:
        on = parts.today()
        start_run(
            db,
            run,
            portal=parts.portal,
            kind=RunKind.DELIVERY,
            on=on,
            dry_run=False,
            at=parts.now(),
        )
    # Somebody who finishes what others left may have come to its end meanwhile.
    set_state(db, run, RunState.APPLYING, at=parts.now())


async def _apply(parts: Parts, journal: Journal, run: RunId) -> None:
    report = await journal.apply(run, wait_doubts=False)
    if report.is_settled:
        with parts.store.write() as db:
            set_state(db, run, RunState.DONE, at=parts.now())


def _unfinished(db: Connection, parts: Parts) -> list[RunId]:
    return [one.run for one in unfinished_runs(db, parts.portal) if one.kind is RunKind.DELIVERY]


# ------------------------------------------------------------------------------ what went out
def _untold(db: Connection, parts: Parts, limit: int) -> tuple[Sending, ...]:
    return untold_sendings(db, parts.portal, sent_before=parts.now() - PATIENCE, limit=limit)


def _still_untold(db: Connection, sent: Sequence[Sending]) -> tuple[Sending, ...]:
    """Return those that no other pass has told of since they were read."""
    now = sendings_by_id(db, [one.sending for one in sent])
    return tuple(one for one in sent if now[one.sending].state is SendingState.OPEN)


def _not_parked(db: Connection, parts: Parts, sent: Sequence[Sending]) -> tuple[Sending, ...]:
    """Return those of companies that are not parked: of a parked one nothing is written."""
    parked = parked_reasons(db, parts.portal, {one.company for one in sent})
    return tuple(one for one in sent if one.company not in parked)


def _entries(db: Connection, sent: Sequence[Sending]) -> Iterable[Effect]:
    """Return a timeline entry for each company."""
    by_company: dict[CompanyId, list[Delivered]] = defaultdict(list)
    messages = messages_of(db, [one.sending for one in sent])
    for one in sent:
        listed = tuple((_whom(each), _state(each)) for each in messages[one.sending])
        rest = ((one.detail, ""),) if one.detail else ()
        by_company[one.company].append(_delivered(one, (*listed, *rest)))
    return [sent_entry(told) for told in by_company.values()]


def _delivered(one: Sending, recipients: tuple[tuple[str, str], ...]) -> Delivered:
    return Delivered(
        company=one.company,
        invoice=one.invoice,
        revision=one.revision,
        notice=one.notice,
        recipients=recipients,
        pay_link=one.pay_link or "",
    )


def _whom(message: Message) -> str:
    return f"WhatsApp {message.recipient}" if message.channel == WHATSAPP else message.recipient


def _state(message: Message) -> str:
    if message.stage is Stage.UNCLEAR:
        return UNKNOWN
    if message.stage in (Stage.WAITING, Stage.CLAIMED, Stage.LEAVING):
        return f"{TRYING}: {message.detail}" if message.detail else TRYING
    words = STATES[message.status]
    return f"{words}: {message.detail}" if message.stage is Stage.FAILED else words


# ---------------------------------------------------------------------------- what needs a person
def _troubled(db: Connection, parts: Parts, limit: int) -> list[Message]:
    now = parts.now()
    return [
        *staged_messages(db, parts.portal, Stage.FAILED, limit=limit, untold_at=now),
        *bounced_untold(db, parts.portal, limit=limit),
        *staged_messages(db, parts.portal, Stage.UNCLEAR, limit=limit, untold_at=now),
    ]


def _message_tasks(db: Connection, parts: Parts, due: date) -> list[Effect]:
    troubled = _troubled(db, parts, CHUNK)
    parked = parked_reasons(db, parts.portal, {one.company for one in troubled})
    ready = [one for one in troubled if one.company not in parked]
    sendings = sendings_by_id(db, {one.sending for one in ready})
    people = _People(db, parts, {one.company for one in ready})
    tasks: list[Effect] = []
    for one in ready:
        reason = one.detail or STATES[one.status]
        trouble = people.trouble(
            sendings[one.sending],
            int(one.message),
            one.round,
            recipient=_whom(one),
            reason=reason,
            due=due,
        )
        tasks.append(_task_of(one)(trouble))
    mark_messages_told(db, [MessageId(one.message) for one in ready])
    return tasks


def _task_of(message: Message) -> Callable[[Trouble], Effect]:
    if message.stage is Stage.UNCLEAR:
        return doubt_task
    return unaccepted_task if message.detail.startswith(NOT_ACCEPTED) else refused_task


def _undocumented(db: Connection, parts: Parts, limit: int) -> list[Sending]:
    # Aside until they are looked at again, so asked for as of then.
    later = parts.now() + timedelta(days=1)
    found = due_sendings(db, parts.portal, (SendingState.NO_DOCUMENT,), at=later, limit=limit)
    return [one for one in found if one.told is None]


def _document_tasks(db: Connection, parts: Parts, due: date) -> list[Effect]:
    lacking = _undocumented(db, parts, CHUNK)
    parked = parked_reasons(db, parts.portal, {one.company for one in lacking})
    ready = [one for one in lacking if one.company not in parked]
    people = _People(db, parts, {one.company for one in ready})
    mark_told(db, [one.sending for one in ready], at=parts.now())
    tasks: list[Effect] = list(_own_papers_tasks(db, parts, ready, due))
    tasks += [
        document_task(
            people.trouble(
                one,
                int(one.sending),
                reasons_mark(one.detail),
                recipient="",
                reason=one.detail,
                due=due,
            )
        )
        for one in ready
        if not one.blame
    ]
    # The same reasons again, half an hour later, are told already.
    told = tellings(db, parts.portal, [task.key for task in tasks])
    return [task for task in tasks if task.key not in told]


def _own_papers_tasks(
    db: Connection, parts: Parts, ready: Sequence[Sending], due: date
) -> Iterator[Effect]:
    """Yield a task for each trouble of a seller's own: its customers are not to blame."""
    troubles: dict[tuple[str, str, str], list[Sending]] = defaultdict(list)
    for one in ready:
        if one.blame:
            troubles[one.blame, f"{one.notice.issued:%Y-%m}", one.detail].append(one)
    if not troubles:
        return
    standing = standing_tasks(db, parts.portal, {NO_COMPANY}, OWN_TROUBLE)
    told = tellings(db, parts.portal, [closing_key(one.name) for one in standing])
    ended = [one.name for one in standing if closing_key(one.name) in told]
    for (seller, month, reason), waiting in troubles.items():
        same = f"{OWN_TROUBLE}{own_papers_mark(seller, reason)}:{month}:"
        yield own_papers_task(
            OwnTrouble(
                seller=seller,
                month=month,
                round=sum(name.startswith(same) for name in ended),
                reason=reason,
                invoices=tuple(one.notice for one in waiting),
                due=due,
            )
        )


def _closed_tasks(db: Connection, parts: Parts, sent: Sequence[Sending]) -> Iterator[Effect]:
    """Yield the completion of tasks about documents that have been made, and went out."""
    gone = {int(one.sending) for one in sent}
    still = {own_papers_mark(*blamed) for blamed in blamed_sellers(db, parts.portal)}
    companies = {one.company for one in sent}
    open_tasks = [
        one
        for one in standing_tasks(db, parts.portal, companies, DOCUMENT_TASK)
        if int(one.name.split(":")[2]) in gone
    ]
    open_tasks += [
        one
        for one in standing_tasks(db, parts.portal, {NO_COMPANY}, OWN_TROUBLE)
        if one.name.split(":")[2] not in still
    ]
    closing = [document_made(one.name, one.company, one.task) for one in open_tasks]
    told = tellings(db, parts.portal, [one.key for one in closing])
    return (one for one in closing if one.key not in told)


class _People:
    """Names and responsibles of companies, as the mirror has them."""

    def __init__(self, db: Connection, parts: Parts, companies: set[CompanyId]) -> None:
        self._known = portfolios(db, parts.portal, companies)

    def trouble(
        self,
        sending: Sending,
        message: int,
        round_: int,
        *,
        recipient: str,
        reason: str,
        due: date,
    ) -> Trouble:
        records = self._known.get(sending.company)
        return Trouble(
            company=sending.company,
            title=records.company.title if records is not None else "",
            responsible=records.company.responsible if records is not None else None,
            invoice=sending.invoice,
            notice=sending.notice,
            message=message,
            round=round_,
            recipient=recipient,
            reason=reason,
            due=due,
        )


__all__ = ["PortalError", "has_to_tell", "tell_portal"]
