"""stavbill.toml and the environment, into settings; everything wrong with them in one error."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError

from stavbill.clock import SystemClock
from stavbill.errors import ConfigError
from stavbill.settings.explain import explain
from stavbill.settings.model import TomlSettings
from stavbill.settings.secrets import (
    CLOCK_SCALE,
    CLOCK_SINCE,
    CLOCK_START,
    DATABASE_URLS,
    HOW_TO_MAKE,
    PORTAL_URL,
    SHORTEST_SECRET,
    SIGNING,
    WEB_SECRETS,
    mail_secrets,
    read_environment,
    token_of,
)
from stavbill.wialon.connection import Connection, token_variable

DATABASE_FILE = "stavbill.sqlite3"
SQLITE_RELATIVE = "sqlite:///"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
NO_WEBHOOK = f"{PORTAL_URL}: не задан вебхук портала, https://портал/rest/1/секрет/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything configured: the TOML's own tables in `toml`, the rest from the environment.

    `webhook` is the incoming webhook's whole address, None without a secret. `tokens` are by
    connection name. `database_url` may hold a password. `clock_scale` is above 1, `clock_since` and
    `clock_start` are given, for sandboxes only. No secret shows in `repr`.
    """

    path: Path
    toml: TomlSettings
    webhook: SecretStr | None
    portal_url: str
    tokens: Mapping[str, SecretStr] = field(repr=False)
    database_url: SecretStr
    clock_scale: float = 1.0
    clock_since: float | None = None
    clock_start: datetime | None = None
    web_secrets: Mapping[str, SecretStr] = field(default_factory=dict, repr=False)
    mail_secrets: Mapping[str, SecretStr] = field(default_factory=dict, repr=False)

    def clock(self) -> SystemClock:
        """Return the machine's clock, or the sandbox's when one is told."""
        return SystemClock(self.clock_scale, self.clock_since, self.clock_start)

    def require_secrets(self) -> None:
        """Raise one `ConfigError` that names every secret a run needs and has not got."""
        missing = []
        if self.webhook is None:
            missing.append(NO_WEBHOOK)
        missing += [
            f"{token_variable(name)}: не задан токен подключения «{name}»"
            for name in self.toml.wialon
            if name not in self.tokens
        ]
        if missing:
            raise ConfigError(_together("Не хватает секретов окружения", missing))

    def webhook_url(self) -> str:
        """Return the webhook's secret address for the gateway; `ConfigError` without one."""
        if self.webhook is None:
            raise ConfigError(NO_WEBHOOK)
        return self.webhook.get_secret_value()

    def wialon_connections(self) -> dict[str, Connection]:
        """Return the connections that have a token, by the value of «Где найти»."""
        return {
            name: Connection(
                name=name,
                url=host.url,
                token=self.tokens[name],
                base_hosts=frozenset(host.base_hosts),
                page_size=host.page_size,
                deadline_s=host.deadline_s,
                ca_file=str(self.path.parent / host.ca_file) if host.ca_file else "",
            )
            for name, host in self.toml.wialon.items()
            if name in self.tokens
        }


def load_settings(path: Path, env: Mapping[str, str]) -> Settings:
    """Read the configuration at `path` with the environment `env`.

    Raises one `ConfigError` that names every wrong key with its value and what is expected.
    Missing secrets are no error yet: `Settings.require_secrets` asks for them where they are
    needed.
    """
    document = _read_toml(path)
    environment = read_environment(path.parent, env)
    problems: list[str] = []
    toml = TomlSettings()
    try:
        toml = TomlSettings.model_validate(document)
    except ValidationError as error:
        problems += explain(error)
    webhook, portal_url = _portal(toml, environment, problems)
    scale = _positive(environment, CLOCK_SCALE, problems) or 1.0
    since = _positive(environment, CLOCK_SINCE, problems)
    start = _start(environment, problems)
    database = _database(path.parent, toml, environment, problems)
    problems += _too_short(environment)
    for name, host in toml.wialon.items():
        if host.ca_file and not (path.parent / host.ca_file).is_file():
            problems.append(f"wialon.{name}.ca_file = «{host.ca_file}»: такого файла нет")
    if problems:
        raise ConfigError(_together(f"Ошибки в настройках {path}", problems))
    tokens = {
        name: SecretStr(token) for name in toml.wialon if (token := token_of(name, environment))
    }
    return Settings(
        path=path,
        toml=toml,
        webhook=webhook,
        portal_url=portal_url,
        tokens=tokens,
        database_url=SecretStr(database),
        clock_scale=scale,
        clock_since=since,
        clock_start=start,
        web_secrets={
            name: SecretStr(environment[name]) for name in WEB_SECRETS if name in environment
        },
        mail_secrets={name: SecretStr(text) for name, text in mail_secrets(environment).items()},
    )


