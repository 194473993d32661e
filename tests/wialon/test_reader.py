"""Reading accounts and units over real HTTP, and everything that a host may do meanwhile."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
from pydantic import SecretStr
from typing_extensions import override

from stavbill.billing.facts import NotCountedWhy
from stavbill.errors import WialonError
from stavbill.plan.records import AccountRecord, UnitRecord, UnitState
from stavbill.sandbox.wialon.faults import Fault, Trouble
from stavbill.sandbox.wialon.model import Account, Field, Token, Unit
from stavbill.wialon.connection import Connection
from stavbill.wialon.reader import WialonReader, open_reader
from stavbill.wialon.translate import unit_record
from stavbill.wialon.trouble import WialonIncompleteError, WialonUnreachableError
from tests.wialon.conftest import DEALER, DEEP, LEAF, TOKEN, TOP, USER, PatientClock, Served

KNOWN = frozenset({TOP, DEALER, LEAF, DEEP})


class StuckClock(PatientClock):
    """Sleeps until it is released, whatever is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.release = asyncio.Event()

    @override
    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self.release.wait()


async def accounts_of(reader: WialonReader) -> list[AccountRecord]:
    return [record async for page in reader.accounts() for record in page]


async def units_of(reader: WialonReader) -> dict[int, UnitRecord]:
    return {record.unit: record async for page in reader.units(KNOWN) for record in page}


async def read_units(served: Served, connection: Connection | None = None) -> dict[int, UnitRecord]:
    async with open_reader(connection or served.connection, served.clock) as reader:
        return await units_of(reader)


async def test_accounts_come_with_their_parents_on_every_level(served: Served) -> None:
    async with open_reader(served.connection, served.clock) as reader:
        accounts = await accounts_of(reader)

    assert accounts == [
        AccountRecord(TOP, "service", None),
        AccountRecord(DEALER, "21645", TOP),
        AccountRecord(LEAF, "25292", DEALER),
        AccountRecord(DEEP, "25293", LEAF),
    ]


async def test_units_come_with_owner_and_state(served: Served) -> None:
    units = await read_units(served)

    assert len(units) == 50
    assert units[4_000_000_000] == UnitRecord(4_000_000_000, "A0", DEALER, UnitState.CONSERVED)
    assert units[4_000_000_001] == UnitRecord(4_000_000_001, "A1", LEAF, UnitState.ACTIVE)
    assert Counter(unit.state for unit in units.values()) == {
        UnitState.ACTIVE: 42,
        UnitState.CONSERVED: 8,
    }


async def test_a_reading_is_one_session_and_a_handful_of_requests(served: Served) -> None:
    async with open_reader(served.with_pages_of(25), served.clock) as reader:
        await accounts_of(reader)
        await units_of(reader)
    requests = reader.requests

    assert served.host.journal.by_svc() == {
        "token/login": 1,
        "core/search_items": 3,
        "core/logout": 1,
    }
    assert requests == 5
    assert served.host.sessions.count() == 0


@pytest.mark.parametrize("size", [2, 7, 25, 49, 50, 51])
async def test_any_page_size_gives_every_unit_once(served: Served, size: int) -> None:
    async with open_reader(served.with_pages_of(size), served.clock) as reader:
        pages = [len(page) async for page in reader.units(KNOWN)]

    assert sum(pages) == 50
    assert max(pages) <= size


def test_a_page_of_one_would_ask_for_the_whole_list(served: Served) -> None:
    with pytest.raises(ValueError, match="page_size"):
        served.with_pages_of(1)


async def test_units_of_one_account_leave_the_others_alone(served: Served) -> None:
    async with open_reader(served.with_pages_of(3000), served.clock) as reader:
        own = [unit async for page in reader.units_of([LEAF]) for unit in page]
        two = [unit async for page in reader.units_of([LEAF, DEEP]) for unit in page]
        none = [unit async for page in reader.units_of([TOP]) for unit in page]

    assert {unit.account for unit in own} == {LEAF}
    assert len(own) == 17
    assert len(two) == 33
    assert none == []


