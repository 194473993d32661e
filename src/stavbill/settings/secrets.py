"""Secrets: from the environment, else from `stavbill.env` beside the TOML; never from the TOML."""

from __future__ import annotations

import io
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from stavbill.errors import ConfigError
from stavbill.files import write_file
from stavbill.wialon.connection import token_variable

FILE_NAME = "stavbill.env"
HEAD = "# Секреты stavbill: не показывать и не хранить в git.\n"
PORTAL_URL = "STAVBILL_PORTAL_URL"
DATABASE_URLS = ("STAVBILL_DATABASE_URL", "DATABASE_URL")
CLOCK_SCALE = "STAVBILL_CLOCK_SCALE"
CLOCK_SINCE = "STAVBILL_CLOCK_SINCE"
CLOCK_START = "STAVBILL_CLOCK_START"
# What Bitrix24 shows for the outgoing webhook; what signs our own links; what others ask with.
APPLICATION_TOKEN = "STAVBILL_APPLICATION_TOKEN"  # noqa: S105  the variable's name
WEB_SECRET = "STAVBILL_WEB_SECRET"  # noqa: S105  the variable's name
API_TOKEN = "STAVBILL_API_TOKEN"  # noqa: S105  the variable's name
# What signs has to be long enough that nobody guesses it from what it signed.
SIGNING = {WEB_SECRET: "им подписаны ссылки писем и адреса роботов"}
SHORTEST_SECRET = 32
HOW_TO_MAKE = "Новый секрет печатает: openssl rand -hex 32"
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
# What a value may consist of to stand without quotes.
PLAIN = re.compile(r"[\w.:/@%+,=~?&-]+", re.ASCII)
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

    Other lines of an existing file are kept as people wrote them.
    """
    path = directory / FILE_NAME
    _read_file(path)
    old = path.read_text(encoding="utf-8") if path.is_file() else HEAD
    left = dict(secrets)
    lines = [_line(binding, left) for binding in parse_stream(io.StringIO(old))]
    if lines and not lines[-1].endswith("\n"):
        lines.append("\n")
    text = "".join((*lines, *(_assigned(key, value) for key, value in left.items())))
    fresh = path.with_name(FILE_NAME + ".new")
    fresh.unlink(missing_ok=True)
    write_file(fresh, text)
    fresh.replace(path)
    return path


def _read_file(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    if path.stat().st_mode & FOR_OTHERS:
        msg = f"{path}: в файле секреты, а читать его могут другие. Выполните: chmod 600 {path}"
        raise ConfigError(msg)
    found: dict[str, str] = {}
    for binding in parse_stream(io.StringIO(path.read_text(encoding="utf-8"))):
        if binding.key is None and not binding.error:
            continue
        if binding.error or binding.value is None or not _is_ours(binding.key or ""):
            number = binding.original.line + _above(binding).count("\n")
            msg = (
                f"{path}, строка {number}: ожидалось {PORTAL_URL}=…, "
                f"{TOKEN_PREFIX}<ИМЯ>=… или {DATABASE_URLS[0]}=…"
            )
            raise ConfigError(msg)
        if binding.value:
            found[binding.key or ""] = binding.value
    return found


def _line(binding: Binding, left: dict[str, str]) -> str:
    """Return a line as it stands, or with its new value, which is then left no more."""
    value = left.pop(binding.key, None) if binding.key is not None else None
    if value is None:
        return binding.original.string
    return _above(binding) + _assigned(binding.key or "", value)


def _above(binding: Binding) -> str:
    """Return the empty lines that a binding begins with."""
    text = binding.original.string
    return text[: len(text) - len(text.lstrip())]


def _assigned(key: str, value: str) -> str:
    if not PLAIN.fullmatch(value):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        value = f"'{escaped}'"
    return f"{key}={value}\n"


def _is_ours(key: str) -> bool:
    return key in OWN or key in MAIL_SECRETS or key.startswith((TOKEN_PREFIX, SMTP_PASSWORD))
