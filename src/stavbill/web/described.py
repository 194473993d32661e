"""What `/docs` tells another program: how to ask, and every answer. Served only when asked for.

Source: docs/robots.md, «Другие программы» and «Ответы».
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from stavbill.web.posts import ACTIONS, LARGEST, LONGEST

Described = dict[str, Any]
Number = Annotated[int, Field(ge=1, lt=LARGEST)]


class Taken(BaseModel):
    """The answer to a request that is stored."""

    status: Literal["accepted", "known"]
    event: str = Field(description="Имя сообщения: stavbill ops post ИМЯ")


class Refused(BaseModel):
    """The answer to a request that is not."""

    error: str
    text: str


class _Asked(BaseModel):
    # Other keys are ignored, as the door does.
    model_config = ConfigDict(extra="allow")


class AboutCompany(_Asked):
    """What `bill`, `rerun`, `explain` and `company-changed` name."""

    model_config = ConfigDict(title="company")

    company: Number


class AboutInvoice(_Asked):
    """What `invoice-changed` names."""

    model_config = ConfigDict(title="invoice")

    invoice: Number


class AboutTask(_Asked):
    """What `task-completed` names."""

    model_config = ConfigDict(title="task")

    task: Number


REQUESTS = (AboutCompany, AboutInvoice, AboutTask)
_REFUSALS: dict[int | str, str] = {
    400: "malformed: тело не JSON, нет номера, номер не помещается, ключ слишком длинный",
    403: "forged: нет токена или он не тот",
    404: "unknown_action: нет такого действия",
    408: "too_slow: запрос приходил слишком долго, ничего не сохранено",
    413: "too_large: тело больше web.max_body",
    503: "unavailable: база недоступна; busy: слишком много соединений; повторите",
}

ACTION: Described = {"enum": list(ACTIONS)}
ACTION_TEXT = (
    "bill, rerun, explain, company-changed называют company; invoice-changed — invoice; "
    "task-completed — task"
)


def answers() -> dict[int | str, Described]:
    """Return every answer to another program, for OpenAPI."""
    taken = {"description": "Сохранено (accepted) или уже было (known).", "model": Taken}
    refused: dict[int | str, Described] = {
        status: {"description": text, "model": Refused} for status, text in _REFUSALS.items()
    }
    # Named so that the framework does not add an answer of its own that is never given.
    return {200: taken, **refused, "default": {"description": "Отказ.", "model": Refused}}


def request() -> Described:
    """Return what a program sends, for OpenAPI."""
    schemas = [asked.model_json_schema() for asked in REQUESTS]
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
