"""Dealing with a post from the inbox: each safe to repeat, none able to make a loop.

Our own writes come back as events. An event only reads a company again, and only a hold task that
somebody closed makes it be decided again: what is true already is not written, so nothing comes of
our own event but one reading. Source: operations page, «Webhooks».
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from stavbill.billing.decision import Bill, Skip, SkipReason
from stavbill.billing.facts import CompanyId
from stavbill.errors import ConfigError
from stavbill.log import get_logger
from stavbill.operations.parts import Parts
from stavbill.operations.present import Document
from stavbill.operations.reading import learn_portal, learn_with_company
from stavbill.operations.rerun import RerunRequest, decide_live, rerun_company
from stavbill.plan.diff import HOLD_TAG
from stavbill.plan.effects import AddTimeline, EffectKey
from stavbill.plan.sentences import explained_text
from stavbill.store.decisions import latest_bill
from stavbill.store.inbox import Post, PostState, absorb_posts, end_post, read_post
from stavbill.store.lookup import company_of_invoice, task_of
from stavbill.store.recording import record_effects
from stavbill.store.runs import RunId, RunKind, RunState, read_run, set_state, start_run

Dealing = Callable[[Parts, Post], Awaitable[str]]
log = get_logger()


async def handle_post(parts: Parts, event: str) -> Document:
    """Deal with a post; return what became of it. A post that has ended stays so.

    Raises `PortalError` and the like when it has to be tried again; what can never succeed (a
    company that the portal does not have) ends the post as failed.
    """
    with parts.store.read() as db:
        post = read_post(db, event)
    if post is None or post.state is not PostState.NEW:
        return {"event": event, "state": "gone" if post is None else post.state.value}
    state, detail = PostState.DONE, ""
    try:
        detail = await _DEALINGS[post.kind](parts, post)
    except ConfigError as error:
        state, detail = PostState.FAILED, str(error)
        log.warning("post_failed", post=event, kind=post.kind)
    with parts.store.write() as db:
        end_post(db, event, state, at=parts.now(), detail=detail)
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
            run=RunId(f"hook-{post.event}"),
        ),
    )
    return f"{report.run}: {report.state}"


async def _explain(parts: Parts, post: Post) -> str:
    """Write into the company's timeline what would be billed now, and why or why not."""
    company, run = CompanyId(_company(post)), RunId(f"explain-{post.event}")
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
                record_effects(db, run, [entry], portal=parts.portal, at=parts.now())
    await portal.journal.apply(run)
    with parts.store.write() as db:
        set_state(db, run, RunState.DONE, at=parts.now())
    return str(run)


async def _company_changed(parts: Parts, post: Post) -> str:
    """Read the company again; once is enough for all that wait to have it read."""
    _absorb(parts, post)
    await learn_with_company(parts, CompanyId(_company(post)))
    return "прочитана"


async def _invoice_changed(parts: Parts, post: Post) -> str:
    """Read the company of an invoice again; of one that nobody knows yet the sync tells."""
    _absorb(parts, post)
    with parts.store.read() as db:
        company = company_of_invoice(db, parts.portal, int(post.body["invoice"]))
    if company is None:
        return "счёт ещё не известен: его прочтёт синхронизация"
    await learn_with_company(parts, company)
    return f"прочитана компания {company}"


async def _task_changed(parts: Parts, post: Post) -> str:
    """Decide a company again when the task that told why it is held was closed."""
    _absorb(parts, post)
    task = int(post.body["task"])
    with parts.store.read() as db:
        known = task_of(db, parts.portal, task)
    if known is None or known.task.tag != HOLD_TAG:
        return "не наша задача"
    await learn_with_company(parts, known.company)
    with parts.store.read() as db:
        is_open = task_of(db, parts.portal, task) is not None
    if is_open:
        return "задача открыта"
    wanted = RerunRequest(company=known.company, keep_skip=True, force_day=False)
    return await _rerun(parts, post, wanted)


def _absorb(parts: Parts, post: Post) -> None:
    with parts.store.write() as db:
        absorb_posts(db, post, at=parts.now())


def _company(post: Post) -> int:
    if post.company is None:
        msg = f"Сообщение {post.event} не называет компанию"
        raise ConfigError(msg)
    return post.company


_DEALINGS: dict[str, Dealing] = {
    "bill": _bill,
    "rerun": _force,
    "explain": _explain,
    "company_changed": _company_changed,
    "invoice_changed": _invoice_changed,
    "task_changed": _task_changed,
}
