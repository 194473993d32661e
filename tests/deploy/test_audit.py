"""`make audit` over a vulnerability service on loopback: asked, answered, away."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

ROOT = Path(__file__).resolve().parents[2]
LOCK = "idna==3.15 \\\n    --hash=sha256:{0}\nh11==0.16.0 \\\n    --hash=sha256:{0}\n"
KNOWN = {
    "id": "PYSEC-2026-1",
    "summary": "invented",
    "affected": [{
        "package": {"name": "idna", "ecosystem": "PyPI"},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.16"}]}],
    }],
}  # fmt: skip


@dataclass
class Service:
    """A vulnerability service; `url` answers what it knows of a package."""

    url: str = ""
    known: dict[str, object] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        # Its client posts JSON as a form's type.
        name = json.loads(await request.text())["package"]["name"]
        self.asked.append(name)
        return web.json_response({"vulns": [self.known[name]]} if name in self.known else {})


@asynccontextmanager
async def service() -> AsyncIterator[Service]:
    known = Service()
    app = web.Application()
    app.router.add_post("/v1/query", known.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    known.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1/query"
    try:
        yield known
    finally:
        await runner.cleanup()


async def audit(folder: Path, url: str, lock: str = LOCK) -> tuple[int, str, str]:
    """Return how the audit ended, what it said, and what it complained of."""
    path = folder / "requirements.lock"
    path.write_text(lock.format("0" * 64), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        str(ROOT / "scripts" / "audit.sh"),
        *("--vulnerability-service", "osv", "--osv-url", url),
        env={**os.environ, "LOCK": str(path), "KEEP": str(folder / "kept")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_what_is_known_is_named_and_ends_with_1(tmp_path: Path) -> None:
    async with service() as known:
        assert await audit(tmp_path, known.url) == (0, "2 packages, known vulnerabilities: 0\n", "")
        assert sorted(known.asked) == ["h11", "idna"]
        known.known["idna"] = KNOWN
        code, told, _ = await audit(tmp_path, known.url)
    assert code == 1
    assert told.startswith("idna 3.15: PYSEC-2026-1, mended in 3.16\n")


async def test_without_a_network_it_says_what_was_known_and_when(tmp_path: Path) -> None:
    async with service() as known:
        known.known["idna"] = KNOWN
        await audit(tmp_path, known.url)
        away = known.url
    os.utime(tmp_path / "kept" / "audit.json", (1_765_000_000, 1_765_000_000))
    code, told, complaint = await audit(tmp_path, away)
    assert code == 1
    assert "PYSEC-2026-1" in told
    assert "Nobody could be asked about vulnerabilities. Known on 2025-12-06:" in complaint
    # A package that came into the lock since then was never asked about.
    code, told, _ = await audit(tmp_path, away, LOCK.replace("0.16.0", "0.17.0"))
    assert code == 1
    assert "h11 0.17.0: was not asked about" in told


async def test_without_a_network_and_an_earlier_answer_it_is_no_good_news(tmp_path: Path) -> None:
    async with service() as known:
        away = known.url
    code, told, complaint = await audit(tmp_path, away)
    assert (code, told) == (2, "")
    assert "no earlier answer is kept" in complaint
