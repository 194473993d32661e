"""One pass of sending: take over, read notices, collect, look, hand over, tell; safe to repeat.

Whatever a pass is killed in, the next one goes on from the store. Source: delivery page; engine
page, rules 2 and 3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from stavbill.billing.facts import InvoiceState
from stavbill.bitrix.read.heads import InvoiceHead, read_heads, read_pay_links
from stavbill.bitrix.read.records import StageMeaning
from stavbill.drawn import drawn_name
from stavbill.errors import PortalError, StavbillError, WritingStoppedError
from stavbill.log import get_logger
from stavbill.operations.evidence import ask_provider, read_notices
from stavbill.operations.handing import CLAIM
from stavbill.operations.letters import collect_invoices, look_for_recipients
from stavbill.operations.mail_parts import MailOptions
from stavbill.operations.parts import Parts
from stavbill.operations.posting import ROUND_LASTS, PostOffice
from stavbill.operations.present import Document
from stavbill.operations.reading import PortalFacts, learn_portal
from stavbill.operations.telling import has_to_tell, tell_portal
from stavbill.store.control import raised_flags
from stavbill.store.database_clock import is_shared
from stavbill.store.handing import owners, release_vanished, waiting_sendings
from stavbill.store.messages import Stage, cancel_messages, counts_by_stage
from stavbill.store.sendings import (
    NEVER,
    Sending,
    SendingId,
    SendingState,
    due_sendings,
    forgotten_invoices,
    move_sendings,
    sendings_by_id,
    set_notice,
)

log = get_logger()
# A request asks for the heads of so many invoices.
ROUND = 2500
YEAR = timedelta(days=365)
GONE, REPLACED = "счёта нет в портале", "под этим номером в портале уже другой счёт"
ENDED = {
    InvoiceState.CANCELLED: "счёт отменён до отправки",
    InvoiceState.PAID: "счёт оплачен до отправки",
}


@dataclass(slots=True)
class _Pass:
    """What one pass came to."""

    collected: int = 0
    renewed: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    withdrawn: int = 0
    undocumented: int = 0
    told: int = 0
    troubles: dict[str, str] = field(default_factory=dict)
    notices: Document = field(default_factory=lambda: {"letters": 0, "learned": 0, "troubles": []})


async def send_due(parts: Parts, mail: MailOptions) -> Document:
    """Send what is due and tell the portal of what went out; return what came of it.

    Raises `WritingStoppedError` when a flag is up and `PortalError` when the portal cannot say
    which invoices still stand; then nothing was sent, and nothing is lost. Trouble with a mail
    server or the provider is in the answer («troubles»), and what it stopped is due again soon.
    """
    _require_permission(parts)
    before = parts.gateway.requests + parts.reader.requests
    done = _Pass()
    _take_over(parts, mail)
    await _hear(parts, mail, done)
    done.collected = collect_invoices(parts, mail)
    _try_documents_again(parts)
    done.renewed = look_for_recipients(parts, mail)
    portal: PortalFacts | None = None
    seen: set[SendingId] = set()
    # Before a letter leaves: a copy from before these messages is known by it.
    parts.keep_mark()
    while fresh := _waiting(parts, mail, seen):
        portal = portal or await learn_portal(parts)
        left_over = await _send_some(parts, mail, portal, fresh, done)
        # What there was no time for is asked about again: the portal's word has grown old.
        seen |= set(fresh) - left_over
    if has_to_tell(parts):
        done.told = await _tell(parts, mail, portal, done)
    parts.keep_mark()
    return _document(parts, mail, done) | {
        "requests": parts.gateway.requests + parts.reader.requests - before
    }


async def _hear(parts: Parts, mail: MailOptions, done: _Pass) -> None:
    """Take in what came back; whatever is wrong with that, it does not keep letters here."""
    try:
        done.notices = await read_notices(parts, mail)
        await ask_provider(parts, mail)
    except StavbillError:
        raise
    except Exception:
        incident = drawn_name()
        log.exception("notices_failed", incident=incident)
        done.troubles["notices"] = f"внутренняя ошибка, инцидент {incident}"


def _require_permission(parts: Parts) -> None:
    with parts.store.read() as db:
        raised = raised_flags(db, parts.portal)
    if raised:
        first = raised[0]
        msg = (
            f"Отправка остановлена вместе с записью ({first.flag.value}): {first.reason}. "
            "Неотправленное ждёт."
        )
        raise WritingStoppedError(msg)


def _take_over(parts: Parts, mail: MailOptions) -> None:
    """Take messages from processes that ended or stand still."""
    now = parts.now()
    with parts.store.write() as db:
        gone = [
            owner
            for owner, end in owners(db, parts.portal).items()
            if mail.is_gone(owner) or _stands_still(parts, owner, end)
        ]
        ask_at = now + mail.rules.ask_after
        release_vanished(
            db,
            parts.portal,
            at=now,
            ask_at=ask_at,
            gone=gone,
            by_clock=is_shared(parts.clock),
        )


def _stands_still(parts: Parts, owner: str, end: datetime) -> bool:
    """Say whether a claim has been the same before our eyes for as long as it lasts.

    The end that it bears is by its owner's clock, which may not be ours.
    """
    seen_s = parts.observer.unchanged_s(f"letters {owner}", end)
    return not is_shared(parts.clock) and seen_s > CLAIM.total_seconds()


def _try_documents_again(parts: Parts) -> None:
    now = parts.now()
    with parts.store.write() as db:
        states = (SendingState.NO_DOCUMENT,)
        lacking = due_sendings(db, parts.portal, states, at=now, limit=ROUND)
        move_sendings(db, [one.sending for one in lacking], SendingState.OPEN, due=NEVER)


def _waiting(parts: Parts, mail: MailOptions, seen: set[SendingId]) -> list[SendingId]:
    """Return the next revisions of which messages are due and that this pass has not had.

    No more than their senders hand over while the portal's word about them is fresh.
    """
    with parts.store.read() as db:
        found = waiting_sendings(db, parts.portal, at=parts.now())
    minutes = ROUND_LASTS / timedelta(minutes=1)
    room = {
        code: max(1, int(one.per_minute * minutes))
        for code, one in mail.senders.items()
        if one.per_minute
    }
    chosen: dict[SendingId, None] = {}
    for one in found:
        if one.sending in seen or room.get(one.sender, 1) <= 0:
            continue
        if one.sender in room:
            room[one.sender] -= one.messages
        chosen[one.sending] = None
    return list(chosen)[:ROUND]


async def _send_some(
    parts: Parts, mail: MailOptions, portal: PortalFacts, ids: list[SendingId], done: _Pass
) -> frozenset[SendingId]:
    """Send what still stands of some revisions; return those for which there was no time."""
    with parts.store.read() as db:
        waiting = sendings_by_id(db, ids)
    heads = await read_heads(parts.gateway, [one.portal_id for one in waiting.values()])
    ended = _ended(portal.shape.meaning, heads, waiting)
    with parts.store.write() as db:
        for sending, reason in ended.items():
            cancel_messages(db, [sending], detail=reason)
            move_sendings(db, [sending], SendingState.WITHDRAWN, detail=reason)
    done.withdrawn += len(ended)
    standing = {key: one for key, one in waiting.items() if key not in ended}
    ready = await _completed(parts, mail, heads, standing)
    if ready:
        # Letters leave the house: a copy of this database may have sent them already.
        await portal.journal.require_portal()
    office = PostOffice(parts, mail, ready, dict(done.troubles))
    try:
        await office.work()
    except BaseException:
        # This pass ends here, and its claims with it; what may have left is in doubt.
        _take_over(parts, replace(mail, is_gone=mail.owner.__eq__))
        raise
    finally:
        done.outcomes.update(office.ledger.outcomes)
        done.troubles |= office.troubles | office.bugs
        done.undocumented += len(office.undocumented)
    return office.left_over


def _ended(
    meaning: StageMeaning,
    heads: Mapping[int, InvoiceHead],
    waiting: Mapping[SendingId, Sending],
) -> dict[SendingId, str]:
    """Return revisions that nobody wants sent any more, with the reason."""
    ended: dict[SendingId, str] = {}
    for key, one in waiting.items():
        head = heads.get(one.portal_id)
        if head is None:
            ended[key] = GONE
        elif head.external_id != one.invoice:
            ended[key] = REPLACED
        elif (state := meaning.state(head.stage)) in ENDED:
            ended[key] = ENDED[state]
    return ended


async def _completed(
    parts: Parts,
    mail: MailOptions,
    heads: Mapping[int, InvoiceHead],
    standing: Mapping[SendingId, Sending],
) -> dict[SendingId, Sending]:
    """Return the revisions with the portal's number and pay link, both kept in the store."""
    asked = [one.portal_id for one in standing.values() if one.pay_link is None]
    wanted = asked if mail.portal_links else []
    links = await read_pay_links(parts.gateway, wanted) if wanted else {}
    ready: dict[SendingId, Sending] = {}
    with parts.store.write() as db:
        for key, one in standing.items():
            number = heads[one.portal_id].number
            link = links.get(one.portal_id, "") if one.portal_id in wanted else one.pay_link
            full = replace(one, notice=replace(one.notice, number=number), pay_link=link)
            if full != one:
                set_notice(db, key, full.notice, link)
            ready[key] = full
    return ready


async def _tell(parts: Parts, mail: MailOptions, portal: PortalFacts | None, done: _Pass) -> int:
    """Tell the portal; trouble with it is reported, because the letters are out already."""
    try:
        return await tell_portal(parts, mail, portal or await learn_portal(parts))
    except (PortalError, WritingStoppedError) as error:
        done.troubles["portal"] = str(error)
        return 0


def _document(parts: Parts, mail: MailOptions, done: _Pass) -> Document:
    now = parts.now()
    with parts.store.read() as db:
        stages = counts_by_stage(db, parts.portal)
        too_old = forgotten_invoices(
            db, parts.portal, before=now - mail.rules.max_age, since=now - YEAR
        )
    return {
        "collected": done.collected,
        "renewed": done.renewed,
        "sent": done.outcomes[Stage.SENT.value],
        "later": done.outcomes[Stage.WAITING.value],
        "refused": done.outcomes[Stage.FAILED.value],
        "unclear": done.outcomes[Stage.UNCLEAR.value],
        "withdrawn": done.withdrawn,
        "no_document": done.undocumented,
        "told": done.told,
        "too_old": too_old,
        "stages": stages,
        "notices": done.notices,
        "troubles": done.troubles,
    }
