"""The documented methods, one function for each; `Provider.handle` is the front door.

Source: green-api.com/en/docs/api/ (sending, account, service, journals, queues), 466 example body.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from stavbill.sandbox.whatsapp.bodies import FAILED, Given, Wrong
from stavbill.sandbox.whatsapp.faults import Trouble
from stavbill.sandbox.whatsapp.instance import (
    SENDS,
    Call,
    Instance,
    Manner,
    Message,
    Settings,
    State,
)
from stavbill.sandbox.whatsapp.life import Life

BIGGEST_FILE = 100 * 1024 * 1024
DAY_MINUTES = 1440
WRITES = frozenset({"sendMessage", "sendFileByUpload", "sendFileByUrl"})
QUOTA_USED = (
    "Monthly quota has been exceeded. Please go to your personal account and change the tariff"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; `dropped` breaks the connection instead, `late_s` keeps it waiting."""

    status: int = 200
    body: object = None
    text: str | None = None
    dropped: bool = False
    late_s: float = 0.0


Method = Callable[["Provider", Given, Mapping[str, str]], object]


class Provider:
    """Answers requests to one instance; knows nothing of sockets."""

    def __init__(self, instance: Instance, life: Life, *, files_url: str = "") -> None:
        """Serve `instance`; `files_url` is where its stored files can be fetched."""
        self.instance, self.life, self.files_url = instance, life, files_url

    def handle(
        self, verb: str, path: tuple[str, str, str], given: Given | None, query: Mapping[str, str]
    ) -> Answer:
        """Answer one request. `path`: the instance, the method and the token as they were written.

        `given` is None for a body that is neither JSON nor a form.
        """
        id_, method, token = path
        answer = self._answered(verb, (id_, method, token), given, query)
        self.instance.calls.append(Call(method, answer.status, self.instance.clock.now()))
        return answer

    def _answered(
        self, verb: str, path: tuple[str, str, str], given: Given | None, query: Mapping[str, str]
    ) -> Answer:
        _, method, _ = path
        refused = self._refused(verb, path, given)
        if refused is not None:
            return refused
        try:
            body = METHODS[verb, method](self, _readable(given), query)
        except Wrong as wrong:
            return Answer(400, self._wrong(path, str(wrong)))
        strike = self.instance.faults.strike
        self.instance.used[method.lower()] += 1
        if strike(Trouble.LOST_AFTER, method):
            return Answer(dropped=True)
        broken = strike(Trouble.ERROR_AFTER, method)
        if broken is not None:
            return Answer(broken.status, text=broken.text)
        late = strike(Trouble.LATE, method)
        return Answer(body=body, late_s=0.0 if late is None else late.seconds)

    def _refused(self, verb: str, path: tuple[str, str, str], given: Given | None) -> Answer | None:
        """Return the answer to a request that is not even looked at."""
        id_, method, token = path
        instance, strike = self.instance, self.instance.faults.strike
        if strike(Trouble.LOST_BEFORE, method):
            return Answer(dropped=True)
        if (id_, token) != (f"waInstance{instance.id}", instance.token):
            return Answer(401 if id_ == f"waInstance{instance.id}" else 403, text="")
        if (verb, method) not in METHODS:
            return Answer(404, text="")
        broken = strike(Trouble.ERROR_BEFORE, method)
        if broken is not None:
            return Answer(broken.status, text=broken.text)
        if instance.too_fast(method) or strike(Trouble.RATE_LIMIT, method):
            return Answer(429, {"message": "Too Many Requests"})
        over = self._over_quota(method, given)
        return None if over is None else Answer(466, over)

    def _wrong(self, path: tuple[str, str, str], why: str) -> dict[str, Any]:
        now = self.instance.clock.now().replace(tzinfo=None)
        return {
            "statusCode": 400,
            "timestamp": f"{now.isoformat(timespec='milliseconds')}Z",
            "path": "/" + "/".join(path),
            "message": why,
        }

    def _over_quota(self, method: str, given: Given | None) -> dict[str, Any] | None:
        instance, name = self.instance, method.lower()
        total = instance.quota.get(name)
        if instance.faults.strike(Trouble.QUOTA, method) or (
            total is not None and instance.used[name] >= total
        ):
            return {"invokeStatus": {
                "method": name, "used": instance.used[name], "total": total or 0,
                "status": "QUOTE_EXCEEDED", "description": QUOTA_USED,
            }}  # fmt: skip
        if instance.chats is None or method not in WRITES or given is None:
            return None
        known = dict.fromkeys(each.chat for each in instance.messages)
        if given.fields.get("chatId") in known or len(known) < instance.chats:
            return None
        invoked = {"method": name, "used": instance.used[name], "total": 0}
        return {
            "invokeStatus": invoked | {"status": "QUOTE_ALLOWED"},
            "correspondentsStatus": {
                "method": "correspondents", "used": len(known), "total": instance.chats,
                "status": "CORRESPONDENTS_QUOTE_EXCEEDED",
                "description": f"{QUOTA_USED}. Allowed numbers: {','.join(known)}",
            },
        }  # fmt: skip

    def queue(self, chat: str, kind: str, **words: Any) -> dict[str, Any]:  # noqa: ANN401 - its fields
        """Take a message."""
        instance = self.instance
        message = Message(instance.new_id(), chat, kind, instance.clock.now(), **words)
        self.life.queue(message)
        return {"idMessage": message.id}

    def keep_file(self, name: str, content: bytes) -> str:
        """Store a file; return the address where it can be fetched for 15 days."""
        key = f"{len(self.instance.files) + 1:08x}.{name.rpartition('.')[2]}"
        self.instance.files[key] = (name, content)
        return f"{self.files_url}/files/{self.instance.id}/{key}"


