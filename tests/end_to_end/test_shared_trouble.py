"""A trouble that many companies share: they wait, the gate stops, the operator is told once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stavbill.plan.cause_texts import CAUSE_TAG
from stavbill.sandbox.wialon import faults as wialon_faults
from tests.end_to_end.driving import DAY, Installation, installed
from tests.end_to_end.people import command, invoices, process

MONTH = ("run", "month", "--as-of", DAY.isoformat(), "--yes")
COMPLETED = 5
BROKEN_TOKEN = "0" * 72


def tasks_with(place: Installation, tag: str) -> list[dict[str, Any]]:
    return [task for task in place.sandbox.portal.state.tasks if tag in (task.get("TAGS") or [])]


def linked(place: Installation, tag: str) -> set[int]:
    """Return the companies that tasks of a kind are about."""
    links = [link for task in tasks_with(place, tag) for link in task["UF_CRM_TASK"] or []]
    return {int(link.removeprefix("CO_")) for link in links}


def told_of(place: Installation, company: int) -> list[str]:
    """Return the company's timeline."""
    return [
        str(entry["COMMENT"])
        for entry in place.sandbox.portal.state.comments
        if entry["owner"][1] == company
    ]


def waiting(place: Installation, name: str) -> set[int]:
    """Return the companies that the world has on a connection."""
    return {each.id for each in place.sandbox.world.companies() if each.card.where == name}


async def test_an_expired_token_stops_the_gate_and_nothing_is_written(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=60) as place:
        [name, *_] = place.sandbox.wialon
        variable = f"STAVBILL_WIALON_TOKEN_{name.upper()}"
        told = await process(place, *MONTH, **{variable: BROKEN_TOKEN})
        assert told.code == 3
        assert f"Wialon {name} не прочитан: " in told.out
        assert "компаний ждут" in told.out
        assert [w for w in place.writes() if not w.startswith("tasks.task")] == []


async def test_the_others_are_billed_when_a_person_says_so_and_the_operator_is_told_once(
    tmp_path: Path,
) -> None:
    async with installed(tmp_path, companies=60) as place:
        [name, *_] = place.sandbox.wialon
        variable = f"STAVBILL_WIALON_TOKEN_{name.upper()}"
        broken = {variable: BROKEN_TOKEN}
        first = await command(place, *MONTH, "--accept-band", "--json", **broken)
        assert (first.code, first.document["state"]) == (0, "done")
        [cause] = first.document["shared"]
        assert (cause["kind"], cause["subject"]) == ("connection", name)
        assert cause["companies"] == first.document["held"]["units_unknown"] > 5
        assert first.document["counts"]["billed"] > 0
        [task] = tasks_with(place, CAUSE_TAG)
        assert f"{cause['companies']} комп" in task["TITLE"]
        text = task["TITLE"] + task["DESCRIPTION"]
        assert variable not in text
        assert "stavbill " not in text
        for company in waiting(place, name):
            assert not any("не посчитаны" in entry for entry in told_of(place, company))
        # Once more, still broken: nothing new to say.
        again = await command(place, *MONTH, "--accept-band", "--json", **broken)
        assert (again.code, again.document["written"]) == (0, {})
        assert len(tasks_with(place, CAUSE_TAG)) == 1
        # Mended: the waiting companies get what they get in a world without trouble.
        after = await command(place, *MONTH, "--accept-band", "--json")
        assert (after.code, after.document["shared"]) == (0, [])
        assert "units_unknown" not in after.document["held"]
        assert any(invoices(place, company) for company in waiting(place, name))
        [task] = tasks_with(place, CAUSE_TAG)
        assert task["STATUS"] == COMPLETED


