"""A whole list by the chain of ids: 50 pages of 50 rows in each request, nothing missed.

Offsets miss rows when one is deleted meanwhile; the chain asks for ids above the last one seen.
Pages of one batch refer to each other's last row. fast-bitrix24 sends the batches: it repeats by
itself, which is harmless in reading. Source: performance page 1 and 2; Bitrix24 reference 4.1.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import SimpleNamespace, TracebackType
from typing import Any, Protocol, Self

import aiohttp
from fast_bitrix24 import BitrixAsync

from stavbill.bitrix.batch import (
    BatchAnswer,
    Command,
    CommandFailure,
    Json,
    Param,
    Reference,
    Spent,
    sort_answer,
)
from stavbill.bitrix.failures import Verdict, judge
from stavbill.bitrix.gateway import parse_webhook
from stavbill.bitrix.limiter import Limiter
from stavbill.bitrix.server_time import ServerTime, server_time
from stavbill.bitrix.write.values import id_at
from stavbill.clock import Clock
from stavbill.errors import PortalError

PAGE = 50
MOST_PAGES = 50
BATCH_S = 25.0
REQUEST_S = 120.0
NO_BRAKE = 1_000_000
TIME_LIMIT = "operation_time_limit"
# A method's seconds are free again after ten minutes at the latest.
PATIENCE_S = 900.0


@dataclass(frozen=True, slots=True)
class ListSpec:
    """One list to read whole: method, parameters, and where rows and ids stand in its answer.

    `path` leads to the rows in a result (`()` when the result is the list), `id_key` is the row's
    id, `id_filter` the field that the filter and the order name.
    """

    method: str
    params: Mapping[str, Param]
    path: tuple[str, ...] = ()
    id_key: str = "ID"
    id_filter: str = "ID"


class BatchClient(Protocol):
    """What a reader needs of fast-bitrix24: one call whose whole answer is given."""

    async def call(self, method: str, items: dict[str, Any], raw: bool) -> Any:  # noqa: FBT001, ANN401  its signature
        """Send one request and return its decoded envelope."""
        ...


class BulkReader:
    """Reads lists through fast-bitrix24, paced by our limiter; use as a context."""

    def __init__(
        self,
        webhook_url: str,
        *,
        limiter: Limiter,
        clock: Clock,
        client: BatchClient | None = None,
    ) -> None:
        """Read from the portal behind `webhook_url`, by a client of our own unless one is given."""
        self._webhook = parse_webhook(webhook_url)
        self._limiter = limiter
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._client: BatchClient | None = client
        self.requests = 0
        # The portal's own time, by its last answer.
        self.server_time: ServerTime | None = None

    async def __aenter__(self) -> Self:
        """Open the HTTP session, unless a client was given."""
        if self._client is not None:
            return self
        logging.getLogger("fast_bitrix24").setLevel(logging.ERROR)
        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(self._begins)
        trace.on_request_end.append(self._ends)
        self._session = aiohttp.ClientSession(
            raise_for_status=True,
            trace_configs=[trace],
            timeout=aiohttp.ClientTimeout(total=REQUEST_S),
        )
        # Our limiter paces; its own brakes are opened wide (switched off, they break on `time`).
        self._client = BitrixAsync(
            self._webhook.base,
            verbose=False,
            request_pool_size=NO_BRAKE,
            requests_per_second=float(NO_BRAKE),
            operating_time_limit=NO_BRAKE,
            client=self._session,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()

    async def _begins(
        self,
        _session: aiohttp.ClientSession,
        context: SimpleNamespace,
        _request: aiohttp.TraceRequestStartParams,
    ) -> None:
        self.requests += 1
        context.asked = self._clock.now()

    async def _ends(
        self,
        _session: aiohttp.ClientSession,
        context: SimpleNamespace,
        answer: aiohttp.TraceRequestEndParams,
    ) -> None:
        date, now = answer.response.headers.get("Date"), self._clock.now()
        found = server_time(date, asked=context.asked, answered=now)
        self.server_time = found or self.server_time

    async def rows(
        self, spec: ListSpec, *, expected: int | None = None, after: int = 0
    ) -> AsyncIterator[list[dict[str, Json]]]:
        """Yield the rows of a list behind an id, in the order of ids, in chunks of one request.

        `expected` is about how many rows there are, when that is known: pages that nobody needs
        cost the portal time too. Raises `PortalError`. A row deleted or added meanwhile shifts
        nothing.
        """
        last, most, seen = after, MOST_PAGES, 0
        until = self._clock.monotonic() + PATIENCE_S
        while True:
            pages = min(most, MOST_PAGES if expected is None else _pages_left(expected, seen))
            commands = _chain(spec, last, pages)
            answer, seconds = await self._ask(commands)
            limited = self._limited(commands, answer)
            waits = limited if self._clock.monotonic() < until else frozenset[str]()
            chunk, ended = self._unchain(spec, answer, last, pages, waits)
            if chunk:
                until = self._clock.monotonic() + PATIENCE_S
                yield chunk
                last = max(last, _id(spec, chunk[-1]))
                seen += len(chunk)
            if ended:
                return
            most = max(1, min(MOST_PAGES, int(BATCH_S * pages / max(seconds, 0.001))))

    async def short(self, specs: Sequence[ListSpec]) -> AsyncIterator[list[dict[str, Json]]]:
        """Yield the rows of several lists, one after the other, in as few requests as can be.

        One request asks for the first page of all, at most 50; a longer one goes on as in `rows`.
        """
        firsts = {f"s{place}": _chain(spec, 0, 1)["p0"] for place, spec in enumerate(specs)}
        results = await self.batch(firsts)
        for place, spec in enumerate(specs):
            rows = _rows(spec, results[f"s{place}"])
            if rows:
                yield rows
            if len(rows) == PAGE:
                async for more in self.rows(spec, expected=0, after=_id(spec, rows[-1])):
                    yield more

    async def batch(self, commands: Mapping[str, Command]) -> dict[str, Json]:
        """Send one batch of reading commands and return every result by key.

        Raises `PortalError` for a failed command, a refused webhook, a portal that does not answer.
        """
        answer = await self.ask(commands)
        for key, failure in answer.failed.items():
            raise self._command_failed(commands[key].method, failure)
        return {key: result.value for key, result in answer.ran.items()}

    async def ask(self, commands: Mapping[str, Command]) -> BatchAnswer:
        """Send one batch of reading commands; failed ones are values. Raises as `batch`.

        What met a limit is asked again.
        """
        until = self._clock.monotonic() + PATIENCE_S
        answer, _ = await self._ask(commands)
        while (limited := self._limited(commands, answer)) and self._clock.monotonic() < until:
            more, _ = await self._ask({key: commands[key] for key in limited})
            left = {key: one for key, one in answer.failed.items() if key not in limited}
            not_run = answer.not_run | more.not_run
            answer = BatchAnswer({**answer.ran, **more.ran}, {**left, **more.failed}, not_run)
        return answer

    def _limited(self, commands: Mapping[str, Command], answer: BatchAnswer) -> frozenset[str]:
        """Return the commands that met a limit, having told everybody of it."""
        limited = {
            key: failure.code.casefold()
            for key, failure in answer.failed.items()
            if judge(failure.code) is Verdict.REFUSED
        }
        for method in {commands[key].method for key, code in limited.items() if code == TIME_LIMIT}:
            self._limiter.block(method)
        if any(code != TIME_LIMIT for code in limited.values()):
            self._limiter.back_off()
        return frozenset(limited)

    async def _ask(self, commands: Mapping[str, Command]) -> tuple[BatchAnswer, float]:
        """Send one batch; how long the portal took for it, the wait for the limiter apart."""
        calls: dict[str, int] = {}
        for command in commands.values():
            calls[command.method] = calls.get(command.method, 0) + 1
        ticket = await self._limiter.reserve(calls)
        began = self._clock.monotonic()
        client = self._client
        if client is None:
            msg = "BulkReader is used outside of its context"
            raise RuntimeError(msg)
        body = {"halt": 0, "cmd": {key: command.encode() for key, command in commands.items()}}
        methods = ", ".join(sorted(calls))
        try:
            # `raw` keeps the whole answer: `call_batch` drops times and fails on any command.
            found: Any = await client.call("batch", body, raw=True)
        except aiohttp.ClientResponseError as error:
            raise PortalError(self._refused(methods, error.status)) from None
        except (aiohttp.ClientError, TimeoutError, RuntimeError, ValueError) as error:
            cause = type(error.__cause__ or error).__name__
            msg = f"портал {self._webhook.host} не отвечает на чтение {methods} ({cause})"
            raise PortalError(msg) from None
        seconds = self._clock.monotonic() - began
        answer = sort_answer(list(commands), _with_exact_times(found), halt=False)
        spent: dict[str, list[Spent]] = {}
        for key, result in answer.ran.items():
            spent.setdefault(commands[key].method, []).append(result.spent)
        self._limiter.settle(ticket, spent)
        return answer, seconds

    def _unchain(
        self, spec: ListSpec, answer: BatchAnswer, last: int, pages: int, waits: Collection[str]
    ) -> tuple[list[dict[str, Json]], bool]:
        """Return the rows of a batch, and whether the list has ended.

        After a short page the next reference stays unresolved: the portal runs the command all the
        same, with the first page again or an error. The chain ends at the short page. It goes on
        later from a page that `waits` for a limit.
        """
        chunk: list[dict[str, Json]] = []
        for page in range(pages):
            key = f"p{page}"
            if key in waits:
                return chunk, False
            if key in answer.failed:
                raise self._command_failed(spec.method, answer.failed[key])
            rows = _rows(spec, answer.ran[key].value)
            if rows and _id(spec, rows[0]) <= last:
                return chunk, True
            chunk.extend(rows)
            if rows:
                last = _id(spec, rows[-1])
            if len(rows) < PAGE:
                return chunk, True
        return chunk, False

    def _command_failed(self, method: str, failure: CommandFailure) -> PortalError:
        said = f"{failure.code} {failure.description}".strip()
        advice = ""
        if failure.code.casefold() in {"insufficient_scope", "access_denied"}:
            advice = ". Добавьте вебхуку это право в разделе «Разработчикам»"
        return PortalError(f"портал не прочитал {method}: {said}{advice}", failure.code)

    def _refused(self, methods: str, status: int) -> str:
        host = self._webhook.host
        if status in _NOT_LET_IN:
            return (
                f"портал {host} не пускает вебхук (HTTP {status}) к {methods}. Проверьте "
                "STAVBILL_PORTAL_URL и права вебхука в разделе «Разработчикам»"
            )
        return f"портал {host} ответил HTTP {status} на чтение {methods}"


_NOT_LET_IN = frozenset({401, 403, 404})


def _pages_left(expected: int, seen: int) -> int:
    """Return how many pages to ask for; a list longer than expected may be as long again."""
    rows = expected - seen if seen <= expected else seen
    return rows // PAGE + 2


def _chain(spec: ListSpec, last: int, pages: int) -> dict[str, Command]:
    commands: dict[str, Command] = {}
    kind = {name: value for name, value in spec.params.items() if name == "entityTypeId"}
    more = {n: value for n, value in spec.params.items() if n not in ("entityTypeId", "filter")}
    narrowed = spec.params.get("filter")
    filters = dict(narrowed) if isinstance(narrowed, Mapping) else {}
    for page in range(pages):
        above: Param = last
        if page:
            above = Reference(f"p{page - 1}", (*spec.path, PAGE - 1, spec.id_key))
        # The documented order of task methods: order, filter, select, start.
        commands[f"p{page}"] = Command(
            spec.method,
            {
                **kind,
                "order": {spec.id_filter: "ASC"},
                "filter": {**filters, f">{spec.id_filter}": above},
                **more,
                "start": -1,
            },
        )
    return commands


def _rows(spec: ListSpec, result: Json) -> list[dict[str, Json]]:
    for part in spec.path:
        result = result.get(part) if isinstance(result, dict) else None
    if isinstance(result, dict):
        result = list(result.values())
    return [row for row in result if isinstance(row, dict)] if isinstance(result, list) else []


def _id(spec: ListSpec, row: dict[str, Json]) -> int:
    found = id_at(row, spec.id_key)
    if found is None:
        msg = f"{spec.method}: строка без {spec.id_key}"
        raise PortalError(msg)
    return found


def _with_exact_times(envelope: Any) -> Json:  # noqa: ANN401  JSON as a library read it
    """Return the `result` of a batch with its times as `Decimal`, as our own gateway reads them."""
    result = envelope.get("result") if isinstance(envelope, dict) else None
    if isinstance(result, dict) and isinstance(result.get("result_time"), dict):
        times = {
            key: {name: _decimal(part) for name, part in time.items()}
            for key, time in result["result_time"].items()
            if isinstance(time, dict)
        }
        return {**result, "result_time": times}
    return result


def _decimal(value: Any) -> Json:  # noqa: ANN401  JSON as a library read it
    return Decimal(str(value)) if isinstance(value, float) else value


def exact(value: Json | float) -> Decimal | None:
    """Return a sum as it was written: fast-bitrix24 reads numbers as binary fractions."""
    if value is None or isinstance(value, bool | list | dict) or value == "":
        return None
    return Decimal(str(value)).quantize(Decimal("0.01"))
