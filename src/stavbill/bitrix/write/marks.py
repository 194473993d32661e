"""Marks at the end of texts, by which tasks and comments of ours are known again.

Source: portal page, «Written».
"""

from __future__ import annotations

from stavbill.bitrix.batch import Markup
from stavbill.plan.keys import short_mark
from stavbill.plan.markup import as_text


def with_mark(text: str, key: str) -> Markup:
    """Return `text` with the short mark of `key` at its end, once; nothing else in it is markup."""
    mark = short_mark(key)
    plain = as_text(text.rstrip().removesuffix(mark).rstrip())
    return Markup(f"{plain}\n\n{mark}".lstrip())
