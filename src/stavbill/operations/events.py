"""Dealing with a post from the inbox: each safe to repeat, none able to make a loop.

Our own writes come back as events. An event only reads a company again, and only a hold task that
somebody closed makes it be decided again: what is true already is not written, so nothing comes of
our own event but one reading. What cannot be done now stays in the inbox and is begun again: at
once when writing may go on, with growing pauses while the portal is away.

Source: operations page, «Webhooks».
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from stavbill.billing.decision import Bill, Skip, SkipReason
from stavbill.billing.facts import CompanyId
from stavbill.errors import ConfigError, PortalError, WialonError, WritingStoppedError
from stavbill.log import get_logger
from stavbill.operations.changes import read_changes
from stavbill.operations.naming import STALE, attempt_of, explanation_of_post, run_of_post
from stavbill.operations.parts import Parts
from stavbill.operations.present import Document
from stavbill.operations.putting_off import pause_after, put_post_off
from stavbill.operations.reading import learn_portal, learn_with_company
from stavbill.operations.rerun import RerunRequest, decide_live, rerun_company
from stavbill.plan.effects import AddTimeline, EffectKey
from stavbill.plan.sentences import explained_text
from stavbill.store.decisions import latest_bill
from stavbill.store.inbox import (
    CHANGES,
    Post,
    PostState,
    absorb_posts,
    end_post,
    keep_found,
    read_post,
)
from stavbill.store.lookup import opened_hold_task, task_of
from stavbill.store.recording import record_effects
from stavbill.store.runs import RunId, RunKind, RunState, read_run, set_state, start_run
from stavbill.store.unsettled import is_stale

# The portal's lists show a change late: what does not look changed is looked at once more.
LAG = timedelta(seconds=60)
Dealing = Callable[[Parts, Post], Awaitable[str]]
log = get_logger()


class TooEarlyError(Exception):
    """It cannot be seen yet what became of the thing; after `again` it can."""

    def __init__(self, again: datetime, why: str) -> None:
        """Keep when to look again."""
        super().__init__(why)
        self.again = again


async def handle_post(parts: Parts, event: str) -> Document:
    """Deal with a post; return what became of it. A post that has ended stays so.

    What has to be tried again stays NEW with the time of its next attempt (`later`, `stopped`);
    what can never succeed (a company that the portal does not have) ends the post as failed.
    """
    with parts.store.read() as db:
        post = read_post(db, parts.portal, event)
    if post is None or post.state is not PostState.NEW:
        return {"event": event, "state": "gone" if post is None else post.state.value}
    if post.kind in CHANGES:
        return {"event": event, "state": (await read_changes(parts, [event]))["state"]}
    state, detail = PostState.DONE, ""
    try:
        detail = await _DEALINGS[post.kind](parts, post)
    except ConfigError as error:
        state, detail = PostState.FAILED, str(error)
        log.warning("post_failed", post=event, kind=post.kind)
    except TooEarlyError as early:
        return put_post_off(parts, event, early.again, str(early), state="later")
    except WritingStoppedError as stop:
        log.warning("writing_stopped", post=event, why=str(stop))
        return put_post_off(parts, event, parts.now(), str(stop), state="stopped")
    except (PortalError, WialonError) as trouble:
        again = parts.now() + pause_after(post.attempts)
        log.warning("post_put_off", post=event, error=type(trouble).__name__)
        return put_post_off(parts, event, again, str(trouble), state="later")
    with parts.store.write() as db:
        end_post(db, parts.portal, event, state, at=parts.now(), detail=detail)
    return {"event": event, "state": state.value}


async def _bill(parts: Parts, post: Post) -> str:
    """Bill now: the sending day is set aside, nothing else."""
    return await _rerun(parts, post, RerunRequest(company=_company(post), keep_skip=True))


async def _force(parts: Parts, post: Post) -> str:
    """Rerun as the command does: the skip flag is set aside too."""
    return await _rerun(parts, post, RerunRequest(company=_company(post)))


async def _rerun(parts: Parts, post: Post, wanted: RerunRequest) -> str:
    report = await rerun_company(
        parts,
        RerunRequest(
            company=wanted.company,
            keep_skip=wanted.keep_skip,
            force_day=wanted.force_day,
            run=await _run_for(parts, run_of_post(post.event)),
        ),
    )
    return f"{report.run}: {report.state}"


async def _run_for(parts: Parts, base: RunId) -> RunId:
    """Return the run to go on with; one whose plan grew old is ended, and the next one decides.

    Raises `WritingStoppedError` when somebody cancelled it.
    """
    number = 1
    while True:
        run = attempt_of(base, number)
        with parts.store.read() as db:
            known = read_run(db, run)
            stale = known is not None and is_stale(db, run, at=parts.now())
        if known is None or known.state is RunState.DONE:
            return run
        if known.state is RunState.STOPPED and known.detail != STALE:
            msg = f"Запуск {run} остановлен: {known.detail}"
            raise WritingStoppedError(msg)
        if known.state is not RunState.STOPPED:
            if not stale:
                return run
            portal = await learn_portal(parts)
            await portal.journal.apply(run, begun_only=True)
            with parts.store.write() as db:
                set_state(db, run, RunState.STOPPED, at=parts.now(), detail=STALE)
        number += 1


async def _explain(parts: Parts, post: Post) -> str:
    """Write into the company's timeline what would be billed now, and why or why not."""
    company, run = CompanyId(_company(post)), explanation_of_post(post.event)
    with parts.store.read() as db:
        known = read_run(db, run)
    portal = await learn_portal(parts)
    if known is None:
        look = RerunRequest(company=company, keep_skip=True, force_day=False, dry_run=True)
        found = await decide_live(parts, look)
        covered = isinstance(found.decision, Skip) and found.decision.reason is SkipReason.COVERED
        with parts.store.read() as db:
            stored = latest_bill(db, parts.portal, company) if covered else None
        last = stored.decision if stored is not None else None
        text = explained_text(found.decision, last if isinstance(last, Bill) else None)
        if found.parked is not None:
            text = f"Компания на паузе: {found.parked}\n\n{text}"
        entry = AddTimeline(key=EffectKey(f"timeline:{run}"), company=company, text=text)
        with parts.store.write() as db:
            # Two may deal with one post: the first one's text stands, with its run or not at all.
            if read_run(db, run) is None:
                start_run(
                    db, run, portal=parts.portal, kind=RunKind.RERUN, on=found.on, dry_run=False,
                    at=parts.now(),
                )  # fmt: skip
                record_effects(
                    db, run, [entry], portal=parts.portal, by=parts.owner, at=parts.now()
                )
    await portal.journal.apply(run)
    with parts.store.write() as db:
        set_state(db, run, RunState.DONE, at=parts.now())
    return str(run)


