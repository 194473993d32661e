"""A self-made certificate for loopback, by the `openssl` program where the machine has it."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from dataclasses import dataclass
from pathlib import Path

NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A server's TLS context and the file that a client must trust."""

    context: ssl.SSLContext
    trust: Path


async def make_certificate(folder: Path) -> Certificate | None:
    """Make a key and a certificate for `localhost` and 127.0.0.1 in `folder`.

    None without `openssl`: the server then offers no TLS.
    """
    program = shutil.which("openssl")
    if program is None:
        return None
    key, trust = folder / "mail-key.pem", folder / "mail-certificate.pem"
    made = await asyncio.create_subprocess_exec(
        program, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-days", "30000", "-subj", "/CN=localhost", "-addext", NAMES,
        "-keyout", str(key), "-out", str(trust),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    if await made.wait() != 0:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trust, key)
    return Certificate(context, trust)
