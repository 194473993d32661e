"""Approved credits onto invoice lines: oldest first, own service first, never below zero.

Source: billing rules §8.
"""

from __future__ import annotations

from dataclasses import replace

from stavbill.billing.decision import CreditUse, InvoiceDraft, InvoiceLine, Note
from stavbill.billing.facts import OpenCredit
from stavbill.billing.money import Money
from stavbill.billing.vat import vat_included


def apply_credits(
    drafts: list[InvoiceDraft], credits_: tuple[OpenCredit, ...]
) -> tuple[list[InvoiceDraft], tuple[Note, ...]]:
    """Return `drafts` with the credits of their currency applied, and what was used.

    A credit goes onto the lines of its own service first, on whichever invoice they stand, the
    rest onto the others; what is left carries over.

    Source: billing rules §8.
    """
    if not credits_:
        return drafts, ()
    usable = sorted(
        (credit for credit in credits_ if credit.left.minor > 0),
        key=lambda credit: (credit.approved, credit.credit),
    )
    if not usable or not drafts:
        return drafts, ()
    lines = [list(draft.lines) for draft in drafts]
    uses: list[list[CreditUse]] = [[] for _ in drafts]
    notes = []
    for credit in usable:
        if credit.left.currency is not drafts[0].currency:
            continue
        left = credit.left.minor
        for own in (True, False):
            for index, rows in enumerate(lines):
                used = _onto(rows, credit, left, own=own)
                left -= used
                if used:
                    uses[index].append(CreditUse(credit.credit, Money(used, credit.left.currency)))
        if left != credit.left.minor:
            notes.append(_note(credit, left))
    credited = [
        replace(draft, lines=tuple(rows), credits=_merged(used))
        for draft, rows, used in zip(drafts, lines, uses, strict=True)
    ]
    return credited, tuple(notes)


def _onto(rows: list[InvoiceLine], credit: OpenCredit, left: int, *, own: bool) -> int:
    """Put what is `left` of `credit` onto the rows of its own service, or of the others."""
    used = 0
    for index, line in enumerate(rows):
        if left == used:
            break
        if (line.service == credit.service) is not own:
            continue
        taken = min(left - used, line.total.minor)
        if taken:
            reduced = line.credit + Money(taken, line.credit.currency)
            rows[index] = replace(
                line, credit=reduced, vat=vat_included(line.gross - reduced, line.vat_percent)
            )
            used += taken
    return used


def _merged(uses: list[CreditUse]) -> tuple[CreditUse, ...]:
    total: dict[str, Money] = {}
    for use in uses:
        total[use.credit] = total[use.credit] + use.used if use.credit in total else use.used
    return tuple(CreditUse(credit, used) for credit, used in total.items())


def _note(credit: OpenCredit, left: int) -> Note:
    return Note(
        "credit_applied",
        "§8",
        (
            ("credit", credit.credit),
            ("before", credit.left.minor),
            ("used", credit.left.minor - left),
            ("after", left),
            ("currency", credit.left.currency.value),
        ),
    )
