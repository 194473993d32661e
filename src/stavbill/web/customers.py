"""Where customers' links lead, and where the WhatsApp provider calls back.

A link shows a page of ours and nothing else: there is no redirect, and the way to pay on the page
stands in the store, not in the address. Source: delivery page; green-api.com, Webhook Endpoint.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Mapping
from typing import TypeVar
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from stavbill.clock import Clock
from stavbill.delivery.visits import Visit
from stavbill.operations.evidence import NotInForce, Visitors
from stavbill.operations.mail_parts import NoDocument
from stavbill.web.rendering import DocumentRenderer, RenderingLimits, TooMany

T = TypeVar("T")
PICTURE = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
UNKNOWN = "Такой ссылки нет. Если вы пришли из письма со счётом, ответьте на него."
NO_DOCUMENT = "Документ сейчас не открыть. Он приложен к письму; попробуйте позже."
NOT_IN_FORCE = "Этот счёт исправлен или отменён: по нему не платите."
BUSY = "Сейчас открывают много документов, попробуйте через минуту. Он приложен к письму."
UNAVAILABLE = "Страница сейчас не открывается, попробуйте через минуту. Счёт приложен к письму."
RETRY_AFTER_S = "5"
# Nothing of these answers is kept by anybody on the way, indexed, framed or told to other sites.
PRIVATE: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
PAGE_ONLY: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
}
READING = ["GET", "HEAD"]
OURS = "/i/"
LONGEST_AGENT = 500


def add_customers(
    app: FastAPI, clock: Clock, visitors: Visitors, limits: RenderingLimits | None = None
) -> None:
    """Let customers' links of `app` lead somewhere."""
    desk = _Reception(clock, visitors, limits)
    # The picture first: its ending would pass for a part of the other token.
    app.api_route("/i/{token}.gif", methods=READING, include_in_schema=False)(desk.picture)
    app.api_route("/i/{token}", methods=READING, include_in_schema=False)(desk.page)
    app.post("/i/{token}", include_in_schema=False)(desk.confirm)
    app.api_route("/i/{token}/document", methods=READING, include_in_schema=False)(desk.document)


def is_customers(request: Request) -> bool:
    """Say whether it is a customer who waits for the answer."""
    return request.url.path.startswith(OURS)


def unavailable() -> Response:
    """Return what a customer reads while the store is away."""
    return PlainTextResponse(UNAVAILABLE, 503, headers={**PRIVATE, "Retry-After": RETRY_AFTER_S})


class _Reception:
    """Answers to whoever follows a link; what touches the store runs in a thread."""

    def __init__(self, clock: Clock, visitors: Visitors, limits: RenderingLimits | None) -> None:
        self._clock = clock
        self._visitors = visitors
        self._rendering = DocumentRenderer(visitors.document, limits)

    def picture(self, token: str, request: Request) -> Response:
        """Give one transparent point."""
        if not self._visitors.looked(token, self._visit(request)):
            return _unknown()
        return Response(PICTURE, media_type="image/gif", headers=dict(PRIVATE))

    def page(self, token: str, request: Request) -> Response:
        """Show what the invoice is about; a person goes on by the button."""
        return _page(self._visitors.page(token, self._visit(request)))

    def confirm(self, token: str, request: Request) -> Response:
        """Take the button for a click, and show the ways on."""
        return _page(self._visitors.confirmed(token, self._visit(request)))

    async def document(self, token: str, request: Request) -> Response:
        """Give the document, the same one as in the letter, unless the client goes before."""
        wanted = await asyncio.to_thread(self._visitors.wanted, token)
        if wanted is None:
            return _unknown()
        if isinstance(wanted, NotInForce):
            return PlainTextResponse(NOT_IN_FORCE, 410, headers=dict(PRIVATE))
        try:
            found = await _while_there(request, self._rendering.document(wanted))
        except TooMany:
            headers = {**PRIVATE, "Retry-After": RETRY_AFTER_S}
            return PlainTextResponse(BUSY, 503, headers=headers)
        if found is None:
            # Nobody is there to read it.
            return Response(status_code=499)
        if isinstance(found, NoDocument):
            return PlainTextResponse(NO_DOCUMENT, 503, headers=dict(PRIVATE))
        name = f"inline; filename=\"invoice.pdf\"; filename*=UTF-8''{quote(found.name)}"
        return Response(
            found.body,
            media_type="/".join(found.kind),
            headers={**PRIVATE, "Content-Disposition": name},
        )

    def _visit(self, request: Request) -> Visit:
        return Visit(
            method=request.method,
            agent=request.headers.get("user-agent", "")[:LONGEST_AGENT],
            client=request.client.host if request.client is not None else "",
            at=self._clock.now(),
        )


async def _while_there(request: Request, work: Awaitable[T]) -> T | None:
    """Return what `work` comes to, None when the client went away before and ended it."""
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        working.cancel()
        gone.cancel()
        await asyncio.gather(working, gone, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _page(written: str | None) -> Response:
    if written is None:
        return _unknown()
    return HTMLResponse(written, headers={**PRIVATE, **PAGE_ONLY})


def _unknown() -> Response:
    return PlainTextResponse(UNKNOWN, 404, headers=dict(PRIVATE))
