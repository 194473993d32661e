"""What works and is weak: refused where it signs, named by `doctor` where it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from stavbill.app.weaknesses import weaknesses
from stavbill.cli.tables import print_checks
from stavbill.errors import ConfigError
from stavbill.settings import Settings, load_settings
from tests.app.installation import installation

LONG = "0123456789abcdef" * 2
SOUND = """
[portal]
url = "https://portal.example"
[wialon.stavros]
url = "https://hst-api.wialon.com"
"""
MAIL = """
[[mail.senders]]
code = "main"
name = "Счета"
address = "a@example.ru"
host = "mail.example"
security = "none"
"""


def loaded(folder: Path, text: str = SOUND, **env: str) -> Settings:
    path = folder / "stavbill.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return load_settings(path, env)


def test_a_short_secret_that_signs_is_refused_with_the_way_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, STAVBILL_WEB_SECRET=LONG[:31])
    told = str(refused.value)
    assert "STAVBILL_WEB_SECRET: короче 32 знаков" in told
    assert "openssl rand -hex 32" in told
    assert LONG[:31] not in told
    assert loaded(tmp_path, STAVBILL_WEB_SECRET=LONG).web_secrets.keys() == {"STAVBILL_WEB_SECRET"}


def test_a_sound_installation_has_no_weakness(tmp_path: Path) -> None:
    env = {"STAVBILL_WEB_SECRET": LONG, "STAVBILL_API_TOKEN": LONG[::-1]}
    assert weaknesses(loaded(tmp_path, **env)) == []


@pytest.mark.parametrize(
    ("more", "env", "name"),
    [
        ("", {"STAVBILL_API_TOKEN": "short"}, "weak.STAVBILL_API_TOKEN"),
        ("", {"STAVBILL_WHATSAPP_WEBHOOK_TOKEN": "short"}, "weak.STAVBILL_WHATSAPP_WEBHOOK_TOKEN"),
        (
            "",
            {"STAVBILL_API_TOKEN": LONG, "STAVBILL_WEB_SECRET": LONG},
            "weak.STAVBILL_WEB_SECRET",
        ),
        ("", {"STAVBILL_PORTAL_URL": "http://portal.example/rest/1/abc/"}, "weak.portal"),
        ('[wialon.other]\nurl = "http://wialon.example"', {}, "weak.wialon.other"),
        ('[web]\npublic_url = "http://billing.example"', {}, "weak.web"),
        ('[web]\nhost = "0.0.0.0"', {}, "weak.web.host"),
        (
            MAIL,
            {},
            "weak.mail.main",
        ),
        (
            '[mail.notices]\nhost = "mail.example"\nuser = "a"\nsecurity = "none"',
            {},
            "weak.mail.notices",
        ),
    ],
)
def test_each_weakness_is_named_with_what_to_do(
    tmp_path: Path, more: str, env: dict[str, str], name: str
) -> None:
    [found] = weaknesses(loaded(tmp_path, f"{SOUND}\n{more}\n", **env))
    assert found.name == name
    assert found.fix


def test_files_that_others_may_change_or_read_are_named(tmp_path: Path) -> None:
    settings = loaded(tmp_path)
    (tmp_path / "stavbill.sqlite3").touch(mode=0o644)
    (tmp_path / "stavbill.sqlite3").chmod(0o644)
    (tmp_path / "stavbill.toml").chmod(0o666)
    assert [one.name for one in weaknesses(settings)] == ["weak.settings", "weak.database"]


async def test_warnings_come_last_and_the_next_step_at_the_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with installation(tmp_path) as place:
        await place.set_up()
        place.env["STAVBILL_API_TOKEN"] = "short"
        document = await place.examine()
        print_checks(document, Path("stavbill.toml"))
        lines = [line for line in capsys.readouterr().out.splitlines() if line[0] != " "]
        kinds = [line.split()[0] for line in lines[:-2]]
        warned = kinds.count("!")
        assert warned
        assert kinds == ["да"] * (len(kinds) - warned) + ["!"] * warned
        assert lines[-2:] == [
            f"Готово, предупреждений: {warned}.",
            "Дальше: stavbill run month --dry-run",
        ]
        del place.env["STAVBILL_WIALON_TOKEN_STAVROS"]
        print_checks(await place.examine(), Path("a/stavbill.toml"))
        told = capsys.readouterr().out.splitlines()
        assert told[-2].startswith("Не готово: 1 проверка, предупреждений:")
        assert told[-1] == "Исправьте и повторите: stavbill --config a/stavbill.toml doctor"