@pytest.mark.parametrize("as_error", [False, True])
async def test_parents_are_asked_for_where_the_search_leaves_them_out(
    served: Served, *, as_error: bool
) -> None:
    served.host.switches.bpact_given = False
    served.host.switches.inaccessible_account_is_missing = not as_error
    async with open_reader(served.connection, served.clock) as reader:
        accounts = await accounts_of(reader)

    assert [account.parent for account in accounts] == [None, TOP, DEALER, LEAF]
    assert served.calls("account/get_account_data") == 1


async def test_a_session_lost_while_asking_for_parents_goes_on(served: Served) -> None:
    served.host.switches.bpact_given = False
    served.host.faults.add(Fault(Trouble.SESSION_LOST, "account/get_account_data"))
    async with open_reader(served.connection, served.clock) as reader:
        accounts = await accounts_of(reader)

    assert [account.parent for account in accounts] == [None, TOP, DEALER, LEAF]


async def test_a_parent_that_may_not_be_seen_makes_the_tree_incomplete(served: Served) -> None:
    served.host.switches.bpact_given = False
    served.host.switches.account_data_needs_everything = True
    async with open_reader(served.connection, served.clock) as reader:
        with pytest.raises(WialonError, match=r"get_account_data"):
            await accounts_of(reader)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(Trouble.HTML_BODY, times=3), id="HTML of a proxy"),
        pytest.param(Fault(Trouble.EMPTY_BODY, times=3), id="empty body"),
        pytest.param(Fault(Trouble.NULL_BODY, times=3), id="null"),
        pytest.param(Fault(Trouble.HTTP_STATUS, number=502, times=3), id="502"),
        pytest.param(Fault(Trouble.ERROR, number=1003, times=3), id="1003 one at a time"),
        pytest.param(
            Fault(Trouble.ERROR, number=1003, reason="LIMIT api_concurrent", times=3),
            id="1003 concurrent",
        ),
        pytest.param(Fault(Trouble.ERROR, number=10, times=3), id="10 concurrent limit"),
        pytest.param(Fault(Trouble.ERROR, number=6, times=3), id="6 without a reason"),
        pytest.param(Fault(Trouble.ANSWER_LOST, "core/search_items", times=3), id="answer lost"),
    ],
)
@pytest.mark.parametrize("after", [0, 3])
async def test_a_read_is_repeated_with_growing_pauses(
    served: Served, fault: Fault, after: int
) -> None:
    served.host.faults.add(replace(fault, after=after))

    assert len(await read_units(served)) == 50
    assert served.clock.slept == [1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    "kind", [Trouble.HTML_BODY, Trouble.EMPTY_BODY, Trouble.NULL_BODY, Trouble.ANSWER_LOST]
)
async def test_a_host_that_never_answers_is_given_up(served: Served, kind: Trouble) -> None:
    served.host.faults.add(Fault(kind, "core/search_items", times=None))
    with pytest.raises(WialonUnreachableError, match=r"«stavros1» \(127.0.0.1:\d+\)") as caught:
        await read_units(served)

    assert caught.value.why is NotCountedWhy.UNREACHABLE
    assert served.clock.slept == [1.0, 2.0, 4.0, 8.0, 16.0]


async def test_the_tries_of_a_whole_reading_are_bounded(served: Served) -> None:
    for page in range(8):
        served.host.faults.add(Fault(Trouble.EMPTY_BODY, "core/search_items", after=page, times=4))
    with pytest.raises(WialonUnreachableError):
        await read_units(served)

    assert len(served.clock.slept) <= 20


async def test_an_answer_that_trickles_is_cut_off(served: Served) -> None:
    stuck = StuckClock()
    served.host.clock = stuck
    served.host.faults.add(Fault(Trouble.SLOW, "core/search_items", number=9, times=None))
    with pytest.raises(WialonUnreachableError, match=r"нет ответа за 0\.05 с"):
        await read_units(served, replace(served.connection, deadline_s=0.05))
    stuck.release.set()


