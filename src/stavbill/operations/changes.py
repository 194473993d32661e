"""Things that changed in the portal: their companies are read again, many in one reading.

Our own writes come back as such events, thousands after a month: fifty companies cost about as many
requests as five of them one by one. Source: operations page, «Webhooks»; performance page 1 and 2.
"""

from __future__ import annotations

from collections.abc import Sequence

from stavbill.billing.facts import CompanyId
from stavbill.errors import PortalError, WialonError
from stavbill.log import get_logger
from stavbill.operations.parts import Parts
from stavbill.operations.present import Document
from stavbill.operations.putting_off import pause_after, put_post_off
from stavbill.operations.reading import learn_with_companies, learn_with_company
from stavbill.store.inbox import Post, PostState, absorb_posts, end_post, read_post
from stavbill.store.lookup import company_of_invoice

# Two requests for one company alone; what all together cost, these cost one by one.
FEW = 4
UNKNOWN = "счёт ещё не известен: его прочтёт синхронизация"
log = get_logger()


async def read_changes(parts: Parts, events: Sequence[str]) -> Document:
    """Read the companies of some posts again and end the posts; those that ended are left alone.

    Equal posts that came before the reading began are ended with them. While the portal is away
    the posts wait, each with its own pause.
    """
    began = parts.now()
    with parts.store.read() as db:
        found = [read_post(db, parts.portal, event) for event in events]
        posts = [post for post in found if post is not None and post.state is PostState.NEW]
        owners = {post.event: _company(parts, post) for post in posts}
    companies = sorted({company for company in owners.values() if company is not None})
    try:
        await _read(parts, companies)
    except (PortalError, WialonError) as trouble:
        log.warning("posts_put_off", posts=len(posts), error=type(trouble).__name__)
        for post in posts:
            again = parts.now() + pause_after(post.attempts)
            put_post_off(parts, post.event, again, str(trouble), state="later")
        return {"posts": len(posts), "state": "later"}
    with parts.store.write() as db:
        for post in posts:
            company = owners[post.event]
            told = UNKNOWN if company is None else f"прочитана компания {company}"
            at = parts.now()
            end_post(db, parts.portal, post.event, PostState.DONE, at=at, detail=told)
            absorb_posts(db, parts.portal, post, before=began, at=at)
    return {"posts": len(posts), "companies": len(companies), "state": "done"}


def _company(parts: Parts, post: Post) -> CompanyId | None:
    if post.company is not None:
        return CompanyId(post.company)
    with parts.store.read() as db:
        return company_of_invoice(db, parts.portal, int(post.body["invoice"]))


async def _read(parts: Parts, companies: Sequence[CompanyId]) -> None:
    if len(companies) > FEW:
        await learn_with_companies(parts, companies)
        return
    for company in companies:
        await learn_with_company(parts, company)
