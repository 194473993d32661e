"""`init` and `portal discover`: a portal's own words into a configuration, without a question.

Source: portal page, «Connecting».
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

from pydantic import SecretStr, ValidationError
from tomlkit.exceptions import ParseError

from stavbill.app.toml_edit import renewed
from stavbill.app.toml_text import Installation, fill_in, template_ids, whole_toml
from stavbill.bitrix.budget import Limits
from stavbill.bitrix.discover import CALLS_GROUP, Discovery, Survey, discover, survey_portal
from stavbill.bitrix.gateway import Gateway, open_http, parse_webhook
from stavbill.bitrix.limiter import Limiter, MemoryBudgetState
from stavbill.bitrix.read.shape import indispensable
from stavbill.clock import Clock, SystemClock
from stavbill.errors import ConfigError, PortalError
from stavbill.files import make_folder, write_file
from stavbill.plan.effects import InvoiceStage
from stavbill.settings import Settings, issuer_problems, load_settings, write_secrets_file
from stavbill.settings.explain import explain
from stavbill.settings.load import NO_WEBHOOK
from stavbill.settings.model import FieldSettings, TomlSettings
from stavbill.settings.secrets import DATABASE_URLS, PORTAL_URL, read_environment

FILE_NAME = "stavbill.toml"
REST = "/rest/"
DEFAULT_PORTS = {"http": 80, "https": 443}
INSUFFICIENT = "insufficient_scope"
# Questions without whose answers there is nothing to configure.
NEEDED = frozenset({"fields", "described", "own", "categories", "entities"})

Document: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupRequest:
    """What the command line of `init` says.

    `portal_url` is the portal's address or the whole webhook, "" when the environment has it.
    `wialon` are `NAME=URL`. `database_url` "" is an SQLite file beside the settings.
    """

    directory: Path
    portal_url: str = ""
    wialon: tuple[str, ...] = ()
    database_url: str = ""
    force: bool = False


@dataclass(frozen=True, slots=True)
class _Way:
    """The webhook, and whether only the command line knows it."""

    webhook: str
    keep: bool

    @property
    def portal_url(self) -> str:
        """The portal's address without the secret."""
        parts = urlsplit(self.webhook)
        return f"{parts.scheme}://{parts.netloc}"


async def set_up(
    request: SetupRequest, env: Mapping[str, str] | None = None, clock: Clock | None = None
) -> Document:
    """Ask the portal and write stavbill.toml; a webhook given here goes to the env file.

    Return `config`, `unmatched` (lines to fill in), `proposals` (to be looked at) and `secrets`
    (the env file, when one was written). Raises `ConfigError` for what the operator must mend:
    nothing is written then. An older file is kept beside the new one.
    """
    env = os.environ if env is None else env
    path = request.directory / FILE_NAME
    if path.exists() and not request.force:
        msg = f"{path} уже есть. Чтобы переписать его: --force (прежний останется рядом)"
        raise ConfigError(msg)
    way = _way(request, env)
    wialon = _connections(request.wialon)
    secrets = {PORTAL_URL: way.webhook} if way.keep else {}
    database = _database(request.database_url, secrets)
    found = discover(await ask_portal(way.webhook, clock))
    _require_answers(found.survey, way.webhook)
    installation = Installation(portal_url=way.portal_url, wialon=wialon, database_url=database)
    draft = whole_toml(found, installation)
    problems = issuer_problems(_settings(path, draft), found.survey.shape.own_companies)
    text = whole_toml(found, installation, problems) if problems else draft
    kept = write_settings(path, text, secrets)
    return {
        "config": str(path),
        "unmatched": [*unmatched(found), *problems, *([] if wialon else [_NO_WIALON])],
        "proposals": proposals(found, wialon),
        "secrets": kept,
    }


async def rediscover(
    config: Path, env: Mapping[str, str] | None = None, clock: Clock | None = None
) -> Document:
    """Match the portal's fields and stages anew for an existing configuration.

    Return `toml` (the file with [portal.stages] and [fields] mended; a mapping that leads to a
    field of the portal is kept, and so is every remark), `unmatched` and `proposals`. Writes
    nothing.
    """
    settings = load_settings(config, os.environ if env is None else env)
    webhook = settings.webhook_url()
    found = discover(await ask_portal(webhook, clock))
    _require_answers(found.survey, webhook)
    known = settings.toml.fields
    problems = issuer_problems(settings, found.survey.shape.own_companies)
    return {
        "toml": _renewed(config, found),
        "unmatched": [*unmatched(found, known), *problems],
        "proposals": proposals(
            found,
            settings.toml.wialon,
            services=[service.field.code for service in settings.toml.services],
        ),
    }


