"""What works and is weak: secrets that can be guessed, connections that others can read.

None of it keeps a run from starting; `doctor` names every one. Source: operations page, «Security».
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import make_url

from stavbill.app.checks import Check, doubtful
from stavbill.settings import Settings
from stavbill.settings.secrets import (
    API_TOKEN,
    HOW_TO_MAKE,
    SHORTEST_SECRET,
    WHATSAPP_WEBHOOK_TOKEN,
)

LETS_IN = {
    API_TOKEN: "впускает другие программы",
    WHATSAPP_WEBHOOK_TOKEN: "впускает сообщения WhatsApp",
}
OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
OTHERS_MAY_READ = stat.S_IROTH


def weaknesses(settings: Settings) -> list[Check]:
    """Return a warning for every weakness of the settings; none is no mistake by itself."""
    return [*_secrets(settings), *_connections(settings), *_files(settings)]


def _secrets(settings: Settings) -> Iterator[Check]:
    known = {**settings.web_secrets, **settings.mail_secrets}
    for name, what in LETS_IN.items():
        secret = known[name].get_secret_value() if name in known else ""
        if secret and len(secret) < SHORTEST_SECRET:
            text = f"{name} ({what}) короче {SHORTEST_SECRET} знаков: его можно подобрать"
            yield doubtful(f"weak.{name}", text, HOW_TO_MAKE)
    values: dict[str, list[str]] = {}
    for name, secret_text in known.items():
        values.setdefault(secret_text.get_secret_value(), []).append(name)
    for names in values.values():
        if len(names) > 1:
            text = f"один и тот же секрет у {', '.join(sorted(names))}"
            yield doubtful(f"weak.{names[0]}", text, "Задайте каждой переменной свой секрет")


def _connections(settings: Settings) -> Iterator[Check]:
    toml = settings.toml
    addresses = {"portal": ("вебхук портала", settings.portal_url)}
    for name, host in toml.wialon.items():
        addresses[f"wialon.{name}"] = (f"Wialon «{name}»", host.url)
    addresses["web"] = ("web.public_url, адрес для Битрикс24 и клиентов", toml.web.public_url)
    if toml.whatsapp.instance:
        addresses["whatsapp"] = ("WhatsApp", toml.whatsapp.url)
    for name, (what, url) in addresses.items():
        if urlsplit(url).scheme == "http" and not _is_here(urlsplit(url).hostname or ""):
            text = f"{what} ({urlsplit(url).hostname}) без шифрования: секрет виден по пути"
            yield doubtful(f"weak.{name}", text, "Укажите адрес, который начинается с https://")
    for sender in toml.mail.senders:
        if sender.security == "none" and not _is_here(sender.host):
            text = f"почта отправителя «{sender.code}» ({sender.host}) без шифрования"
            yield doubtful(f"weak.mail.{sender.code}", text, 'Укажите security = "starttls"')
    notices = toml.mail.notices
    if notices.host and notices.security == "none" and not _is_here(notices.host):
        text = f"почтовый ящик уведомлений ({notices.host}) без шифрования"
        yield doubtful("weak.mail.notices", text, 'Укажите security = "tls"')
    if toml.web.host not in ("", "127.0.0.1", "::1", "localhost"):
        text = f"stavbill web слушает {toml.web.host}: его видно не только с этой машины"
        yield doubtful("weak.web.host", text, "За обратным прокси достаточно 127.0.0.1")


def _is_here(host: str) -> bool:
    """Say whether a host is this machine: nobody is on the way there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _files(settings: Settings) -> Iterator[Check]:
    if _mode(settings.path) & OTHERS_MAY_WRITE:
        text = f"файл настроек {settings.path} могут менять другие"
        yield doubtful("weak.settings", text, f"Выполните: chmod go-w {settings.path}")
    url = make_url(settings.database_url.get_secret_value())
    if url.get_backend_name() == "sqlite" and url.database:
        path = Path(url.database)
        if _mode(path) & OTHERS_MAY_READ:
            text = f"базу {path} могут читать другие: в ней имена, адреса и суммы"
            yield doubtful("weak.database", text, f"Выполните: chmod o-rwx {path}*")


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:
        return 0
