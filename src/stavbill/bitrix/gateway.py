"""The gateway: one POST for each call, never repeated, and every failure told apart by its type.

Source: Bitrix24 reference 1.1 to 1.5, 1.8 and 3 (b24restdocs: settings/how-to-call-rest-api/).
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import socket
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from urllib.parse import urlsplit

import httpx

from stavbill.bitrix.batch import (
    MAX_COMMANDS,
    NOT_SAID,
    BatchAnswer,
    Command,
    Json,
    Param,
    Spent,
    code_of,
    sort_answer,
    spent_of,
)
from stavbill.bitrix.failures import (
    AccessLostError,
    CallRefusedError,
    CallRejectedError,
    CallUnclearError,
    PortalMovedError,
    Verdict,
    advise,
    judge,
    say,
    tidy,
)
from stavbill.bitrix.limiter import Limiter, Ticket
from stavbill.bitrix.server_time import ServerTime, server_time
from stavbill.clock import Clock
from stavbill.errors import ConfigError, PortalError

# The cloud cuts a request at 60 s: a client that gives up earlier doubts every slow batch.
TIMEOUT_S = 70.0
CONNECT_TIMEOUT_S = 10.0
UNREACHABLE_RETRY_S = 5.0
DELIVERED_WITHIN_MS = 20_000
_WEBHOOK = re.compile(r"(?P<base>https?://[^/\s?#@]+/rest/\d+/[^/\s?#]+)(?:[/?#].*)?")
_KEY = re.compile(r"[a-z][a-z0-9_]*")
_NOT_THERE = {401, 403, 404, 410}
# What httpcore tells its trace when head and connection are done.
BODY_LEAVES = "http11.send_request_body.started"
_TOO_LATE = "запрос не отправлен: запись остановлена или время на неё вышло"


@dataclass(frozen=True, slots=True)
class Webhook:
    """An incoming webhook's address. Its path is a secret: only `host` may be shown."""

    base: str = field(repr=False)
    host: str

    @property
    def path(self) -> str:
        """The secret part of the address."""
        return urlsplit(self.base).path


