"""The portal itself: takes a request, applies brakes and faults, runs methods, answers."""

from __future__ import annotations

import heapq
from collections.abc import Generator, Mapping
from datetime import datetime, timedelta
from itertools import count

from stavbill.sandbox.clock import SandboxClock
from stavbill.sandbox.portal import batch, churn, dump
from stavbill.sandbox.portal.asked import (
    HTML,
    PROXY_PAGE,
    Asked,
    Steps,
    Webhook,
    envelope,
    error_page,
    exhaust,
)
from stavbill.sandbox.portal.calls import Calls, Noted
from stavbill.sandbox.portal.faults import Fault, Faults, Trouble
from stavbill.sandbox.portal.gate import Gate, Passage
from stavbill.sandbox.portal.limits import Bucket, Limits, Operating
from stavbill.sandbox.portal.method import Call
from stavbill.sandbox.portal.params import Params, read_params
from stavbill.sandbox.portal.registry import METHODS, OWN, SCOPES, scopes
from stavbill.sandbox.portal.state import State
from stavbill.sandbox.portal.switches import Switches
from stavbill.sandbox.portal.wire import (
    Answer,
    ApiError,
    Record,
    Response,
    json_response,
)

SECRET = "sandboxsecret"  # noqa: S105 - invented, of a portal that is not there
FORWARDED = "x-forwarded-proto"
DROPPED = Response(0, dropped=True)


