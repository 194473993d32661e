"""Our own links in letters: signed, saying nothing, leading nowhere but to our own pages.

A link bears the number of a message in our store and a signature, nothing of the customer, no
address to go to: where it leads stands in the store. Opening the page is a hint that somebody
opened the letter; a click is only what a person confirms on the page by a button (a POST), because
mail scanners follow links, and press no buttons. Source: delivery page; beyond 11.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from enum import Enum

MAC_LENGTH = 16
NUMBER_LENGTH = 6
TOKEN_LENGTH = 36


class Purpose(Enum):
    """What a link is for; a link for one purpose is not good for another."""

    PAGE = "p"
    PIXEL = "o"


@dataclass(frozen=True, slots=True)
class Links:
    """The links of one installation. `base` is its public address, "" when it has none."""

    base: str
    secret: str

    @property
    def are_possible(self) -> bool:
        """Say whether letters may bear links at all."""
        return bool(self.base and self.secret)

    def page(self, message: int) -> str:
        """Return the address of the page with the document and the way to pay."""
        return f"{self.base.rstrip('/')}/i/{sign(self.secret, Purpose.PAGE, message)}"

    def pixel(self, message: int) -> str:
        """Return the address of the picture that shows that a letter was looked at."""
        return f"{self.base.rstrip('/')}/i/{sign(self.secret, Purpose.PIXEL, message)}.gif"


def sign(secret: str, purpose: Purpose, message: int) -> str:
    """Return the signed token of a message: 36 characters fit for a URL."""
    number = message.to_bytes(NUMBER_LENGTH, "big")
    token = number + _mac(secret, purpose, number)
    return base64.b32encode(token).decode().rstrip("=").lower()


def message_of(secret: str, purpose: Purpose, token: str) -> int | None:
    """Return which message a token is about; None when we did not sign it for this purpose."""
    if not secret or len(token) != TOKEN_LENGTH or not token.isascii():
        return None
    try:
        raw = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
    except binascii.Error:
        return None
    number = int.from_bytes(raw[:NUMBER_LENGTH], "big")
    # Compared as written: the last character has bits to spare, and one message has one link.
    if not hmac.compare_digest(token.lower(), sign(secret, purpose, number)):
        return None
    return number


def _mac(secret: str, purpose: Purpose, number: bytes) -> bytes:
    text = f"link:{purpose.value}:".encode() + number
    return hmac.new(secret.encode(), text, hashlib.sha256).digest()[:MAC_LENGTH]
