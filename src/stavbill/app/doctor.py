"""`doctor`: proves everything that a run will need, one line each, and never stops at the first.

Source: portal page, «Connecting».
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Mapping, Sequence
from ctypes.util import find_library
from pathlib import Path
from urllib.parse import urlsplit

from stavbill.app.build import common_clock
from stavbill.app.checks import Check, Status, doubtful, failed, good
from stavbill.app.documents import style_of
from stavbill.app.mail import WithoutDocuments, mail_problems, open_mail
from stavbill.app.own_papers import check_own_papers
from stavbill.app.portal_checks import check_portal
from stavbill.app.setup import Document, ask_portal
from stavbill.app.weaknesses import weaknesses
from stavbill.bitrix.discover import discover
from stavbill.bitrix.read.shape import PortalShape
from stavbill.bitrix.server_time import ServerTime
from stavbill.clock import Clock, machine_time
from stavbill.documents.page import Pages
from stavbill.errors import ConfigError, StoreError, WialonError
from stavbill.operations.clocks import ADVICE, clocks_apart, comparable
from stavbill.plan.portal_marks import Whose, head_of, whose
from stavbill.settings import Settings, load_settings
from stavbill.settings.load import NO_WEBHOOK
from stavbill.store.control import SharedText, raised_flags
from stavbill.store.installation import know_installation, knows_token
from stavbill.store.schema import newest_version, open_store
from stavbill.wialon.check import check_connection
from stavbill.wialon.connection import Connection, token_variable

NOT_READY = 2
FONT_LIBRARY, LAYOUT_LIBRARY = "harfbuzz-subset", "pango-1.0"


async def examine(
    config: Path, env: Mapping[str, str] | None = None, clock: Clock | None = None
) -> Document:
    """Return `checks` (name, status, text, fix) and `exit_code`: 0, or 2 when one has failed."""
    try:
        settings = load_settings(config, os.environ if env is None else env)
    except ConfigError as wrong:
        return _document([failed("settings", f"настройки {config} не годятся", str(wrong))])
    clock = clock or _clock(settings)
    portal, wialon, mail = await asyncio.gather(
        _portal(settings, clock), _wialon(settings, clock), _mail(settings)
    )
    return _document(
        [
            good("settings", f"настройки {config}"),
            _directory(config.parent),
            _database(settings, clock),
            *_flags(settings),
            *portal,
            *wialon,
            *mail,
            _documents(settings),
            _fonts(),
            *weaknesses(settings),
        ]
    )


def _clock(settings: Settings) -> Clock:
    """Return the database's time where it can be had; a database that is not ready is told of."""
    try:
        store = open_store(settings.database_url.get_secret_value())
        try:
            return common_clock(settings, store)
        finally:
            store.close()
    except (StoreError, ConfigError):
        return settings.clock()


def _document(checks: Sequence[Check]) -> Document:
    is_ready = all(check.status is not Status.FAIL for check in checks)
    return {
        "checks": [
            {
                "name": check.name,
                "status": check.status.value,
                "text": f"{check.text[:1].upper()}{check.text[1:]}",
                "fix": check.fix,
            }
            for check in checks
        ],
        "exit_code": 0 if is_ready else NOT_READY,
    }


def _directory(directory: Path) -> Check:
    directory = directory.absolute()
    try:
        with tempfile.TemporaryFile(dir=directory) as file:
            file.write(b"stavbill")
            file.flush()
    except OSError as trouble:
        text = f"в папку {directory} нельзя писать ({trouble.strerror})"
        return failed("directory", text, "Проверьте владельца и права папки и место на диске")
    return good("directory", f"папка {directory} доступна для записи")


def _database(settings: Settings, clock: Clock) -> Check:
    """Open the store and write into it: a lock or a full disk shows only in writing."""
    try:
        store = open_store(settings.database_url.get_secret_value())
        try:
            seen = clock.now().isoformat(timespec="seconds")
            SharedText(store, "doctor").change(lambda _: seen)
        finally:
            store.close()
    except (StoreError, ConfigError) as trouble:
        return failed("database", "база не готова", str(trouble))
    return good("database", f"база открыта и доступна для записи, версия {newest_version()}")


def _flags(settings: Settings) -> list[Check]:
    """Say who stopped the writing and why; a database that is not ready was told of already."""
    if settings.webhook is None:
        return []
    try:
        store = open_store(settings.database_url.get_secret_value())
        try:
            with store.read() as db:
                up = raised_flags(db, urlsplit(settings.webhook_url()).netloc)
        finally:
            store.close()
    except (StoreError, ConfigError):
        return []
    fix = "Кто и как снять: stavbill status"
    return [
        doubtful("writing", f"запись на портал остановлена, {one.who}: {one.reason}", fix)
        for one in up
    ]