def _readable(given: Given | None) -> Given:
    if given is None:
        message = "Unexpected token in JSON"
        raise Wrong(message)
    return given


def _send_message(provider: Provider, given: Given, _: Mapping[str, str]) -> object:
    given.only("chatId", "message", "quotedMessageId", "linkPreview", "typePreview", "typingTime")
    return provider.queue(
        given.chat(),
        "extendedTextMessage" if "://" in given.text("message") else "textMessage",
        text=given.text("message"),
        link_preview=given.flag("linkPreview", default=True),
    )


def _send_upload(provider: Provider, given: Given, _: Mapping[str, str]) -> object:
    given.only("chatId", "fileName", "caption", "quotedMessageId", "typingTime", "typingType")
    chat = given.chat()
    if given.file is None:
        message = FAILED + "'file' is required"
        raise Wrong(message)
    if len(given.file) > BIGGEST_FILE:
        message = f"file size must be less than or equal to {BIGGEST_FILE}"
        raise Wrong(message)
    name = given.text("fileName", required=False) or given.file_name
    if "." not in name:
        message = FAILED + "'fileName' must have an extension"
        raise Wrong(message)
    caption = given.text("caption", required=False)
    url = provider.keep_file(name, given.file)
    taken = provider.queue(
        chat, _kind_of(name), caption=caption, file_name=name, file=given.file, url=url
    )
    return taken | {"urlFile": url}


def _send_url(provider: Provider, given: Given, _: Mapping[str, str]) -> object:
    given.only("chatId", "urlFile", "fileName", "caption", "quotedMessageId", "typingTime")
    chat, url, name = given.chat(), given.text("urlFile"), given.text("fileName")
    if not url.startswith(("http://", "https://")):
        message = FAILED + "'urlFile' must be a valid uri"
        raise Wrong(message)
    if "." not in name:
        message = FAILED + "'fileName' must have an extension"
        raise Wrong(message)
    stored = provider.instance.files.get(url.rpartition("/")[2])
    caption = given.text("caption", required=False)
    return provider.queue(
        chat,
        _kind_of(name),
        caption=caption,
        file_name=name,
        file=stored[1] if stored else b"",
        url=url,
    )


def _kind_of(name: str) -> str:
    kinds = {"jpg": "imageMessage", "jpeg": "imageMessage", "png": "imageMessage",
             "mp4": "videoMessage", "mp3": "audioMessage"}  # fmt: skip
    return kinds.get(name.rpartition(".")[2].lower(), "documentMessage")


def _check(provider: Provider, given: Given, _: Mapping[str, str]) -> object:
    given.only("phoneNumber")
    phone = given.phone()
    if provider.instance.state not in SENDS:
        message = "instance is starting or not authorized"
        raise Wrong(message)
    return {"existsWhatsapp": provider.instance.manner_of(phone) is not Manner.NO_ACCOUNT}


def _state(provider: Provider, _: Given, __: Mapping[str, str]) -> object:
    return {"stateInstance": provider.instance.state}