async def test_nobody_listening_is_an_error_that_names_the_connection(served: Served) -> None:
    nobody = replace(served.connection, url="http://127.0.0.1:9")
    with pytest.raises(WialonUnreachableError, match=r"«stavros1» \(127\.0\.0\.1:9\)"):
        await read_units(served, nobody)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(Trouble.SESSION_LOST), id="1 session gone"),
        pytest.param(Fault(Trouble.ERROR, number=1011), id="1011 expired"),
        pytest.param(Fault(Trouble.ERROR, number=1003, reason="NO_SESSION"), id="1003 NO_SESSION"),
    ],
)
async def test_a_lost_session_logs_in_once_and_reads_from_the_beginning(
    served: Served, fault: Fault
) -> None:
    served.host.faults.add(replace(fault, svc="core/search_items", after=4))

    assert len(await read_units(served)) == 50
    assert served.calls("token/login") == 2
    assert served.clock.slept == []


async def test_a_session_lost_twice_ends_the_reading(served: Served) -> None:
    served.host.faults.add(Fault(Trouble.SESSION_LOST, "core/search_items", after=4, times=None))
    with pytest.raises(WialonUnreachableError, match="код 1"):
        await read_units(served)

    assert served.calls("token/login") == 2


async def test_a_caller_that_stores_slowly_outlives_the_session(served: Served) -> None:
    kept: dict[int, UnitRecord] = {}
    async with open_reader(served.with_pages_of(25), served.clock) as reader:
        async for page in reader.units(KNOWN):
            kept |= {unit.unit: unit for unit in page}
            if served.calls("token/login") == 1:
                await served.clock.sleep(301)

    assert len(kept) == 50
    assert served.calls("token/login") == 2


@pytest.mark.parametrize(
    ("token", "told"),
    [
        pytest.param(
            "x" * 72, r"код 8, INVALID_AUTH_TOKEN.*STAVBILL_WIALON_TOKEN_STAVROS1", id="8"
        ),
        pytest.param("short", r"72 знаков: проверьте STAVBILL_WIALON_TOKEN_STAVROS1", id="4"),
    ],
)
async def test_a_refused_token_stops_at_once_and_says_what_to_do(
    served: Served, token: str, told: str
) -> None:
    with pytest.raises(WialonUnreachableError, match=told) as caught:
        await read_units(served, replace(served.connection, token=SecretStr(token)))

    assert served.calls("token/login") == 1
    assert token not in str(caught.value)


async def test_a_token_restricted_to_items_cannot_pass_for_a_whole(served: Served) -> None:
    few = "i" * 72
    seen = frozenset({TOP, DEALER, 4_000_000_000, 4_000_000_001})
    served.host.fleet.add_token(Token(few, USER, items=seen))
    async with open_reader(
        replace(served.connection, token=SecretStr(few)), served.clock
    ) as reader:
        known = {account.account for account in await accounts_of(reader)}
        with pytest.raises(WialonIncompleteError, match="которой токен не видит"):
            _ = [page async for page in reader.units(known)]


async def test_a_short_page_is_read_once_more(served: Served) -> None:
    served.host.faults.add(Fault(Trouble.INCOMPLETE_PAGE, "core/search_items", after=3, number=2))

    assert len(await read_units(served)) == 50


@pytest.mark.parametrize("missing", [1, 7])
async def test_a_page_that_stays_short_is_never_a_count(served: Served, missing: int) -> None:
    served.host.faults.add(
        Fault(Trouble.INCOMPLETE_PAGE, "core/search_items", number=missing, times=None)
    )
    with pytest.raises(WialonIncompleteError, match="пришло") as caught:
        await read_units(served)

    assert caught.value.why is NotCountedWhy.INCOMPLETE


async def test_a_unit_without_its_switch_makes_the_count_unknown(served: Served) -> None:
    served.host.faults.without_act.add(4_000_000_040)
    with pytest.raises(WialonIncompleteError, match=r"4000000040.*нет act"):
        await read_units(served)


async def test_a_unit_of_an_account_that_nobody_saw_makes_the_answer_partial(
    served: Served,
) -> None:
    async with open_reader(served.connection, served.clock) as reader:
        with pytest.raises(WialonIncompleteError, match=f"учётной записи {LEAF}"):
            _ = [page async for page in reader.units(KNOWN - {LEAF})]


