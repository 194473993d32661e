"""Which of the portal's own companies an issuer rule means, by its name.

Source: billing rules §4 («by name: quotes, legal form and case ignored»).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from stavbill.plan.records import OwnCompany

SOLE_TRADER = "ип"
LONG_FORMS = (
    (re.compile(r"\bобщество с ограниченной ответственностью\b"), "ооо"),
    (re.compile(r"\bтоварищество с ограниченной ответственностью\b"), "тоо"),
    (re.compile(r"\bиндивидуальный предприниматель\b"), SOLE_TRADER),
    (re.compile(r"\b(?:публичное |закрытое |открытое )?акционерное общество\b"), "ао"),
)
LEGAL_FORMS = frozenset({"ооо", "тоо", "ао", "пао", "зао", "оао", SOLE_TRADER, "чп", "llc", "llp"})
NOT_A_WORD = re.compile(r"[\W_]+")


def match_own_company(name: str, companies: Sequence[OwnCompany]) -> tuple[OwnCompany, ...]:
    """Return the own companies that `name` means: one is the answer, several are a doubt.

    The first comparison that finds any decides: the same words with the legal form («ИП. Матвеев»
    is «ИП Матвеев»), the same words without it, and for a sole trader the surname with whatever
    stands behind it («ИП Матвеев» is «Матвеев С. И., ИП» too, but «Автотрэкер» is never
    «Автотрэкер КЗ»).

    Source: billing rules §4.
    """
    wanted = _words(name)
    for alike in (_same_words, _same_without_form, _same_sole_trader):
        found = tuple(company for company in companies if _is_any(wanted, company, alike))
        if found:
            return found
    return ()


def _is_any(
    wanted: tuple[str, ...],
    company: OwnCompany,
    alike: Callable[[tuple[str, ...], tuple[str, ...]], bool],
) -> bool:
    return any(
        alike(wanted, _words(name)) for name in (company.name, *company.requisite_names) if name
    )


def _same_words(wanted: tuple[str, ...], given: tuple[str, ...]) -> bool:
    return wanted == given


def _same_without_form(wanted: tuple[str, ...], given: tuple[str, ...]) -> bool:
    return bool(_bare(wanted)) and _bare(wanted) == _bare(given)


def _same_sole_trader(wanted: tuple[str, ...], given: tuple[str, ...]) -> bool:
    bare = _bare(wanted)
    is_trader = SOLE_TRADER in wanted and (SOLE_TRADER in given or not _forms(given))
    return is_trader and bool(bare) and _bare(given)[: len(bare)] == bare


def _words(name: str) -> tuple[str, ...]:
    text = " ".join(NOT_A_WORD.sub(" ", name.casefold().replace("ё", "е")).split())
    for long_form, short in LONG_FORMS:
        text = long_form.sub(short, text)
    return tuple(text.split())


def _bare(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for word in words if word not in LEGAL_FORMS)


def _forms(words: tuple[str, ...]) -> frozenset[str]:
    return LEGAL_FORMS.intersection(words)
