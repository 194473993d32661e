"""Our own links in letters: signed, saying nothing, leading nowhere but to our own pages.

A link bears the name of a message and a signature, nothing of the customer, no address to go to:
where it leads stands in the store. The name comes from what the message is (invoice, revision,
recipient), so it is never another message's, whatever became of the database meanwhile. Letters
that left before such names bear a number of a row; it leads to rows of that time only. Opening the
page is a hint that somebody opened the letter; a click is only what a person confirms on the page
by a button (a POST), because mail scanners follow links, and press no buttons.

Source: delivery page; beyond 11 and 15.
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
NAME_LENGTH = 16
# By the length of what is signed.
_TOKEN_LENGTHS = {36: NUMBER_LENGTH, 52: NAME_LENGTH}


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

    def page(self, message: str | int) -> str:
        """Return the address of the page with the document and the way to pay."""
        return f"{self.base.rstrip('/')}/i/{sign(self.secret, Purpose.PAGE, message)}"

    def pixel(self, message: str | int) -> str:
        """Return the address of the picture that shows that a letter was looked at."""
        return f"{self.base.rstrip('/')}/i/{sign(self.secret, Purpose.PIXEL, message)}.gif"


def link_name(secret: str, *parts: object) -> str:
    """Return the name of a message for its links: the same for the same `parts`, no other's.

    Told by nobody who lacks the secret, so it says nothing of the parts.
    """
    text = "\n".join(f"{len(str(part))}:{part}" for part in parts)
    mac = hmac.new(secret.encode(), b"link-name:" + text.encode(), hashlib.sha256)
    return mac.hexdigest()[: 2 * NAME_LENGTH]


def sign(secret: str, purpose: Purpose, message: str | int) -> str:
    """Return the signed token of a message, by its name or (of old letters) its number.

    52 characters fit for a URL, 36 for a number.
    """
    if isinstance(message, int):
        signed = message.to_bytes(NUMBER_LENGTH, "big")
    else:
        signed = bytes.fromhex(message)
    token = signed + _mac(secret, purpose, signed)
    return base64.b32encode(token).decode().rstrip("=").lower()


def message_of(secret: str, purpose: Purpose, token: str) -> str | int | None:
    """Return which message a token is about; None when we did not sign it for this purpose.

    A name, or the number that a letter bears which is older than names.
    """
    length = _TOKEN_LENGTHS.get(len(token))
    if not secret or length is None or not token.isascii():
        return None
    try:
        raw = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
    except binascii.Error:
        return None
    signed = raw[:length]
    message = int.from_bytes(signed, "big") if length == NUMBER_LENGTH else signed.hex()
    # Compared as written: the last character has bits to spare, and one message has one link.
    if not hmac.compare_digest(token.lower(), sign(secret, purpose, message)):
        return None
    return message


def _mac(secret: str, purpose: Purpose, signed: bytes) -> bytes:
    text = f"link:{purpose.value}:".encode() + signed
    return hmac.new(secret.encode(), text, hashlib.sha256).digest()[:MAC_LENGTH]
