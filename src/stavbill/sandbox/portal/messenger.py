"""Chats: `im.message.add`, `im.dialog.messages.get`.

Source: b24restdocs, api-reference/chats/messages.
"""

from __future__ import annotations

import re

from stavbill.sandbox.portal.method import Call, Method, reads, writes
from stavbill.sandbox.portal.params import as_int
from stavbill.sandbox.portal.state import State
from stavbill.sandbox.portal.wire import Answer, ApiError

DIALOG = re.compile(r"(?:chat|sg)?\d+")
LATEST = 20
# Chats of tasks have numbers of their own above this; the task's follows.
TASK_CHATS = 100_000


def message_add(state: State, call: Call) -> Answer:
    """Add a message and return its id; the same text again is another message."""
    dialog = _dialog(state, call, "CHAT_ID_EMPTY", "Chat ID can't be empty")
    text = str(call.params.get("MESSAGE") or "")
    if not text:
        raise ApiError(400, "MESSAGE_EMPTY", "Message can't be empty")
    id_ = state.messages.new_id()
    state.messages.put(id_, {"ID": id_, "dialog": dialog, "text": text, "author": call.user_id,
                             "date": state.now()})  # fmt: skip
    return Answer(id_)


def messages_get(state: State, call: Call) -> Answer:
    """Return the newest messages of a dialog, or those before LAST_ID; never more than 20."""
    dialog = _dialog(state, call, "DIALOG_ID_EMPTY", "Dialog ID can't be empty")
    last, first = as_int(call.params.get("LAST_ID")), as_int(call.params.get("FIRST_ID"))
    limit = min(as_int(call.params.get("LIMIT")) or LATEST, LATEST)
    kept = [
        record
        for record in state.messages
        if record["dialog"] == dialog
        and (last is None or record["ID"] < last)
        and (first is None or record["ID"] > first)
    ]
    kept.sort(key=lambda record: record["ID"], reverse=first is None)
    page = sorted(kept[:limit], key=lambda record: record["ID"], reverse=True)
    chat = as_int(re.sub(r"\D", "", dialog))
    messages = [
        {"id": record["ID"], "chat_id": chat, "author_id": record["author"],
         "date": state.iso(record["date"]), "text": record["text"], "params": None}
        for record in page
    ]  # fmt: skip
    return Answer({"messages": messages, "users": [], "files": [], "chat_id": chat})


def _dialog(state: State, call: Call, code: str, text: str) -> str:
    """Return the dialog that is named; a chat that is not there, or not ours, is no access."""
    dialog = str(call.params.get("DIALOG_ID") or "")
    if not dialog:
        raise ApiError(400, code, text)
    if not DIALOG.fullmatch(dialog) or not _is_there(state, dialog):
        raise ApiError(400, "ACCESS_ERROR", "You do not have access to the specified dialog")
    return dialog


def _is_there(state: State, dialog: str) -> bool:
    number = int(re.sub(r"\D", "", dialog))
    if dialog.isdecimal():
        return state.users.get(number) is not None
    if dialog.startswith("sg"):
        return state.workgroups.get(number) is not None
    if number > TASK_CHATS:
        return state.tasks.get(number - TASK_CHATS) is not None
    return number in state.chats


METHODS: dict[str, Method] = {
    "im.message.add": writes(message_add, "im", any_case=True),
    "im.dialog.messages.get": reads(messages_get, "im", any_case=True),
}