async def _portal(settings: Settings, clock: Clock) -> list[Check]:
    if settings.webhook is None:
        return [failed("portal", "вебхук портала не задан", NO_WEBHOOK)]
    tasks = settings.toml.tasks
    groups = [group for group in (tasks.workgroup, tasks.calls_workgroup) if group is not None]
    users = [] if tasks.default_responsible is None else [tasks.default_responsible]
    webhook = settings.webhook_url()
    try:
        survey = await ask_portal(webhook, clock, groups=groups, users=users)
    except ConfigError as trouble:
        return [failed("portal", "портал не отвечает или не пускает вебхук", str(trouble))]
    host = urlsplit(webhook).netloc
    checks = [good("portal", f"портал {host} отвечает, вебхук действует")]
    checks += _clocks(clock, survey.time, host)
    checks.append(_whose(settings, survey.shape, clock))
    checks += check_portal(settings, discover(survey))
    checks += await check_own_papers(settings, survey.shape, clock)
    return checks


def _clocks(clock: Clock, seen: ServerTime | None, host: str) -> list[Check]:
    """Compare this machine's clock with the portal's, and with the database's where it has one."""
    apart = clocks_apart(clock, comparable(clock, seen), portal=host, true_now=machine_time())
    if apart:
        return [failed("clock", " ".join(apart), ADVICE)]
    return [good("clock", "часы идут верно")] if seen is not None else []


def _whose(settings: Settings, shape: PortalShape, clock: Clock) -> Check:
    """Say whether the portal is this database's, another's, or nobody's yet."""
    head = head_of(shape.marks or ())
    if head is None:
        return good("installation", "портал пока не ведёт ни одна база stavbill")
    try:
        store = open_store(settings.database_url.get_secret_value())
        try:
            known = know_installation(store, at=clock.now())
            with store.read() as db:
                is_known = knows_token(db, urlsplit(settings.webhook_url()).netloc, head.mark.name)
        finally:
            store.close()
    except (StoreError, ConfigError):
        return doubtful("installation", "база не готова: чей портал, не сказать", "")
    judged = whose(head, id_=known.id, epoch=known.epoch, is_known=is_known)
    if judged is Whose.OURS:
        return good("installation", f"портал ведёт эта база ({head.mark.host})")
    text = f"портал ведёт другая база, или эта отстала от него: сервер {head.mark.host}"
    fix = "stavbill portal takeover --yes, если писать должна эта база"
    return failed("installation", text, fix)


async def _wialon(settings: Settings, clock: Clock) -> list[Check]:
    if not settings.toml.wialon:
        fix = "Впишите [wialon.ИМЯ] и url для каждого значения «Где найти»"
        return [failed("wialon", "не задано ни одного подключения к Wialon", fix)]
    ready = settings.wialon_connections()
    return list(
        await asyncio.gather(
            *(_connection(name, ready.get(name), clock) for name in settings.toml.wialon)
        )
    )


async def _connection(name: str, connection: Connection | None, clock: Clock) -> Check:
    place = f"wialon.{name}"
    if connection is None:
        return failed(
            place, f"Wialon «{name}»: не задан токен", f"Задайте переменную {token_variable(name)}"
        )
    try:
        seen = await check_connection(connection, clock)
    except WialonError as trouble:
        return failed(place, f"Wialon «{name}» ({connection.host}) не читается", str(trouble))
    text = f"Wialon «{name}»: учётных записей {seen.accounts}, объектов {seen.units}"
    said = "; ".join((*seen.problems, *seen.warnings))
    if seen.problems:
        return failed(place, text, said)
    return doubtful(place, text, said) if seen.warnings else good(place, text)


async def _mail(settings: Settings) -> list[Check]:
    """Try every sender, the mailbox of notices and the provider; nothing when nobody sends."""
    fix = "Проверьте [[mail.senders]] и [whatsapp] в stavbill.toml и их секреты"
    try:
        async with open_mail(settings, WithoutDocuments()):
            tried = await mail_problems(settings)
    except ConfigError as wrong:
        return [failed("mail", "отправка не настроена", str(wrong))]
    return [
        good(f"mail.{name}", f"{name}: отвечает")
        if problem is None
        else failed(f"mail.{name}", f"{name}: {problem}", fix)
        for name, problem in tried
    ]


def _documents(settings: Settings) -> Check:
    """Write sample invoices with the templates, make a file of one, and look at every image."""
    if not find_library(LAYOUT_LIBRARY):
        text = "нет библиотеки Pango: PDF не составить"
        fix = "Установите: apt install libpango-1.0-0 libpangoft2-1.0-0 fonts-liberation"
        sends = settings.toml.mail.senders or settings.toml.whatsapp.instance
        return (failed if sends else doubtful)("documents", text, fix)
    from stavbill.documents.render import check_layout  # noqa: PLC0415  loads that library

    try:
        style = style_of(settings)
        Pages(style).check()
        check_layout(style)
    except ConfigError as wrong:
        return failed("documents", "документы счетов не составить", str(wrong))
    return good("documents", "шаблоны и изображения счетов в порядке")


def _fonts() -> Check:
    if find_library(FONT_LIBRARY):
        return good("fonts", "библиотека harfbuzz-subset: PDF готовятся быстро")
    text = "нет библиотеки harfbuzz-subset: PDF готовятся медленнее"
    return doubtful("fonts", text, "Установите: apt install libharfbuzz-subset0")
