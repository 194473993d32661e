"""Messages in chats, known by the short mark at the end of their text.

Source: Bitrix24 reference 8.4 and 9.5; b24restdocs: chats/messages (`im.message.add`,
`im.dialog.messages.get`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

from stavbill.bitrix.batch import Command, CommandFailure, Param
from stavbill.bitrix.failures import CallRefusedError, CallUnclearError, Verdict, judge, say
from stavbill.bitrix.gateway import Gateway
from stavbill.bitrix.write.marks import with_mark
from stavbill.bitrix.write.steps import NotReadBack, Step, ask, ask_each, raise_failure, send_steps
from stavbill.bitrix.write.values import id_at, rows_at, text_at
from stavbill.plan.effects import Effect, EffectKey, PostMessage
from stavbill.plan.keys import short_mark
from stavbill.plan.order import Order
from stavbill.plan.outcome import Found, Outcome, Refused, Rejected

TASK = "task"
_GET = "im.dialog.messages.get"
# The method gives no more at once, whatever it is asked for.
_PAGE = 20
# A message of ours that nobody knows of is a minute old, not further back than this.
_PAGES = 25


class MessageExecutor(NotReadBack):
    """Makes `PostMessage` happen; the chat of a task is asked for first."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def takes(self, effect: Effect) -> bool:
        """Say whether `effect` is a message."""
        return isinstance(effect, PostMessage)

    def weigh(self, order: Order) -> int:
        """Return 1."""
        del order
        return 1

    async def find(self, effects: Sequence[Effect]) -> Mapping[EffectKey, Found | None]:
        """Look for the marks in the newest messages of the chats."""
        messages = [_message(effect) for effect in effects]
        found: dict[EffectKey, Found | None] = {one.key: None for one in messages}
        dialogs = await self._dialogs(messages)
        # One that has no such chat was never written to.
        pages: dict[str, tuple[PostMessage, str, int | None]] = {
            f"m{place}": (one, dialog, None)
            for place, one in enumerate(messages)
            if isinstance(dialog := dialogs[one.dialog], str)
        }
        for _ in range(_PAGES):
            if not pages:
                break
            commands = {key: _list(dialog, last) for key, (_, dialog, last) in pages.items()}
            results = await ask(self._gateway, commands)
            further: dict[str, tuple[PostMessage, str, int | None]] = {}
            for key, (one, dialog, _) in pages.items():
                rows = rows_at(results[key].value, "messages")
                mark = short_mark(one.key)
                ours = [id_at(row, "id") for row in rows if mark in text_at(row, "text")]
                known = [message for message in ours if message is not None]
                if known:
                    found[one.key] = Found(min(known), complete=True)
                elif len(rows) >= _PAGE:
                    ids = [id_ for row in rows if (id_ := id_at(row, "id")) is not None]
                    further[key] = one, dialog, min(ids)
            pages = further
        return found

    async def send(self, orders: Sequence[Order]) -> Mapping[EffectKey, Outcome]:
        """Post the messages; one that is declined does not stop the others."""
        messages = [_message(order.effect) for order in orders]
        try:
            dialogs = await self._dialogs(messages)
        except CallRefusedError as error:
            return {one.key: Refused(str(error), ceil(error.retry_after_s)) for one in messages}
        except CallUnclearError as error:
            return {one.key: Refused(f"чат задачи не прочитан: {error}") for one in messages}
        outcomes: dict[EffectKey, Outcome] = {}
        steps = []
        for one in messages:
            match dialogs[one.dialog]:
                case str(dialog):
                    steps.append(_step(one, dialog))
                case rejected:
                    outcomes[one.key] = rejected
        return outcomes | await send_steps(self._gateway, steps, halt=False)

    async def _dialogs(self, messages: Sequence[PostMessage]) -> dict[str, str | Rejected]:
        """Return the chat of each dialog, or why there is none."""
        names = {one.dialog for one in messages}
        dialogs: dict[str, str | Rejected] = {name: name for name in names}
        tasks = sorted(name for name in names if name.startswith(TASK))
        results = await ask_each(self._gateway, {name: _get_task(name) for name in tasks})
        for name in tasks:
            result = results[name]
            if isinstance(result, CommandFailure):
                if judge(result.code) is not Verdict.REJECTED:
                    raise_failure(self._gateway, "tasks.task.get", result)
                reason = say("tasks.task.get", result.code, result.description)
                dialogs[name] = Rejected(f"задача {name.removeprefix(TASK)}: {reason}")
                continue
            chat = id_at(result.value, "task", "chatId")
            missing = Rejected(f"у задачи {name.removeprefix(TASK)} нет чата, или нет её самой")
            dialogs[name] = missing if chat is None else f"chat{chat}"
        return dialogs


def _step(one: PostMessage, dialog: str) -> Step:
    fields: dict[str, Param] = {
        "DIALOG_ID": dialog,
        "MESSAGE": with_mark(one.text, one.key),
        "URL_PREVIEW": "N",
    }
    return Step(one.key, lambda _: (Command("im.message.add", fields),), read_id=id_at)


def _list(dialog: str, last: int | None) -> Command:
    return Command(_GET, {"DIALOG_ID": dialog, "LAST_ID": last, "LIMIT": _PAGE})


def _get_task(name: str) -> Command:
    task = int(name.removeprefix(TASK))
    return Command("tasks.task.get", {"taskId": task, "select": ["ID", "CHAT_ID"]})


def _message(effect: Effect) -> PostMessage:
    if not isinstance(effect, PostMessage):
        msg = f"not a message: {effect.kind}"
        raise TypeError(msg)
    return effect
