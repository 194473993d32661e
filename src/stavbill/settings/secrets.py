"""Secrets: from the environment, else from `stavbill.env` beside the TOML; never from the TOML."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from stavbill.errors import ConfigError
from stavbill.wialon.connection import token_variable

FILE_NAME = "stavbill.env"
PORTAL_URL = "STAVBILL_PORTAL_URL"
DATABASE_URLS = ("STAVBILL_DATABASE_URL", "DATABASE_URL")
CLOCK_SCALE = "STAVBILL_CLOCK_SCALE"
CLOCK_SINCE = "STAVBILL_CLOCK_SINCE"
CLOCK_START = "STAVBILL_CLOCK_START"
# What Bitrix24 shows for the outgoing webhook; what signs our own links; what others ask with.
APPLICATION_TOKEN = "STAVBILL_APPLICATION_TOKEN"  # noqa: S105  the variable's name
WEB_SECRET = "STAVBILL_WEB_SECRET"  # noqa: S105  the variable's name
API_TOKEN = "STAVBILL_API_TOKEN"  # noqa: S105  the variable's name
WEB_SECRETS = (APPLICATION_TOKEN, WEB_SECRET, API_TOKEN)
CLOCK = (CLOCK_SCALE, CLOCK_SINCE, CLOCK_START)
OWN = frozenset({PORTAL_URL, *CLOCK, *DATABASE_URLS, *WEB_SECRETS})
# One for each sender, by its code in upper case; the mailbox of notices; the WhatsApp provider.
SMTP_PASSWORD = "STAVBILL_SMTP_PASSWORD_"  # noqa: S105  the variable's beginning
IMAP_PASSWORD = "STAVBILL_IMAP_PASSWORD"  # noqa: S105  the variable's name
WHATSAPP_TOKEN = "STAVBILL_WHATSAPP_TOKEN"  # noqa: S105  the variable's name
WHATSAPP_WEBHOOK_TOKEN = "STAVBILL_WHATSAPP_WEBHOOK_TOKEN"  # noqa: S105  the variable's name
MAIL_SECRETS = (IMAP_PASSWORD, WHATSAPP_TOKEN, WHATSAPP_WEBHOOK_TOKEN)
TOKEN_PREFIX = token_variable("")
LINE = re.compile(r"(?:export\s+)?([^\s=#]+)\s*=\s*(.*)")
FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_environment(directory: Path, env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the file, those of `env` laid over them; empty ones do not count.

    Raises `ConfigError` for a file that others may read, or a line that is no KEY=VALUE.
    """
    return _read_file(directory / FILE_NAME) | {key: text for key, text in env.items() if text}


def token_of(name: str, environment: Mapping[str, str]) -> str | None:
    """Return the token of connection `name`: its variable by the exact name, else upper case."""
    return environment.get(TOKEN_PREFIX + name) or environment.get(token_variable(name))


def mail_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the passwords and tokens of delivery, by their variables."""
    return {
        key: text
        for key, text in environment.items()
        if key in MAIL_SECRETS or key.startswith(SMTP_PASSWORD)
    }


def smtp_password_variable(sender: str) -> str:
    """Return the variable of a sender's password: `billing-kz` → …_BILLING_KZ."""
    return SMTP_PASSWORD + re.sub(r"[^A-Z0-9]", "_", sender.upper())


def write_secrets_file(directory: Path, secrets: Mapping[str, str]) -> Path:
    """Write `secrets` into stavbill.env, readable by its owner alone, over what stood there.

    Other variables of an existing file are kept.
    """
    path = directory / FILE_NAME
    kept = _read_file(path) | dict(secrets)
    text = "".join(f"{key}={value}\n" for key, value in kept.items())
    fresh = path.with_name(FILE_NAME + ".new")
    fresh.unlink(missing_ok=True)
    # Born private: a file that is narrowed after writing was readable for a moment.
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("# Секреты stavbill: не показывать и не хранить в git.\n" + text)
    fresh.replace(path)
    return path


def _read_file(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    if path.stat().st_mode & FOR_OTHERS:
        msg = f"{path}: в файле секреты, а читать его могут другие. Выполните: chmod 600 {path}"
        raise ConfigError(msg)
    found: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        parts = LINE.fullmatch(text)
        if parts is None or not _is_ours(parts[1]):
            msg = (
                f"{path}, строка {number}: ожидалось {PORTAL_URL}=…, {TOKEN_PREFIX}<ИМЯ>=… "
                f"или {DATABASE_URLS[0]}=…"
            )
            raise ConfigError(msg)
        value = parts[2].strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        if value:
            found[parts[1]] = value
    return found


def _is_ours(key: str) -> bool:
    return key in OWN or key in MAIL_SECRETS or key.startswith((TOKEN_PREFIX, SMTP_PASSWORD))
