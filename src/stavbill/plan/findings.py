"""What the nightly check can find, what follows from each kind, and the sentence that tells it.

Source: operations page, «Nightly check»; beyond 2 and 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from stavbill.billing.facts import CompanyId

ACCEPT = "Если так и нужно, отметьте пункт: биллинг не спросит снова."


class Remedy(Enum):
    """What follows from a finding."""

    NOTE = "noted: somebody's right, nothing to do"
    MEND = "our own wanted state, set again without overwriting anybody's decision"
    ASK = "a person decides: one task for each company lists it"
    PARK = "contradictory: nothing is written for the company until a person releases it"


class FindingKind(Enum):
    """One way in which the portal differs from what we wrote, or from what we know."""

    DELETED = "deleted"
    VANISHED = "vanished"
    MOVED = "moved"
    TOTAL = "total"
    ROWS = "rows"
    OWN_COMPANY = "own_company"
    CURRENCY = "currency"
    KEY = "key"
    TITLE = "title"
    DATES = "dates"
    UNKNOWN_KEY = "unknown_key"
    MUST_NEVER = "must_never"
    PAID = "paid"
    CANCELLED = "cancelled"
    COMPANY_GONE = "company_gone"
    CARD_COUNT = "card_count"
    CARD_COUNT_CHANGED = "card_count_changed"
    BILLED_THROUGH = "billed_through"
    BILLED_FURTHER = "billed_further"
    HOLD_TASK_LOST = "hold_task_lost"
    HOLD_TASK_NEEDLESS = "hold_task_needless"
    HOLD_MENDED = "hold_mended"


REMEDIES: Mapping[FindingKind, Remedy] = {
    FindingKind.DELETED: Remedy.ASK,
    # Deleted, and its month would be billed again now: a person has to say so first.
    FindingKind.VANISHED: Remedy.PARK,
    FindingKind.MOVED: Remedy.ASK,
    # Whoever changed a sum, rows, issuer or currency had a reason: it is never written back.
    FindingKind.TOTAL: Remedy.ASK,
    FindingKind.ROWS: Remedy.ASK,
    FindingKind.OWN_COMPANY: Remedy.ASK,
    FindingKind.CURRENCY: Remedy.ASK,
    FindingKind.KEY: Remedy.ASK,
    FindingKind.TITLE: Remedy.NOTE,
    FindingKind.DATES: Remedy.NOTE,
    FindingKind.UNKNOWN_KEY: Remedy.ASK,
    FindingKind.MUST_NEVER: Remedy.PARK,
    FindingKind.PAID: Remedy.NOTE,
    FindingKind.CANCELLED: Remedy.NOTE,
    FindingKind.COMPANY_GONE: Remedy.NOTE,
    FindingKind.CARD_COUNT: Remedy.MEND,
    FindingKind.CARD_COUNT_CHANGED: Remedy.NOTE,
    FindingKind.BILLED_THROUGH: Remedy.MEND,
    FindingKind.BILLED_FURTHER: Remedy.NOTE,
    FindingKind.HOLD_TASK_LOST: Remedy.MEND,
    FindingKind.HOLD_TASK_NEEDLESS: Remedy.MEND,
    FindingKind.HOLD_MENDED: Remedy.NOTE,
}

TEXTS: Mapping[FindingKind, str] = {
    FindingKind.DELETED: (
        "Счёт {invoice} «{title}» ({total}) удалён из портала. Если он нужен, скажите тому, кто "
        "ведёт биллинг: он выставит его снова."
    ),
    FindingKind.VANISHED: "счёт выставлен и удалён из портала: {keys}",
    FindingKind.MOVED: (
        "Счёт {invoice} «{title}» перенесён в компанию {other}. Верните его в эту компанию."
    ),
    FindingKind.TOTAL: "Счёт {invoice} «{title}»: сумма была {wanted}, теперь {found}.",
    FindingKind.ROWS: (
        "Счёт {invoice} «{title}»: строки изменены, сумма прежняя. Было: {wanted}. Теперь: {found}."
    ),
    FindingKind.OWN_COMPANY: (
        "Счёт {invoice} «{title}»: наше юрлицо было {wanted}, теперь {found} (ID в Битрикс24)."
    ),
    FindingKind.CURRENCY: "Счёт {invoice} «{title}»: валюта была {wanted}, теперь {found}.",
    FindingKind.KEY: (
        "Счёт {invoice} «{title}»: внешний код был {wanted}, теперь {found}. Без него биллинг не "
        "узнаёт свой счёт: верните код."
    ),
    FindingKind.TITLE: "Счёт {invoice}: название было «{wanted}», теперь «{found}».",
    FindingKind.DATES: "Счёт {invoice} «{title}»: даты были {wanted}, теперь {found}.",
    FindingKind.UNKNOWN_KEY: (
        "Счёт {invoice} «{title}» носит наш код {found}, но биллинг его не выставлял. Если это "
        "копия, удалите её или очистите внешний код."
    ),
    FindingKind.MUST_NEVER: "{what}",
    FindingKind.PAID: "Счёт {invoice} «{title}» оплачен.",
    FindingKind.CANCELLED: "Счёт {invoice} «{title}» отменён.",
    FindingKind.COMPANY_GONE: "Компании {company} больше нет на портале, а счета ей выставлялись.",
    FindingKind.CARD_COUNT: (
        "Количество на карточке: записано {wanted}, теперь {found}; в Wialon {wanted}."
    ),
    FindingKind.CARD_COUNT_CHANGED: (
        "Количество на карточке: записано {wanted}, теперь {found}. Сверится при следующем счёте."
    ),
    FindingKind.BILLED_THROUGH: "«Обслуживание до»: записано {wanted}, теперь {found}.",
    FindingKind.BILLED_FURTHER: (
        "«Обслуживание до»: записано {wanted}, на карточке дальше: {found}."
    ),
    FindingKind.HOLD_TASK_LOST: (
        "Счёт задержан, а задачи об этом на портале нет: она будет поставлена снова."
    ),
    FindingKind.HOLD_TASK_NEEDLESS: (
        "Задача {task} о задержке больше не нужна: выставлять нечего. Она будет закрыта."
    ),
    FindingKind.HOLD_MENDED: (
        "Причины задержки устранены (задача {task}). Счёт выставит следующий запуск; чтобы не "
        "ждать, закройте задачу."
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that differs.

    `subject` names it among those of its kind and company, and stays the same as long as the
    difference does: another value that a person put there is another difference. `detail` is a
    sentence for people.
    """

    kind: FindingKind
    company: CompanyId
    subject: str
    detail: str

    @property
    def remedy(self) -> Remedy:
        """What follows from it."""
        return REMEDIES[self.kind]


def found(kind: FindingKind, company: CompanyId, subject: str, **values: object) -> Finding:
    """Return a finding with its sentence.

    Source: operations page, «Nightly check».
    """
    detail = TEXTS[kind].format(company=int(company), **values)
    return Finding(kind=kind, company=company, subject=subject, detail=detail)
