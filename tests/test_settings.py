"""stavbill.toml and the environment: what is read, what is refused, and how it is said."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stavbill.billing.facts import OwnCompanyId
from stavbill.billing.money import Currency
from stavbill.billing.vat import rate_on
from stavbill.errors import ConfigError
from stavbill.plan.records import OwnCompany
from stavbill.settings import (
    Settings,
    build_policy,
    issuer_problems,
    load_settings,
    write_secrets_file,
)
from stavbill.settings.secrets import read_environment
from stavbill.settings.template import optional_toml, rules_toml, sections_toml
from stavbill.workdays import RussianWorkdays

ROOT = Path(__file__).resolve().parents[1]
WEBHOOK = "https://portal.example/rest/1/hush4hush4hush4/"
TOKEN = "f00d" * 18
OURS = (
    OwnCompany(OwnCompanyId(4), "ООО «Автотрэкер»"),
    OwnCompany(OwnCompanyId(6), 'ТОО "Автотрэкер КЗ"'),
    OwnCompany(OwnCompanyId(8), "ИП. Матвеев"),
)


def load(tmp_path: Path, text: str = "", env: dict[str, str] | None = None) -> Settings:
    path = tmp_path / "stavbill.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, env or {})


def complaint(tmp_path: Path, text: str = "", env: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, env)
    return str(caught.value)


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path)
    policy = build_policy(settings, OURS, RussianWorkdays())

    assert [rule.code for rule in policy.rules] == ["ps-rf", "ps-kz", "ao-rf"]
    assert [rule.own_company for rule in policy.rules] == [4, 6, 8]
    assert policy.conservation_price(Currency.RUB) == Decimal(100)
    assert policy.conservation_price(Currency.KZT) is None
    assert settings.database_url.get_secret_value().startswith(f"sqlite:///{tmp_path}")
    assert issuer_problems(settings, OURS) == ()


@pytest.mark.parametrize(
    ("rule", "day", "percent"),
    [
        pytest.param(0, date(2025, 12, 1), Decimal(20), id="§7 Russia through 2025"),
        pytest.param(0, date(2026, 1, 1), Decimal(22), id="§7 Russia from 2026"),
        pytest.param(1, date(2025, 12, 1), Decimal(12), id="Kazakhstan through 2025"),
        pytest.param(1, date(2026, 1, 1), Decimal(16), id="Kazakhstan from 2026"),
        pytest.param(2, date(2026, 1, 1), None, id="the sole trader is outside VAT"),
    ],
)
def test_default_rates(tmp_path: Path, rule: int, day: date, percent: Decimal | None) -> None:
    policy = build_policy(load(tmp_path), OURS, RussianWorkdays())

    assert rate_on(policy.rules[rule].vat, day) == percent


def test_the_documented_file_loads(tmp_path: Path) -> None:
    manual = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    example = re.search(r"```toml\n(.*?)```", manual, re.DOTALL)
    assert example is not None
    settings = load(tmp_path, example[1], {"STAVBILL_WIALON_TOKEN_STAVROS1": TOKEN})

    assert settings.toml.fields["skip"].code == "UF_CRM_1600000002"
    assert settings.wialon_connections()["stavros1"].host == "hst-api.wialon.com"
    policy = build_policy(settings, OURS, RussianWorkdays())
    assert policy.services == ("subscription", "fuel", "dispatching", "roaming")
    assert policy.rules[0].words(policy.services[3]).line == "SIM, роуминг"


def test_what_init_writes_is_what_an_empty_file_means(tmp_path: Path) -> None:
    written = load(tmp_path, rules_toml() + "\n" + sections_toml())

    assert written.toml == load(tmp_path).toml
    assert "Бухгалтеру" in rules_toml()


def test_what_init_offers_holds_when_it_is_taken(tmp_path: Path) -> None:
    offered = "\n".join(line.removeprefix("# ") for line in optional_toml().splitlines()[3:])
    offered = offered.replace("\n#\n", "\n\n")
    toml = load(tmp_path, offered).toml

    assert toml.mail.senders[0].code == "main"
    assert toml.documents.issuers[0].logo == "logo.png"
    assert "reminders" not in offered, "nobody is reminded yet"
    assert (toml.worker, toml.mail.manual) == (load(tmp_path).toml.worker, False)


def test_every_error_is_told_at_once(tmp_path: Path) -> None:
    said = complaint(
        tmp_path,
        """
        [portal]
        time_zone = "Mars/Olympus"
        urll = "x"
        [portal.limits]
        burst = "many"
        [fields]
        statuss = "UF_CRM_1"
        [billing]
        sending_day = 32
        conservation_prices = {USD = 5}
        [safety]
        read_only = "yes"
        [wialon.stavros1]
        page_size = 1
        """,
        {"STAVBILL_CLOCK_SCALE": "fast"},
    )

    for line in (
        "portal.time_zone: ожидался часовой пояс",
        "portal.urll: такой настройки нет",
        "portal.limits.burst = «many»: ожидалось целое число",
        "fields.statuss: нет такого поля",
        "billing.sending_day = «32»: ожидалось число не больше 31",
        "billing.conservation_prices.USD = «USD»: ожидалось одно из: 'RUB' или 'KZT'",
        "safety.read_only = «yes»: ожидалось true или false",
        "wialon.stavros1.url: не задано",
        "wialon.stavros1.page_size = «1»: ожидалось число не меньше 2",
        "STAVBILL_CLOCK_SCALE = «fast»: ожидалось число больше 0",
    ):
        assert line in said


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(
            '[[issuers]]\ncode = "a"\nissuer = "b"\ncurrency = "RUB"\ntitle = "c"\n'
            '[issuers.wording]\nsubscription = {line = "d", title = "e"}\n',
            "issuers[1]: нужны templates",
            id="a rule without a contract",
        ),
        pytest.param(
            '[[services]]\ncode = "fuel"\nfield = "UF_1"\nline = "a"\ntitle = "b"\n',
            "services: код повторяется: fuel",
            id="a service twice",
        ),
        pytest.param(
            '[[billing.hand_wording]]\nservice = "sim"\nline = "a"\ntitle = "b"\n',
            "billing.hand_wording: нет такой услуги: sim",
            id="an unknown service",
        ),
        pytest.param("[portal", "это не TOML", id="no TOML"),
        pytest.param('[database]\nurl = "mysql://h/x"\n', "database.url: ожидалось", id="database"),
        pytest.param(
            '[wialon.a]\nurl = "https://w.example"\nca_file = "no.pem"\n',
            "wialon.a.ca_file = «no.pem»: такого файла нет",
            id="no certificate",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(tmp_path: Path, text: str, told: str) -> None:
    assert told in complaint(tmp_path, text)


START = "STAVBILL_CLOCK_START"


def test_a_day_of_its_own_is_for_a_sandbox_on_this_machine_only(tmp_path: Path) -> None:
    day = {START: "2028-02-29T06:00:00+00:00"}
    told = {"STAVBILL_PORTAL_URL": "http://127.0.0.1:8080/rest/1/secret/", **day}
    assert load(tmp_path, env=told).clock().now().date() == date(2028, 2, 29)
    real = {"STAVBILL_PORTAL_URL": "https://portal.example/rest/1/secret/", **day}
    assert f"{START}: только для песочницы, а портал portal.example" in complaint(
        tmp_path, env=real
    )


@pytest.mark.parametrize("text", ["tomorrow", "2028-02-29T06:00:00"])
def test_a_day_of_its_own_is_a_time_with_a_zone(tmp_path: Path, text: str) -> None:
    assert f"{START} = «{text}»: ожидалось время" in complaint(tmp_path, env={START: text})


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="stavbill init --dir"):
        load_settings(tmp_path / "stavbill.toml", {})


@pytest.mark.parametrize(
    ("url", "accepted"),
    [
        ("https://hst-api.wialon.com", True),
        ("http://127.0.0.1:8080/wialon/ajax.html", True),
        ("hst-api.wialon.com", False),
        ("https://", False),
        ("https://host:port", False),
        ("https://user:hush4@host", False),
        ("https://host/?sid=hush4", False),
    ],
)
def test_an_address_is_a_host_and_no_more(tmp_path: Path, url: str, *, accepted: bool) -> None:
    text = f'[wialon.a]\nurl = "{url}"\n'
    if accepted:
        assert load(tmp_path, text).toml.wialon["a"].url == url
    else:
        said = complaint(tmp_path, text)
        assert "wialon.a.url: ожидался адрес" in said
        assert "hush4" not in said


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f'[portal]\nurl = "{WEBHOOK}"\n', id="webhook"),
        pytest.param(
            f'[wialon.a]\nurl = "https://w.example"\ntoken = "{TOKEN}"\n', id="token under a key"
        ),
        pytest.param(f'[wialon.a]\nurl = "{TOKEN}"\n', id="token as an address"),
        pytest.param('[database]\nurl = "postgresql://u:hush4hush4@h/x"\n', id="password"),
    ],
)
def test_a_secret_in_the_toml_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    said = complaint(tmp_path, text)

    assert "hush4" not in said
    assert TOKEN not in said


def test_no_secret_shows(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        '[wialon.stavros1]\nurl = "https://w.example"\n',
        {
            "STAVBILL_PORTAL_URL": WEBHOOK,
            "STAVBILL_WIALON_TOKEN_STAVROS1": TOKEN,
            "DATABASE_URL": "postgresql://u:hush4hush4@h/x",
        },
    )

    shown = f"{settings!r} {settings} {settings.wialon_connections()!r}"
    assert "hush4" not in shown
    assert TOKEN not in shown
    assert settings.webhook_url() == WEBHOOK
    assert settings.portal_url == "https://portal.example"
    assert settings.database_url.get_secret_value() == "postgresql+psycopg://u:hush4hush4@h/x"


def test_missing_secrets_are_named_together(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        '[portal]\nurl = "https://portal.example"\n'
        '[wialon.stavros]\nurl = "https://a.example"\n[wialon."ст 1"]\nurl = "https://b.example"\n',
    )
    with pytest.raises(ConfigError) as caught:
        settings.require_secrets()

    assert "STAVBILL_PORTAL_URL" in str(caught.value)
    assert "STAVBILL_WIALON_TOKEN_STAVROS:" in str(caught.value)
    assert "STAVBILL_WIALON_TOKEN_СТ_1:" in str(caught.value)
    with pytest.raises(ConfigError, match="STAVBILL_PORTAL_URL"):
        settings.webhook_url()


def test_a_base_address_in_the_environment_is_no_webhook(tmp_path: Path) -> None:
    settings = load(tmp_path, env={"STAVBILL_PORTAL_URL": "https://portal.example/"})

    assert settings.webhook is None
    assert settings.portal_url == "https://portal.example"
    assert "STAVBILL_PORTAL_URL: ожидался" in complaint(
        tmp_path, env={"STAVBILL_PORTAL_URL": "portal"}
    )


@pytest.mark.parametrize(
    "variable", ["STAVBILL_WIALON_TOKEN_STAV_ROS", "STAVBILL_WIALON_TOKEN_stav-ros"]
)
def test_a_token_is_found_by_either_name(tmp_path: Path, variable: str) -> None:
    text = '[wialon.stav-ros]\nurl = "https://w.example"\n'
    connections = load(tmp_path, text, {variable: TOKEN}).wialon_connections()

    assert connections["stav-ros"].token.get_secret_value() == TOKEN


def test_a_secrets_file_stands_in_and_the_environment_wins(tmp_path: Path) -> None:
    write_secrets_file(tmp_path, {"STAVBILL_PORTAL_URL": WEBHOOK})
    path = write_secrets_file(tmp_path, {"STAVBILL_WIALON_TOKEN_A": TOKEN})

    assert path.stat().st_mode & 0o777 == 0o600
    assert load(tmp_path).webhook_url() == WEBHOOK
    other = "https://other.example/rest/9/zzz/"
    assert load(tmp_path, env={"STAVBILL_PORTAL_URL": other}).webhook_url() == other


def test_a_secrets_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    write_secrets_file(tmp_path, {"STAVBILL_PORTAL_URL": WEBHOOK}).chmod(0o640)

    said = complaint(tmp_path)
    assert "chmod 600" in said
    assert "hush4" not in said


def test_a_broken_line_of_the_secrets_file_is_named_by_its_number(tmp_path: Path) -> None:
    path = write_secrets_file(tmp_path, {})
    path.write_text(f"# remark\nexport STAVBILL_PORTAL_URL='{WEBHOOK}'\n{TOKEN}\n", "utf-8")

    said = complaint(tmp_path)
    assert "строка 3" in said
    assert TOKEN not in said
    path.write_text(f"\nexport STAVBILL_PORTAL_URL='{WEBHOOK}'\n", "utf-8")
    assert load(tmp_path).webhook_url() == WEBHOOK


def test_prices_and_rates_stay_exact(tmp_path: Path) -> None:
    settings = load(tmp_path, "[billing]\nconservation_prices = {RUB = 99.90, KZT = 500}\n")

    assert settings.toml.billing.conservation_prices[Currency.RUB] == Decimal("99.90")
    assert "conservation_prices" in complaint(
        tmp_path, "[billing]\nconservation_prices = {RUB = 99.999}\n"
    )


def test_quoted_names_survive_toml() -> None:
    text = tomllib.loads(rules_toml())["issuers"][0]["issuer"]

    assert text == "ООО «Автотрэкер»"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        pytest.param("STAVBILL_WEB_SECRET=plain-0", "plain-0", id="plain"),
        pytest.param("export STAVBILL_WEB_SECRET=plain-0", "plain-0", id="as a shell's"),
        pytest.param('STAVBILL_WEB_SECRET="two words"', "two words", id="double quotes"),
        pytest.param("STAVBILL_WEB_SECRET='a # b'", "a # b", id="single quotes"),
        pytest.param("STAVBILL_WEB_SECRET=p#q", "p#q", id="a sign that begins no remark"),
        pytest.param("STAVBILL_WEB_SECRET=p # remark", "p", id="a remark behind it"),
        pytest.param("# STAVBILL_WEB_SECRET=p\n\nSTAVBILL_WEB_SECRET=q\n", "q", id="above"),
    ],
)
def test_the_secrets_file_is_read_as_other_programs_read_it(
    tmp_path: Path, line: str, value: str
) -> None:
    secrets_file(tmp_path, line)
    assert read_environment(tmp_path, {})["STAVBILL_WEB_SECRET"] == value


@pytest.mark.parametrize(
    ("text", "number"),
    [
        pytest.param("STAVBILL_WEB_SECRET=a\n\nпросто слова\n", 3, id="no assignment"),
        pytest.param("STAVBILL_WEB_SECRET=a\nOTHER=1\n", 2, id="not ours"),
        pytest.param("# remark\nSTAVBILL_WEB_SECRET\n", 2, id="no value"),
        pytest.param("STAVBILL_WEB_SECRET='open\n", 1, id="open quote"),
    ],
)
def test_a_line_that_is_none_is_named_by_its_number(tmp_path: Path, text: str, number: int) -> None:
    secrets_file(tmp_path, text)
    with pytest.raises(ConfigError, match=f"строка {number}:"):
        read_environment(tmp_path, {})


@given(st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), min_size=1))
def test_any_secret_is_read_as_it_was_written(value: str) -> None:
    with TemporaryDirectory() as folder:
        path = write_secrets_file(Path(folder), {"STAVBILL_WEB_SECRET": value})
        assert read_environment(Path(folder), {})["STAVBILL_WEB_SECRET"] == value
        assert path.stat().st_mode & 0o777 == 0o600


def test_what_people_wrote_into_the_secrets_file_stays(tmp_path: Path) -> None:
    secrets_file(tmp_path, "# новый с мая\nSTAVBILL_API_TOKEN='a b'\n\nSTAVBILL_WEB_SECRET=old\n")
    write_secrets_file(tmp_path, {"STAVBILL_WEB_SECRET": "new", "STAVBILL_IMAP_PASSWORD": "п 1"})
    assert (tmp_path / "stavbill.env").read_text("utf-8") == (
        "# новый с мая\nSTAVBILL_API_TOKEN='a b'\n\nSTAVBILL_WEB_SECRET=new\n"
        "STAVBILL_IMAP_PASSWORD='п 1'\n"
    )


def secrets_file(folder: Path, text: str) -> None:
    path = folder / "stavbill.env"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