async def ask_portal(
    webhook: str,
    clock: Clock | None = None,
    *,
    groups: Sequence[int] = (),
    users: Sequence[int] = (),
) -> Survey:
    """Return the portal's description of itself; `ConfigError` says why it cannot be had."""
    clock = clock or SystemClock()
    async with _gateway(webhook, clock) as gateway:
        try:
            survey = await survey_portal(gateway, clock, groups=groups, users=users)
            return replace(survey, time=gateway.server_time)
        except PortalError as trouble:
            said = str(trouble).rstrip(".")
            msg = (
                f"Портал не прочитан: {said}. Проверьте адрес вебхука ({PORTAL_URL} или "
                "--portal-url) и сеть, затем повторите команду"
            )
            raise ConfigError(msg) from trouble


def unmatched(found: Discovery, known: Mapping[str, FieldSettings] | None = None) -> list[str]:
    """Return a line for everything that a run needs and nothing on the portal matched."""
    fields, known = found.survey.shape.fields, known or {}
    kept = {name for name, mapped in known.items() if mapped.code in fields}
    lines = [
        f"[fields] {fill_in(wanted)}: на портале нет поля «{wanted.labels[0]}»"
        for wanted in found.matches.missing
        if wanted.required and wanted.name not in kept
    ]
    for name, codes in found.matches.ambiguous.items():
        if name not in kept:
            choice = " или ".join(f'"{code}"' for code in codes)
            label = fields[codes[0]].label
            lines.append(f"[fields] {name} = {choice}: название «{label}» носят несколько полей")
    lines += [
        f'[portal.stages] {meaning.value} = "DT31_…": такой стадии нет в списке портала'
        for meaning in InvoiceStage
        if not found.stages[meaning]
    ]
    if not found.active:
        lines.append('[statuses] active = ["…"]: у «Статуса» нет значений, начинающихся с «Актив»')
    return lines


def proposals(
    found: Discovery, wialon: Mapping[str, object], *, services: Sequence[str] = ()
) -> list[str]:
    """Return what was filled in by likelihood, and what may be missing, for people to look at."""
    shape = found.survey.shape
    lines = ["ставки НДС в [[issuers]]: подтвердите у бухгалтера"]
    if len(found.active) > 1:
        lines.append(f"[statuses] active: {', '.join(found.active)}")
    lines += [
        f"[[services]] {service.code}: поле «{service.field.label}»"
        for service in found.services
        if service.field.code not in services
    ]
    if found.stages[InvoiceStage.SENT] == found.stages[InvoiceStage.NEW]:
        lines.append("[portal.stages] sent: стадии «Отправлен клиенту» нет, взята первая")
    if not found.time_zone:
        lines.append("[portal] time_zone: портал не сообщил часовой пояс")
    if found.calls_group is None:
        lines.append(f"[tasks] calls_workgroup: рабочая группа «{CALLS_GROUP}» не найдена")
    lines += [
        f"[wialon.{name}]: такое значение есть у «Где найти», а подключения нет"
        for name in (without_connection(found.connections, wialon) if wialon else ())
    ]
    lines += [
        f"шаблона «{name}» нет на портале: договоры узнаются по началу названия"
        for rule in TomlSettings().issuers
        for name in rule.templates
        if not template_ids(shape.templates, [name])
    ]
    lines += [
        f"[fields] {fill_in(wanted)}: необязательное поле «{wanted.labels[0]}» не найдено"
        for wanted in found.matches.missing
        if not wanted.required
    ]
    return lines


def without_connection(named: Sequence[str], wialon: Mapping[str, object]) -> list[str]:
    """Return the values of «Где найти» for which no connection is configured, case aside."""
    known = {name.strip().casefold() for name in wialon}
    return [name for name in named if name.strip().casefold() not in known]


_NO_WIALON = '[wialon.ИМЯ] url = "https://…": не задано ни одного подключения к Wialon'


def _renewed(config: Path, found: Discovery) -> str:
    """Return the file with its discovered sections anew, everything else as people left it."""
    try:
        return renewed(config.read_text(encoding="utf-8"), found)
    except ParseError as error:
        msg = f"{config}: {error}"
        raise ConfigError(msg) from error


@asynccontextmanager
async def _gateway(webhook: str, clock: Clock) -> AsyncIterator[Gateway]:
    limiter = Limiter(limits=Limits(), clock=clock, state=MemoryBudgetState())
    async with open_http() as http:
        yield Gateway(webhook, http=http, limiter=limiter, clock=clock)


