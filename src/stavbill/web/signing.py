"""Signatures of our own addresses, and comparing secrets without telling how much fits."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlencode

LENGTH = 40


def sign(secret: str, *parts: str) -> str:
    """Return the signature of `parts`: 160 bits in hexadecimal digits."""
    text = "\n".join(f"{len(part)}:{part}" for part in parts)
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()[:LENGTH]


def is_same(given: str | None, expected: str | None) -> bool:
    """Compare secrets in constant time; without an expectation nothing fits."""
    if not expected:
        return False
    # Half a sign, which JSON can write, fits nothing, but has to be compared.
    told = (given or "").encode("utf-8", "surrogatepass")
    return hmac.compare_digest(told, expected.encode())


def robot_url(public_url: str, secret: str, portal: str, action: str) -> str:
    """Return the address that a robot of `portal` posts to; it is good for this action alone."""
    query = urlencode({"sign": sign(secret, "robot", portal, action)})
    return f"{public_url.rstrip('/')}/hooks/robot/{action}?{query}"
