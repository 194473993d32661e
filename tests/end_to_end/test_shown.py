"""What the operator sees: names beside ids, 80 columns, the portal's clock and money."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

from tests.end_to_end.driving import DAY, Installation, installed
from tests.end_to_end.people import command, edit_card, invoices
from tests.end_to_end.working import workers_of

E1 = 101
NEXT = "2027-01-11"


def title(place: Installation, company: int) -> str:
    return str(place.sandbox.portal.state.companies.records[company]["TITLE"])


async def test_held_companies_fit_eighty_columns_under_those_who_answer(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=40) as place:
        await place.run()
        told = await command(place, "run", "show", "--held", COLUMNS="80")
        document = (await command(place, "run", "show", "--held", "--json")).document
        assert told.code == 0
        assert max(len(line.rstrip()) for line in told.out.splitlines()) <= 80
        people = re.findall(r"^Ответственный: (.+) — \d+ компан", told.out, re.MULTILINE)
        assert people == sorted(people)
        assert len(people) > 1
        assert {row["responsible"]["name"] for row in document["companies"]} == set(people)
        for row in document["companies"]:
            assert row["title"] == title(place, row["company"])
            assert f"{row['company']} {row['title']}: задержана" in told.out


async def test_a_plan_is_written_as_a_workbook(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        await place.run()
        file = tmp_path / "план.xlsx"
        told = await command(place, "run", "show", "--xlsx", str(file))
        assert (told.code, told.out) == (0, f"Записано: {file}, компаний 20\n")
        with zipfile.ZipFile(io.BytesIO(file.read_bytes())) as book:
            texts = book.read("xl/sharedStrings.xml").decode()
        assert title(place, E1) in texts
        refused = await command(
            place, "run", "show", "--xlsx", str(tmp_path / "nowhere" / "a.xlsx")
        )
        assert (refused.code, "не записать" in refused.err) == (2, True)


async def test_warnings_are_filtered_by_kind(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=40) as place:
        await edit_card(place, E1, emails="", whatsapp="")
        await place.run()
        every = (await command(place, "run", "show", "--warnings", "--json")).document["companies"]
        word = "некуда отправить"
        some = (await command(place, "run", "show", "--warning", word, "--json")).document
        assert {row["company"] for row in some["companies"]} == {E1}
        assert {E1} < {row["company"] for row in every}
        told = await command(place, "run", "show", "--warning", "no_recipient")
        assert "! Отправить некуда" in told.out
        refused = await command(place, "run", "show", "--warning", "нет такого")
        assert (refused.code, f"no_recipient: {word}" in refused.err) == (2, True)


async def test_invoice_numbers_and_money_as_the_portal_writes_it(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=8) as place:
        await place.run()
        await place.run()
        [invoice] = invoices(place, E1)
        number = place.sandbox.portal.state.invoices.records[invoice["id"]]["accountNumber"]
        explained = await command(place, "company", "explain", str(E1))
        shown = await command(place, "company", "show", str(E1))
        for told in (explained, shown):
            assert f"№ {number}" in told.out
            assert "1\u00a0050,00\u00a0руб." in told.out
            assert "Ответственный: " in told.out
            assert not re.search(r"\b(RUB|live|subscription)\b", told.out)


async def test_an_ordinary_day_says_when_there_is_something_to_send(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=8) as place:
        told = await command(place, "run", "month", "--as-of", "2026-12-01", "--dry-run")
        assert told.code == 0
        found = re.search(r"Следующий день отправки: (\S+)\.\nПосмотреть: stavbill (.+)", told.out)
        assert found is not None
        assert found[1] == "10.12.2026"
        there = await command(place, *found[2].split(), "--json")
        assert there.document["billed"] > 0
        assert there.document["next_sending_day"] is None
        # Once the month is covered, it is the next one's.
        await place.run()
        told = await command(place, "run", "month", "--as-of", "2026-12-11", "--dry-run", "--json")
        assert told.document["next_sending_day"] == NEXT


async def test_the_month_stands_beside_the_one_before_by_issuer(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=40) as place:
        await place.run()
        words = ("run", "month", "--as-of", NEXT, "--dry-run")
        told = await command(place, *words)
        document = (await command(place, *words, "--json")).document
        for row in document["compared"]:
            assert re.search(
                rf"{row['issuer']} +новые счета .*\n +весь месяц +{row['companies_now']} .*\n"
                rf" +прошлый месяц +{row['companies_before']} ",
                told.out,
            ), told.out
        assert not re.search(r"юрлицо \d|RUB|KZT", told.out)


async def test_operations_are_listed_whole_with_names_and_without_pictures(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=8) as place, workers_of(place) as workers:
        await workers.start()
        # A name that a console would draw, and longer than a column.
        request = "ticket:smile:" + "x" * 70
        asked = await workers.ask("ops", "rerun", str(E1), "--request", request)
        await workers.ended(asked["operation"])
        listed = await command(place, "ops", "list", "--all", COLUMNS="80")
        assert asked["operation"] in listed.out.splitlines()
        assert f"  перезапуск компании {E1} {title(place, E1)} · готово · " in listed.out
        runs = await command(place, "run", "list")
        assert f"перезапуск компании за {DAY:%d.%m.%Y}" in runs.out
