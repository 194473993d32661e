"""`doctor` against an installation of which one thing or another is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from stavbill.app import doctor
from stavbill.sandbox.portal.faults import Fault, Trouble
from stavbill.settings import load_settings
from stavbill.store.schema import open_store
from tests.app.installation import Installation, installation, of_status

TOKENS = ("STAVBILL_WIALON_TOKEN_STAVROS", "STAVBILL_WIALON_TOKEN_STAVROS1")


def edit(place: Installation, old: str, new: str) -> None:
    assert old in place.text
    place.config.write_text(place.text.replace(old, new), encoding="utf-8")


async def test_a_sound_installation_is_ready(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await place.set_up()
        document = await place.examine()
        sound = of_status("ok", document)

        assert of_status("fail", document) == {}
        assert document["exit_code"] == 0
        assert {"settings", "directory", "database", "portal", "scope.crm"} <= sound.keys()
        assert {"fields.status", "fields.services.sim_rouming", "stages.paid"} <= sound.keys()
        assert {"issuers.ps-rf", "templates.ps-kz", "tasks.calls_workgroup"} <= sound.keys()


@pytest.mark.parametrize(
    "methods",
    [
        ("crm.company.userfield.list", "crm.category.list"),
        ("crm.company.fields", "crm.status.entity.types"),
    ],
)
async def test_a_portal_that_answers_one_of_two_questions_is_enough(
    tmp_path: Path, methods: tuple[str, ...]
) -> None:
    async with installation(tmp_path) as place:
        missing = Fault(Trouble.REFUSED, rate=1.0, methods=methods, code="ERROR_METHOD_NOT_FOUND")
        place.sandbox.portal.faults.switch(missing)
        await place.set_up()
        assert await place.failures() == {}


async def test_without_templates_and_presets_there_are_warnings(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await place.set_up()
        methods = ("crm.requisite.preset.list", "crm.documentgenerator.template.list")
        place.sandbox.portal.faults.switch(
            Fault(Trouble.REFUSED, rate=1.0, methods=methods, code="ACCESS_DENIED")
        )
        examined = await place.examine()
        assert of_status("fail", examined) == {}
        assert {"answer.presets", "answer.templates"} <= of_status("warn", examined).keys()


async def test_the_old_template_that_left_the_menu_is_a_warning(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await place.set_up()
        assert "templates.ao-rf" in of_status("warn", await place.examine())


async def test_a_changed_hint_on_the_card_changes_nothing(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await place.set_up()
        place.change_field("Партнер", LABEL="Партнер (да или нет)")
        assert await place.failures() == {}


async def test_a_vanished_field_fails_by_its_label_with_the_line(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await place.set_up()
        code = place.remove_field("Партнер")
        text, fix = (await place.failures())["fields.partner"]

        assert text == f"Поле «Партнер»: на портале нет {code}"
        assert fix == 'Впишите в [fields]: partner = "UF_CRM_…"'


async def test_a_field_of_another_type_fails_with_the_line_as_it_is_now(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await place.set_up()
        code = place.change_field("Дата отправки счёта", USER_TYPE_ID="date")
        text, fix = (await place.failures())["fields.sending_day"]

        assert "было типа string, на портале date" in text
        assert f'code = "{code}"' in fix
        assert 'type = "date"' in fix


async def test_a_field_that_init_did_not_match_fails_with_the_line_to_fill_in(
    tmp_path: Path,
) -> None:
    async with installation(tmp_path) as place:
        code = place.change_field("Партнер", LABEL="Совсем другое название")
        await place.set_up()
        document = await place.examine()
        _, fix = of_status("fail", document)["fields.partner"]
        assert document["exit_code"] == 2
        assert fix == 'Впишите в [fields]: partner = "UF_CRM_…"'

        edit(place, '# partner = "UF_CRM_…"', f'partner = "{code}"')
        assert await place.failures() == {}


async def test_an_own_company_that_is_missing_fails_by_its_rule(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        place.sandbox.portal.state.companies.remove(3)
        await place.set_up()
        failures = await place.failures()

        assert failures.keys() == {"issuers.ps-kz"}
        assert "own_company = id" in failures["issuers.ps-kz"][1]


async def test_a_wrong_webhook_does_not_hide_the_rest(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await place.set_up()
        place.env["STAVBILL_PORTAL_URL"] = f"{place.sandbox.portal_url}/rest/1/another/"
        document = await place.examine()
        failures = of_status("fail", document)

        assert failures.keys() == {"portal"}
        assert "Создайте входящий вебхук заново" in failures["portal"][1]
        assert {check["name"] for check in document["checks"]} > {"database", "wialon.stavros"}


async def test_a_lost_permission_is_named_once_and_fields_are_not_said_to_be_gone(
    tmp_path: Path,
) -> None:
    async with installation(tmp_path) as place:
        await place.set_up()
        hook = place.sandbox.portal.add_webhook(secret="narrow", scopes=frozenset({"task", "user"}))
        place.env["STAVBILL_PORTAL_URL"] = place.sandbox.portal_url + hook.path
        document = await place.examine()
        failures = of_status("fail", document)

        assert failures["scope.crm"][1].startswith("Отметьте его в настройках вебхука")
        assert "scope.sonet_group" in of_status("warn", document)
        assert not [name for name in failures if name.startswith(("fields.", "issuers."))]


async def test_tokens_missing_and_expired_fail_each_by_its_variable(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await place.set_up()
        del place.env[TOKENS[1]]
        place.sandbox.wialon["stavros"].fleet.tokens.clear()
        failures = await place.failures()

        assert failures.keys() == {"wialon.stavros", "wialon.stavros1"}
        assert "Токен истёк или отозван" in failures["wialon.stavros"][1]
        assert failures["wialon.stavros1"][1] == f"Задайте переменную {TOKENS[1]}"


async def test_a_status_that_the_list_does_not_have_fails(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await place.set_up()
        edit(place, '"Активная (VIP)"', '"Действующая"')
        text, fix = (await place.failures())["statuses"]

        assert "Действующая" in text
        assert "Активная (VIP)" in fix


async def test_a_stage_that_the_list_does_not_have_fails(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await place.set_up()
        edit(place, '"DT31_5:P"', '"DT31_9:P"')
        assert 'paid = "DT31_5:P"' in (await place.failures())["stages.paid"][1]


@pytest.mark.parametrize(
    ("user", "said"),
    [pytest.param(8, "уволен", id="has left"), pytest.param(77, "не найден", id="never was")],
)
async def test_the_one_who_gets_tasks_must_work_there(tmp_path: Path, user: int, said: str) -> None:
    async with installation(tmp_path) as place:
        await place.set_up()
        edit(place, "default_responsible = 1", f"default_responsible = {user}")
        assert said in (await place.failures())["tasks.default_responsible"][0]


async def test_broken_settings_are_one_check_and_exit_code_2(tmp_path: Path) -> None:
    config = tmp_path / "stavbill.toml"
    config.write_text("[billing]\nsending_dya = 10\n", encoding="utf-8")
    document = await doctor.examine(config, {})

    assert document["exit_code"] == 2
    assert "billing.sending_dya: такой настройки нет" in of_status("fail", document)["settings"][1]


async def test_a_database_of_another_version_fails_with_what_to_do(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await place.set_up()
        url = load_settings(place.config, place.env).database_url.get_secret_value()
        store = open_store(url)
        with store.write() as db:
            db.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        store.close()

        assert "обновите stavbill" in (await place.failures())["database"][1]


async def test_a_missing_font_library_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with installation(tmp_path) as place:
        await place.set_up()
        monkeypatch.setattr(doctor, "FONT_LIBRARY", "no-such-library")
        document = await place.examine()

        assert "apt install" in of_status("warn", document)["fonts"][1]
        assert document["exit_code"] == 0


async def test_a_value_of_where_to_find_without_a_connection_is_a_warning(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await place.set_up()
        document = await place.examine()

        assert "«stavros2»" in of_status("warn", document)["connections"][0]
        assert document["exit_code"] == 0


SENDER = """
[[mail.senders]]
code = "main"
host = "127.0.0.1"
port = {port}
security = "none"
address = "billing@stavbill.example"
name = "Счета"
"""


async def test_a_mail_server_is_tried(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await place.set_up()
        text = place.text
        port = place.sandbox.mail.smtp_port
        place.config.write_text(text + SENDER.format(port=port), encoding="utf-8")
        assert "не задан секрет" in of_status("fail", await place.examine())["mail"][1]
        place.env["STAVBILL_WEB_SECRET"] = "a secret of the test's own, long enough"
        document = await place.examine()
        assert of_status("fail", document) == {}
        assert "mail.почта: отправитель «main»" in of_status("ok", document)
        place.config.write_text(text + SENDER.format(port=9), encoding="utf-8")
        assert "mail.почта: отправитель «main»" in of_status("fail", await place.examine())


async def test_a_template_with_an_error_and_a_logo_that_is_none(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await place.set_up()
        assert "documents" in of_status("ok", await place.examine())
        folder = place.directory / "счёт"
        folder.mkdir()
        (folder / "party.html").write_text("{{ party.nobody }}", encoding="utf-8")
        text = place.text
        words = '\n[documents]\ntemplates = "счёт"\n'
        place.config.write_text(text + words, encoding="utf-8")
        fix = of_status("fail", await place.examine())["documents"][1]
        assert "party.html, строка 1" in fix
        own = '{{ party.name }} <img src="our-logo.png">'
        (folder / "party.html").write_text(own, encoding="utf-8")
        fix = of_status("fail", await place.examine())["documents"][1]
        assert "our-logo.png" in fix
        words = '\n[[documents.issuers]]\nissuer = "ps-rf"\nlogo = "счёт/party.html"\n'
        place.config.write_text(text + words, encoding="utf-8")
        fix = of_status("fail", await place.examine())["documents"][1]
        assert "documents.issuers.ps-rf.logo" in fix