def _settings(provider: Provider, _: Given, __: Mapping[str, str]) -> object:
    return {"wid": f"{provider.instance.id}@c.us"} | asdict(provider.instance.settings)


def _set_settings(provider: Provider, given: Given, _: Mapping[str, str]) -> object:
    known = {each.name: each.type for each in fields(Settings)}
    given.only(*known)
    if not given.fields:
        message = FAILED + "'value' must have at least 1 key"
        raise Wrong(message)
    for name, value in given.fields.items():
        wanted = int if known[name] == "int" else str
        if isinstance(value, bool) or not isinstance(value, wanted):
            raise Wrong(FAILED + f"'{name}' must be a {wanted.__name__}")
        if name.endswith("Webhook") and value not in {"yes", "no"}:
            raise Wrong(FAILED + f"'{name}' must be one of [yes, no]")
        if isinstance(value, int) and not 500 <= value <= 86_400_000:
            raise Wrong(FAILED + f"'{name}' must be greater than or equal to 500")
    for told, value in given.fields.items():
        setattr(provider.instance.settings, told, value)
    return {"saveSettings": True}


def _outgoing(provider: Provider, _: Given, query: Mapping[str, str]) -> object:
    asked = query.get("minutes", str(DAY_MINUTES))
    if not asked.isdecimal():
        message = FAILED + "'minutes' must be a number"
        raise Wrong(message)
    now = provider.instance.clock.now()
    return [
        _in_journal(message)
        for message in reversed(provider.instance.messages)
        if (now - message.taken_at).total_seconds() <= int(asked) * 60
    ]


def _get_message(provider: Provider, given: Given, _: Mapping[str, str]) -> object:
    given.only("chatId", "idMessage")
    chat, message = given.chat(), provider.instance.find(given.text("idMessage"))
    if message is None or message.chat != chat:
        why = "Message not found by id"
        raise Wrong(why)
    return _in_journal(message)


def _in_journal(message: Message) -> dict[str, Any]:
    at = message.changed_at or message.taken_at
    told: dict[str, Any] = {
        "type": "outgoing", "idMessage": message.id, "timestamp": int(at.timestamp()),
        "typeMessage": message.kind, "chatId": message.chat, "statusMessage": message.status,
        "sendByApi": True,
    }  # fmt: skip
    if message.kind == "textMessage":
        return told | {"textMessage": message.text}
    if message.kind == "extendedTextMessage":
        return told | {"textMessage": message.text, "extendedTextMessage": {"text": message.text}}
    return told | {
        "downloadUrl": message.url, "caption": message.caption, "fileName": message.file_name,
    }  # fmt: skip


def _queue(provider: Provider, _: Given, __: Mapping[str, str]) -> object:
    return [
        {
            "messageID": message.id,
            "messageType": message.kind,
            "type": "SendMessage" if message.text else "SendFileByUrl",
            "body": {"chatId": message.chat, "message": message.text or message.caption},
        }
        for message in provider.life.queued()
    ]


def _clear_queue(provider: Provider, _: Given, __: Mapping[str, str]) -> object:
    provider.life.clear_queue()
    return {"isCleared": True}


def _reboot(provider: Provider, _: Given, __: Mapping[str, str]) -> object:
    if provider.instance.state is State.YELLOW_CARD:
        provider.instance.state = State.AUTHORIZED
    provider.life.wake()
    return {"isReboot": True}


METHODS: dict[tuple[str, str], Method] = {
    ("POST", "sendMessage"): _send_message,
    ("POST", "sendFileByUpload"): _send_upload,
    ("POST", "sendFileByUrl"): _send_url,
    ("POST", "checkWhatsapp"): _check,
    ("GET", "getStateInstance"): _state,
    ("GET", "getSettings"): _settings,
    ("POST", "setSettings"): _set_settings,
    ("GET", "lastOutgoingMessages"): _outgoing,
    ("POST", "getMessage"): _get_message,
    ("GET", "showMessagesQueue"): _queue,
    ("GET", "clearMessagesQueue"): _clear_queue,
    ("GET", "reboot"): _reboot,
}


def read_json(raw: bytes) -> Given | None:
    """Read a JSON body, strictly UTF-8 and an object; no body is an empty object."""
    try:
        value = json.loads(raw.decode("utf-8")) if raw else {}
    except ValueError:
        return None
    return Given(value) if isinstance(value, dict) else None
