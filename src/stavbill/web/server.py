"""The HTTP application: hooks of Bitrix24, the JSON interface, health and metrics.

Source: operations page, «Webhooks» and «Observability».
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, FastAPI, Path, Request
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPBearer
from starlette.requests import ClientDisconnect

from stavbill.clock import Clock
from stavbill.errors import StoreError
from stavbill.log import get_logger
from stavbill.operations.evidence import Callback, Visitors
from stavbill.store.database import Store
from stavbill.store.inbox import Post
from stavbill.web import described
from stavbill.web.customers import RETRY_AFTER_S, add_customers, is_customers, unavailable
from stavbill.web.forms import (
    Form,
    FormError,
    form_of_json,
    parse_form,
    parse_json,
    text_at,
)
from stavbill.web.health import is_ready, metrics_text
from stavbill.web.posts import (
    ACTIONS,
    PostError,
    post_of_event,
    post_of_json,
    post_of_robot,
    time_of,
)
from stavbill.web.rendering import RenderingLimits
from stavbill.web.signing import is_same, sign
from stavbill.web.writer import Writer, writing

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
AHEAD_S = 300
log = get_logger()
Answer = Awaitable[Response]
# Looked at in the door, which answers 404: the list of actions is for whoever reads `/docs`.
Action = Annotated[str, Path(description=described.ACTION_TEXT, json_schema_extra=described.ACTION)]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebOptions:
    """What the application takes: the portal's host, secrets, limits. None secret: nobody may."""

    portal: str
    application_token: str | None
    web_secret: str | None
    api_token: str | None
    max_body: int
    max_age_s: int
    docs: bool = False
    whatsapp_token: str | None = None


class Refusal(Exception):
    """An answer other than «taken»: HTTP status, a code for programs, a sentence for people."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.text = text


FORGED = Refusal(403, "forged", "Подпись или токен не подходят.")
# Nobody is there to read it, and nobody's log is the place for it.
CUT = Refusal(400, "cut", "Запрос оборван.")


def create_app(
    store: Store,
    clock: Clock,
    options: WebOptions,
    visitors: Visitors | None = None,
    rendering: RenderingLimits | None = None,
) -> FastAPI:
    """Return the application; everything that it takes stands in the store before the answer.

    `visitors` answer customers' links and the WhatsApp provider; None where nothing is sent.
    `rendering` bounds the documents behind links.
    """
    writer = Writer(store, options.portal, clock)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with writing(writer):
            yield

    app = FastAPI(
        title="stavbill",
        lifespan=lifespan,
        docs_url="/docs" if options.docs else None,
        redoc_url=None,
        openapi_url="/openapi.json" if options.docs else None,
    )
    door = _Door(writer, clock, options)
    app.post("/hooks/bitrix")(door.bitrix)
    app.post("/hooks/robot/{action}")(door.robot)
    app.post(
        "/api/v1/{action}",
        responses=described.answers(),
        openapi_extra=described.request(),
        dependencies=[Depends(HTTPBearer(auto_error=False, description="STAVBILL_API_TOKEN"))],
    )(door.program)
    if visitors is not None:
        add_customers(app, clock, visitors, rendering)
        app.post("/hooks/whatsapp")(_Provider(door, options, visitors).call_back)
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(StoreError, _store_away)
    _add_health(app, store, clock, options.portal)
    return app


class _Door:
    """The three ways in."""

    def __init__(self, writer: Writer, clock: Clock, options: WebOptions) -> None:
        self._writer = writer
        self._clock = clock
        self._options = options

    async def bitrix(self, request: Request) -> Response:
        """Take an event or an outgoing webhook, known by its application token."""
        form = await self._form(request)
        token = text_at(form, "auth", "application_token")
        if not is_same(token, self._options.application_token):
            raise FORGED
        domain = (text_at(form, "auth", "domain") or "").casefold()
        if domain not in {self._options.portal.casefold(), _host(self._options)}:
            # A portal that was renamed, or is known by two names: the token alone proves it.
            log.info("event_names_another_domain")
        self._refuse_old(form)
        return await self._take(lambda: post_of_event(form))

    async def robot(self, action: str, request: Request) -> Response:
        """Take a robot's request, known by the signature of its address."""
        query = dict(request.query_params)
        secret, portal = self._options.web_secret, self._options.portal
        expected = sign(secret, "robot", portal, action) if secret else None
        form = await self._form(request, empty=True)
        if not is_same(query.get("sign"), expected):
            raise FORGED
        _known(action)
        self._refuse_old(form)
        return await self._take(lambda: post_of_robot(action, form, query, self._clock.now()))

    async def program(self, action: Action, request: Request) -> Response:
        """Take another program's request in JSON, known by its bearer token."""
        body = await self.body(request)
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.casefold() != "bearer" or not is_same(token.strip(), self._options.api_token):
            raise FORGED
        _known(action)
        document = _json(body)
        name = request.headers.get("idempotency-key")
        return await self._take(lambda: post_of_json(action, document, name, self._clock.now()))

    async def _take(self, read: Callable[[], Post | None]) -> Response:
        try:
            post = read()
        except PostError as error:
            raise Refusal(400, "malformed", str(error)) from error
        if post is None:
            return JSONResponse({"status": "ignored"})
        event, is_new = await self._writer.put(post)
        return JSONResponse({"status": "accepted" if is_new else "known", "event": event})

    async def _form(self, request: Request, *, empty: bool = False) -> Form:
        body = await self.body(request)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().casefold()
        if not body and empty:
            return {}
        if kind not in {FORM, JSON}:
            raise Refusal(415, "not_a_form", f"Ожидался {FORM} или {JSON}.")
        try:
            return parse_form(body) if kind == FORM else form_of_json(_json(body))
        except FormError as error:
            raise Refusal(400, "malformed", "Форма не разобрана.") from error

    async def body(self, request: Request) -> bytes:
        """Read no more than is allowed, whatever the request says of its length."""
        limit = self._options.max_body
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise Refusal(413, "too_large", f"Больше {limit} байт.")
        except ClientDisconnect as gone:
            raise CUT from gone
        return bytes(body)

    def _refuse_old(self, form: Form) -> None:
        made = time_of(form)
        if made is None:
            return
        age = self._clock.now().timestamp() - made
        if age > self._options.max_age_s or age < -AHEAD_S:
            raise Refusal(400, "too_old", "Сообщение старое или из будущего, не принято.")


