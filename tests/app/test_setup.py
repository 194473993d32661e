"""`init` and `portal discover` against a portal that answers over HTTP."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from stavbill.app.setup import _same_host, write_settings
from stavbill.errors import ConfigError
from stavbill.sandbox.portal.portal import SECRET
from stavbill.settings import load_settings
from tests.app.installation import installation

WORKS = "портал с именами из правил подходит без правки"


def mode_of(name: str) -> int:
    return stat.S_IMODE(Path(name).stat().st_mode)


async def test_a_portal_with_the_names_of_the_rules_needs_no_editing(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        document = await place.set_up()
        settings = load_settings(place.config, place.env)

        assert document["config"] == str(place.config)
        assert document["unmatched"] == [], WORKS
        assert settings.toml.fields["emails"].label == "Эмaйл для абонки"
        assert settings.toml.statuses.active == ("Активная компания", "Активная (VIP)")
        assert [service.title for service in settings.toml.services] == ["SIM, роуминг"]
        assert settings.toml.portal.stages.sent.endswith(":S")
        assert settings.toml.tasks.calls_workgroup == 11
        assert settings.toml.tasks.default_responsible == 1
        assert [rule.template_ids for rule in settings.toml.issuers] == [("1",), ("2",), ()]
        settings.require_secrets()


async def test_a_webhook_of_the_environment_is_written_nowhere(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        document = await place.set_up()

        assert document["secrets"] == ""
        assert SECRET not in place.text
        assert [path.name for path in place.directory.iterdir()] == ["stavbill.toml"]


async def test_a_webhook_given_as_an_argument_serves_later_commands_alone(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        place.env.clear()
        document = await place.set_up(place.sandbox.webhook)
        secrets = document["secrets"]

        assert SECRET not in place.text
        assert mode_of(secrets) == 0o600
        assert load_settings(place.config, {}).webhook_url() == place.sandbox.webhook
        assert (await place.rediscover())["unmatched"] == []


async def test_a_database_password_stays_out_of_the_toml(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await place.set_up(database_url="postgres://billing:swordfish@db.example/billing")
        settings = load_settings(place.config, place.env)

        assert "swordfish" not in place.text
        assert "swordfish" in settings.database_url.get_secret_value()


async def test_what_is_not_matched_stands_as_a_line_to_fill_in(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        place.change_field("Партнер", LABEL="Совсем другое название")
        place.sandbox.portal.state.companies.remove(3)
        document = await place.set_up()

        assert "# НЕ НАЙДЕНО: поле «Партнер»\n# partner = " in place.text
        assert any(line.startswith("[fields] partner = ") for line in document["unmatched"])
        assert any("Автотрэкер КЗ" in line for line in document["unmatched"])
        assert "# НЕ НАЙДЕНО: issuers, правило ps-kz" in place.text
        assert "partner" not in load_settings(place.config, place.env).toml.fields


async def test_a_label_with_a_line_break_cannot_leave_its_line(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        place.change_field("Партнер", LABEL='Партнер ("\n[safety]\nread_only = true')
        stages = place.sandbox.portal.state.statuses
        stage = next(record for record in stages if record["NAME"] == "Новый")
        stages.put(stage["ID"], stage | {"NAME": "Новый\n[safety]\nread_only = true"})
        await place.set_up()

        assert not load_settings(place.config, place.env).toml.safety.read_only


async def test_settings_are_not_written_over_unless_forced(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await place.set_up()
        place.config.write_text(place.text + "# наша правка\n", encoding="utf-8")
        with pytest.raises(ConfigError, match="--force"):
            await place.set_up()
        await place.set_up(force=True)

        assert "наша правка" not in place.text
        assert "наша правка" in (place.directory / "stavbill.toml.old").read_text("utf-8")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        pytest.param("{portal}/rest/1/another/", "Создайте входящий вебхук", id="wrong secret"),
        pytest.param("http://127.0.0.1:1/rest/1/secret/", "недоступен", id="nobody there"),
        pytest.param("{portal}", "не задан вебхук", id="no secret at all"),
        pytest.param("", "не задан вебхук", id="nothing"),
    ],
)
async def test_a_way_that_leads_nowhere_is_an_error_and_writes_nothing(
    tmp_path: Path, url: str, said: str
) -> None:
    async with installation(tmp_path) as place:
        place.env.clear()
        with pytest.raises(ConfigError, match=said):
            await place.set_up(url.format(portal=place.sandbox.portal_url))
        assert not place.directory.exists()


async def test_two_different_webhooks_are_a_contradiction(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        with pytest.raises(ConfigError, match="разные вебхуки"):
            await place.set_up(f"{place.sandbox.portal_url}/rest/1/another/")
        with pytest.raises(ConfigError, match="исправьте одно"):
            await place.set_up("https://another.example")


async def test_a_webhook_without_crm_says_which_permission_to_give(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        hook = place.sandbox.portal.add_webhook(secret="narrow", scopes=frozenset({"task"}))
        place.env["STAVBILL_PORTAL_URL"] = place.sandbox.portal_url + hook.path
        with pytest.raises(ConfigError, match="право crm"):
            await place.set_up()


async def test_a_wialon_address_with_a_secret_in_it_is_refused(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        place.sandbox.wialon_urls["stavros"] = "https://user:secret@hst.example"
        with pytest.raises(ConfigError, match=r"wialon\.stavros\.url") as refusal:
            await place.set_up()
        assert "secret" not in str(refusal.value)


async def test_discover_renews_its_sections_and_leaves_the_rest(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await place.set_up()
        ours = place.text.replace("band_percent = 20", "band_percent = 35  # наша правка")
        place.config.write_text(ours, encoding="utf-8")
        assert (await place.rediscover())["toml"] == ours, "nothing changed on the portal"

        place.change_field("Партнер", LABEL="Наш партнёр")
        code = place.remove_field("Дата отправки счёта")
        document = await place.rediscover()
        write_settings(place.config, document["toml"])
        toml = load_settings(place.config, place.env).toml

        assert toml.safety.band_percent == 35
        assert toml.fields["partner"].label == "Наш партнёр", "the code was mapped by hand"
        assert "sending_day" not in toml.fields
        assert code not in document["toml"]
        assert [line for line in document["unmatched"] if "sending_day" in line]


async def test_what_people_wrote_survives_discover(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await place.set_up()
        lines = place.text.splitlines()
        at = next(number for number, line in enumerate(lines) if line.startswith("partner = "))
        other = next(line for line in lines if line.startswith("emails = "))
        code = re.search(r'"(UF_CRM_\d+)"', other)
        assert code is not None
        edits = [
            "# партнёрские поля: как договорились",
            f'months = "{code[1]}" # так!',
        ]
        months = next(n for n, line in enumerate(lines) if line.startswith("months = "))
        lines[months] = edits[1]
        lines.insert(at, edits[0])
        ours = "\n".join(lines) + "\n"
        place.config.write_text(ours, encoding="utf-8")

        place.change_field("Партнер", LABEL="Партнер (да/нет)")
        text = (await place.rediscover())["toml"]

        fresh = next(line for line in text.splitlines() if line.startswith("partner = "))
        assert "Партнер (да/нет)" in fresh
        assert text == ours.replace(lines[at + 1], fresh)


async def test_a_remark_gives_way_to_the_field_that_appears(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await place.set_up()
        whole = place.text
        line = next(text for text in whole.splitlines() if text.startswith("partner = "))
        remarks = '# НЕ НАЙДЕНО: поле «Партнер»\n# partner = "UF_CRM_…"'
        place.config.write_text(whole.replace(line, remarks), encoding="utf-8")

        assert (await place.rediscover())["toml"] == whole


async def test_a_field_without_a_line_gets_one_at_the_end_of_its_section(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await place.set_up()
        lines = place.text.splitlines(keepends=True)
        line = next(text for text in lines if text.startswith("partner = "))
        lines.remove(line)
        place.config.write_text("".join(lines), encoding="utf-8")

        text = (await place.rediscover())["toml"]

        assert sorted(text.splitlines()) == sorted([*place.text.splitlines(), line.rstrip("\n")])
        assert text.index(line) < text.index("[statuses]")


@pytest.mark.parametrize(
    ("given", "is_same"),
    [
        ("https://Portal.example/", True),
        ("https://portal.example:443", True),
        ("portal.example", True),
        ("https://portal.example:8443", False),
        ("https://another.example", False),
        ("https://portal.example:port", False),
    ],
)
def test_the_address_and_the_webhook_name_one_portal(given: str, *, is_same: bool) -> None:
    assert _same_host(given, "https://portal.example/rest/1/secret/") is is_same
