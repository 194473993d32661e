"""What a post asks for: forms and JSON into `Post`, each told from another by its event's name.

Who names a request (a workflow's id, an Idempotency-Key) asks once under that name. Without one a
request is a repeat while its like still waits; the store sees to that by `Post.request`.

Source: Bitrix24 reference 10.1 (events), 10.5 (robots); b24restdocs, bizproc-workflow-start.md
(DOCUMENT_ID of companies and invoices); operations page, «Webhooks».
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from stavbill.store.inbox import Post
from stavbill.web.forms import Form, text_at, texts_at

INVOICE_TYPE = "31"
LONGEST = 200
# Ids beyond this are none, and do not fit into a database's 64 bits.
LARGEST = 10**18
# What a robot or another program may ask for, as it stands in addresses.
ACTIONS = {
    "bill": "bill",
    "rerun": "rerun",
    "explain": "explain",
    "company-changed": "company_changed",
    "invoice-changed": "invoice_changed",
    "task-completed": "task_changed",
}
NEEDS = {"invoice_changed": "invoice", "task_changed": "task"}
_EVENT = re.compile(r"ONCRMDYNAMICITEM(?:ADD|UPDATE|DELETE)(?:_(\d+))?")
# In an address, where whoever set the robot up chose the field; an id with or without its kind.
_ASKED_COMPANY = re.compile(r"(?:CO(?:MPANY)?_)?([0-9]{1,18})")
# In a document's id, where a bare number may be anything's.
_DOCUMENTS = {
    "company": re.compile(r"COMPANY_([0-9]{1,18})"),
    "invoice": re.compile(r"(?:SMART_INVOICE|DYNAMIC_31)_([0-9]{1,18})"),
}
_TASK_DOCUMENT = ("tasks", "bitrix\\tasks\\integration\\bizproc\\document\\task")


class PostError(ValueError):
    """The post does not say what it asks for; the text is Russian, for whoever set it up."""


def post_of_event(form: Form) -> Post | None:
    """Return what an event of Bitrix24 asks for, None when it is nothing to us.

    Raises `PostError` for an event without a name or an id.
    """
    name = (text_at(form, "event") or "").upper()
    if not name:
        msg = "в сообщении нет поля event: это не событие Битрикс24"
        raise PostError(msg)
    stamp = text_at(form, "ts") or ""
    if name in {"ONCRMCOMPANYADD", "ONCRMCOMPANYUPDATE", "ONCRMCOMPANYDELETE"}:
        company = _id(text_at(form, "data", "FIELDS", "ID"), "data[FIELDS][ID]")
        event = _name(name, company, stamp)
        return Post(event=event, request=event, kind="company_changed", company=company)
    found = _EVENT.fullmatch(name)
    if found is not None:
        entity = found[1] or text_at(form, "data", "FIELDS", "ENTITY_TYPE_ID")
        if entity != INVOICE_TYPE:
            return None
        invoice = _id(text_at(form, "data", "FIELDS", "ID"), "data[FIELDS][ID]")
        event, body = _name(name, invoice, stamp), {"invoice": invoice}
        return Post(event=event, request=event, kind="invoice_changed", body=body)
    if name == "ONTASKUPDATE":
        task = _id(text_at(form, "data", "FIELDS_AFTER", "ID"), "data[FIELDS_AFTER][ID]")
        event = _name(name, task, stamp)
        return Post(event=event, request=event, kind="task_changed", body={"task": task})
    return None


def post_of_robot(action: str, form: Form, query: Mapping[str, str], at: datetime) -> Post:
    """Return what a robot asks for: the thing is its document, or stands in the address.

    Raises `PostError` when neither names one.
    """
    kind = ACTIONS[action]
    field = NEEDS.get(kind, "company")
    wanted = _company(form, query) if field == "company" else _thing(field, form, query)
    named = text_at(form, "event_token") or text_at(form, "workflow_id")
    told = named or text_at(form, "ts") or str(int(at.timestamp()))
    return _asked("ROBOT", action, wanted, told=told, is_named=bool(named))


def post_of_json(action: str, body: object, request: str | None, at: datetime) -> Post:
    """Return what another program asks for: `{"company": 77}`, `{"invoice": 5}`, `{"task": 9}`.

    `request` is the caller's own name of the request; the same name is the same request. Raises
    `PostError` for a body that does not name a whole positive number.
    """
    kind = ACTIONS[action]
    field = NEEDS.get(kind, "company")
    value = body.get(field) if isinstance(body, dict) else None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < LARGEST:
        msg = f'ожидалось {{"{field}": число}}'
        raise PostError(msg)
    told = request or str(int(at.timestamp()))
    if len(told) > LONGEST:
        msg = f"Idempotency-Key длиннее {LONGEST} знаков"
        raise PostError(msg)
    return _asked("API", action, value, told=told, is_named=bool(request))


def _asked(door: str, action: str, wanted: int, *, told: str, is_named: bool) -> Post:
    """Return a request for a thing, told from others by its name or by when it came."""
    kind = ACTIONS[action]
    event = _name(door, action, wanted, told)
    like = None if is_named else _name(door, action, wanted)
    field = NEEDS.get(kind)
    if field is None:
        return Post(event=event, request=like, kind=kind, company=wanted)
    numbers: dict[str, Any] = {field: wanted}
    return Post(event=event, request=like, kind=kind, body=numbers)


def time_of(form: Form) -> float | None:
    """Return the Unix time at which a post was made, None when it does not say."""
    text = text_at(form, "ts")
    return float(text) if text is not None and text.isdecimal() and len(text) < LONGEST else None


def _company(form: Form, query: Mapping[str, str]) -> int:
    found = _ASKED_COMPANY.fullmatch((query.get("company") or "").strip().upper())
    number = int(found[1]) if found is not None else _document("company", form)
    if number:
        return number
    msg = "не названа компания: нет document_id с COMPANY_… и нет company в адресе"
    raise PostError(msg)


def _thing(field: str, form: Form, query: Mapping[str, str]) -> int:
    told = query.get("id") or text_at(form, "id")
    number = _document(field, form)
    return number if number and not told else _id(told, "id")


def _document(field: str, form: Form) -> int:
    """Return the number of a company, invoice or task that is the form's document, else 0."""
    parts = texts_at(form, "document_id")
    if field == "task":
        *above, last = parts or ("",)
        is_task = tuple(part.casefold() for part in above) == _TASK_DOCUMENT
        return int(last) if is_task and re.fullmatch(r"[0-9]{1,18}", last) else 0
    if len(parts) > 1 and parts[0].casefold() != "crm":
        return 0
    for text in reversed(parts):
        found = _DOCUMENTS[field].fullmatch(text.strip().upper())
        if found is not None:
            return int(found[1])
    return 0


def _id(text: str | None, where: str) -> int:
    value = (text or "").strip()
    if not value.isascii() or not value.isdecimal() or len(value) > 18 or int(value) == 0:  # noqa: PLR2004  64 bits
        msg = f"в сообщении нет номера в поле {where}"
        raise PostError(msg)
    return int(value)


def _name(*parts: object) -> str:
    """Return an event's name: readable, and cut to a digest where it would be long."""
    text = ":".join(str(part) for part in parts)
    if len(text) <= LONGEST and text.isascii() and text.isprintable():
        return text
    return f"{parts[0]}:{hashlib.sha256(text.encode()).hexdigest()}"
