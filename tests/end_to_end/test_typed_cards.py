"""Whatever stands in one card's field never touches another company's month (inputs F1, F2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.end_to_end.driving import DAY, Installation, installed
from tests.end_to_end.people import command, edit_card

NASTY: dict[str, tuple[str, ...]] = {
    "card_count": ("inf", "-Infinity", "1e9", "1_9", "NaN"),
    "months": ("Infinity", "1e1"),
    "sending": ("1e1", "31.02.2026"),
    "tariff": ("*350", "\u202e053*3"),
    "separate": ("кроме ДУТ",),
    "emails": ("=?utf-8?q?x?=@x.ru", '"Петрова, Анна" <anna@kontora.example>'),
    "whatsapp": ("звонить Ивану",),
    "contract_number": ("\u200b",),
}

AS_TEXT = {"USER_TYPE_ID": "string", "MULTIPLE": "N"}


def texts_as_portals_keep_them(place: Installation) -> None:
    """Let every edited field be a plain text, as it is on many portals."""
    state = place.sandbox.portal.state
    for field in place.sandbox.world.fields:
        if field.attribute in NASTY:
            [record] = [each for each in state.userfields if each["FIELD_NAME"] == field.code]
            state.userfields.put(record["ID"], record | AS_TEXT)
    state.userfields_version += 1


async def decisions(place: Installation) -> dict[int, Any]:
    told = await command(place, "run", "plan", "--as-of", DAY.isoformat(), "--json")
    assert told.code == 0, told.err
    assert told.document["failed"] == []
    shown = await command(place, "run", "show", "--json")
    rows: list[dict[str, Any]] = shown.document["companies"]
    return {row["company"]: (row["decision"], row["total"]) for row in rows}


async def test_nasty_cards_are_their_companies_own_trouble(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=60) as place:
        texts_as_portals_keep_them(place)
        renewed = ("portal", "discover", "--write", str(place.config), "--json")
        assert (await command(place, *renewed)).code == 0
        before = await decisions(place)
        billed = [company for company, (kind, _) in before.items() if kind == "bill"]
        edits = [(name, text) for name, texts in NASTY.items() for text in texts]
        edited = dict(zip(billed, edits, strict=False))
        assert len(edited) == len(edits), "a world with too few companies"
        for company, (name, text) in edited.items():
            await edit_card(place, company, **{name: text})
        after = await decisions(place)
        others = before.keys() - edited.keys()
        assert {company: after[company] for company in others} == {
            company: before[company] for company in others
        }
        for company, (name, text) in edited.items():
            wanted = "bill" if name in ("emails", "whatsapp", "contract_number") else "hold"
            assert after[company][0] == wanted, (name, text)
