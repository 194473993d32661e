"""Templates, presets and own companies of a portal that has more than a page of each."""

from __future__ import annotations

from collections.abc import Mapping

from stavbill.bitrix.batch import BatchAnswer, Command, CommandResult, Json
from stavbill.bitrix.read.pages import PAGE, with_all_pages
from stavbill.sandbox.portal.faults import Fault, Trouble
from tests.bitrix.test_discover import discovered
from tests.sandbox.portal.serving import Served, served

MANY = 130


def furnish(portal: Served) -> None:
    presets = portal.portal.state.presets
    for number in range(1, MANY + 1):
        portal.seed.papers.template(f"Шаблон {number}")
        own = portal.seed.company(f"ООО «Своя-{number}»", own=True)
        portal.seed.papers.requisite(own, "Реквизит", {"RQ_COMPANY_NAME": f"ООО «Полное-{number}»"})
        preset = presets.new_id()
        name = "Физ. лицо" if number == MANY else f"Пресет {number}"
        presets.put(preset, (presets.get(1) or {}) | {"ID": preset, "NAME": name})


async def test_the_last_of_many_is_known_as_well_as_the_first() -> None:
    async with served() as portal:
        furnish(portal)
        shape = (await discovered(portal)).survey.shape
        assert set(shape.templates.values()) >= {f"Шаблон {n}" for n in range(1, MANY + 1)}
        last = shape.own_companies[-1]
        assert len(shape.own_companies) == MANY + 1
        assert (last.name, last.requisite_names) == (
            f"ООО «Своя-{MANY}»",
            (f"ООО «Полное-{MANY}»",),
        )
        assert str(max(preset["ID"] for preset in portal.portal.state.presets)) in (
            shape.natural_presets
        )


async def test_a_portal_with_few_of_them_is_asked_nothing_more() -> None:
    async with served() as portal:
        await discovered(portal)
        few = portal.portal.calls.requests
        assert few == 2


async def test_part_of_a_list_is_never_taken_for_all_of_it() -> None:
    async with served() as portal:
        furnish(portal)
        method = "crm.documentgenerator.template.list"
        denied = Fault(Trouble.REFUSED, nth=(2,), methods=(method,), code="ACCESS_DENIED")
        portal.portal.faults.switch(denied)
        survey = (await discovered(portal)).survey
        assert survey.shape.templates == {}
        assert survey.declined["templates"].code == "ACCESS_DENIED"


async def test_a_portal_that_gives_its_first_page_for_ever_comes_to_an_end() -> None:
    page: Json = [{"ID": number} for number in range(1, PAGE + 1)]
    asked = {"own": Command("crm.company.list")}
    first = BatchAnswer({"own": CommandResult(page)}, {}, frozenset())
    starts = []

    async def same_again(commands: Mapping[str, Command]) -> BatchAnswer:
        starts.append(commands["own"].params["start"])
        return first

    whole = await with_all_pages(same_again, asked, first)
    assert starts == [PAGE]
    assert whole.ran["own"].value == page
