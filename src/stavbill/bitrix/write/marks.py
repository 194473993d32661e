"""Marks at the end of texts, by which tasks and comments of ours are known again.

Source: portal page, «Written».
"""

from __future__ import annotations

from stavbill.plan.keys import short_mark


def with_mark(text: str, key: str) -> str:
    """Return `text` with the short mark of `key` at its end, once."""
    mark = short_mark(key)
    plain = text.rstrip()
    return plain if plain.endswith(mark) else f"{plain}\n\n{mark}".lstrip()