async def test_no_account_at_all_is_never_true(served: Served) -> None:
    served.host.faults.hidden.update(served.host.fleet.accounts)
    async with open_reader(served.connection, served.clock) as reader:
        with pytest.raises(WialonIncompleteError, match="ни одной учётной записи"):
            await accounts_of(reader)


async def test_accounts_without_a_unit_are_zero_when_they_are_zero(served: Served) -> None:
    for unit in list(served.host.fleet.units):
        served.host.fleet.remove(unit)

    assert await read_units(served) == {}


async def test_a_unit_in_the_dark_costs_its_own_account_only(served: Served) -> None:
    served.host.faults.without_act.update({4_000_000_040, 4_000_000_043})
    unclear: dict[int, str] = {}
    async with open_reader(served.connection, served.clock) as reader:
        pages = [page async for page in reader.units(KNOWN, unclear=unclear)]

    assert sum(map(len, pages)) == 48
    assert list(unclear) == [LEAF]
    assert "4000000040" in unclear[LEAF]
    assert "нет act" in unclear[LEAF]


async def test_a_unit_that_vanishes_between_two_readings_is_an_error(served: Served) -> None:
    async def read_while_a_unit_goes() -> None:
        async with open_reader(served.connection, served.clock) as reader:
            async for _ in reader.units(KNOWN):
                if served.host.fleet.units.pop(4_000_000_000, None):
                    served.host.sessions.lose_all()

    with pytest.raises(WialonIncompleteError, match="исчезло 1"):
        await read_while_a_unit_goes()


async def test_a_unit_added_meanwhile_does_not_disturb(served: Served) -> None:
    kept: dict[int, UnitRecord] = {}
    async with open_reader(served.connection, served.clock) as reader:
        async for page in reader.units(KNOWN):
            kept |= {unit.unit: unit for unit in page}
            if len(kept) == 7:
                served.host.fleet.add(Unit(4_100_000_000, "new", LEAF, USER))

    assert len(kept) in {50, 51}


async def test_custom_fields_out_of_sight_hide_conservation(served: Served) -> None:
    async with open_reader(served.connection, served.clock) as reader:
        answer = await reader._session.call("core/search_item", {"id": 4_000_000_000, "flags": 269})
    assert isinstance(answer, dict)
    item = dict(answer["item"])
    assert unit_record(served.connection, item, KNOWN).state is UnitState.CONSERVED
    del item["flds"]
    assert unit_record(served.connection, item, KNOWN).state is UnitState.UNMARKED
    item["uacl"] = 0x3
    with pytest.raises(WialonIncompleteError, match="не видны произвольные поля"):
        unit_record(served.connection, item, KNOWN)
    item["act"] = 1
    assert unit_record(served.connection, item, KNOWN).state is UnitState.ACTIVE


async def test_marks_are_read_whoever_typed_them(served: Served) -> None:
    unit = served.host.fleet.units[4_000_000_001]
    unit.active, unit.fields = False, (Field(9, " КОНСЕРВАЦИЯ  от 1.2.22", ""),)
    served.host.fleet.units[4_000_000_002].active = False

    units = await read_units(served)

    assert units[4_000_000_001].state is UnitState.CONSERVED
    assert units[4_000_000_002].state is UnitState.UNMARKED


async def test_no_secret_is_shown(served: Served) -> None:
    served.host.faults.add(Fault(Trouble.HTTP_STATUS, number=404, times=None))
    with pytest.raises(WialonUnreachableError, match="Проверьте url") as caught:
        await read_units(served)

    shown = f"{caught.value!r} {served.connection!r} {caught.value.__cause__!r}"
    assert TOKEN not in shown


async def test_an_account_below_an_unseen_parent_keeps_its_number(served: Served) -> None:
    served.host.fleet.add(Account(3_000_000_500, "elsewhere", USER, parent_id=DEALER))
    served.host.faults.hidden.add(DEALER)
    async with open_reader(served.connection, served.clock) as reader:
        accounts = {account.account: account.parent for account in await accounts_of(reader)}

    assert accounts[3_000_000_500] == DEALER
    assert DEALER not in accounts
