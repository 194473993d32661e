"""Rendering processes get nothing of ours: neither by the environment nor by what they are sent."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from stavbill.app.documents import style_of
from stavbill.documents.invoice import InvoiceDocument
from stavbill.documents.pool import Failed, RenderPool, render_here
from stavbill.documents.processes import bare_environment
from stavbill.documents.style import Style
from stavbill.settings import load_settings
from tests.documents.papers import russian

SECRETS = {
    "STAVBILL_PORTAL_URL": "https://portal.example/rest/1/hooksecret/",
    "STAVBILL_WIALON_TOKEN_MAIN": "f" * 72,
    "STAVBILL_WEB_SECRET": "websecret-" * 4,
    "STAVBILL_API_TOKEN": "apitoken-" * 4,
    "STAVBILL_MAIL_PASSWORD_MAIN": "mailsecret",
    "STAVBILL_DATABASE_URL": "postgresql://stavbill:dbsecret@db.example/stavbill",
    "PGPASSWORD": "dbsecret",
    "AWS_SECRET_ACCESS_KEY": "cloudsecret",
    "HTTPS_PROXY": "http://user:proxysecret@proxy.example",
}
TELLING = ("secret", "token", "ffff")


def tell_all(document: InvoiceDocument) -> bytes | Failed:
    """Return all that a rendering process was begun with."""
    del document
    begun_with = Path("/proc/self/environ").read_bytes() + Path("/proc/self/cmdline").read_bytes()
    return begun_with + repr(dict(os.environ)).encode()


async def test_no_secret_is_in_a_rendering_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    async with RenderPool(Style(), processes=1, render=tell_all) as pool:
        (told,) = await pool.render([russian()])
    assert isinstance(told, bytes)
    assert b"PATH=" in told
    for value in (*SECRETS, *SECRETS.values(), *TELLING):
        assert value.encode() not in told, value


def die_at_first(document: InvoiceDocument) -> bytes | Failed:
    if document.number == "killer" and "MARK" not in os.environ:
        os._exit(9)
    return tell_all(document)


async def test_nor_in_the_one_that_renders_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAVBILL_WEB_SECRET", "websecret")
    async with RenderPool(Style(), processes=1, render=die_at_first) as pool:
        _, told = await pool.render([replace(russian(), number="killer"), russian()])
    assert isinstance(told, bytes)
    assert b"websecret" not in told


async def test_what_a_process_is_sent_knows_no_settings(tmp_path: Path) -> None:
    config = tmp_path / "stavbill.toml"
    config.write_text('[portal]\nurl = "https://portal.example"\n', encoding="utf-8")
    settings = load_settings(config, SECRETS)
    sent = pickle.dumps((style_of(settings), render_here, russian()))
    for value in (*SECRETS.values(), *TELLING):
        assert value.encode() not in sent, value


async def test_processes_end_with_the_pool_and_leave_no_descriptor() -> None:
    before = descriptors()
    for _ in range(2):
        async with RenderPool(Style(), processes=1, render=tell_all) as pool:
            await pool.render([russian()])
    assert multiprocessing.active_children() == []
    # The first one starts the process that multiprocessing keeps for its own resources.
    assert descriptors() <= before + 1


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_fonts_and_languages_are_found_as_before() -> None:
    wanted = {"PATH": "/bin", "LC_ALL": "ru_RU.UTF-8", "FONTCONFIG_FILE": "/etc/fonts/own.conf"}
    assert bare_environment({**wanted, **SECRETS, "LS_COLORS": "x"}) == wanted
