"""Shared cause: one trouble that many companies wait for, and that no card can mend.

A host that cannot be read, an issuer that the portal does not know, a list whose options are gone:
its companies wait, and the operator is told once. Source: billing rules §11, last entry.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from stavbill.billing.decision import (
    Bill,
    ConnectionUnknown,
    ConservationPriceMissing,
    Decision,
    FieldNotUnderstood,
    Hold,
    HoldReason,
    IssuerUnknown,
    Skip,
    UnitsUnknown,
)

# So many companies of a run, and so large a part of those that were judged, are «many».
MANY = 5
MANY_PERCENT = 2


class CauseKind(StrEnum):
    """What is broken for all its companies at once."""

    CONNECTION = "connection"
    CONNECTION_UNKNOWN = "connection_unknown"
    ISSUER = "issuer"
    CONSERVATION_PRICE = "conservation_price"
    FIELD_OPTIONS = "field_options"


@dataclass(frozen=True, slots=True, order=True)
class SharedCause:
    """One trouble: its kind and what it is about; `detail` is for a person and tells none apart.

    `subject` is a connection's name, the value of «Где найти», an issuer, a currency or a label.
    """

    kind: CauseKind
    subject: str
    detail: str = field(default="", compare=False)


def cause_of(reason: HoldReason) -> SharedCause | None:
    """Return what a hold reason has in common with other companies', None for one of the card.

    Source: billing rules §11.
    """
    match reason:
        case UnitsUnknown(connection=name, detail=detail) if name:
            return SharedCause(CauseKind.CONNECTION, name, detail)
        case ConnectionUnknown(value=value):
            return SharedCause(CauseKind.CONNECTION_UNKNOWN, value)
        case IssuerUnknown(issuer=issuer):
            return SharedCause(CauseKind.ISSUER, issuer)
        case ConservationPriceMissing(currency=currency):
            return SharedCause(CauseKind.CONSERVATION_PRICE, currency.value)
        case FieldNotUnderstood(problem=problem) if problem.lost_option:
            return SharedCause(CauseKind.FIELD_OPTIONS, problem.label)
        case _:
            return None


def causes_of(decision: Decision) -> frozenset[SharedCause]:
    """Return the causes that a company's hold reasons may share with others."""
    match decision:
        case Skip():
            return frozenset()
        case Hold(reasons=reasons) | Bill(held=reasons):
            return frozenset(cause for reason in reasons if (cause := cause_of(reason)) is not None)


def shared_causes(companies: Mapping[SharedCause, int], judged: int) -> tuple[SharedCause, ...]:
    """Return those causes that are told once, not to each company.

    `companies` says how many wait for each, `judged` how many were billed or held. A connection
    that cannot be read is nobody's card, however few wait; any other cause is shared when at
    least five companies and two percent of those judged meet it.

    Source: billing rules §11.
    """
    return tuple(
        sorted(
            cause
            for cause, number in companies.items()
            if cause.kind is CauseKind.CONNECTION
            or (number >= MANY and number * 100 >= judged * MANY_PERCENT)
        )
    )


def own_reasons(
    reasons: Iterable[HoldReason], shared: Collection[SharedCause]
) -> tuple[HoldReason, ...]:
    """Return the reasons that this company's people can mend: all but the shared ones."""
    return tuple(reason for reason in reasons if not is_shared(reason, shared))


def is_shared(reason: HoldReason, shared: Collection[SharedCause]) -> bool:
    """Say whether a reason is told once for all: `shared`, or a connection that was not read."""
    cause = cause_of(reason)
    return cause is not None and (cause.kind is CauseKind.CONNECTION or cause in shared)
