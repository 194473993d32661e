"""The host on HTTP: a thin shell of aiohttp that adds nothing but bytes."""

from __future__ import annotations

from aiohttp import web

from stavbill.sandbox.wialon.control import add_control
from stavbill.sandbox.wialon.host import API_PATH, EVENTS_PATH, WialonHost
from stavbill.sandbox.wialon.wire import Request

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
COMPRESSED_FROM = 1024


def wialon_app(host: WialonHost) -> web.Application:
    """Return an application that serves `host` on its two documented paths."""

    async def answer(asked: web.Request) -> web.StreamResponse:
        fields = dict(asked.query)
        is_form = asked.content_type in FORMS
        if is_form:
            fields |= {
                key: value for key, value in (await asked.post()).items() if isinstance(value, str)
            }
        given = await host.handle(
            Request(
                path=asked.path,
                fields=fields,
                method=asked.method,
                is_form=is_form,
                remote=asked.remote or "",
            )
        )
        if given.dropped:
            if asked.transport is not None:
                asked.transport.abort()
            return web.Response()
        response = web.Response(
            body=given.body, status=given.status, content_type=given.content_type
        )
        if len(given.body) >= COMPRESSED_FROM and "gzip" in asked.headers.get(
            "Accept-Encoding", ""
        ):
            response.enable_compression(web.ContentCoding.gzip)
        return response

    app = web.Application(client_max_size=16 * 1024 * 1024)
    for path in (API_PATH, EVENTS_PATH):
        app.router.add_route("*", path, answer)
    add_control(app, host)
    return app