class Portal:
    """One Bitrix24 portal on the clock that it is given; no transport in it.

    `state`, `switches`, `limits`, `faults`, `gate` and `calls` stay open to tests and people.
    """

    def __init__(
        self,
        clock: SandboxClock,
        *,
        switches: Switches | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Open an empty portal."""
        self.clock = clock
        self.switches = switches or Switches()
        self.limits = limits or Limits()
        self.state = State(clock, self.switches)
        self.faults, self.calls, self.gate = Faults(), Calls(), Gate()
        self.webhooks: dict[tuple[str, str], Webhook] = {}
        self._bucket, self._operating = Bucket(self.limits), Operating(self.limits)
        self._late: list[tuple[float, int, Asked]] = []
        self._numbers = count()
        if self.switches.list_lag_s:
            self.state.lag(self.switches.list_lag_s)

    def add_webhook(
        self, user_id: int = 1, secret: str = SECRET, scopes: frozenset[str] = SCOPES
    ) -> Webhook:
        """Create an incoming webhook and return it."""
        made = Webhook(user_id, secret, scopes)
        self.webhooks[str(user_id), secret] = made
        return made

    async def handle(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, query: str
    ) -> Response:
        """Answer one HTTP request. `path` is decoded, `query` is not; header names any case."""
        self.settle()
        self.calls.requests += 1
        number = self.calls.requests
        content = next((v for k, v in headers.items() if k.lower() == "content-type"), "")
        asked: Asked | None = None
        try:
            self._check_scheme(headers)
            asked = self._read(number, method, path, read_params(content, body, query))
            self._admit(asked)
        except ApiError as refused:
            name = asked.method if asked is not None else path.rpartition("/")[2].lower()
            self._note(number, name, status=refused.status, error=refused)
            return json_response(refused.body(), refused.status)
        faults = self.faults.strike_request(asked.methods(), writes=asked.writes())
        broken = self._broken_before(asked, faults)
        if broken is not None:
            return broken
        slow = faults.get(Trouble.SLOW)
        if slow is not None:
            await self.clock.sleep(slow.seconds)
        if Trouble.LOST_MID_BATCH in faults and len(asked.commands) > 1:
            asked.prefix = self.faults.prefix(len(asked.commands))
        answer = await self._timed(asked, self._work(asked))
        return self._broken_after(asked, faults, answer)

    def settle(self, *, everything: bool = False) -> int:
        """Execute what was delayed and is due, or all of it; return how many requests ran.

        Each runs at its own moment, before any later request looks.
        """
        ran = 0
        while self._late and (everything or self._late[0][0] <= self.clock.monotonic()):
            due, _, asked = heapq.heappop(self._late)
            ahead = timedelta(seconds=due - self.clock.monotonic())
            self.state.at(self.clock.now() + ahead)
            try:
                exhaust(self._work(asked))
            finally:
                self.state.at(None)
            ran += 1
        return ran

    def waiting(self) -> int:
        """Count the requests that will still execute."""
        return len(self._late)

    def snapshot(self) -> Record:
        """Return the end state, late work included, for comparing runs."""
        self.settle(everything=True)
        return dump.everything(self.state)

    # ---- the way in

    def _check_scheme(self, headers: Mapping[str, str]) -> None:
        """Refuse plain HTTP if the switch is on; a proxy in front says what came."""
        if not self.switches.https_only:
            return
        if all(headers[name] != "https" for name in headers if name.lower() == FORWARDED):
            raise ApiError(400, "INVALID_REQUEST", "Https required.")

    def _read(self, number: int, verb: str, path: str, given: Record) -> Asked:
        """Find webhook and method. Source: bitrix24.md §1.1, §1.5."""
        parts = path.strip("/").split("/")
        if verb not in ("GET", "POST"):
            raise ApiError(405, "INVALID_REQUEST", "Method is not allowed")
        if len(parts) < 3 or parts[0] != "rest" or (parts[1], parts[2]) not in self.webhooks:
            self._bucket_or_refuse()
            raise ApiError(401, "NO_AUTH_FOUND", "Wrong authorization data")
        name = "/".join(parts[3:]).removesuffix(".json")
        if self.switches.any_method_case:
            name = name.lower()
        webhook = self.webhooks[parts[1], parts[2]]
        asked = Asked(number, webhook, name, Params(given))
        if name == "batch":
            asked.commands = batch.read_commands(asked.params)
        return asked

    def _bucket_or_refuse(self) -> None:
        if not self._bucket.admits(self.clock.monotonic()):
            raise ApiError(503, "QUERY_LIMIT_EXCEEDED", "Too many requests")

    def _admit(self, asked: Asked) -> None:
        self._bucket_or_refuse()
        if asked.method not in OWN:
            self._check(asked.webhook, asked.method)
        if (
            asked.method == "batch"
            and self.switches.long_batch == "whole"
            and len(asked.commands) > batch.LONGEST
        ):
            raise ApiError(400, "ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded")

    def _check(self, webhook: Webhook, name: str) -> None:
        """Refuse an unknown method, a missing scope, a method over its operating time."""
        known = METHODS.get(name)
        if known is None:
            raise ApiError(404, "ERROR_METHOD_NOT_FOUND", "Method not found!")
        if self.switches.scopes_checked and known.scope and known.scope not in webhook.scopes:
            text = "The request requires higher privileges than provided by the webhook token"
            raise ApiError(403, "insufficient_scope", text)
        if self._operating.exhausted((webhook.secret, name), self.clock.monotonic()):
            text = "Method is blocked due to operation time limit."
            raise ApiError(429, "OPERATION_TIME_LIMIT", text)

    # ---- faults around the work

    def _broken_before(self, asked: Asked, faults: dict[Trouble, Fault]) -> Response | None:
        """Play the faults in which nothing is executed, or not now."""
        if Trouble.QUERY_LIMIT in faults:
            return self._refuse(asked, ApiError(503, "QUERY_LIMIT_EXCEEDED", "Too many requests"))
        if Trouble.OVERLOAD in faults:
            text = "REST API is blocked due to overload."
            return self._refuse(asked, ApiError(503, "OVERLOAD_LIMIT", text))
        if Trouble.LOST_BEFORE in faults:
            self._note(asked.number, asked.method, status=0, lost=True, params=asked.params)
            return DROPPED
        late = faults.get(Trouble.LATE)
        if late is not None:
            asked.late = True
            due = self.clock.monotonic() + late.seconds
            heapq.heappush(self._late, (due, next(self._numbers), asked))
            self._note(asked.number, asked.method, status=0, lost=True, late=True)
            return DROPPED
        error = faults.get(Trouble.ERROR_BEFORE)
        if error is not None:
            self._note(asked.number, asked.method, status=error.status, params=asked.params)
            return error_page(error)
        return None

    def _refuse(self, asked: Asked, refused: ApiError) -> Response:
        self._note(asked.number, asked.method, status=refused.status, error=refused)
        return json_response(refused.body(), refused.status)

    def _broken_after(
        self, asked: Asked, faults: dict[Trouble, Fault], answer: Response
    ) -> Response:
        """Play the faults in which the work is done and the answer does not say so."""
        if asked.prefix is not None or Trouble.LOST_AFTER in faults:
            self.calls.mark_lost(asked.number)
            return DROPPED
        error = faults.get(Trouble.ERROR_AFTER)
        return answer if error is None else error_page(error)

    # ---- the work

    async def _timed(self, asked: Asked, steps: Steps) -> Response:
        """Run the steps, each taking its cost of the clock if delays are on; cut what is too long.

        Before each write and before the answer stands the gate.

        What the real server does with a call that it cuts is not documented: here the commands
        so far stand, the rest does not run. Source: bitrix24.md §1.8, §2.
        """
        started, passed = self.clock.monotonic(), 0.0
        try:
            while True:
                cost = next(steps)
                if asked.next_write and not await self._passes(asked):
                    steps.close()
                    return DROPPED
                if not self.limits.delay_on:
                    continue
                passed += cost
                # Towards a moment, not for a while: what one sleep oversleeps the next makes good.
                due = started + min(passed, self.limits.cut_s)
                await self.clock.sleep(due - self.clock.monotonic())
                if passed > self.limits.cut_s:
                    steps.close()
                    return Response(504, {"Content-Type": HTML}, PROXY_PAGE % 504)
        except StopIteration as done:
            answer: Response = done.value
            asked.next_write = ""
            return answer if not asked.writes() or await self._passes(asked) else DROPPED

    async def _passes(self, asked: Asked) -> bool:
        """Ask the gate; what it drops is noted as lost."""
        if await self.gate.reached(asked.number, asked.next_write) is Passage.GO:
            return True
        self.calls.mark_lost(asked.number)
        return False

    def _work(self, asked: Asked) -> Steps:
        """Run a request; before each call its cost in seconds is yielded."""
        started = self.state.now_exact()
        if asked.method == "batch":
            result = yield from self._run_batch(asked)
            self._note(asked.number, "batch", executed=True, late=asked.late)
            time = self._time(started, None)
            return json_response({"result": result, "time": time})
        try:
            answer, time = yield from self._run_one(asked, asked.method, asked.params)
        except ApiError as refused:
            return json_response(refused.body(), refused.status)
        return json_response(envelope(answer, time))

    def _run_batch(self, asked: Asked) -> Generator[float, None, Record]:
        outcome = batch.Outcome()
        halt = batch.halts(asked.params)
        commands = asked.commands[: asked.prefix]
        for place, command in enumerate(commands):
            try:
                if place >= batch.LONGEST:
                    text = "Max batch length exceeded"
                    raise ApiError(400, "ERROR_BATCH_LENGTH_EXCEEDED", text)  # noqa: TRY301
                params = Params(batch.resolved(command.params, outcome.result))
                name = command.method.lower().removesuffix(".json")
                answer, time = yield from self._run_one(asked, name, params, in_batch=True)
            except ApiError as refused:
                outcome.fail(command.key, refused)
                if halt:
                    break
            else:
                outcome.add(command.key, answer, time)
        return outcome.body()

    def _run_one(
        self, asked: Asked, name: str, params: Params, *, in_batch: bool = False
    ) -> Generator[float, None, tuple[Answer, Record]]:
        """Run one call and account for it. Raises ApiError."""
        started = self.state.now_exact()
        executed = False
        try:
            if in_batch:
                self._check_command(asked.webhook, name)
            struck = self._strike_call(name)
            asked.next_write = name if name not in OWN and METHODS[name].writes else ""
            yield self.limits.cost_of(name)
            executed = name in OWN or METHODS[name].writes
            answer = self._call(asked.webhook, name, params)
        except ApiError as refused:
            self._note(asked.number, name, status=refused.status, error=refused,
                       in_batch=in_batch, late=asked.late, params=params)  # fmt: skip
            raise
        key = (asked.webhook.secret, name)
        self._operating.spend(key, self.clock.monotonic(), self.limits.cost_of(name))
        if struck:
            churn.play(self.state, name, params, struck)
        self._note(asked.number, name, executed=executed, in_batch=in_batch, late=asked.late,
                   params=params,
                operating=self._operating.used(key, self.clock.monotonic()))  # fmt: skip
        return answer, self._time(started, key)

    def _check_command(self, webhook: Webhook, name: str) -> None:
        if name in batch.NOT_ALLOWED:
            text = "Method is not allowed for batch usage"
            raise ApiError(405, "ERROR_BATCH_METHOD_NOT_ALLOWED", text)
        if name not in OWN:
            self._check(webhook, name)

    def _strike_call(self, name: str) -> dict[Trouble, Fault]:
        known = METHODS.get(name)
        struck = self.faults.strike_call(name, writes=known is not None and known.writes)
        if Trouble.OPERATION_TIME in struck:
            text = "Method is blocked due to operation time limit."
            raise ApiError(429, "OPERATION_TIME_LIMIT", text)
        refused = struck.get(Trouble.REFUSED)
        if refused is not None:
            raise ApiError(refused.status, refused.code, refused.text)
        return struck

    def _call(self, webhook: Webhook, name: str, params: Params) -> Answer:
        if name == "scope":
            full = params.get("full") not in (None, "", False, 0, "0", "false")
            return Answer(scopes(webhook.scopes, full=full))
        method = METHODS[name]
        bound = params.positional(method.order) if method.order else params
        if method.any_case:
            bound = Params(params.given, any_case=True)
        return method.run(self.state, Call(bound, webhook.user_id))

    # ---- accounts

    def _time(self, started: datetime, key: tuple[str, str] | None) -> Record:
        """Return the `time` object; the outer one of a batch has no operating time. §1.4, §2."""
        finished = self.state.now_exact()
        cost = self.limits.cost_of(key[1]) if key is not None else 0.0
        passed = max((finished - started).total_seconds(), cost)
        finished = started + timedelta(seconds=passed)
        out: Record = {
            "start": started.timestamp(),
            "finish": finished.timestamp(),
            "duration": passed,
            "processing": cost,
            "date_start": self.state.iso(started.replace(microsecond=0)),
            "date_finish": self.state.iso(finished.replace(microsecond=0)),
        }
        if self.switches.time_figures != "full":
            return out
        now_s = self.clock.monotonic()
        used = self._operating.used(key, now_s) if key is not None else 0
        resets = self._operating.resets_in(key or ("", ""), now_s)
        reset_at = int(self.clock.now().timestamp() + resets)
        return out | {"operating_reset_at": reset_at, "operating": used or 0}

    def _note(
        self, number: int, method: str, *, status: int = 200, error: ApiError | None = None,
        executed: bool = False, lost: bool = False, late: bool = False, in_batch: bool = False,
        operating: float = 0.0, params: Params | None = None,
    ) -> None:  # fmt: skip
        self.calls.note(
            Noted(
                request=number, at=self.clock.now().timestamp(), method=method, status=status,
                error=None if error is None else str(error.code), operating=operating,
                executed=executed, lost=lost, late=late, in_batch=in_batch,
                params={} if params is None else params.given,
            )
        )  # fmt: skip