async def _task_changed(parts: Parts, post: Post) -> str:
    """Decide a company again when the task that told why it is held was closed.

    The company is kept before it is read, because a reading forgets a closed task. Raises
    `TooEarlyError` while the portal may be showing what was before the change.
    """
    began, task = parts.now(), int(post.body["task"])
    with parts.store.read() as db:
        known = opened_hold_task(db, parts.portal, task)
    if known is not None:
        company = known.company
        with parts.store.write() as db:
            keep_found(db, parts.portal, post.event, company)
    elif post.found is not None:
        company = CompanyId(post.found)
    else:
        return "не наша задача"
    await learn_with_company(parts, company)
    with parts.store.read() as db:
        is_open = task_of(db, parts.portal, task) is not None
    if is_open:
        _wait_for(began, (post.received or began) + LAG, "портал показывает задачу открытой")
        _absorb(parts, post, began)
        return "задача открыта"
    if known is not None and known.written is not None:
        _wait_for(began, known.written + LAG, "задача только что открыта")
    wanted = RerunRequest(company=company, keep_skip=True, force_day=False)
    told = await _rerun(parts, post, wanted)
    _absorb(parts, post, began)
    return told


def _wait_for(looked: datetime, shown: datetime, why: str) -> None:
    if looked < shown:
        raise TooEarlyError(shown, why)


def _absorb(parts: Parts, post: Post, began: datetime) -> None:
    with parts.store.write() as db:
        absorb_posts(db, parts.portal, post, before=began, at=parts.now())


def _company(post: Post) -> int:
    if post.company is None:
        msg = f"Сообщение {post.event} не называет компанию"
        raise ConfigError(msg)
    return post.company


_DEALINGS: dict[str, Dealing] = {
    "bill": _bill,
    "rerun": _force,
    "explain": _explain,
    "task_changed": _task_changed,
}