def parse_webhook(url: str) -> Webhook:
    """Return the webhook in `url`, a method's name at its end ignored.

    Raises `ConfigError`, which does not repeat the secret.
    """
    found = _WEBHOOK.fullmatch(url.strip())
    if found is None:
        msg = (
            "STAVBILL_PORTAL_URL не похож на адрес входящего вебхука. Ожидается "
            "https://ваш-портал.bitrix24.ru/rest/1/секрет/ из настроек вебхука"
        )
        raise ConfigError(msg)
    return Webhook(base=found["base"] + "/", host=urlsplit(found["base"]).netloc)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a single call gave: the `result`, and `total` where the method reports one."""

    value: Json
    total: int | None = None
    has_next: bool = False
    spent: Spent = NOT_SAID


@dataclass(frozen=True, slots=True)
class RequestSeen:
    """One HTTP request as it went: for counters, progress and logs; bears no secret.

    `outcome` is `ok`, or the failure's class name; `commands` counts those of a batch.
    """

    method: str
    commands: int
    seconds: float
    outcome: str


def open_http(*, connections: int = 32) -> httpx.AsyncClient:
    """Return a client fit for the gateway: no repeats, no redirects, no addresses in the log."""
    # Both libraries log whole addresses, and the webhook's secret is a part of the path.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return httpx.AsyncClient(
        transport=httpx.AsyncHTTPTransport(
            retries=0,
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            socket_options=_socket_options(),
        ),
        headers={"User-Agent": "stavbill", "Accept": "application/json"},
        follow_redirects=False,
    )


def _socket_options() -> list[tuple[int, int, int]]:
    """Let the kernel give up bytes that nobody takes: it would deliver a write minutes later."""
    # Linux alone knows this option; elsewhere the look-up after the quiet time has to do.
    name = getattr(socket, "TCP_USER_TIMEOUT", None)
    return [] if name is None else [(socket.IPPROTO_TCP, name, DELIVERED_WITHIN_MS)]


class Gateway:
    """The portal's REST over one webhook. Safe to use from many tasks at once.

    Every method raises one of `failures`: `CallRefusedError` (not executed), `AccessLostError`
    (not executed, a person must act), `CallRejectedError`, `CallUnclearError`. Nothing is sent
    twice. `on_request` hears of every HTTP request; `may_send` is asked after the wait for the
    limiter, right before sending, and `is_in_time` when nothing but the body is left to be sent:
    False makes it a `CallRefusedError`.
    """

    def __init__(
        self,
        webhook_url: str,
        *,
        http: httpx.AsyncClient,
        limiter: Limiter,
        clock: Clock,
        timeout_s: float = TIMEOUT_S,
        on_request: Callable[[RequestSeen], None] | None = None,
        may_send: Callable[[], bool] | None = None,
        is_in_time: Callable[[], bool] | None = None,
    ) -> None:
        self._webhook = parse_webhook(webhook_url)
        self._http = http
        self._clock = clock
        self._timeout_s = timeout_s
        self._timeout = httpx.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s))
        self._on_request = on_request
        self._may_send = may_send
        self._is_in_time = is_in_time
        self.limiter = limiter
        self.requests = 0
        # The portal's own time, by its last answer.
        self.server_time: ServerTime | None = None
        # How many requests wait for their answer now.
        self.in_flight = 0

    @property
    def host(self) -> str:
        """The portal's host, which may be shown."""
        return self._webhook.host

    async def call(self, method: str, params: Mapping[str, Param] | None = None) -> Answer:
        """Call one method; numbers with a fraction come back as `Decimal`."""
        ticket = await self.limiter.reserve({method: 1})
        envelope = await self._post(method, params or {}, ticket)
        spent = spent_of(envelope.get("time"))
        self.limiter.settle(ticket, {method: [spent]})
        total = envelope.get("total")
        return Answer(
            value=envelope["result"],
            total=total if isinstance(total, int) else None,
            has_next="next" in envelope,
            spent=spent,
        )

    async def batch(self, commands: Mapping[str, Command], *, halt: bool) -> BatchAnswer:
        """Send up to 50 commands as one request; failures of single commands are values.

        Keys are names (`i0`, `rows_3`), never numbers, which the portal would turn into a list.
        With `halt` the first failure leaves the commands behind it not run.
        """
        _check(commands)
        calls = Counter(command.method for command in commands.values())
        ticket = await self.limiter.reserve(calls)
        body: dict[str, Param] = {
            "halt": int(halt),
            "cmd": {key: command.encode() for key, command in commands.items()},
        }
        envelope = await self._post("batch", body, ticket, commands=len(commands))
        answer = sort_answer(list(commands), envelope["result"], halt=halt)
        self._settle_batch(ticket, commands, answer)
        return answer

    def _settle_batch(
        self, ticket: Ticket, commands: Mapping[str, Command], answer: BatchAnswer
    ) -> None:
        spent: dict[str, list[Spent]] = defaultdict(list)
        for key, result in answer.ran.items():
            spent[commands[key].method].append(result.spent)
        blocked: set[str] = set()
        for key, failure in answer.failed.items():
            method = commands[key].method
            if failure.code.casefold() == "operation_time_limit":
                blocked.add(method)
            else:
                spent[method].append(NOT_SAID)
        self.limiter.settle(ticket, spent)
        for method in blocked:
            resets = [item.reset_in_s for item in spent[method] if item.reset_in_s is not None]
            self.limiter.block(method, max(resets, default=None))

    async def _post(
        self, method: str, body: Mapping[str, Param], ticket: Ticket, *, commands: int = 1
    ) -> dict[str, Json]:
        """Send one request and return its envelope, which has a `result`; settle its failures."""
        if self._may_send is not None and not self._may_send():
            self.limiter.release(ticket)
            raise CallRefusedError(_TOO_LATE)
        self.requests += 1
        self.in_flight += 1
        started = self._clock.monotonic()
        outcome = "cancelled"
        asked = self._clock.now()
        try:
            response = await self._send(method, body)
            date, now = response.headers.get("Date"), self._clock.now()
            self.server_time = server_time(date, asked=asked, answered=now) or self.server_time
            envelope = self._read(method, response)
            outcome = "ok"
        except PortalError as failure:
            outcome = type(failure).__name__
            self._account(failure, ticket)
            raise
        finally:
            self.in_flight -= 1
            if self._on_request is not None:
                seconds = self._clock.monotonic() - started
                self._on_request(RequestSeen(method, commands, seconds, outcome))
        return envelope

    async def _send(self, method: str, body: Mapping[str, Param]) -> httpx.Response:
        try:
            # The client's own timeouts are for each read: an answer that trickles has no end.
            async with asyncio.timeout(self._timeout_s):
                return await self._http.post(
                    self._webhook.base + method,
                    content=json.dumps(body, ensure_ascii=False, default=str).encode(),
                    headers={"Content-Type": "application/json"},
                    timeout=self._timeout,
                    follow_redirects=False,
                    extensions={"trace": self._look_once_more},
                )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            msg = f"портал {self.host} недоступен ({self._cause(error)}): запрос не отправлен"
            raise CallRefusedError(msg, retry_after_s=UNREACHABLE_RETRY_S) from None
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
            msg = f"портал {self.host} не ответил на {method} ({self._cause(error)})"
            raise CallUnclearError(msg) from None

    async def _look_once_more(self, event: str, _info: object) -> None:
        """Refuse at the last moment: a request without its body is not executed.

        A process that was paused, or waited long for its connection, has no right to send any more.
        """
        if event == BODY_LEAVES and self._is_in_time is not None and not self._is_in_time():
            raise CallRefusedError(_TOO_LATE)

    def _cause(self, error: Exception) -> str:
        """Name a transport's error instead of chaining it: its text may hold the whole address."""
        text = str(error).replace(self._webhook.base, "…/").replace(self._webhook.path, "…/")
        return f"{type(error).__name__}: {text}" if text else type(error).__name__

    def _read(self, method: str, response: httpx.Response) -> dict[str, Json]:
        if response.is_redirect:
            target = urlsplit(response.headers.get("location", "")).netloc or "другой адрес"
            msg = (
                f"портал {self.host} переехал: {target}. Запрос не выполнен. Возьмите адрес "
                "вебхука на новом портале и обновите STAVBILL_PORTAL_URL"
            )
            raise PortalMovedError(msg)
        envelope = _parse(response.content)
        if envelope is None:
            raise self._unreadable(method, response)
        if "error" in envelope:
            raise self._failure(method, response, envelope)
        if response.is_error or "result" not in envelope:
            raise self._unreadable(method, response)
        return envelope

    def _unreadable(self, method: str, response: httpx.Response) -> PortalError:
        status = response.status_code
        if status in _NOT_THERE:
            return AccessLostError(
                f"по адресу {self.host} отвечает не REST Битрикс24 (HTTP {status}). Проверьте "
                "STAVBILL_PORTAL_URL"
            )
        return CallUnclearError(f"ответ портала {self.host} на {method} не разобран: HTTP {status}")

    def _failure(
        self, method: str, response: httpx.Response, envelope: dict[str, Json]
    ) -> PortalError:
        status = response.status_code
        code = code_of(envelope["error"])
        description = tidy(envelope.get("error_description"))
        match judge(code, status):
            case Verdict.REFUSED:
                wait = spent_of(envelope.get("time")).reset_in_s
                if wait is None:
                    wait = _retry_after(response)
                return CallRefusedError(
                    f"портал {self.host} просит подождать: {code}", code, retry_after_s=wait or 0.0
                )
            case Verdict.ACCESS:
                return AccessLostError(
                    f"портал {self.host} не выполнил {method} ({code}): {advise(code, status)}",
                    code,
                )
            case Verdict.UNCLEAR:
                return CallUnclearError(
                    f"портал {self.host} сломался на {method}: HTTP {status} {code}".rstrip(), code
                )
            case Verdict.REJECTED:
                return CallRejectedError(
                    say(method, code, description), code, description=description
                )

    def _account(self, failure: PortalError, ticket: Ticket) -> None:
        """Tell the limiter; an unclear call keeps its charge, because it may have run."""
        if isinstance(failure, AccessLostError | CallRefusedError):
            self.limiter.release(ticket)
        if isinstance(failure, CallRefusedError):
            code = failure.code.casefold()
            if code == "query_limit_exceeded":
                self.limiter.back_off(failure.retry_after_s)
            elif code == "operation_time_limit":
                for method in ticket.calls:
                    self.limiter.block(method, failure.retry_after_s or None)


def _check(commands: Mapping[str, Command]) -> None:
    if not 1 <= len(commands) <= MAX_COMMANDS:
        msg = f"a batch takes 1..{MAX_COMMANDS} commands, not {len(commands)}"
        raise ValueError(msg)
    for key in commands:
        if _KEY.fullmatch(key) is None:
            msg = f"a batch key begins with a letter, not {key!r}"
            raise ValueError(msg)


def _parse(body: bytes) -> dict[str, Json] | None:
    """Return the JSON object in a body, None when there is none."""
    try:
        value = json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _retry_after(response: httpx.Response) -> float | None:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isdecimal() else None
