"""A portal's own words, asked over HTTP, and what they mean for the configuration."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from stavbill.bitrix.budget import Limits
from stavbill.bitrix.discover import Discovery, discover, survey_portal, zone_of
from stavbill.bitrix.failures import AccessLostError, CallRefusedError
from stavbill.bitrix.gateway import Gateway, open_http
from stavbill.bitrix.limiter import Limiter, MemoryBudgetState
from stavbill.plan.effects import InvoiceStage
from stavbill.sandbox.portal.faults import Fault, Trouble
from tests.bitrix.clocks import VirtualClock
from tests.sandbox.portal.serving import Served, served

FEE_HINT = "(Пример заполнения: 1*100, пропустить минус -)"


@asynccontextmanager
async def gateway_to(url: str) -> AsyncIterator[Gateway]:
    clock = VirtualClock()
    limiter = Limiter(limits=Limits(), clock=clock, state=MemoryBudgetState())
    async with open_http() as http:
        yield Gateway(url, http=http, limiter=limiter, clock=clock)


async def discovered(portal: Served, url: str = "") -> Discovery:
    async with gateway_to(url or portal.url) as gateway:
        return discover(await survey_portal(gateway, VirtualClock()))


@pytest.mark.parametrize(
    ("name", "label"),
    [
        pytest.param("fuel", f"Абонплата за ДУТы {FEE_HINT}", id="as in the manual"),
        pytest.param("fuel", "абонплата  за ДУТы(пишите 1*100)", id="another hint, case, spaces"),
        pytest.param("dispatching", "Абонплата за Диспетчеризацию(Пример", id="a hint cut off"),
        pytest.param("emails", "Эмайл для абонки", id="a Cyrillic letter for the Latin one"),
        pytest.param("status", "Cтaтyc", id="Latin letters for Cyrillic ones"),
        pytest.param("previous_month", "Счет за предыдущий месяц", id="без ё"),
    ],
)
async def test_a_field_is_found_by_its_label(name: str, label: str) -> None:
    async with served() as portal:
        made = portal.seed.define_userfield(label, "string", "1600000001")
        found = await discovered(portal)

        assert found.fields[name].code == made.name


async def test_the_hint_tells_two_responsible_people_apart() -> None:
    async with served() as portal:
        portal.seed.define_userfield("Ответственный (Тахограф)", "employee", "1600000001")
        found = await discovered(portal)

        assert "responsible" in {wanted.name for wanted in found.matches.missing}


async def test_two_fields_with_one_label_are_listed_and_never_guessed() -> None:
    async with served() as portal:
        codes = tuple(
            portal.seed.define_userfield("Партнер", "boolean", f"160000000{number}").name
            for number in (1, 2)
        )
        found = await discovered(portal)

        assert "partner" not in found.fields
        assert found.matches.ambiguous == {"partner": codes}


async def test_active_statuses_begin_so() -> None:
    async with served() as portal:
        portal.seed.define_userfield(
            "Статус",
            "enumeration",
            "1600000001",
            options=("Активная компания", "активна до мая", "Архив", "Неактивная"),
        )
        assert (await discovered(portal)).active == ("Активная компания", "активна до мая")


async def test_a_further_fee_is_known_by_its_name_and_the_grammar_in_its_hint() -> None:
    async with served() as portal:
        portal.seed.define_userfield(f"Абонплата за ДУТы {FEE_HINT}", "string", "1600000001")
        portal.seed.define_userfield(f"Абонплата за SIM, роуминг {FEE_HINT}", "string", "16000002")
        portal.seed.define_userfield("Абонплата за прошлый год", "string", "1600000003")
        portal.seed.define_userfield(f"Абонплата за хранение {FEE_HINT}", "file", "1600000004")
        services = (await discovered(portal)).services

        assert [(each.code, each.name) for each in services] == [("sim_rouming", "SIM, роуминг")]


async def test_stages_are_told_by_their_meaning() -> None:
    async with served() as portal:
        stages = (await discovered(portal)).stages

        assert stages == {
            InvoiceStage.NEW: portal.seed.stage("N"),
            InvoiceStage.SENT: portal.seed.stage("S"),
            InvoiceStage.PAID: portal.seed.stage("P"),
            InvoiceStage.CANCELLED: portal.seed.stage("D"),
        }


async def test_group_user_zone_and_own_companies_are_told() -> None:
    async with served() as portal:
        group = portal.seed.workgroup("Повторные прозвоны МПП")
        portal.seed.workgroup("Заявки на возврат")
        portal.portal.switches.server_offset_h = 5
        found = await discovered(portal)

        assert found.calls_group == group
        assert found.survey.shape.me == portal.hook.user_id
        assert found.time_zone == "Asia/Yekaterinburg"
        assert [own.own_company for own in found.survey.shape.own_companies] == [portal.own]


@pytest.mark.parametrize(
    ("offset_h", "zone"),
    [(3.0, "Europe/Moscow"), (5.5, ""), (-7.0, ""), (None, "")],
)
def test_a_zone_is_named_only_when_its_offset_tells(offset_h: float | None, zone: str) -> None:
    assert zone_of(offset_h) == zone


async def test_a_declined_command_leaves_a_gap_and_no_more() -> None:
    async with served() as portal:
        portal.seed.define_userfield("Партнер", "boolean", "1600000001")
        hook = portal.portal.add_webhook(secret="narrow", scopes=frozenset({"crm"}))
        found = await discovered(portal, portal.host + hook.path)

        assert set(found.survey.declined) == {"calls_group"}
        assert found.survey.scopes == frozenset({"crm"})
        assert "partner" in found.fields


async def test_a_wrong_webhook_is_an_error_that_names_what_to_do() -> None:
    async with served() as portal:
        with pytest.raises(AccessLostError, match="Создайте входящий вебхук заново"):
            await discovered(portal, f"{portal.host}/rest/1/another/")


async def test_a_portal_that_asks_to_wait_is_asked_again() -> None:
    async with served() as portal:
        portal.portal.faults.switch(Fault(Trouble.QUERY_LIMIT, nth=(1,)))
        assert (await discovered(portal)).stages[InvoiceStage.NEW]


async def test_a_portal_that_is_not_there_is_not_waited_for() -> None:
    async with served() as portal:
        port = portal.port
    async with gateway_to(f"http://127.0.0.1:{port}/rest/1/secret/") as gateway:
        with pytest.raises(CallRefusedError, match="недоступен"):
            await survey_portal(gateway, VirtualClock())
        assert gateway.requests == 1
