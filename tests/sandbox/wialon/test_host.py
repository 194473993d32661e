"""The emulated Wialon host over HTTP, point by point of the documentation."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from stavbill.sandbox.wialon.faults import Fault, Trouble
from stavbill.sandbox.wialon.model import Fleet, Token, Unit
from stavbill.sandbox.wialon.wire import Json
from tests.sandbox.wialon.serving import (
    CHILD,
    CLIENT,
    DEALER,
    FIRST_UNIT,
    GRANDCHILD,
    MASTER,
    READING,
    TOP,
    WORKING,
    Served,
    served,
    small_fleet,
)


def items(answer: dict[str, Json]) -> list[dict[str, Json]]:
    found = answer["items"]
    assert isinstance(found, list)
    return [each for each in found if isinstance(each, dict)]


def ids(answer: dict[str, Json]) -> list[Json]:
    return [each["id"] for each in items(answer)]


async def test_login_gives_session_classes_and_the_token_itself() -> None:
    async with served() as wialon:
        answer = await wialon.call("token/login", {"token": WORKING})
        assert isinstance(answer, dict)
        assert answer["th"] == WORKING
        assert answer["au"] == "stavros"
        assert isinstance(answer["classes"], dict)
        assert answer["classes"]["avl_unit"] == 2
        assert WORKING not in "".join(call.params for call in wialon.host.journal)


async def test_fl_bits_choose_the_blocks_of_the_login_answer() -> None:
    async with served() as wialon:
        answer = await wialon.call("token/login", {"token": WORKING, "fl": 2})
        assert isinstance(answer, dict)
        assert "user" in answer
        assert not {"classes", "features", "th"} & set(answer)


@pytest.mark.parametrize(
    ("token", "refused"),
    [
        pytest.param("short", {"error": 4}, id="wrong length"),
        pytest.param("x" * 72, {"error": 8, "reason": "INVALID_AUTH_TOKEN"}, id="unknown"),
        pytest.param("o" * 72, {"error": 8, "reason": "INVALID_AUTH_TOKEN"}, id="expired"),
        pytest.param("n" * 72, {"error": 7}, id="not active yet"),
        pytest.param("d" * 72, {"error": 7}, id="user disabled"),
    ],
)
async def test_a_login_is_refused(token: str, refused: dict[str, Json]) -> None:
    fleet = small_fleet()
    fleet.add_token(Token("o" * 72, 1, expires_at=1_700_000_000))
    fleet.add_token(Token("n" * 72, 1, activates_at=2_000_000_000))
    fleet.add_token(Token("d" * 72, 2))
    fleet.users[2].disabled = True
    async with served(fleet) as wialon:
        answer = await wialon.call("token/login", {"token": token})
        assert isinstance(answer, dict)
        assert {key: answer[key] for key in refused} == refused


async def test_an_address_with_too_many_failed_logins_is_shut_out_for_a_minute() -> None:
    async with served() as wialon:
        for _ in range(11):
            await wialon.call("token/login", {"token": "x" * 72})
        shut = await wialon.call("token/login", {"token": WORKING})
        assert shut == {"error": 1003, "reason": "LIMIT logins"}
        wialon.clock.turn(61)
        await wialon.login()


async def test_the_121st_login_of_a_minute_is_refused() -> None:
    async with served() as wialon:
        for _ in range(120):
            await wialon.login()
        answer = await wialon.call("token/login", {"token": WORKING})
        assert answer == {"error": 1003, "reason": "LIMIT logins"}


async def test_a_session_dies_after_five_idle_minutes() -> None:
    async with served() as wialon:
        await wialon.login()
        wialon.clock.turn(299)
        assert (await wialon.search())["totalItemsCount"] == 10
        wialon.clock.turn(300)
        assert await wialon.search() == {"error": 1}


async def test_logout_is_error_zero_and_ends_the_session() -> None:
    async with served() as wialon:
        await wialon.login()
        assert await wialon.call("core/logout") == {"error": 0}
        assert await wialon.call("core/logout") == {"error": 1}


@pytest.mark.parametrize(
    ("svc", "params", "error"),
    [
        pytest.param("core/search_itemz", {}, 2, id="unknown service"),
        pytest.param("", {}, 2, id="no service"),
        pytest.param("core/search_items", {"flags": 1}, 4, id="missing spec"),
        pytest.param("core/search_item", {"id": "abc", "flags": 1}, 4, id="id is no number"),
        pytest.param("core/search_item", {"id": 5, "flags": 1}, 7, id="no such item"),
        pytest.param("core/set_session_property", {"prop_name": "x", "prop_value": "1"}, 4, id="x"),
    ],
)
async def test_errors_come_as_http_200(svc: str, params: Json, error: int) -> None:
    async with served() as wialon:
        await wialon.login()
        answer = await wialon.call(svc, params)
        assert isinstance(answer, dict)
        assert answer["error"] == error


@pytest.mark.parametrize("params", ["", "{", '{"flags": 0x1}', "[1]"])
async def test_unreadable_params_are_error_4(params: str) -> None:
    async with served() as wialon:
        await wialon.login()
        form = {"svc": "core/search_item", "params": params, "sid": wialon.sid}
        async with wialon.http.post(wialon.url, data=form) as answer:
            assert (await answer.json())["error"] == 4


async def test_get_is_refused_until_it_is_switched_on() -> None:
    async with served() as wialon:
        await wialon.login()
        query = {"svc": "core/search_item", "params": '{"id":100,"flags":1}', "sid": wialon.sid}
        async with wialon.http.get(wialon.url, params=query) as answer:
            assert (await answer.json())["error"] == 4
        wialon.host.switches.get_allowed = True
        async with wialon.http.get(wialon.url, params=query) as answer:
            assert (await answer.json())["item"]["nm"] == "stavros"


async def test_a_body_that_is_no_form_is_refused() -> None:
    async with (
        served() as wialon,
        wialon.http.post(wialon.url, json={"svc": "core/logout"}) as answer,
    ):
        assert (await answer.json())["error"] == 4


async def test_params_in_a_multipart_body_beside_svc_in_the_query_are_read() -> None:
    async with served() as wialon:
        await wialon.login()
        body = aiohttp.FormData({"params": '{"id":100,"flags":1}'}, default_to_multipart=True)
        query = {"svc": "core/search_item", "sid": wialon.sid}
        async with wialon.http.post(wialon.url, params=query, data=body) as answer:
            assert (await answer.json())["item"]["id"] == TOP


async def test_flags_261_give_these_keys_and_no_others() -> None:
    async with served() as wialon:
        await wialon.login()
        unit = items(await wialon.search())[1]
        assert set(unit) == {
            "nm", "cls", "id", "mu", "crt", "bact", "uid", "uid2", "hw", "ph", "ph2", "psw", "act",
            "dactt", "uacl",
        }  # fmt: skip
        assert (unit["act"], unit["dactt"], unit["bact"]) == (0, 1_700_000_000, CLIENT)
        assert unit["id"] == FIRST_UNIT + 1


async def test_act_comes_with_0x100_only() -> None:
    async with served() as wialon:
        await wialon.login()
        assert "act" not in items(await wialon.search(flags=5))[0]
        wialon.host.faults.without_act.add(FIRST_UNIT)
        assert "act" not in items(await wialon.search())[0]
        assert "act" in items(await wialon.search())[1]


async def test_act_may_need_the_right_to_view_connectivity() -> None:
    async with served() as wialon:
        wialon.host.switches.act_needs_connectivity = True
        await wialon.login(READING)
        assert "act" not in items(await wialon.search())[0]


async def test_fields_are_an_object_keyed_by_their_number() -> None:
    async with served() as wialon:
        await wialon.login()
        found = items(await wialon.search(flags=269))
        assert found[0]["flds"] == {}
        field = {"id": 4, "n": "Консервация от 14.01.2026", "v": "https://portal.example/task/7/"}
        assert found[1]["flds"] == {"4": field}
        assert "aflds" not in found[0]


async def test_to_is_inclusive_and_zero_means_all() -> None:
    async with served() as wialon:
        await wialon.login()
        assert len(items(await wialon.search())) == 10
        page = await wialon.search(first=2, last=4)
        assert ids(page) == [FIRST_UNIT + 2, FIRST_UNIT + 3, FIRST_UNIT + 4]
        assert (page["indexFrom"], page["indexTo"], page["totalItemsCount"]) == (2, 4, 10)
        beyond = await wialon.search(first=8, last=19)
        assert (beyond["indexTo"], len(items(beyond))) == (9, 2)


async def test_the_specification_comes_back_with_or_logic_as_text() -> None:
    async with served() as wialon:
        await wialon.login()
        spec = (await wialon.search())["searchSpec"]
        assert spec == {
            "itemsType": "avl_unit", "propName": "sys_name", "propValueMask": "*",
            "sortType": "sys_id", "propType": "", "or_logic": "0",
        }  # fmt: skip


async def test_force_0_pages_through_one_frozen_result() -> None:
    async with served() as wialon:
        await wialon.login()
        await wialon.search(first=0, last=4)
        wialon.host.fleet.add(Unit(FIRST_UNIT + 99, "новый", CLIENT, 1))
        assert (await wialon.search(force=0, first=5, last=99))["totalItemsCount"] == 10
        assert (await wialon.search(force=1))["totalItemsCount"] == 11


@pytest.mark.parametrize(
    ("search", "found"),
    [
        pytest.param({"mask": "*00*"}, 10, id="wildcard"),
        pytest.param({"mask": "А 001 АА 00|А 002 АА 00"}, 2, id="alternatives"),
        pytest.param({"mask": "а 001 аа 00"}, 1, id="case ignored"),
        pytest.param({"name": "sys_billing_account_guid", "mask": str(CLIENT)}, 4, id="own units"),
        pytest.param(
            {"name": "sys_billing_account_guid", "mask": str(DEALER), "kind": "accounttree"},
            6,
            id="units of the subtree",
        ),
        pytest.param({"name": "rel_last_msg_date", "mask": ">=1700000000"}, 1, id="comparison"),
        pytest.param({"name": "rel_customfield_name", "mask": "Консервация от*"}, 1, id="field"),
        pytest.param(
            {"name": "custom_fields", "mask": "Консервация*", "kind": "propitemname"}, 1, id="sub"
        ),
        pytest.param(
            {
                "name": "rel_billing_account_name,sys_name",
                "mask": "21645,*003*",
                "kind": "property,property",
            },
            1,
            id="both",
        ),
        pytest.param(
            {"name": "rel_billing_account_name,sys_name", "mask": "21645,*009*", "or_logic": 1},
            5,
            id="either",
        ),
        pytest.param(
            {"items_type": "avl_resource", "name": "rel_is_account", "mask": "1"}, 4, id="accounts"
        ),
        pytest.param({"items_type": "avl_resource"}, 5, id="resources that are none too"),
        pytest.param({"items_type": "user"}, 2, id="users"),
        pytest.param({"items_type": "avl_route"}, 0, id="none of that type"),
    ],
)
async def test_searching(search: dict[str, Json], found: int) -> None:
    async with served() as wialon:
        await wialon.login()
        answer = await wialon.search(**search)  # type: ignore[arg-type]
        assert answer["totalItemsCount"] == found


@pytest.mark.parametrize(
    "search",
    [
        pytest.param({"items_type": "unit"}, id="type"),
        pytest.param({"name": "rel_billing_account_guid"}, id="property"),
        pytest.param({"sort": "act"}, id="there is no property for activity"),
        pytest.param({"kind": "tree"}, id="kind of property"),
        pytest.param({"name": "sys_name,sys_id", "mask": "*"}, id="unequal lists"),
    ],
)
async def test_a_search_that_the_host_does_not_know_is_error_4(search: dict[str, str]) -> None:
    async with served() as wialon:
        await wialon.login()
        assert (await wialon.search(**search))["error"] == 4  # type: ignore[arg-type]


async def test_sorting_descending_and_by_name() -> None:
    async with served() as wialon:
        await wialon.login()
        assert ids(await wialon.search(sort="!sys_name", last=1))[0] == FIRST_UNIT + 9
        assert ids(await wialon.search(sort="!sys_id"))[0] == FIRST_UNIT + 9


async def test_accounts_show_their_parent_unless_the_product_is_old() -> None:
    async with served() as wialon:
        await wialon.login()
        accounts = items(
            await wialon.search("avl_resource", name="rel_is_account", mask="1", flags=5)
        )
        assert {each["id"]: each["bpact"] for each in accounts} == {
            TOP: 0, DEALER: TOP, GRANDCHILD: DEALER, CLIENT: TOP,
        }  # fmt: skip
        wialon.host.switches.bpact_given = False
        assert "bpact" not in items(await wialon.search("avl_resource", flags=5))[0]


async def test_a_user_sees_its_own_tree_only() -> None:
    async with served() as wialon:
        await wialon.login(CHILD)
        assert (await wialon.search())["totalItemsCount"] == 6
        assert await wialon.call("core/search_item", {"id": CLIENT, "flags": 1}) == {"error": 7}


async def test_items_of_the_token_and_hidden_ones_shrink_the_answer_in_silence() -> None:
    fleet = small_fleet()
    fleet.add_token(Token("i" * 72, 1, items=frozenset({FIRST_UNIT, TOP})))
    async with served(fleet) as wialon:
        await wialon.login("i" * 72)
        assert ids(await wialon.search()) == [FIRST_UNIT]
        await wialon.login()
        wialon.host.faults.hidden |= {FIRST_UNIT, DEALER}
        assert (await wialon.search())["totalItemsCount"] == 6


async def test_skipping_deactivated_units_is_a_property_of_the_session() -> None:
    async with served() as wialon:
        await wialon.login()
        setting: Json = {"prop_name": "skip_nonactive_items", "prop_value": "1"}
        assert await wialon.call("core/set_session_property", setting) == {}
        assert (await wialon.search())["totalItemsCount"] == 9


async def test_a_batch_runs_in_order_and_stops_when_asked_to() -> None:
    async with served() as wialon:
        await wialon.login()
        calls: list[Json] = [
            {"svc": "core/search_item", "params": {"id": TOP, "flags": 1}},
            {"svc": "no/such", "params": {}},
            {"svc": "core/search_item", "params": {"id": CLIENT, "flags": 1}},
        ]
        full = await wialon.call("core/batch", calls)
        assert isinstance(full, list)
        assert full[1] == {"error": 2}
        assert isinstance(full[2], dict)
        assert "item" in full[2]
        stopped = await wialon.call("core/batch", {"params": calls, "flags": 1})
        assert isinstance(stopped, list)
        assert stopped[2] == {"error": 10}


async def test_account_data_counts_the_subtree_or_the_own_units() -> None:
    async with served() as wialon:
        await wialon.login()
        asked: dict[str, Json] = {"itemId": [TOP, DEALER, 999], "type": 2}
        several = await wialon.call("account/get_account_data", asked)
        assert isinstance(several, dict)
        assert set(several) == {str(TOP), str(DEALER)}
        assert usage(several[str(TOP)]) == {
            "avl_unit": 10, "activated_units": 9, "seasonal_units": 1,
        }  # fmt: skip
        assert isinstance(several[str(TOP)], dict)
        assert "parentAccountId" not in several[str(TOP)]  # type: ignore[operator]
        own = await wialon.call("account/get_account_data", {"itemId": DEALER, "type": 6})
        assert usage(own)["avl_unit"] == 3


def usage(answer: Json) -> dict[str, Json]:
    services = answer["settings"]["combined"]["services"]  # type: ignore[index,call-overload]
    return {name: each["usage"] for name, each in services.items()}  # type: ignore[index,union-attr,call-overload]


async def test_blocking_an_account_needs_a_token_of_everything() -> None:
    async with served() as wialon:
        await wialon.login()
        block: Json = {"itemId": DEALER, "enable": 0}
        assert await wialon.call("account/enable_account", block) == {"error": 7}
        await wialon.login(MASTER)
        assert await wialon.call("account/enable_account", block) == {}
        child = await wialon.call("account/get_account_data", {"itemId": GRANDCHILD, "type": 1})
        assert isinstance(child, dict)
        assert (child["enabled"], child["parentEnabled"]) == (1, 0)
        blocked = await wialon.search("avl_resource", name="sys_account_disabled", mask="1")
        assert ids(blocked) == [DEALER]


async def test_switching_a_unit_off_and_on() -> None:
    async with served() as wialon:
        await wialon.login()
        off: Json = {"itemId": FIRST_UNIT, "active": 0}
        assert await wialon.call("unit/set_active", off) == {"active": 0}
        unit = items(await wialon.search(name="sys_id", mask=str(FIRST_UNIT)))[0]
        assert (unit["act"], unit["dactt"]) == (0, int(wialon.clock.now().timestamp()))
        await wialon.login(READING)
        assert await wialon.call("unit/set_active", off) == {"error": 7}


async def test_custom_fields_are_made_changed_and_removed() -> None:
    async with served() as wialon:
        await wialon.login()
        made = await wialon.call(
            "item/update_custom_field",
            {"itemId": FIRST_UNIT, "id": 0, "callMode": "create", "n": "SCHEM", "v": "171343"},
        )
        assert made == [1, {"id": 1, "n": "SCHEM", "v": "171343"}]
        again = await wialon.call(
            "item/update_custom_field",
            {"itemId": FIRST_UNIT, "id": 0, "callMode": "create", "n": "SCHEM", "v": "171343"},
        )
        assert again == [2, {"id": 2, "n": "SCHEM", "v": "171343"}]
        gone = await wialon.call(
            "item/update_custom_field", {"itemId": FIRST_UNIT, "id": 2, "callMode": "delete"}
        )
        assert gone == [2, None]
        asleep: Json = {"itemId": FIRST_UNIT + 1, "id": 0, "callMode": "create", "n": "a", "v": "b"}
        refused = await wialon.call("item/update_custom_field", asleep)
        assert refused == {"error": 7, "reason": "item not active"}


async def test_the_eleventh_simultaneous_request_is_refused() -> None:
    async with served() as wialon:
        await wialon.login()
        wialon.host.faults.add(Fault(Trouble.SLOW, svc="core/search_items", times=None, number=1.0))
        slow = [asyncio.create_task(wialon.search()) for _ in range(11)]
        done, _ = await asyncio.wait(slow, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result() for task in done] == [
            {"error": 1003, "reason": "LIMIT api_concurrent"}
        ]
        wialon.clock.turn(1)
        assert sum("items" in answer for answer in await asyncio.gather(*slow)) == 10


async def test_events_are_limited_to_ten_in_ten_seconds() -> None:
    async with served() as wialon:
        await wialon.login()
        url = f"http://127.0.0.1:{wialon.port}/avl_evts"
        for turn in range(11):
            async with wialon.http.post(url, data={"sid": wialon.sid}) as answer:
                body = await answer.json()
            assert ("error" in body) == (turn == 10)


async def raw(wialon: Served) -> tuple[int, str, bytes]:
    form = {"svc": "core/search_item", "params": '{"id":100,"flags":1}', "sid": wialon.sid}
    async with wialon.http.post(wialon.url, data=form) as answer:
        return answer.status, answer.content_type, await answer.read()


async def test_bodies_that_are_no_answer() -> None:
    async with served() as wialon:
        await wialon.login()
        for kind in (Trouble.EMPTY_BODY, Trouble.NULL_BODY, Trouble.HTML_BODY):
            wialon.host.faults.add(Fault(kind))
        wialon.host.faults.add(Fault(Trouble.HTTP_STATUS, after=1, number=503))
        assert await raw(wialon) == (200, "application/json", b"")
        assert (await raw(wialon))[0] == 503
        assert json.loads((await raw(wialon))[2])["item"]["id"] == TOP


async def test_a_page_may_be_short_and_not_say_so() -> None:
    async with served() as wialon:
        await wialon.login()
        wialon.host.faults.add(Fault(Trouble.INCOMPLETE_PAGE, svc="core/search_items", number=2))
        page = await wialon.search()
        assert (page["totalItemsCount"], len(items(page))) == (10, 8)
        assert len(items(await wialon.search())) == 10


async def test_a_session_may_be_lost_in_mid_reading() -> None:
    async with served() as wialon:
        await wialon.login()
        wialon.host.faults.add(Fault(Trouble.SESSION_LOST, svc="core/search_items", after=1))
        assert len(items(await wialon.search(last=4))) == 5
        assert await wialon.search(first=5, last=9, force=0) == {"error": 1}


async def test_an_error_may_strike_a_call_or_one_element_of_a_batch() -> None:
    async with served() as wialon:
        await wialon.login()
        wialon.host.faults.add(Fault(Trouble.ERROR, number=1003, reason="LOCKER_ERROR"))
        assert await wialon.search() == {"error": 1003, "reason": "LOCKER_ERROR"}
        wialon.host.faults.add(Fault(Trouble.ERROR, svc="batch:core/search_item", number=6))
        call: Json = {"svc": "core/search_item", "params": {"id": TOP, "flags": 1}}
        answer = await wialon.call("core/batch", [call, call])
        assert isinstance(answer, list)
        assert answer[0] == {"error": 6}
        assert answer[1] != {"error": 6}


async def test_a_write_may_be_done_and_its_answer_lost() -> None:
    async with served() as wialon:
        await wialon.login()
        wialon.host.faults.add(Fault(Trouble.ANSWER_LOST, svc="unit/set_active"))
        with pytest.raises(aiohttp.ClientError):
            await wialon.call("unit/set_active", {"itemId": FIRST_UNIT, "active": 0})
        assert not wialon.host.fleet.units[FIRST_UNIT].active


async def test_large_answers_are_gzipped_for_who_accepts_it() -> None:
    async with served() as wialon:
        await wialon.login()
        spec: Json = {"itemsType": "avl_unit", "propName": "sys_name", "propValueMask": "*",
                      "sortType": "sys_id"}  # fmt: skip
        params = json.dumps({"spec": spec, "force": 1, "flags": 261, "from": 0, "to": 0})
        form = {"svc": "core/search_items", "params": params, "sid": wialon.sid}
        async with wialon.http.post(wialon.url, data=form) as answer:
            assert answer.headers["Content-Encoding"] == "gzip"


async def test_the_journal_counts_requests_and_calls() -> None:
    async with served() as wialon:
        await wialon.login()
        call: Json = {"svc": "core/search_item", "params": {"id": TOP, "flags": 1}}
        await wialon.call("core/batch", [call, call])
        assert wialon.host.journal.requests() == 2
        assert wialon.host.journal.by_svc()["core/search_item"] == 2


async def test_a_hundred_thousand_units_come_in_pages_of_three_thousand() -> None:
    fleet: Fleet = small_fleet()
    fleet.units.clear()
    fleet.add(*(Unit(FIRST_UNIT + n, f"ТС {n}", CLIENT, 1) for n in range(100_000)))
    async with served(fleet) as wialon:
        await wialon.login()
        seen: set[Json] = set()
        for first in range(0, 100_000, 3000):
            page = await wialon.search(first=first, last=first + 2999, force=int(first == 0))
            seen.update(ids(page))
        assert len(seen) == 100_000


async def test_faults_are_switched_and_calls_counted_from_another_process() -> None:
    async with served() as wialon:
        await wialon.login()
        base = f"http://127.0.0.1:{wialon.port}/sandbox"
        fault = {"kind": "ERROR", "number": 6, "times": None, "hidden": [FIRST_UNIT]}
        async with wialon.http.post(f"{base}/faults", json=fault) as answer:
            assert await answer.json() == {"waiting": 1}
        assert await wialon.search() == {"error": 6}
        async with wialon.http.post(f"{base}/faults", json={"kind": "NONE"}) as answer:
            assert answer.status == 400
        await wialon.http.delete(f"{base}/faults")
        gone = {"id": FIRST_UNIT, "remove": True}
        await wialon.http.post(f"{base}/units", json=gone)
        asleep = {"id": FIRST_UNIT + 3, "active": False}
        await wialon.http.post(f"{base}/units", json=asleep)
        found = items(await wialon.search())
        assert [unit["act"] for unit in found][:3] == [0, 1, 0]
        async with wialon.http.post(f"{base}/units", json=gone) as answer:
            assert answer.status == 404
        async with wialon.http.get(f"{base}/journal") as answer:
            assert (await answer.json())["by_svc"]["core/search_items"] == 2
        await wialon.http.delete(f"{base}/journal")
        assert wialon.host.journal.requests() == 0
