"""WhatsApp through Green-API: one document to one number, and what its answers and callbacks mean.

The provider has no key by which a repeat is recognised. So the document's name bears our mark, and
after a lost answer the provider's queue and journal are asked for it; what neither shows stays in
doubt. Source: green-api.com, API documents: SendFileByUpload, ShowMessagesQueue,
LastOutgoingMessages, OutgoingMessageStatus, Common errors, 466.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import httpx

from stavbill.delivery.answers import (
    Answer,
    Doubt,
    LastLook,
    Later,
    Never,
    SenderTrouble,
    Taken,
    Withdrawn,
)
from stavbill.delivery.letter import Attachment, file_name, one_line
from stavbill.delivery.status import Status

OK, REDIRECT, BAD_REQUEST, TOO_LARGE, TOO_MANY, QUOTA = 200, 300, 400, 413, 429, 466
# No such instance or method, or somebody else's server: nothing of ours was looked at.
NOBODY_THERE = frozenset({401, 403, 404, 405})
# A document may wait in the provider's queue for a day; its journal is asked for as much.
JOURNAL_MINUTES = 2 * 24 * 60
MARK_LENGTH = 10
STATUSES: Mapping[str, Status] = {
    "sent": Status.SENT,
    "pending": Status.SENT,
    "delivered": Status.DELIVERED,
    "read": Status.OPENED,
    "failed": Status.BOUNCED,
    "noAccount": Status.BOUNCED,
    "notInGroup": Status.BOUNCED,
    "yellowCard": Status.BOUNCED,
    "noActiveSession": Status.BOUNCED,
}
WHY: Mapping[str, str] = {
    "failed": "WhatsApp не передал сообщение",
    "noAccount": "на этом номере нет WhatsApp",
    "notInGroup": "отправитель не состоит в группе",
    "yellowCard": "WhatsApp приостановил отправку за похожее на рассылку",
    "noActiveSession": "у получателя нет открытого сеанса WhatsApp",
}


@dataclass(frozen=True, slots=True)
class ProviderReport:
    """A callback about one message, in our words. `key` is the same for the same callback."""

    reference: str
    status: Status
    detail: str
    key: str
    at: int


class Provider(Protocol):
    """A WhatsApp provider: whoever does these two things may take Green-API's place."""

    async def send(
        self, recipient: str, caption: str, document: Attachment, mark: str, *, last_look: LastLook
    ) -> Answer:
        """Send one document to an E.164 number; `mark` (short, ASCII) names it for good."""
        ...

    async def find(self, recipient: str, mark: str) -> ProviderReport | None:
        """Say what the provider knows of a document that may have been sent; None for nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class GreenApiSettings:
    """One instance of Green-API. `media_url` takes files; both end without a slash."""

    url: str
    media_url: str
    instance: str
    token: str = field(repr=False)
    timeout_s: float = 60.0


class GreenApi:
    """The provider Green-API; `http` is handed in open and not closed."""

    def __init__(self, settings: GreenApiSettings, http: httpx.AsyncClient) -> None:
        self._settings = settings
        self._http = http

    async def send(
        self, recipient: str, caption: str, document: Attachment, mark: str, *, last_look: LastLook
    ) -> Answer:
        """Send one document; it bears `mark` in its name."""
        if not await last_look():
            return Withdrawn()
        name = marked_name(document.name, mark)
        try:
            response = await self._http.post(
                self._address(self._settings.media_url, "sendFileByUpload"),
                data={"chatId": chat_of(recipient), "fileName": name, "caption": caption},
                files={"file": (name, document.body, "/".join(document.kind))},
                timeout=self._settings.timeout_s,
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return SenderTrouble(f"WhatsApp-провайдер недоступен: {_kind(error)}")
        except httpx.HTTPError as error:
            return Doubt(f"запрос передан, ответа нет: {_kind(error)}")
        return _answer(response)

    async def find(self, recipient: str, mark: str) -> ProviderReport | None:
        """Look for the mark in the provider's queue, then in its journal of two days."""
        chat = chat_of(recipient)
        for row in await self._rows("showMessagesQueue", {}):
            body = row.get("body")
            known = body if isinstance(body, dict) else {}
            if known.get("chatId") == chat and mark in str(known.get("fileName", "")):
                name = one_line(str(row.get("messageID") or row.get("idMessage") or ""))
                return ProviderReport(name, Status.SENT, "стоит в очереди", f"queue:{name}", 0)
        for row in await self._rows("lastOutgoingMessages", {"minutes": JOURNAL_MINUTES}):
            if row.get("chatId") == chat and mark in str(row.get("fileName", "")):
                name, word = (
                    one_line(str(row.get("idMessage", ""))),
                    one_line(str(row.get("statusMessage", ""))),
                )
                status = STATUSES.get(word, Status.SENT)
                at = row.get("timestamp")
                seconds = at if isinstance(at, int) else 0
                return ProviderReport(name, status, WHY.get(word, ""), f"journal:{word}", seconds)
        return None

    async def check(self) -> str | None:
        """Ask for the instance's state; return what is wrong, None when it is authorized."""
        try:
            response = await self._http.get(
                self._address(self._settings.url, "getStateInstance"),
                timeout=self._settings.timeout_s,
            )
        except httpx.HTTPError as error:
            return f"WhatsApp-провайдер недоступен: {_kind(error)}"
        state = _document(response).get("stateInstance")
        if response.status_code == OK and state == "authorized":
            return None
        return f"WhatsApp-провайдер: {state or _said(response)}"

    async def _rows(self, method: str, query: Mapping[str, int]) -> list[dict[str, object]]:
        try:
            response = await self._http.get(
                self._address(self._settings.url, method),
                params=dict(query),
                timeout=self._settings.timeout_s,
            )
            rows = json.loads(response.content) if response.status_code == OK else []
        except (httpx.HTTPError, ValueError):
            return []
        return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []

    def _address(self, base: str, method: str) -> str:
        known = self._settings
        return f"{base.rstrip('/')}/waInstance{known.instance}/{method}/{known.token}"