class _Provider:
    """What the WhatsApp provider posts, known by the token that it was given for that."""

    def __init__(self, door: _Door, options: WebOptions, visitors: Visitors) -> None:
        self._door = door
        self._token = options.whatsapp_token
        self._visitors = visitors

    async def call_back(self, request: Request) -> Response:
        """Take in what became of a message.

        The provider repeats what is not answered by 200, and tells nothing else meanwhile: only
        what may be told a moment too early is refused.
        """
        body = await self._door.body(request)
        # Given without a kind, the token comes as a bearer token; with one, as it was given.
        given = request.headers.get("authorization", "").strip()
        token = given if " " in (self._token or "") else given.removeprefix("Bearer ").strip()
        if not is_same(token, self._token):
            raise FORGED
        took = await asyncio.to_thread(self._visitors.called_back, _json(body))
        if took is Callback.TOO_EARLY:
            raise Refusal(503, "too_early", "Сообщение ещё в пути, повторите.")
        return JSONResponse({"status": took.value})


def _json(body: bytes) -> object:
    try:
        return parse_json(body)
    except FormError as error:
        raise Refusal(400, "malformed", "Тело запроса не JSON.") from error


def _host(options: WebOptions) -> str:
    return options.portal.partition(":")[0].casefold()


def _known(action: str) -> None:
    if action not in ACTIONS:
        names = ", ".join(ACTIONS)
        raise Refusal(404, "unknown_action", f"Нет такого действия. Есть: {names}.")


async def _refused(_request: Request, refusal: Exception) -> Response:
    if not isinstance(refusal, Refusal):
        raise refusal
    if refusal is not CUT:
        log.warning("post_refused", code=refusal.code)
    return JSONResponse({"error": refusal.code, "text": refusal.text}, refusal.status)


async def _store_away(request: Request, error: Exception) -> Response:
    if is_customers(request):
        log.warning("page_not_shown", detail=str(error))
        return unavailable()
    log.warning("post_not_stored", detail=str(error))
    body = {"error": "unavailable", "text": "Сообщение не сохранено, повторите."}
    return JSONResponse(body, 503, headers={"Retry-After": RETRY_AFTER_S})


def _add_health(app: FastAPI, store: Store, clock: Clock, portal: str) -> None:
    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        """Say that the process lives."""
        return {"status": "ok"}

    @app.get("/readyz")
    def readyz() -> Response:
        """Say whether posts can be stored, whether a worker lives, whether writing is stopped."""
        ready, document = is_ready(store, clock, portal)
        return JSONResponse(document, 200 if ready else 503)

    @app.get("/metrics")
    def metrics() -> Response:
        """Give counters for Prometheus."""
        return Response(metrics_text(store, clock, portal), media_type="text/plain; version=0.0.4")
