"""The mailbox as people read it: a list of letters, one letter, its files. Server-rendered."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from stavbill.sandbox.mail.letters import Letter

MOSCOW = timedelta(hours=3)
PAGE_LETTERS = 100
CID = re.compile(r"cid:([^\"'\s)>]+)", re.IGNORECASE)


def _when(letter: Letter) -> str:
    return f"{letter.received_at + MOSCOW:%d.%m.%Y %H:%M:%S}"


_pages = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
)
_pages.filters["when"] = _when


def list_page(letters: list[Letter], *, wanted: str, page: int, total: int, chats: str) -> str:
    """Write the list, the newest first; `letters` are all that were found."""
    newest = letters[::-1]
    pages = max(1, -(-len(newest) // PAGE_LETTERS))
    page = min(max(page, 1), pages)
    words: dict[str, Any] = {
        "letters": newest[(page - 1) * PAGE_LETTERS : page * PAGE_LETTERS],
        "found": len(newest), "total": total, "wanted": wanted, "chats": chats,
        "page": page, "pages": pages,
    }  # fmt: skip
    return _pages.get_template("list.html").render(words)


def letter_page(letter: Letter, *, images: bool) -> str:
    """Write one letter; `images` lets pictures come from the network."""
    status = "\n".join(
        str(group)
        for part in letter.message.walk()
        if part.get_content_type() == "message/delivery-status"
        for group in part.iter_parts()
    )
    return _pages.get_template("letter.html").render(
        letter=letter, images=images, status=status.strip()
    )


def html_body(letter: Letter) -> str:
    """Return the HTML text for its frame: pictures of its own parts, links open elsewhere."""
    places = {file.cid: place for place, file in enumerate(letter.attachments) if file.cid}

    def own(match: re.Match[str]) -> str:
        place = places.get(match[1])
        return match[0] if place is None else f"/letters/{letter.number}/files/{place}"

    return '<base target="_blank">' + CID.sub(own, letter.html)
