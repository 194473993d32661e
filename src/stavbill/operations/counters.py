"""Who waits in line for one sender, and what its answers come to when they are taken together.

A refusal of a letter, a lost answer, a lost connection: one alone is that letter's; several in a
row, and nothing taken between them, are the sender's own trouble, and the rest waits.
Source: delivery page; RFC 5321, 4.2.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from stavbill.clock import Clock
from stavbill.delivery.answers import Answer, Doubt, Later, Never, SenderTrouble, Taken
from stavbill.delivery.smtp import SmtpLine
from stavbill.operations.letters import EMAIL
from stavbill.operations.mail_parts import MailOptions
from stavbill.store.messages import Message

WHATSAPP_AT_ONCE = 2
FEW = 3
NOT_TAKEN = "сервер не принимает письма, отказано подряд: {few}. {reason}"
NO_ANSWERS = "ответы на переданные письма теряются, подряд: {few}. {reason}"
BREAKS_OFF = "сервер обрывает передачу, подряд: {few}. {reason}"


class Pace:
    """Lets at most so many messages a minute go, evenly; `per_minute` None lets all go."""

    def __init__(self, clock: Clock, per_minute: int | None) -> None:
        self._clock = clock
        self._step_s = 60.0 / per_minute if per_minute else 0.0
        self._next = clock.monotonic()

    async def turn(self) -> None:
        """Wait for the next place."""
        now = self._clock.monotonic()
        place = max(now, self._next)
        self._next = place + self._step_s
        if place > now:
            await self._clock.sleep(place - now)


@dataclass(slots=True)
class Counter:
    """The connections of one sender, its pace, whether it is in trouble, and what it heard."""

    lines: asyncio.Queue[SmtpLine | None]
    pace: Pace
    opened: list[SmtpLine]
    trouble: str = ""
    _takes: bool = False
    _doubts: int = 0
    _broken: int = 0
    _refused: dict[str, tuple[Message, Never]] = field(default_factory=dict)

    def judge(self, message: Message, answer: Answer) -> Answer:
        """Return what an answer means after those before it; may put the sender in trouble."""
        match answer:
            case SenderTrouble(reason=reason):
                self.trouble = self.trouble or reason
            case Taken():
                self._takes, self._doubts, self._broken = True, 0, 0
            case Doubt(reason=reason):
                self._doubts += 1
                if self._doubts >= FEW:
                    self.trouble = self.trouble or NO_ANSWERS.format(few=FEW, reason=reason)
            case Later(reason=reason, counts=False):
                self._broken += 1
                if self._broken >= FEW:
                    self.trouble = self.trouble or BREAKS_OFF.format(few=FEW, reason=reason)
            case Never(of_address=False) if not self._takes and message.recipient not in (
                self._refused
            ):
                return self._put_off(message, answer)
            case _:
                pass
        return answer

    @property
    def takes(self) -> bool:
        """Say whether the server took anything in this round."""
        return self._takes

    def refused(self) -> list[tuple[Message, Never]]:
        """Return refusals that were put off and are these letters' own after all; once each."""
        found = [] if self.trouble else list(self._refused.values())
        self._refused = {}
        return found

    def _put_off(self, message: Message, answer: Never) -> Answer:
        """Let a refused letter wait until it shows whether the server takes any."""
        self._refused[message.recipient] = (message, answer)
        if len(self._refused) >= FEW:
            self.trouble = self.trouble or NOT_TAKEN.format(few=FEW, reason=answer.reason)
        return SenderTrouble(answer.reason)


def open_counter(mail: MailOptions, clock: Clock, message: Message) -> Counter:
    """Open the counter at which a message is handed over; no connection is made yet."""
    sender = mail.senders.get(message.sender) if message.channel == EMAIL else None
    lines: asyncio.Queue[SmtpLine | None] = asyncio.Queue()
    opened = [SmtpLine(sender.smtp) for _ in range(sender.connections)] if sender else []
    for line in opened:
        lines.put_nowait(line)
    for _ in range(WHATSAPP_AT_ONCE if not opened else 0):
        lines.put_nowait(None)
    pace = Pace(clock, sender.per_minute if sender else None)
    trouble = ""
    if message.channel == EMAIL and sender is None:
        trouble = f"отправителя «{message.sender}» больше нет в настройках"
    return Counter(lines, pace, opened, trouble)