async def test_a_trouble_that_comes_again_is_a_task_again(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=30) as place:
        [name, *_] = place.sandbox.wialon
        broken = {f"STAVBILL_WIALON_TOKEN_{name.upper()}": BROKEN_TOKEN}
        for env in (broken, {}, broken):
            told = await command(place, *MONTH, "--accept-band", "--json", **env)
            assert told.code == 0
        assert sorted(task["STATUS"] == COMPLETED for task in tasks_with(place, CAUSE_TAG)) == [
            False,
            True,
        ]


async def test_a_connection_nobody_waits_for_today_is_told_before_the_sending_day(
    tmp_path: Path,
) -> None:
    async with installed(tmp_path, companies=30) as place:
        [name, *_] = place.sandbox.wialon
        broken = {f"STAVBILL_WIALON_TOKEN_{name.upper()}": BROKEN_TOKEN}
        early = ("run", "month", "--as-of", "2026-12-03", "--yes", "--accept-band", "--json")
        told = await command(place, *early, **broken)
        assert [known["subject"] for known in told.document["shared"]] == [name]
        assert len(tasks_with(place, CAUSE_TAG)) == 1


async def test_a_host_that_answers_half_is_one_trouble(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=60) as place:
        for host in place.sandbox.wialon.values():
            fault = wialon_faults.Fault(wialon_faults.Trouble.INCOMPLETE_PAGE, number=1, times=None)
            host.faults.add(fault)
        told = await command(place, *MONTH, "--accept-band", "--json")
        assert told.code == 0
        assert {known["kind"] for known in told.document["shared"]} == {"connection"}
        assert len(tasks_with(place, CAUSE_TAG)) == len(place.sandbox.wialon)
        for company in linked(place, "stavbill-hold"):
            assert not any("не посчитаны" in entry for entry in told_of(place, company))


async def test_an_issuer_the_portal_does_not_know_is_one_trouble(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=60) as place:
        lost = 'issuer = "ООО «Автотрэкер»"'
        settings = place.config.read_text(encoding="utf-8")
        assert lost in settings
        gone = settings.replace(lost, 'issuer = "ООО «Унесённые ветром»"')
        place.config.write_text(gone, encoding="utf-8")
        stopped = await command(place, *MONTH, "--json")
        assert (stopped.code, stopped.document["gate"]["shared"]) == (3, ["issuer"])
        told = await command(place, *MONTH, "--accept-band", "--json")
        assert told.code == 0
        [cause] = told.document["shared"]
        assert (cause["subject"], cause["companies"]) == (
            "ООО «Унесённые ветром»",
            told.document["held"]["issuer_unknown"],
        )
        assert len(tasks_with(place, CAUSE_TAG)) == 1
        for company in {each.id for each in place.sandbox.world.companies()}:
            assert not any("Унесённые" in entry for entry in told_of(place, company))
        # Whoever has a reason of the card's own beside it hears of that one.
        held = linked(place, "stavbill-hold")
        assert 0 < len(held) < told.document["counts"]["held"]
        place.config.write_text(settings, encoding="utf-8")
        after = await command(place, *MONTH, "--accept-band", "--json")
        assert (after.code, after.document["shared"]) == (0, [])
        assert "issuer_unknown" not in after.document["held"]


async def test_a_field_whose_options_are_gone_is_one_trouble(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=60) as place:
        state = place.sandbox.portal.state
        status = next(each for each in place.sandbox.world.fields if each.attribute == "status")
        assert status.kind.value == "enumeration"
        [field] = [
            int(each["ID"]) for each in state.userfields if each["FIELD_NAME"] == status.code
        ]
        options = list(state.enum_values)
        for option in options:
            if int(option["USER_FIELD_ID"]) == field:
                state.enum_values.remove(int(option["ID"]))
        state.userfields_version += 1
        stopped = await command(place, *MONTH, "--json")
        assert (stopped.code, stopped.document["gate"].get("shared")) == (3, ["field_options"])
        told = await command(place, *MONTH, "--accept-band", "--json")
        assert len(tasks_with(place, CAUSE_TAG)) == 1
        assert told.document["counts"]["billed"] == 0
