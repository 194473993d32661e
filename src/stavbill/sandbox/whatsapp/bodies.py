"""Bodies of requests, read strictly: a wrong one gives the sentence that the provider answers.

Source: the parameter tables and error lists of green-api.com/en/docs/api/sending/ and /service/.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PERSONAL = re.compile(r"\d{10,16}@c\.us")
GROUP = re.compile(r"(\d{10,16}-\d{10}|\d{17,20})@g\.us")
LONGEST_TEXT = 20_000
FAILED = "Validation failed. Details: "


class Wrong(Exception):
    """A body that is refused with 400; its text is the sentence."""


@dataclass(frozen=True, slots=True)
class Given:
    """A body: JSON, or the fields and the file of a form."""

    fields: Mapping[str, Any]
    file_name: str = ""
    file: bytes | None = None

    def only(self, *names: str) -> None:
        """Refuse fields that are not documented."""
        for name in self.fields:
            if name not in names:
                raise Wrong(FAILED + f"'{name}' is not allowed")

    def text(self, name: str, *, longest: int = LONGEST_TEXT, required: bool = True) -> str:
        """Return a text, empty when it may be missing and is."""
        value = self.fields.get(name)
        if value is None and not required:
            return ""
        if value is None:
            raise Wrong(FAILED + f"'{name}' is required")
        if not isinstance(value, str):
            raise Wrong(FAILED + f"'{name}' must be a string")
        if not value and required:
            raise Wrong(FAILED + f"'{name}' is not allowed to be empty")
        if len(value) > longest:
            raise Wrong(FAILED + f"'{name}' length must be less than or equal to {longest}")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a boolean."""
        value = self.fields.get(name, default)
        if not isinstance(value, bool):
            raise Wrong(FAILED + f"'{name}' must be a boolean")
        return value

    def chat(self) -> str:
        """Return the chat: a number with its country code and `@c.us`, or a group's id."""
        value = self.text("chatId")
        if not (PERSONAL.fullmatch(value) or GROUP.fullmatch(value)):
            raise Wrong(FAILED + "'chatId' bad format, valid: phone@c.us or group@g.us")
        return value

    def phone(self) -> str:
        """Return the number of `checkWhatsapp`: an integer of 11 to 16 digits."""
        value = self.fields.get("phoneNumber")
        if value is None:
            raise Wrong(FAILED + "'value' must have at least 1 key")
        if isinstance(value, bool) or not isinstance(value, int):
            raise Wrong(FAILED + "Wrong format. 'phoneNumber' must contain only digits")
        if not 11 <= len(str(value)) <= 16:
            message = "bad phone number, valid from 11 to 16 digits"
            raise Wrong(message)
        return str(value)
