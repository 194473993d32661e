"""What people do between two runs: they edit cards, cancel invoices, tick tasks, run commands."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import sys
from dataclasses import dataclass
from typing import Any
from unittest import mock

import aiohttp

from stavbill.cli.main import main
from stavbill.sandbox.portal import dump
from tests.end_to_end.driving import Installation

PROGRAM = "from stavbill.cli.main import main; main()"


@dataclass(frozen=True, slots=True)
class Told:
    """What a command said: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on standard output; anything else there fails the test."""
        found: dict[str, Any] = json.loads(self.out)
        return found


async def process(place: Installation, *words: str, **env: str) -> Told:
    """Run `stavbill` in a process of its own: what stands on its two outputs is all there is."""
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, "--config", str(place.config), *words,
        env={**os.environ, **place.env, **env},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await started.communicate()
    assert started.returncode is not None
    return Told(started.returncode, out.decode(), err.decode())


async def command(place: Installation, *words: str, **env: str) -> Told:
    """Run `stavbill` as an operator does: the same, in a thread, because starting Python is slow.

    The sandbox goes on in this thread's loop; one command at a time.
    """
    argv = ["stavbill", "--config", str(place.config), *words]
    return await asyncio.to_thread(_in_thread, argv, {**os.environ, **place.env, **env})


def _in_thread(argv: list[str], env: dict[str, str]) -> Told:
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        mock.patch.object(sys, "argv", argv),
        mock.patch.dict(os.environ, env, clear=True),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Told(code, out.getvalue(), err.getvalue())


async def ask(place: Installation, method: str, params: object) -> Any:  # noqa: ANN401 - JSON
    """Call the portal as a person's browser would; the call is not counted as ours."""
    webhook = place.sandbox.webhook
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{webhook}{method}", json=params) as answer,
    ):
        body = await answer.json()
    assert "error" not in body, body
    place.sandbox.portal.calls.clear()
    return body["result"]


async def edit_card(place: Installation, company: int, **values: object) -> None:
    """Write card fields by the names that the world gives them: `tariff`, `skip`, `emails`…"""
    codes = {field.attribute: field.code for field in place.sandbox.world.fields}
    fields = {codes[name]: flag(place, name, value) for name, value in values.items()}
    await ask(place, "crm.company.update", {"id": company, "fields": fields})


def flag(place: Installation, name: str, value: object) -> object:
    """Return a truth as the portal's field takes it: some portals keep flags as lists."""
    if not isinstance(value, bool):
        return value
    field = next(each for each in place.sandbox.world.fields if each.attribute == name)
    if field.kind.value != "enumeration":
        return "Y" if value else "N"
    options = place.sandbox.portal.state.enum_values
    wanted = "да" if value else "нет"
    return next(
        option["ID"]
        for option in options
        if option["VALUE"] == wanted and own_option(place, field.code, option)
    )


def own_option(place: Installation, code: str, option: dict[str, Any]) -> bool:
    """Say whether a list's option belongs to the user field `code`."""
    userfield = place.sandbox.portal.state.userfields.get(int(option["USER_FIELD_ID"]))
    return userfield is not None and userfield["FIELD_NAME"] == code


def invoices(place: Installation, company: int) -> list[dict[str, Any]]:
    """Return the invoices of our making that the portal holds for a company, oldest first."""
    return [
        each
        for each in dump.invoices(place.sandbox.portal.state)
        if each["companyId"] == company and str(each["xmlId"] or "").startswith("stavbill:")
    ]


async def move_invoice(place: Installation, invoice: int, stage: str) -> None:
    """Put an invoice on a stage, as somebody who drags its card."""
    await ask(
        place, "crm.item.update", {"entityTypeId": 31, "id": invoice, "fields": {"stageId": stage}}
    )


def tasks(place: Installation, company: int, tag: str = "stavbill-hold") -> list[dict[str, Any]]:
    """Return the records of a company's tasks of one kind."""
    return [
        task
        for task in place.sandbox.portal.state.tasks
        if f"CO_{company}" in task["UF_CRM_TASK"] and tag in task["TAGS"]
    ]


def items(place: Installation, task: int) -> dict[str, bool]:
    """Return a task's checklist: each item's text, and whether it is ticked."""
    state = place.sandbox.portal.state
    found = [state.checklist.records[id_] for id_ in state.checklist.having("TASK_ID", task)]
    return {item["TITLE"]: item["IS_COMPLETE"] for item in found if item["PARENT_ID"]}
