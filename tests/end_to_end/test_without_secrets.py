"""Commands that only read the store need the TOML and the database, no secret of the outside."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.delivery.test_killed import billed
from tests.end_to_end.driving import DAY, Installation, installed
from tests.end_to_end.people import command, invoices

E1 = 101
OUTSIDE = ("STAVBILL_PORTAL_URL", "STAVBILL_WIALON_TOKEN")
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("run", "show"),
    ("run", "show", "--held"),
    ("run", "list"),
    ("company", "explain", str(E1)),
    ("company", "show", str(E1)),
    ("invoice", "recompute", str(E1)),
    ("delivery", "log"),
    ("status",),
    ("check", "--findings"),
)


def without_secrets(place: Installation) -> Installation:
    env = {name: text for name, text in place.env.items() if not name.startswith(OUTSIDE)}
    assert len(env) < len(place.env)
    return replace(place, env=env)


@pytest.mark.parametrize("with_url", [True, False], ids=["portal.url", "the store's portal"])
async def test_they_say_the_same_without_secrets(tmp_path: Path, *, with_url: bool) -> None:
    async with installed(tmp_path, companies=20) as place:
        await place.run()
        bare = without_secrets(place)
        wanted = [(await command(place, *words)).out for words in COMMANDS]
        if not with_url:
            text = place.config.read_text(encoding="utf-8")
            head, _, rest = text.partition("[portal]\nurl = ")
            place.config.write_text(head + "[portal]\n" + rest.partition("\n")[2], "utf-8")
        place.sandbox.portal.calls.clear()
        for words, known in zip(COMMANDS, wanted, strict=True):
            told = await command(bare, *words)
            assert told.code == 0, (words, told.err)
            assert told.out == known
        assert list(place.sandbox.portal.calls) == []


async def test_a_document_that_was_composed_is_shown_and_another_names_the_webhook(
    tmp_path: Path,
) -> None:
    async with billed(tmp_path, companies=8) as place:
        bare, number = without_secrets(place), str(invoices(place, E1)[0]["id"])
        folder = tmp_path / "files"
        told = await command(bare, "invoice", "preview", number, "--out", str(folder))
        assert (told.code, "STAVBILL_PORTAL_URL" in told.err) == (2, True)

        sent = await command(place, "delivery", "send")
        assert sent.code == 0, sent.err + sent.out
        told = await command(bare, "invoice", "preview", number, "--out", str(folder))
        assert told.code == 0, told.err
        [file] = folder.iterdir()
        assert file.read_bytes().startswith(b"%PDF")

        log = await command(bare, "delivery", "log", "--company", str(E1))
        company = place.sandbox.portal.state.companies.records[E1]
        assert f"Компания {E1} {company['TITLE']} (ответственный " in log.out
        assert "1\u00a0050,00\u00a0руб." in log.out
        assert not re.search(r"UTC|RUB", log.out)


async def test_what_needs_the_portal_names_what_is_missing(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=8) as place:
        bare = without_secrets(place)
        for words in (
            ("company", "explain", str(E1)),
            ("run", "month", "--as-of", DAY.isoformat()),
        ):
            told = await command(bare, *words)
            assert told.code == 2
            assert "STAVBILL_PORTAL_URL" in told.err
