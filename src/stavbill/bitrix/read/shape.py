"""A portal before its companies are read: fields, own companies, stages, templates.

Two requests: the second one asks what depends on the first's answers.
Source: portal page, «Connecting»; Bitrix24 reference 5 to 7.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from stavbill.billing.facts import OwnCompanyId
from stavbill.bitrix.batch import Command, CommandFailure, CommandResult, Json
from stavbill.bitrix.mapping import UserField, user_fields
from stavbill.bitrix.read.records import COMPANY_TYPE, StageMeaning
from stavbill.bitrix.write.invoice_list import INVOICE_TYPE
from stavbill.bitrix.write.portal_mark import PAGE as MARKS_PAGE
from stavbill.bitrix.write.portal_mark import list_marks, standing_marks
from stavbill.bitrix.write.stages import StageCodes
from stavbill.bitrix.write.values import dig, id_at, rows_at, text_at
from stavbill.errors import PortalError
from stavbill.plan.effects import InvoiceStage
from stavbill.plan.portal_marks import StandingMark
from stavbill.plan.records import OwnCompany

SENT_NAME = "отправлен клиенту"
# Semantics of stages that end an invoice's way: success and failure.
ENDS = frozenset({"S", "F"})
NATURAL_PRESETS = ("физ", "частное лицо", "natural")
ALL_STATUSES = "SMART_INVOICE_STAGE_"
# What a run can do without, and what is told by another answer as well.
MARKS = "marks"
OPTIONAL = frozenset({"templates", "presets", "me", "own_requisites", MARKS})
INSTEAD = {
    "fields": "described", "described": "fields",
    "categories": "entities", "entities": "categories",
}  # fmt: skip
YES = ("Y", "1", True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stage of the invoice funnel: code, name, `S` success, `F` failure, "" in progress."""

    code: str
    name: str
    semantics: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalShape:
    """Everything about a portal that its companies' rows need to be understood."""

    fields: Mapping[str, UserField]
    own_companies: tuple[OwnCompany, ...]
    stages: tuple[Stage, ...]
    templates: Mapping[str, str]
    natural_presets: frozenset[str]
    me: int | None
    # Marks of installations, None where nobody could say; and the own company that bears them.
    marks: tuple[StandingMark, ...] | None = None
    mark_owner: int | None = None

    @property
    def meaning(self) -> StageMeaning:
        """What stage codes mean for invoices that exist."""
        return StageMeaning(
            cancelled=frozenset(stage.code for stage in self.stages if stage.semantics == "F"),
            paid=frozenset(stage.code for stage in self.stages if stage.semantics == "S"),
        )

    def stage_codes(self, configured: Mapping[str, str]) -> StageCodes:
        """Return the code for every meaning; what is configured wins over what was found.

        A portal without «Отправлен клиенту» leaves a sent invoice where it was created. Raises
        `ConfigError` when new, paid or cancelled cannot be told.
        """
        return StageCodes(
            {
                meaning: configured.get(meaning.value) or code
                for meaning, code in self.found_stages().items()
            }
        )

    def found_stages(self) -> dict[InvoiceStage, str]:
        """Return the code for every meaning as the stage list tells it, "" where it does not."""
        progress = [stage for stage in self.stages if stage.semantics not in ENDS]
        new = progress[0].code if progress else ""
        sent = next(
            (stage.code for stage in self.stages if stage.name.strip().casefold() == SENT_NAME), new
        )
        return {
            InvoiceStage.NEW: new,
            InvoiceStage.SENT: sent,
            InvoiceStage.PAID: self._first("S"),
            InvoiceStage.CANCELLED: self._first("F"),
        }

    def _first(self, semantics: str) -> str:
        return next((stage.code for stage in self.stages if stage.semantics == semantics), "")


def first_questions() -> dict[str, Command]:
    """Return the commands that depend on nothing."""
    return {
        "fields": Command(
            "crm.company.userfield.list", {"order": {"ID": "ASC"}, "filter": {"LANG": "ru"}}
        ),
        "described": Command("crm.company.fields"),
        "categories": Command("crm.category.list", {"entityTypeId": INVOICE_TYPE}),
        "entities": Command("crm.status.entity.types"),
        "presets": Command(
            "crm.requisite.preset.list", {"select": ["ID", "NAME"], "order": {"ID": "ASC"}}
        ),
        "templates": Command(
            "crm.documentgenerator.template.list",
            {"select": ["id", "name"], "order": {"id": "asc"}, "start": 0},
        ),
        "own": Command(
            "crm.company.list",
            {
                "select": ["ID", "TITLE", "IS_MY_COMPANY"],
                "filter": {"IS_MY_COMPANY": "Y"},
                "order": {"ID": "ASC"},
            },
        ),
        "me": Command("profile"),
    }


def require_answers(asked: Mapping[str, Command], failed: Mapping[str, CommandFailure]) -> None:
    """Raise `PortalError` for a question without an answer that a run cannot do without."""
    for key in indispensable(failed):
        failure = failed[key]
        said = f"{failure.code} {failure.description}".strip()
        msg = f"портал не ответил на {asked[key].method}: {said}. Проверьте права вебхука"
        raise PortalError(msg, failure.code)


def indispensable(failed: Collection[str]) -> list[str]:
    """Return those of some questions without an answer that nothing else answers."""
    return [key for key in failed if key not in OPTIONAL and INSTEAD.get(key, key) in failed]


