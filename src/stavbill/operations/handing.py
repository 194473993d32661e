"""Handing messages over: claimed in chunks, noted one moment before each leaves, settled at once.

Notes and settlements of all connections together are one transaction: whoever waits for the disk
waits together. Source: engine page, rule 2; delivery page.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from stavbill.clock import Clock
from stavbill.delivery.answers import (
    Answer,
    Doubt,
    Later,
    Never,
    SenderTrouble,
    Taken,
    Withdrawn,
)
from stavbill.delivery.status import Status, below
from stavbill.journal.fence import may_send
from stavbill.operations.mail_parts import SendingRules
from stavbill.store.control import raised_flags
from stavbill.store.database import Store
from stavbill.store.handing import Result, note_leaving, settle_messages
from stavbill.store.messages import Message, MessageId, Stage

# A claim outlives the longest that a server may take to answer a body.
CLAIM = timedelta(minutes=15)
OUTWEIGHS: Mapping[str, Sequence[str]] = {
    status.value: tuple(one.value for one in below(status)) for status in Status
}
GAVE_UP = "не принимается {hours} ч: {reason}"
# Begins what is told of a refusal for which no address is to blame.
NOT_ACCEPTED = "письмо не принято: "


@dataclass(frozen=True, slots=True)
class Lessons:
    """What an answer teaches about a message, at a moment."""

    rules: SendingRules
    now: datetime

    def of(  # noqa: PLR0911  one arm for each answer
        self, message: Message, answer: Answer
    ) -> Result:
        """Return where the message goes."""
        match answer:
            case Taken(reference=reference, said=said):
                return Result(
                    message=message.message,
                    stage=Stage.SENT,
                    due=self.now,
                    detail=said,
                    status=Status.SENT.value,
                    reference=reference,
                )
            case Never(reason=reason, of_address=of_address):
                return self._failed(message, reason if of_address else NOT_ACCEPTED + reason)
            case Later(reason=reason, after_s=after_s, counts=False):
                wait = max(self.rules.retry_first, timedelta(seconds=after_s))
                return self._waits(message, reason, wait, counts=False)
            case Later(reason=reason, after_s=after_s):
                begun = message.first_try or self.now
                if self.now >= begun + self.rules.give_up:
                    hours = int(self.rules.give_up.total_seconds() // 3600)
                    return self._failed(message, GAVE_UP.format(hours=hours, reason=reason))
                wait = max(self._backoff(message.attempts), timedelta(seconds=after_s))
                return self._waits(message, reason, wait)
            case Doubt(reason=reason):
                return Result(
                    message=message.message,
                    stage=Stage.UNCLEAR,
                    due=self.now + self.rules.ask_after,
                    detail=reason,
                )
            case SenderTrouble(reason=reason):
                return self._waits(message, reason, self.rules.pause, counts=False)
            case Withdrawn():
                return self._waits(message, message.detail, timedelta(), counts=False)

    def _backoff(self, attempts: int) -> timedelta:
        times: int = 2 ** min(attempts, 10)
        return min(self.rules.retry_first * times, self.rules.retry_longest)

    def _failed(self, message: Message, reason: str) -> Result:
        return Result(
            message=message.message,
            stage=Stage.FAILED,
            due=self.now,
            detail=reason,
            status=Status.REFUSED.value,
        )

    def _waits(
        self, message: Message, reason: str, wait: timedelta, *, counts: bool = True
    ) -> Result:
        return Result(
            message=message.message,
            stage=Stage.WAITING,
            due=self.now + wait,
            detail=reason,
            counts=counts,
        )


class Look:
    """The last look of one message: notes that its last byte leaves, unless it may not."""

    def __init__(self, ledger: Ledger, message: MessageId) -> None:
        self._ledger = ledger
        self._message = message
        self.allowed = False

    async def __call__(self) -> bool:
        """Say whether the message may leave; durable when it may."""
        self.allowed = await self._ledger.leave(self._message)
        return self.allowed


class Ledger:
    """Notes and settles messages of one owner, several of them in one transaction."""

    def __init__(self, store: Store, clock: Clock, *, portal: str, owner: str) -> None:
        self._store = store
        self._clock = clock
        self._portal = portal
        self._owner = owner
        self._waiting: list[tuple[MessageId | Result, asyncio.Future[bool]]] = []
        self._writing: asyncio.Task[None] | None = None
        self.outcomes: Counter[str] = Counter()
        # Nothing may leave any more: the kill switch is up, or the process ends.
        self.is_stopped = False

    async def leave(self, message: MessageId) -> bool:
        """Note that the last byte of a message leaves now; False when it may not."""
        return await self._write(message)

    async def settle(self, result: Result) -> None:
        """Keep what came of a message; durable on return."""
        if result.put_off:
            self.outcomes[Stage.WAITING.value] -= 1
        self.outcomes[result.stage.value] += 1
        await self._write(result)

    async def rest(self) -> None:
        """Wait until nothing is being written any more."""
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)

    async def _write(self, entry: MessageId | Result) -> bool:
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, future))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._drain())
        return await future

    async def _drain(self) -> None:
        while self._waiting:
            entries, self._waiting = self._waiting, []
            try:
                left = await asyncio.to_thread(self._put, [entry for entry, _ in entries])
            except Exception as error:  # noqa: BLE001  everybody who waits is told, whatever it is
                for _, future in entries:
                    if not future.done():
                        future.set_exception(error)
                continue
            for entry, future in entries:
                if not future.done():
                    future.set_result(isinstance(entry, Result) or entry in left)

    def _put(self, entries: Sequence[MessageId | Result]) -> frozenset[MessageId]:
        results = [entry for entry in entries if isinstance(entry, Result)]
        leaving = [entry for entry in entries if not isinstance(entry, Result)]
        now = self._clock.now()
        left: frozenset[MessageId] = frozenset()
        with self._store.write() as db:
            # The kill switch stops letters too: nothing leaves this house while it is up, nor while
            # the process ends and cannot wait for the answer.
            if leaving:
                self.is_stopped = not may_send() or bool(raised_flags(db, self._portal))
            if leaving and not self.is_stopped:
                left = note_leaving(db, leaving, owner=self._owner, at=now, until=now + CLAIM)
            if results:
                settle_messages(db, results, owner=self._owner, at=now, outweighs=OUTWEIGHS)
        return left
