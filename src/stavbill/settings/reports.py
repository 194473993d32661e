"""The reports' section of stavbill.toml: where people hear of runs."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, StrictBool, StrictStr

from stavbill.settings.section import Section

DIALOG_LETTERS = ("chat", "sg", "task", "")


def _dialog(text: str) -> str:
    if any(text.removeprefix(kind).isdecimal() for kind in DIALOG_LETTERS):
        return text
    msg = "ожидался чат («chat58», «sg33»), пользователь («5») или задача («task57»)"
    raise ValueError(msg)


Dialog = Annotated[StrictStr, AfterValidator(_dialog)]


class ReportSettings(Section):
    """Where the report of a finished run is posted; whether a run that waits opens a task."""

    dialogs: tuple[Dialog, ...] = ()
    waiting_task: StrictBool = True
