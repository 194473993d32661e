"""The portal on HTTP: a thin shell of aiohttp that adds nothing but bytes."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import format_datetime
from urllib.parse import urlencode

from aiohttp import web

from stavbill.sandbox.portal import control
from stavbill.sandbox.portal.params import FORM
from stavbill.sandbox.portal.portal import Portal
from stavbill.sandbox.portal.wire import Response

BIGGEST = 64 * 1024 * 1024


def portal_app(portal: Portal) -> web.Application:
    """Return an application that serves `portal` below `/rest/` and its control address."""

    async def answer(asked: web.Request) -> web.StreamResponse:
        headers = dict(asked.headers)
        if asked.content_type == "multipart/form-data":
            headers["Content-Type"] = FORM
            body = await _form(asked)
        else:
            body = await asked.read()
        given = await portal.handle(
            asked.method, asked.path, headers, body, asked.rel_url.raw_query_string
        )
        return _send(asked, given, _shown_now(portal))

    async def controlled(asked: web.Request) -> web.StreamResponse:
        body = await asked.read()
        given = control.handle(portal, asked.method, asked.path, body, dict(asked.query))
        return _send(asked, given, _shown_now(portal))

    app = web.Application(client_max_size=BIGGEST)
    app.router.add_route("*", control.PREFIX + "{rest:.*}", controlled)
    app.router.add_route("*", "/{rest:.*}", answer)
    return app


async def _form(asked: web.Request) -> bytes:
    """Turn a multipart form into a plain one; files travel as base64 in fields."""
    form = await asked.post()
    pairs = [(name, value) for name, value in form.items() if isinstance(value, str)]
    return urlencode(pairs).encode()


def _shown_now(portal: Portal) -> datetime:
    """Return the time of the portal's web server, which may be set wrong."""
    return portal.clock.now() + timedelta(seconds=portal.switches.clock_ahead_s)


def _send(asked: web.Request, given: Response, now: datetime) -> web.StreamResponse:
    """Answer with the day and the time of the portal, not of the machine."""
    if given.dropped:
        if asked.transport is not None:
            asked.transport.abort()
        return web.Response()
    headers = {"Date": format_datetime(now, usegmt=True), **given.headers}
    return web.Response(status=given.status, headers=headers, body=given.body)
