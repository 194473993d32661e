"""Texts of people as text: what the portal would read as markup looks the same and means nothing.

Tasks, checklists, the timeline and chats read BBCode, and turn HTML into it. A name, an address or
a tariff that holds `[URL=…]` or `<a href=…>` would be a link in a manager's card with any words on
it, `[USER=1]` a notice to somebody, `[DISK=7]` a file. There is no escape: chats turn `&#91;` into
a bracket again. So each sign that begins markup gives way to its full-width twin.

Source: issue 11 §4; b24restdocs, chat-bots-v2/messages/message-formatting; decisions/014.
"""

from __future__ import annotations

import re

_TWINS = {"[": "［", "]": "］", "<": "＜", ">": "＞", "&": "＆", "#": "＃", "-": "‑"}
_MARKUP = re.compile(
    r"[\[\]<]"  # tags of BBCode and of HTML
    r"|^[^\S\n]*>{2,}"  # a quoted line of a chat
    r"|&(?=#?\w{1,31};)"  # an entity, which may be one of the others
    r"|#(?=BR#)"  # a line break of a chat
    r"|-{6,}",  # a quotation's border in a chat
    re.MULTILINE,
)


def as_text(text: str) -> str:
    """Return `text` with nothing in it that the portal reads as markup.

    What is text already stays as it is, so that a text read back may be compared.
    """
    return _MARKUP.sub(lambda found: "".join(_TWINS.get(sign, sign) for sign in found[0]), text)
