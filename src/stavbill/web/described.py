"""What `/docs` tells another program: how to ask, and every answer. Served only when asked for.

Source: docs/robots.md, «Другие программы» and «Ответы».
"""

from __future__ import annotations

from typing import Any

from stavbill.web.posts import ACTIONS, LONGEST, NEEDS

Described = dict[str, Any]

_NUMBER = {"type": "integer", "minimum": 1, "maximum": 10**18 - 1}
_THINGS = ("company", *NEEDS.values())
_TAKEN = {
    "type": "object",
    "required": ["status"],
    "properties": {
        "status": {"type": "string", "enum": ["accepted", "known"]},
        "event": {"type": "string", "description": "Имя сообщения: stavbill ops post ИМЯ"},
    },
}
_REFUSED = {
    "type": "object",
    "required": ["error", "text"],
    "properties": {"error": {"type": "string"}, "text": {"type": "string"}},
}
_REFUSALS: dict[int | str, str] = {
    400: "malformed: тело не JSON, нет номера, номер не помещается, ключ слишком длинный",
    403: "forged: нет токена или он не тот",
    404: "unknown_action: нет такого действия",
    413: "too_large: тело больше web.max_body",
    503: "unavailable: база недоступна, ничего не сохранено; повторите",
}

ACTION: Described = {"enum": list(ACTIONS)}
ACTION_TEXT = (
    "bill, rerun, explain, company-changed называют company; invoice-changed — invoice; "
    "task-completed — task"
)


def answers() -> dict[int | str, Described]:
    """Return every answer to another program, for OpenAPI."""
    taken = {"description": "Сохранено (accepted) или уже было (known).", **_json(_TAKEN)}
    refused: dict[int | str, Described] = {
        status: {"description": text, **_json(_REFUSED)} for status, text in _REFUSALS.items()
    }
    # Named so that the framework does not add an answer of its own that is never given.
    return {200: taken, **refused, "default": {"description": "Отказ.", **_json(_REFUSED)}}


def request() -> Described:
    """Return what a program sends, for OpenAPI."""
    schemas = [
        {
            "type": "object",
            "required": [thing],
            "properties": {thing: _NUMBER},
            "title": thing,
        }
        for thing in _THINGS
    ]
    return {
        "summary": "Попросить о действии",
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "Имя запроса: тот же ключ — тот же запрос.",
                "schema": {"type": "string", "maxLength": LONGEST},
            }
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"oneOf": schemas}, "example": {"company": 77}}
            },
        },
    }


def _json(schema: Described) -> Described:
    return {"content": {"application/json": {"schema": schema}}}
