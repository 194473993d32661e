"""A broken world: each time one message that names the thing, an exit code, nothing half-written.

Commands run as processes of their own: standard output holds one JSON document and nothing else.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from stavbill.sandbox.portal.faults import Fault, Trouble
from stavbill.sandbox.wialon import faults as wialon_faults
from stavbill.sandbox.world.verdict import differences
from tests.end_to_end.driving import DAY, Installation, installed
from tests.end_to_end.people import Told, command, process

MONTH = ("run", "month", "--as-of", DAY.isoformat(), "--yes")


def told_of(told: Told, code: int, *words: str) -> None:
    """The command failed with `code`, and its message has these words; no traceback anywhere."""
    assert told.code == code, told
    assert told.document["exit_code"] == code
    for word in words:
        assert word in told.document["error"]
        assert word in told.err
    assert "Traceback" not in told.err


def forget_field(place: Installation, attribute: str) -> str:
    """Remove a mapped user field from the portal; return its code."""
    code = next(f.code for f in place.sandbox.world.fields if f.attribute == attribute)
    state = place.sandbox.portal.state
    [field] = [int(each["ID"]) for each in state.userfields if each["FIELD_NAME"] == code]
    state.userfields.remove(field)
    state.userfields_version += 1
    return code


@pytest.mark.parametrize("attribute", ["tariff", "where", "skip", "account"])
async def test_a_mapped_field_that_vanished_stops_before_the_first_write(
    tmp_path: Path, attribute: str
) -> None:
    async with installed(tmp_path, companies=20) as place:
        code = forget_field(place, attribute)
        told = await process(place, *MONTH, "--json")
        told_of(told, 2, code)
        assert place.writes() == []
        doctor = await command(place, "doctor")
        assert doctor.code != 0
        assert code in doctor.out


async def test_a_webhook_that_is_wrong_is_named_without_its_secret(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        wrong = place.env["STAVBILL_PORTAL_URL"].rstrip("/")[:-4] + "0000/"
        told = await process(place, *MONTH, "--json", STAVBILL_PORTAL_URL=wrong)
        told_of(told, 2, "127.0.0.1")
        assert wrong.rstrip("/").rpartition("/")[2] not in told.out + told.err
        assert place.writes() == []


async def test_a_portal_that_is_not_there_is_named(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        nobody = "http://127.0.0.1:9/rest/1/invented0secret/"
        told = await process(place, *MONTH, "--json", STAVBILL_PORTAL_URL=nobody)
        told_of(told, 2, "127.0.0.1")
        assert "invented0secret" not in told.out + told.err


@pytest.mark.parametrize("scope", ["crm", "task"])
async def test_a_permission_that_was_taken_away_is_named(tmp_path: Path, scope: str) -> None:
    async with installed(tmp_path, companies=20) as place:
        portal = place.sandbox.portal
        for hook in list(portal.webhooks.values()):
            portal.add_webhook(hook.user_id, hook.secret, hook.scopes - {scope})
        told = await process(place, *MONTH, "--json")
        told_of(told, 2, scope)
        assert place.writes() == []


async def test_a_wialon_token_that_expired_holds_its_companies_and_bills_the_others(
    tmp_path: Path,
) -> None:
    async with installed(tmp_path, companies=60) as place:
        [name, *_] = place.sandbox.wialon
        variable = f"STAVBILL_WIALON_TOKEN_{name.upper()}"
        others = (*MONTH, "--accept-band", "--json")
        told = await process(place, *others, **{variable: "0" * 72})
        document = told.document
        assert (told.code, document["state"]) == (0, "done")
        assert document["held"]["units_unknown"] > 0
        assert document["counts"]["billed"] > 0
        # With the token mended the next run bills what was held, and nothing twice.
        after = await command(place, *MONTH, "--accept-band", "--json")
        assert (after.code, "units_unknown" in after.document["held"]) == (0, False)
        told_differences = differences(place.sandbox.world, place.end_state())  # type: ignore[arg-type]
        assert [line for line in told_differences if "open tasks" not in line] == []


async def test_a_wialon_host_that_answers_half_is_not_believed(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=60) as place:
        for host in place.sandbox.wialon.values():
            fault = wialon_faults.Fault(wialon_faults.Trouble.INCOMPLETE_PAGE, number=1, times=None)
            host.faults.add(fault)
        told = await command(place, *MONTH, "--accept-band", "--json")
        assert told.code == 0
        assert told.document["held"]["units_unknown"] > 0


async def test_a_database_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        # Permissions of files mean nothing to root, the opening mode does.
        readonly = f"sqlite:///file:{tmp_path / 'stavbill.sqlite3'}?mode=ro&uri=true"
        told = await process(place, *MONTH, "--json", STAVBILL_DATABASE_URL=readonly)
        told_of(told, 2, "stavbill.sqlite3")
        assert place.writes() == []


async def test_a_database_in_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        nowhere = f"sqlite:///{tmp_path / 'nowhere' / 'x.sqlite3'}"
        told = await process(place, *MONTH, "--json", STAVBILL_DATABASE_URL=nowhere)
        told_of(told, 2, "nowhere")
        assert place.writes() == []


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        (tmp_path / "other.sqlite3").write_text("не база" * 1000, encoding="utf-8")
        url = f"sqlite:///{tmp_path / 'other.sqlite3'}"
        told = await process(place, *MONTH, "--json", STAVBILL_DATABASE_URL=url)
        told_of(told, 2, "other.sqlite3")
        assert place.writes() == []


async def test_a_portal_that_only_says_502_ends_with_a_message(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        place.sandbox.portal.faults.switch(Fault(Trouble.ERROR_BEFORE, rate=1.0, status=502))
        told = await process(place, *MONTH, "--json")
        told_of(told, 2, "не отвечает", "crm.company.list")


COMMANDS: tuple[tuple[str, ...], ...] = (
    (*MONTH, "--dry-run"),
    ("run", "plan", "--as-of", DAY.isoformat()),
    ("run", "show"),
    ("company", "explain", "101", "--live", "--as-of", DAY.isoformat()),
    ("company", "show", "101", "--live"),
    ("company", "rerun", "105", "--as-of", DAY.isoformat()),
    ("company", "release", "101", "--by", "Бухгалтер"),
    ("doctor",),
    ("check",),
    ("status",),
    ("db", "upgrade"),
    ("company", "explain", "999999"),
    ("run", "month", "--as-of", "десятое"),
    ("run", "month", "--month", "2027-13"),
    ("run", "month", "--nonsense"),
    ("nonsense",),
)


async def test_json_is_one_document_and_nothing_else(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        for words in COMMANDS:
            told = await command(place, *words, "--json")
            assert isinstance(told.document, dict), words
            assert "Traceback" not in told.err, words
            if told.code == 2:
                assert told.document["exit_code"] == 2, words
                assert told.document["error"], words


@pytest.mark.parametrize("words", [(*MONTH,), ("nonsense",)], ids=["a month", "a misspelt word"])
async def test_so_it_is_in_a_process_of_its_own(tmp_path: Path, words: tuple[str, ...]) -> None:
    async with installed(tmp_path, companies=20) as place:
        told = await process(place, *words, "--json")
        assert isinstance(told.document, dict)
