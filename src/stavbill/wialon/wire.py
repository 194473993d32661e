"""One request to a Wialon host and the judging of its body.

Everything goes in the form's body: an address with a token in it would end in logs. HTTP statuses
say little, the body decides: `{"error": n}` is a refusal unless n is 0, and a proxy's HTML, an
empty body and `null` are no answers at all. Source: Wialon Remote API, «Introduction».
"""

from __future__ import annotations

import asyncio
import ssl

import httpx
import orjson

from stavbill.wialon.connection import Connection
from stavbill.wialon.trouble import BusyError, WialonUnreachableError, refusal

CONNECT_S = 20.0
REASON_LENGTH = 200
REDIRECT = range(300, 400)
WRONG_ADDRESS = frozenset({401, 403, 404, 405, 410})


def open_client(connection: Connection) -> httpx.AsyncClient:
    """Return the HTTP client of one reading; its caller closes it.

    Redirects are not followed: they would carry the token to an address that nobody configured.
    """
    trusted: ssl.SSLContext | bool = False
    if connection.transport is None:
        trusted = ssl.create_default_context(cafile=connection.ca_file or None)
    return httpx.AsyncClient(
        transport=connection.transport,
        verify=trusted,
        timeout=httpx.Timeout(connection.deadline_s, connect=CONNECT_S),
        headers={"Accept-Encoding": "gzip", "User-Agent": "stavbill"},
    )


async def post(
    client: httpx.AsyncClient, connection: Connection, address: str, form: dict[str, str]
) -> object:
    """Return the decoded body of a successful answer.

    Raises `BusyError` where a read may be repeated, `SessionLostError`, or the refusal's error.
    """
    where = f"Wialon «{connection.name}» ({connection.host}), {form['svc']}"
    try:
        async with asyncio.timeout(connection.deadline_s):
            response = await client.post(address, data=form)
    except (TimeoutError, httpx.TimeoutException) as error:
        text = f"{where}: нет ответа за {connection.deadline_s:g} с."
        raise BusyError(text) from error
    except httpx.RequestError as error:
        text = f"{where}: соединение не удалось ({type(error).__name__})."
        raise BusyError(text) from error
    try:
        body: object = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        body = None
    if isinstance(body, dict) and isinstance(body.get("error"), int) and body["error"] != 0:
        reason = str(body.get("reason", ""))[:REASON_LENGTH]
        raise refusal(connection, form["svc"], body["error"], reason)
    if response.is_success and isinstance(body, dict | list):
        return body
    raise _no_answer(response, where)


def _no_answer(response: httpx.Response, where: str) -> WialonUnreachableError:
    """Return the error for a body that is no API answer; its content is not shown."""
    kind = response.headers.get("content-type", "").partition(";")[0] or "без типа"
    size = len(response.content)
    what = f"{where}: вместо ответа API пришло {kind}, {size} байт, HTTP {response.status_code}."
    if response.status_code in REDIRECT:
        target = response.headers.get("location", "").partition("?")[0]
        return WialonUnreachableError(
            f"{what} Хост перенаправляет на {target}.", advice="Впишите этот адрес в url."
        )
    if response.status_code in WRONG_ADDRESS:
        return WialonUnreachableError(what, advice="Проверьте url подключения.")
    return BusyError(what)