def second_questions(ran: Mapping[str, CommandResult]) -> dict[str, Command]:
    """Return the commands that need the first answers."""
    commands: dict[str, Command] = {}
    own = [company for row in _own_rows(ran) if (company := id_at(row, "ID"))]
    if own:
        commands[MARKS] = list_marks(min(own))
        commands["own_requisites"] = Command(
            "crm.requisite.list",
            {
                "select": ["ID", "ENTITY_ID", "NAME", "RQ_COMPANY_NAME", "RQ_NAME"],
                "filter": {"ENTITY_TYPE_ID": COMPANY_TYPE, "ENTITY_ID": own},
                "order": {"ID": "ASC"},
            },
        )
    category = _category(ran)
    if category:
        commands["stages"] = Command(
            "crm.status.list",
            {"order": {"SORT": "ASC"}, "filter": {"ENTITY_ID": f"{ALL_STATUSES}{category}"}},
        )
    return commands


def shape_of(
    first: Mapping[str, CommandResult], second: Mapping[str, CommandResult]
) -> PortalShape:
    """Return the portal's shape from both answers.

    Raises `PortalError` when the invoice funnel cannot be found.
    """
    if "stages" not in second or not rows_at(second["stages"].value):
        msg = (
            "портал не показывает стадий счетов (crm.category.list, crm.status.list): включите "
            "смарт-счета или дайте вебхуку право crm"
        )
        raise PortalError(msg)
    return known_shape(first, second)


def known_shape(
    first: Mapping[str, CommandResult], second: Mapping[str, CommandResult]
) -> PortalShape:
    """Return what the answers tell, gaps included: for looking at a portal, not for a run."""
    rows = rows_at(_value(second, "stages"))
    stages = sorted(rows, key=lambda row: int(text_at(row, "SORT") or 0))
    return PortalShape(
        fields=user_fields(_value(first, "fields"), _value(first, "described")),
        own_companies=_own_companies(first, second),
        stages=tuple(
            Stage(
                code=text_at(row, "STATUS_ID"),
                name=text_at(row, "NAME"),
                semantics=text_at(row, "SEMANTICS"),
            )
            for row in stages
        ),
        templates=_templates(_value(first, "templates")),
        natural_presets=natural_presets(_value(first, "presets")),
        me=id_at(_value(first, "me"), "ID"),
        marks=_marks(second),
        mark_owner=min((id_at(row, "ID") or 0 for row in _own_rows(first)), default=None),
    )


def _marks(second: Mapping[str, CommandResult]) -> tuple[StandingMark, ...] | None:
    """Return the marks; None for no answer, and for comments that go on beyond the first page."""
    found = second.get(MARKS)
    if found is None:
        return None
    rows = rows_at(found.value)
    return None if len(rows) >= MARKS_PAGE else standing_marks(rows)


def natural_presets(value: Json) -> frozenset[str]:
    """Return the presets whose name says that they are a natural person's."""
    return frozenset(
        text_at(row, "ID")
        for row in rows_at(value)
        if any(mark in text_at(row, "NAME").casefold() for mark in NATURAL_PRESETS)
    )


def _value(ran: Mapping[str, CommandResult], key: str) -> Json:
    return ran[key].value if key in ran else None


def _own_rows(first: Mapping[str, CommandResult]) -> list[dict[str, Json]]:
    rows = rows_at(_value(first, "own"))
    return [row for row in rows if row.get("IS_MY_COMPANY") in (*YES, "", None)]


def _own_companies(
    first: Mapping[str, CommandResult], second: Mapping[str, CommandResult]
) -> tuple[OwnCompany, ...]:
    names: dict[int, list[str]] = {}
    for row in rows_at(_value(second, "own_requisites")):
        owner = id_at(row, "ENTITY_ID")
        if owner is not None:
            texts = (text_at(row, "RQ_COMPANY_NAME"), text_at(row, "RQ_NAME"))
            names.setdefault(owner, []).extend(text for text in texts if text)
    found = []
    for row in _own_rows(first):
        company = id_at(row, "ID")
        if company is not None:
            requisites = tuple(names.get(company, ()))
            found.append(OwnCompany(OwnCompanyId(company), text_at(row, "TITLE"), requisites))
    return tuple(found)


def _category(first: Mapping[str, CommandResult]) -> str:
    """Return the invoice funnel's id as text: the default one, else the first, else "".

    A portal that does not list its funnels names them among the kinds of statuses; of several
    nobody knows there which is the default one.
    """
    rows = rows_at(_value(first, "categories"), "categories")
    default = [row for row in rows if row.get("isDefault") in YES]
    named = [text_at(row, "ID") for row in rows_at(_value(first, "entities"))]
    funnels = [name.removeprefix(ALL_STATUSES) for name in named if name.startswith(ALL_STATUSES)]
    found = (text_at(row, "id") for row in (*default, *rows))
    return next((one for one in found if one), funnels[0] if len(funnels) == 1 else "")


def _templates(result: Json) -> dict[str, str]:
    """Return template names by id: the answer is an object keyed by id, or a list."""
    listed = dig(result, "templates")
    rows = list(listed.values()) if isinstance(listed, dict) else rows_at(listed)
    return {
        text_at(row, "id"): text_at(row, "name").strip() for row in rows if isinstance(row, dict)
    }
