"""The task about a held company follows the card: mended, ticked by hand, other reasons, closed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from stavbill.plan.item_keys import key_of
from tests.end_to_end.driving import DAY, Installation, installed
from tests.end_to_end.people import ask, edit_card, invoices, items, tasks

HELD = 105
COMPLETED = 5


async def run(place: Installation, day: date = DAY) -> dict[str, int]:
    """Run the month for the held company; return what was written, by kind and outcome."""
    report = await place.run(on=day, companies=(HELD,), accept_band=True)
    assert report.exit_code == 0
    return dict(report.written)


# Codes of reasons, by the keys of their items.
KEYS = {"count_mismatch": "count_mismatch", "tariff-абонплата": "tariff-subscription"}


async def tick(place: Installation, task: int, code: str, *, done: bool = True) -> None:
    checklist = place.sandbox.portal.state.checklist
    [item] = [
        id_ for id_ in checklist.having("TASK_ID", task)
        if KEYS.get(key_of(checklist.records[id_]["TITLE"]) or "", "") == code
    ]  # fmt: skip
    method = "complete" if done else "renew"
    await ask(place, f"task.checklistitem.{method}", {"TASKID": task, "ITEMID": item})


def codes(place: Installation, task: int) -> dict[str, str]:
    """Return the codes of a task's items and whether each is ticked (Y, N)."""
    return {KEYS[key_of(text) or ""]: str(done) for text, done in items(place, task).items()}


async def test_a_mended_card_ticks_the_item_closes_the_task_and_bills(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        await run(place)
        [task] = tasks(place, HELD)
        assert codes(place, task["ID"]) == {"count_mismatch": "N"}
        await edit_card(place, HELD, tariff="4*490")
        written = await run(place)
        assert (written["put_invoice:done"], written["mend_task:done"]) == (1, 1)
        [task] = tasks(place, HELD)
        assert task["STATUS"] == COMPLETED
        assert codes(place, task["ID"]) == {"count_mismatch": "Y"}
        [made] = invoices(place, HELD)
        assert made["opportunity"] == "1960.00"
        assert await run(place) == {}


async def test_an_item_ticked_without_mending_is_opened_again(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        await run(place)
        [task] = tasks(place, HELD)
        await tick(place, task["ID"], "count_mismatch")
        assert codes(place, task["ID"]) == {"count_mismatch": "Y"}
        assert (await run(place))["mend_task:done"] == 1
        assert codes(place, task["ID"]) == {"count_mismatch": "N"}
        assert await run(place) == {}


async def test_a_reason_that_reads_otherwise_now_changes_its_item(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        await run(place)
        [task] = tasks(place, HELD)
        await edit_card(place, HELD, tariff="2*490")
        assert (await run(place))["mend_task:done"] == 1
        [text] = items(place, task["ID"])
        assert "в тарифе 2" in text
        assert await run(place) == {}


async def test_another_reason_is_added_and_the_one_that_went_is_ticked(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        await run(place)
        [task] = tasks(place, HELD)
        await edit_card(place, HELD, tariff="*490")
        await run(place)
        assert codes(place, task["ID"]) == {"count_mismatch": "Y", "tariff-subscription": "N"}
        await edit_card(place, HELD, tariff="3*490")
        await run(place)
        assert codes(place, task["ID"]) == {"count_mismatch": "N", "tariff-subscription": "Y"}
        assert len(tasks(place, HELD)) == 1


async def test_a_task_closed_without_mending_is_opened_anew_the_next_day(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        await run(place)
        [task] = tasks(place, HELD)
        await ask(place, "tasks.task.complete", {"taskId": task["ID"]})
        assert await run(place) == {}
        await run(place, date(2026, 12, 11))
        old, new = tasks(place, HELD)
        assert (old["STATUS"], new["STATUS"] == COMPLETED) == (COMPLETED, False)
        assert codes(place, new["ID"]) == {"count_mismatch": "N"}


async def test_what_people_add_to_the_checklist_is_left_alone(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        await run(place)
        [task] = tasks(place, HELD)
        await ask(
            place,
            "task.checklistitem.add",
            {"TASKID": task["ID"], "FIELDS": {"TITLE": "Позвонить механику"}},
        )
        await edit_card(place, HELD, tariff="4*490")
        await run(place)
        state = place.sandbox.portal.state
        titles = {
            state.checklist.records[id_]["TITLE"]: state.checklist.records[id_]["IS_COMPLETE"]
            for id_ in state.checklist.having("TASK_ID", task["ID"])
        }
        assert titles["Позвонить механику"] == "N"