def chat_of(number: str) -> str:
    """Return the provider's name of a person's chat: «79001234567@c.us»."""
    return f"{number.lstrip('+')}@c.us"


def mark_of(reference: str) -> str:
    """Return the short mark of a message's name, fit for a file's name."""
    return reference[:MARK_LENGTH]


def marked_name(name: str, mark: str) -> str:
    """Return a file's name with the mark before its ending: «Счёт 7 (1f0c9a2b7d).pdf»."""
    stem, dot, ending = file_name(name).rpartition(".")
    return f"{stem} ({mark}){dot}{ending}"


def report_of(document: object, instance: str) -> ProviderReport | None:
    """Return what a callback says of an outgoing message; None for any other callback.

    `instance` is ours: a callback about another one is not for us. Source: OutgoingMessageStatus.
    """
    if not isinstance(document, dict) or document.get("typeWebhook") != "outgoingMessageStatus":
        return None
    data = document.get("instanceData")
    if not isinstance(data, dict) or str(data.get("idInstance")) != instance:
        return None
    name, word, at = document.get("idMessage"), document.get("status"), document.get("timestamp")
    if not isinstance(name, str) or not isinstance(word, str) or word not in STATUSES:
        return None
    name, said = one_line(name), one_line(str(document.get("description") or ""))
    detail = ": ".join(part for part in (WHY.get(word, ""), said) if part)
    seconds = at if isinstance(at, int) and not isinstance(at, bool) else 0
    return ProviderReport(name, STATUSES[word], detail, f"{name}:{word}", seconds)


def _answer(response: httpx.Response) -> Answer:
    status, said = response.status_code, _said(response)
    # The instance is starting, or its telephone is not connected: no number is to blame.
    not_ready = status == BAD_REQUEST and "instance" in said.casefold()
    elsewhere = status in NOBODY_THERE or REDIRECT <= status < BAD_REQUEST
    if not_ready or elsewhere or status == QUOTA:
        return SenderTrouble(f"WhatsApp-провайдер не принимает: {status} {said}")
    if status == TOO_MANY:
        return Later(f"{status} {said}", 1)
    if status == TOO_LARGE:
        return Never(f"документ велик для WhatsApp-провайдера: {status} {said}", of_address=False)
    if status == BAD_REQUEST:
        return Never(f"{status} {said}")
    name = _document(response).get("idMessage")
    if status == OK and isinstance(name, str) and one_line(name):
        return Taken(one_line(name))
    return Doubt(f"провайдер ответил {status} без номера сообщения: {said}")


def _document(response: httpx.Response) -> dict[str, object]:
    try:
        found = json.loads(response.content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _said(response: httpx.Response) -> str:
    found = _document(response)
    for key in ("message", "description", "reason"):
        if isinstance(found.get(key), str):
            return one_line(str(found[key]))
    for key in ("correspondentsStatus", "invokeStatus"):
        part = found.get(key)
        if isinstance(part, dict) and part.get("description"):
            return one_line(str(part["description"]))
    return one_line(response.text)


def _kind(error: Exception) -> str:
    return type(error).__name__
