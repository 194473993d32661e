"""The host itself: takes a request, plays the faults that are on, answers as documented."""

from __future__ import annotations

import json
from typing import cast

import orjson

from stavbill.sandbox.clock import SandboxClock
from stavbill.sandbox.wialon.faults import Fault, Faults, Trouble
from stavbill.sandbox.wialon.journal import Call, Journal
from stavbill.sandbox.wialon.methods import Methods
from stavbill.sandbox.wialon.model import Fleet
from stavbill.sandbox.wialon.session import Session, Sessions
from stavbill.sandbox.wialon.switches import Switches
from stavbill.sandbox.wialon.views import ADVANCED, BASE, BILLING, CLASSES
from stavbill.sandbox.wialon.wire import HTML, ApiError, Json, Params, Request, Response

API_PATH = "/wialon/ajax.html"
EVENTS_PATH = "/avl_evts"
PROXY_PAGE = "<html><body><h1>502 Bad Gateway</h1></body></html>"
NOT_WRITTEN_DOWN = ("token/login",)


class WialonHost:
    """One Wialon service over one fleet, on the clock that it is given."""

    def __init__(
        self, fleet: Fleet, clock: SandboxClock, *, switches: Switches | None = None
    ) -> None:
        """Serve `fleet`; `switches`, `faults` and `journal` stay open to tests and people."""
        self.fleet, self.clock = fleet, clock
        self.switches = switches or Switches()
        self.faults, self.journal = Faults(), Journal()
        self.sessions = Sessions(fleet, clock, self.switches)
        self.base_url = ""
        self._methods = Methods(fleet, clock, self.switches, self.faults)

    async def handle(self, request: Request) -> Response:
        """Answer one request. API errors are HTTP 200; faults may be anything."""
        svc = request.fields.get("svc", "")
        if request.path == EVENTS_PATH:
            svc = "avl_evts"
        faults = self.faults.strike(svc)
        broken = await self._broken_before(faults)
        if broken is not None:
            self._note(svc, request, error=-1, body=broken.body)
            return broken
        error, answer = await self._answer(svc, request, faults)
        body = orjson.dumps(answer)
        self._note(svc, request, error=error, body=body, items=_count(answer))
        if any(fault.kind is Trouble.ANSWER_LOST for fault in faults):
            return Response(b"", dropped=True)
        return Response(body)

    async def _broken_before(self, faults: tuple[Fault, ...]) -> Response | None:
        """Play the faults in which the request never reaches the service."""
        for fault in faults:
            match fault.kind:
                case Trouble.SESSION_LOST:
                    self.sessions.lose_all()
                case Trouble.EMPTY_BODY:
                    return Response(b"")
                case Trouble.NULL_BODY:
                    return Response(b"null")
                case Trouble.HTML_BODY:
                    return Response(PROXY_PAGE.encode(), content_type=HTML)
                case Trouble.HTTP_STATUS:
                    return Response(PROXY_PAGE.encode(), int(fault.number) or 502, HTML)
                case _:
                    continue
        return None

    async def _answer(
        self, svc: str, request: Request, faults: tuple[Fault, ...]
    ) -> tuple[int | None, Json]:
        """Return the error's number, if any, and the answer."""
        try:
            self._check_transport(request)
            _refuse(faults)
            answer = await self._execute(svc, request, faults)
        except ApiError as refused:
            return refused.code, cast("Json", refused.body())
        return None, answer

    def _check_transport(self, request: Request) -> None:
        if request.method != "POST" and not (request.method == "GET" and self.switches.get_allowed):
            raise ApiError(4, "POST expected")
        if request.method == "POST" and not request.is_form:
            raise ApiError(4, "application/x-www-form-urlencoded expected")

    async def _execute(self, svc: str, request: Request, faults: tuple[Fault, ...]) -> Json:
        """Find the service, the session and the arguments, in this order."""
        if svc not in (
            "token/login",
            "core/logout",
            "core/batch",
            "avl_evts",
            *self._methods.table,
        ):
            raise ApiError(2)
        wait_s = sum(fault.number for fault in faults if fault.kind is Trouble.SLOW)
        if svc == "token/login":
            await self._wait(wait_s)
            return self._login(_params(request), request.remote)
        session = self.sessions.enter(request.fields.get("sid", ""))
        try:
            await self._wait(wait_s)
            return self._in_session(svc, session, request, faults)
        finally:
            self.sessions.leave(session)

    async def _wait(self, seconds: float) -> None:
        if seconds:
            await self.clock.sleep(seconds)

    def _in_session(
        self, svc: str, session: Session, request: Request, faults: tuple[Fault, ...]
    ) -> Json:
        match svc:
            case "avl_evts":
                self.sessions.check_events(session)
                return {"tm": int(self.clock.now().timestamp()), "events": []}
            case "core/logout":
                self.sessions.close(session.sid)
                return {"error": 0}
            case "core/batch":
                return self._batch(session, _json(request))
            case _:
                answer = self._methods.table[svc](session, _params(request))
        for fault in faults:
            if fault.kind is Trouble.INCOMPLETE_PAGE and isinstance(answer, dict):
                _shorten(answer, int(fault.number) or 1)
        return answer

    def _batch(self, session: Session, given: Json) -> Json:
        """Run several calls in order; flag 1 stops at the first error. Source: wialon.md §1.3."""
        stop = False
        if isinstance(given, dict):
            stop = Params(given).integer("flags", default=0) == 1
            given = given.get("params")
        if not isinstance(given, list):
            raise ApiError(4, "params: list expected")
        out: list[Json] = []
        failed = False
        for each in given:
            if failed and stop:
                out.append({"error": 10})
                continue
            answer = self._element(session, each)
            failed = failed or (isinstance(answer, dict) and bool(answer.get("error")))
            out.append(answer)
        return out

    def _element(self, session: Session, each: Json) -> Json:
        """Run one call of a batch; faults may strike it alone."""
        if not isinstance(each, dict):
            return {"error": 4}
        svc, params = each.get("svc"), each.get("params", {})
        error: int | None = None
        answer: Json
        try:
            _refuse(self.faults.strike(f"batch:{svc}"))
            answer = self._call(session, svc, params)
        except ApiError as refused:
            error, answer = refused.code, refused.body()
        now = self.clock.now().timestamp()
        self.journal.note(Call(now, str(svc), error, _count(answer), in_batch=True))
        return answer

    def _call(self, session: Session, svc: Json, params: Json) -> Json:
        if not isinstance(svc, str) or svc not in self._methods.table:
            raise ApiError(2)
        if not isinstance(params, dict):
            raise ApiError(4, "params: object expected")
        return self._methods.table[svc](session, Params(params))

    def _login(self, params: Params, remote: str) -> dict[str, Json]:
        """Open a session; `fl` left out gives everything. Source: wialon.md §1.4."""
        token_name = params.text("token")
        wanted = params.integer("fl", default=0x7F)
        session = self.sessions.login(token_name, remote)
        token, user = session.token, session.user
        out: dict[str, Json] = {
            "eid": session.sid,
            "au": user.name,
            "pi": 10,
            "base_url": self.base_url,
        }
        if wanted & 0x1:
            now = int(self.clock.now().timestamp())
            out |= {"gis_sid": "", "host": remote, "hw_gw_ip": "", "tm": now, "wsdk_version": "1.0"}
        if wanted & 0x2:
            out["user"] = self._methods.views.item(user, BASE | BILLING | ADVANCED, session) | {
                "prp": {}
            }
        if wanted & 0x4:
            out["token"] = json.dumps({
                "app": token.app, "ct": 0, "at": token.activates_at, "dur": token.expires_at,
                "fl": token.flags, "p": "{}", "items": sorted(token.items),
            })  # fmt: skip
            out["th"] = token.name
        if wanted & 0x8:
            out["classes"] = cast("Json", CLASSES)
        if wanted & 0x10:
            out["features"] = {"unlim": 0, "svcs": {"avl_unit": 1, "seasonal_units": 1}}
        if self.switches.local_version:
            out |= {"local_version": self.switches.local_version, "api": ""}
        return out

    def _note(
        self, svc: str, request: Request, *, error: int | None, body: bytes, items: int = 0
    ) -> None:
        params = "" if svc in NOT_WRITTEN_DOWN else request.fields.get("params", "")[:500]
        now = self.clock.now().timestamp()
        self.journal.note(Call(now, svc, error, items, len(body), params=params))


def _refuse(faults: tuple[Fault, ...]) -> None:
    """Play an API error that is switched on."""
    for fault in faults:
        if fault.kind is Trouble.ERROR:
            raise ApiError(int(fault.number), fault.reason)


def _json(request: Request) -> Json:
    """Read the field `params`: one JSON text."""
    try:
        return cast("Json", orjson.loads(request.fields.get("params", "")))
    except orjson.JSONDecodeError:
        raise ApiError(4, "params: JSON expected") from None


def _params(request: Request) -> Params:
    given = _json(request)
    if not isinstance(given, dict):
        raise ApiError(4, "params: object expected")
    return Params(given)


def _count(answer: Json) -> int:
    items = answer.get("items") if isinstance(answer, dict) else answer
    return len(items) if isinstance(items, list) else 0


def _shorten(answer: dict[str, Json], missing: int) -> None:
    """Take the last items off a page and say nothing of it."""
    items = answer.get("items")
    if isinstance(items, list):
        del items[-missing:]
        answer["indexTo"] = max(cast("int", answer["indexFrom"]) + len(items) - 1, 0)