def _way(request: SetupRequest, env: Mapping[str, str]) -> _Way:
    """Return the webhook: the command line's, else the environment's, else the env file's."""
    given = request.portal_url.strip()
    outside = env.get(PORTAL_URL, "").strip()
    if REST in given:
        webhook = parse_webhook(given).base
        if outside and REST in outside and parse_webhook(outside).base != webhook:
            msg = f"--portal-url и {PORTAL_URL} называют разные вебхуки: оставьте один"
            raise ConfigError(msg)
        return _Way(webhook, keep=REST not in outside)
    known = read_environment(request.directory, env).get(PORTAL_URL, "")
    if REST not in known:
        msg = f"{NO_WEBHOOK}. Создайте входящий вебхук на портале и передайте его адрес"
        raise ConfigError(msg)
    parsed = parse_webhook(known)
    if given and not _same_host(given, parsed.base):
        msg = f"--portal-url и {PORTAL_URL} ({parsed.host}) называют разные порталы: исправьте одно"
        raise ConfigError(msg)
    return _Way(parsed.base, keep=False)


def _same_host(given: str, known: str) -> bool:
    """Say whether both addresses lead to one host; a port that is the scheme's own may be left."""
    one, other = (urlsplit(url if "://" in url else f"https://{url}") for url in (given, known))
    try:
        ports = [each.port or DEFAULT_PORTS.get(each.scheme) for each in (one, other)]
    except ValueError:
        return False
    return one.hostname == other.hostname and ports[0] == ports[1]


def _connections(given: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in given:
        name, sign, url = (part.strip() for part in text.partition("="))
        if not (name and sign and url):
            msg = f"--wialon «{name}»: ожидалось ИМЯ=URL, например stavros1=https://hst-api.wialon.com"
            raise ConfigError(msg)
        if name in found:
            msg = f"--wialon {name}: подключение названо дважды"
            raise ConfigError(msg)
        found[name] = url
    return found


def _database(url: str, secrets: dict[str, str]) -> str:
    """Return the store's address for the TOML; one with a password goes to the secrets."""
    scheme, sign, rest = url.strip().partition("://")
    url = f"postgresql://{rest}" if sign and scheme == "postgres" else url.strip()
    parts = urlsplit(url)
    if parts.password or "password" in parse_qs(parts.query):
        secrets[DATABASE_URLS[0]] = url
        return ""
    return url


def _require_answers(survey: Survey, webhook: str) -> None:
    """Raise `ConfigError` when the portal declined what a configuration cannot do without."""
    lost = [key for key in indispensable(survey.declined) if key in NEEDED]
    if not lost:
        return
    failure = survey.declined[lost[0]]
    host = urlsplit(webhook).netloc
    advice = (
        "Отметьте в настройках вебхука право crm и сохраните его"
        if failure.code.casefold() == INSUFFICIENT
        else "Создайте вебхук от имени администратора портала"
    )
    said = " ".join(f"{failure.code} {failure.description}".split())
    msg = f"Портал {host} не показывает компаний, полей и стадий ({said}). {advice}"
    raise ConfigError(msg)


def _settings(path: Path, text: str) -> Settings:
    """Return the settings that `text` would make; whatever is wrong came from the command line."""
    try:
        toml = TomlSettings.model_validate(tomllib.loads(text, parse_float=Decimal))
    except ValidationError as wrong:
        msg = "Параметры команды не подходят:\n" + "\n".join(f"- {line}" for line in explain(wrong))
        raise ConfigError(msg) from wrong
    return Settings(
        path=path,
        toml=toml,
        webhook=None,
        portal_url=toml.portal.url or "",
        tokens={},
        database_url=SecretStr(""),
    )


def write_settings(path: Path, text: str, secrets: Mapping[str, str] | None = None) -> str:
    """Write a file of settings whole or not at all, secrets first; an older one stays beside it.

    Return the name of the env file when `secrets` were written, else "". Raises `ConfigError`.
    """
    try:
        make_folder(path.parent)
        kept = str(write_secrets_file(path.parent, secrets)) if secrets else ""
        fresh = path.with_name(f"{path.name}.new")
        write_file(fresh, text)
        if path.exists():
            path.replace(path.with_name(f"{path.name}.old"))
        fresh.replace(path)
    except OSError as trouble:
        msg = (
            f"{path}: настройки не записаны ({trouble.strerror}). Проверьте права и место на диске "
            "и повторите"
        )
        raise ConfigError(msg) from trouble
    return kept
