"""What a post asks for: forms and JSON into `Post`, each told from another by its event's name.

Source: Bitrix24 reference 10.1 (events), 10.5 (robots); operations page, «Webhooks».
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
# Whoever presses a button twice within a minute means it once.
SAME_REQUEST_S = 60
LONGEST = 200
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
_COMPANY = re.compile(r"(?:CO(?:MPANY)?_)?(\d{1,18})")
_EVENT = re.compile(r"ONCRMDYNAMICITEM(?:ADD|UPDATE|DELETE)(?:_(\d+))?")


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
        return Post(event=_name(name, company, stamp), kind="company_changed", company=company)
    found = _EVENT.fullmatch(name)
    if found is not None:
        entity = found[1] or text_at(form, "data", "FIELDS", "ENTITY_TYPE_ID")
        if entity != INVOICE_TYPE:
            return None
        invoice = _id(text_at(form, "data", "FIELDS", "ID"), "data[FIELDS][ID]")
        return Post(
            event=_name(name, invoice, stamp), kind="invoice_changed", body={"invoice": invoice}
        )
    if name == "ONTASKUPDATE":
        task = _id(text_at(form, "data", "FIELDS_AFTER", "ID"), "data[FIELDS_AFTER][ID]")
        return Post(event=_name(name, task, stamp), kind="task_changed", body={"task": task})
    return None


def post_of_robot(action: str, form: Form, query: Mapping[str, str], at: datetime) -> Post:
    """Return what a robot asks for: the company is its document, or stands in the address.

    Raises `PostError` when neither names one.
    """
    kind = ACTIONS[action]
    told = (
        text_at(form, "event_token")
        or text_at(form, "workflow_id")
        or text_at(form, "ts")
        or _minute(at)
    )
    if kind in NEEDS:
        wanted = _id(query.get("id") or text_at(form, "id"), "id")
        return Post(
            event=_name("ROBOT", action, wanted, told), kind=kind, body={NEEDS[kind]: wanted}
        )
    company = _company(form, query)
    return Post(event=_name("ROBOT", action, company, told), kind=kind, company=company)


def post_of_json(action: str, body: object, request: str | None, at: datetime) -> Post:
    """Return what another program asks for: `{"company": 77}`, `{"invoice": 5}`, `{"task": 9}`.

    `request` is the caller's own name of the request; the same name is the same request. Raises
    `PostError` for a body that does not name a whole positive number.
    """
    kind = ACTIONS[action]
    field = NEEDS.get(kind, "company")
    value = body.get(field) if isinstance(body, dict) else None
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        msg = f'ожидалось {{"{field}": число}}'
        raise PostError(msg)
    told = request or _minute(at)
    if len(told) > LONGEST:
        msg = f"Idempotency-Key длиннее {LONGEST} знаков"
        raise PostError(msg)
    event = _name("API", action, value, told)
    if field == "company":
        return Post(event=event, kind=kind, company=value)
    numbers: dict[str, Any] = {field: value}
    return Post(event=event, kind=kind, body=numbers)


def time_of(form: Form) -> float | None:
    """Return the Unix time at which a post was made, None when it does not say."""
    text = text_at(form, "ts")
    return float(text) if text is not None and text.isdecimal() and len(text) < LONGEST else None


def _company(form: Form, query: Mapping[str, str]) -> int:
    named = [query.get("company") or "", *texts_at(form, "document_id")[::-1]]
    for text in named:
        found = _COMPANY.fullmatch(text.strip().upper())
        if found is not None and int(found[1]) > 0:
            return int(found[1])
    msg = "не названа компания: нет document_id с COMPANY_… и нет company в адресе"
    raise PostError(msg)


def _id(text: str | None, where: str) -> int:
    value = (text or "").strip()
    if not value.isascii() or not value.isdecimal() or len(value) > 18 or int(value) == 0:  # noqa: PLR2004  64 bits
        msg = f"в сообщении нет номера в поле {where}"
        raise PostError(msg)
    return int(value)


def _minute(at: datetime) -> str:
    return str(int(at.timestamp()) // SAME_REQUEST_S)


def _name(*parts: object) -> str:
    """Return an event's name: readable, and cut to a digest where it would be long."""
    text = ":".join(str(part) for part in parts)
    if len(text) <= LONGEST and text.isascii() and text.isprintable():
        return text
    return f"{parts[0]}:{hashlib.sha256(text.encode()).hexdigest()}"
