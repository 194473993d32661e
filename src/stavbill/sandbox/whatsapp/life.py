"""What becomes of a message after it was taken, and the notifications posted about it.

A queue sends one message after the other, `delaySendMessagesMilliseconds` apart; an instance that
is not authorized keeps them for 24 hours. Notifications go to `webhookUrl` one by one in order; an
answer other than 200 means the same one again after 60 s, for 24 hours.
Sources: green-api.com/en/docs/api/receiving/ (technology-webhook-endpoint, notifications-format/
outgoing-message/OutgoingMessageStatus), /docs/api/recommendations/working-with-incomming-webhooks.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp

from stavbill.sandbox.whatsapp.faults import Trouble
from stavbill.sandbox.whatsapp.instance import LIVES, OWN_NUMBER, SENDS, Instance, Message

STEP_S = 1.0
"""Between two statuses of one message."""
AGAIN_S = 60.0
KEPT_S = 24 * 3600.0
PATIENCE_S = 180.0
DESCRIPTIONS = {"noAccount": "SWE004: 1000", "failed": "SWE001: failed to send"}
ALWAYS = frozenset({"noAccount", "failed"})
"""Statuses that `outgoingWebhook: no` does not switch off."""


@dataclass(slots=True)
class Life:
    """Runs the queue and posts the notifications of one instance while it is entered."""

    instance: Instance
    posted: list[dict[str, Any]] = field(default_factory=list)
    at_wire: bool = False
    """Whether a notification is on its way and its answer is awaited."""
    _waiting: deque[Message] = field(default_factory=deque)
    _outbox: asyncio.Queue[tuple[dict[str, Any], float]] = field(default_factory=asyncio.Queue)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _fresh: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        """Start."""
        self._start(self._send())
        self._start(self._post())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop; what waits is forgotten."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def queue(self, message: Message) -> None:
        """Put a message into the queue."""
        self.instance.messages.append(message)
        self._waiting.append(message)
        self._fresh.set()

    def queued(self) -> tuple[Message, ...]:
        """Return the messages that wait."""
        return tuple(self._waiting)

    def clear_queue(self) -> None:
        """Forget the messages that wait."""
        for message in self._waiting:
            self.instance.messages.remove(message)
        self._waiting.clear()

    def wake(self) -> None:
        """Look at the queue again: the instance's state has changed."""
        self._fresh.set()

    def tell(self, message: Message, status: str) -> None:
        """Give a message its next status, and have it posted."""
        now = self.instance.clock.now()
        message.statuses.append(status)
        message.changed_at = now
        settings = self.instance.settings
        wanted = settings.outgoingWebhook == "yes" or status in ALWAYS
        if not settings.webhookUrl or not wanted:
            return
        body: dict[str, Any] = {
            "typeWebhook": "outgoingMessageStatus",
            "chatId": message.chat,
            "instanceData": {
                "idInstance": self.instance.id,
                "wid": f"{OWN_NUMBER}@c.us",
                "typeInstance": "whatsapp",
            },
            "timestamp": int(now.timestamp()),
            "idMessage": message.id,
            "status": status,
            "sendByApi": True,
        }
        if status in DESCRIPTIONS:
            body["description"] = DESCRIPTIONS[status]
        self._queue_notification(body, status)

    def _queue_notification(self, body: dict[str, Any], status: str) -> None:
        strike, until = self.instance.faults.strike, self.instance.clock.monotonic() + KEPT_S
        if strike(Trouble.WEBHOOK_LOST, status):
            return
        late = strike(Trouble.WEBHOOK_LATE, status)
        if late is not None:
            self._start(self._later(body, until, late.seconds))
            return
        self._outbox.put_nowait((body, until))
        if strike(Trouble.WEBHOOK_TWICE, status):
            self._outbox.put_nowait((body, until))

    async def _later(self, body: dict[str, Any], until: float, seconds: float) -> None:
        await self.instance.clock.sleep(seconds)
        self._outbox.put_nowait((body, until))

    def _start(self, work: Any) -> None:  # noqa: ANN401 - a coroutine
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self) -> None:
        clock = self.instance.clock
        while True:
            await self._fresh.wait()
            self._fresh.clear()
            while self._waiting and self.instance.state in SENDS:
                await clock.sleep(self.instance.settings.delaySendMessagesMilliseconds / 1000)
                if not self._waiting or self.instance.state not in SENDS:
                    break
                message = self._waiting.popleft()
                # Kept too long while the instance was not authorized: it is never sent.
                if (clock.now() - message.taken_at).total_seconds() <= KEPT_S:
                    self._start(self._live(message))

    async def _live(self, message: Message) -> None:
        for place, status in enumerate(LIVES[self.instance.manner_of(message.chat)]):
            if place:
                await self.instance.clock.sleep(STEP_S)
            self.tell(message, status)

    async def _post(self) -> None:
        timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as http:
            while True:
                body, until = await self._outbox.get()
                while self.instance.clock.monotonic() < until:
                    if await self._taken(http, body):
                        self.posted.append(body)
                        break
                    await self.instance.clock.sleep(AGAIN_S)

    async def _taken(self, http: aiohttp.ClientSession, body: dict[str, Any]) -> bool:
        settings = self.instance.settings
        headers = {"User-Agent": "GREEN-API/webhook"}
        if settings.webhookUrlToken:
            token = settings.webhookUrlToken
            headers["Authorization"] = token if " " in token else f"Bearer {token}"
        self.at_wire = True
        try:
            async with http.post(settings.webhookUrl, json=body, headers=headers) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return False
        finally:
            self.at_wire = False