def _too_short(environment: Mapping[str, str]) -> list[str]:
    return [
        f"{name}: короче {SHORTEST_SECRET} знаков, а {what}. {HOW_TO_MAKE}"
        for name, what in SIGNING.items()
        if 0 < len(environment.get(name, "")) < SHORTEST_SECRET
    ]


def _read_toml(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file, parse_float=Decimal)
    except FileNotFoundError as error:
        msg = f"Нет файла настроек {path}. Создайте его: stavbill init --dir {path.parent}"
        raise ConfigError(msg) from error
    except OSError as error:
        msg = f"Файл настроек {path} не читается: {error.strerror}"
        raise ConfigError(msg) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{path}: это не TOML: {error}"
        raise ConfigError(msg) from error


def _portal(
    toml: TomlSettings, environment: Mapping[str, str], problems: list[str]
) -> tuple[SecretStr | None, str]:
    """Return the webhook and the portal's address; the environment wins over the TOML."""
    given = environment.get(PORTAL_URL)
    if given is None:
        return None, toml.portal.url or ""
    parts = urlsplit(given)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        problems.append(f"{PORTAL_URL}: ожидался адрес https://портал/rest/1/секрет/")
        return None, ""
    base = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return (SecretStr(given) if "/rest/" in parts.path else None), base


def _positive(environment: Mapping[str, str], variable: str, problems: list[str]) -> float | None:
    text = environment.get(variable)
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not (math.isfinite(number) and number > 0):
        problems.append(f"{variable} = «{text}»: ожидалось число больше 0")
        return None
    return number


def _start(environment: Mapping[str, str], problems: list[str]) -> datetime | None:
    """Return what the clock of a sandbox shows first; beside a portal of another machine never."""
    text = environment.get(CLOCK_START)
    if text is None:
        return None
    host = urlsplit(environment.get(PORTAL_URL, "")).hostname
    if host is not None and host not in LOOPBACK:
        problems.append(f"{CLOCK_START}: только для песочницы, а портал {host}")
        return None
    try:
        start = datetime.fromisoformat(text)
    except ValueError:
        start = None
    if start is None or start.tzinfo is None:
        problems.append(f"{CLOCK_START} = «{text}»: ожидалось время вида 2026-12-10T06:00:00+00:00")
        return None
    return start


def _database(
    directory: Path, toml: TomlSettings, environment: Mapping[str, str], problems: list[str]
) -> str:
    """Return the store's URL; a relative SQLite path begins beside the TOML."""
    named = [(key, environment[key]) for key in DATABASE_URLS if key in environment]
    key, url = named[0] if named else ("database.url", toml.database.url)
    url = url or SQLITE_RELATIVE + DATABASE_FILE
    kind = url.partition(":")[0].partition("+")[0]
    if kind in {"postgres", "postgresql"} and "://" in url:
        return "postgresql+psycopg://" + url.partition("://")[2]
    if kind != "sqlite" or not url.startswith(SQLITE_RELATIVE):
        problems.append(f"{key}: ожидалось sqlite:///файл или postgresql://хост/база")
        return ""
    name = url.removeprefix(SQLITE_RELATIVE)
    return url if name in {"", ":memory:"} else SQLITE_RELATIVE + str(directory.absolute() / name)


def _together(heading: str, problems: list[str]) -> str:
    return f"{heading}:\n" + "\n".join(f"- {problem}" for problem in problems)
