"""Filling a portal: typed, small, past the REST methods and their limits.

Fields of companies are given as a client would write them (`{"TITLE": …, "UF_CRM_…": …}`); ids may
be chosen, so that accounts elsewhere can bear the same number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from stavbill.sandbox.portal import companies, invoices, rows, userfields
from stavbill.sandbox.portal.papers import Papers
from stavbill.sandbox.portal.state import State
from stavbill.sandbox.portal.wire import Json, Record

# Names and colours of the default funnel of invoices; codes are documented by semantics only.
STAGES = (
    ("N", "Новый", None),
    ("S", "Отправлен клиенту", None),
    ("P", "Оплачен", "S"),
    ("D", "Не оплачен", "F"),
)
NEW, SENT, PAID, DECLINED = (code for code, _, _ in STAGES)
CATEGORY = 5


@dataclass(frozen=True, slots=True)
class UserField:
    """A user field as made: its name in requests and the ids of its options by their text."""

    id: int
    name: str
    options: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of an invoice; `price` is per unit, after discount, with tax."""

    name: str
    price: Decimal
    quantity: Decimal = Decimal(1)
    tax_rate: Decimal | None = None
    tax_included: bool = True
    discount_sum: Decimal = Decimal(0)
    measure_code: int = 796


class Seed:
    """Writes into a portal's state; one for each portal, made with the defaults in place."""

    def __init__(self, state: State, *, category: int = CATEGORY) -> None:
        """Furnish an empty portal: one user, roubles, tenge, presets, the funnel of invoices."""
        self.state = state
        self.category = category
        self.papers = Papers(state)
        if not len(state.categories):
            self._defaults()

    def _defaults(self) -> None:
        self.user("Админ", "Песочницы", id_=1)
        self.currency("RUB", base=True)
        self.currency("KZT")
        for name in ("Организация", "Индивидуальный предприниматель", "Физическое лицо"):
            id_ = self.state.presets.new_id()
            self.state.presets.put(id_, {
                "ID": id_, "ENTITY_TYPE_ID": 8, "COUNTRY_ID": 1, "NAME": name, "ACTIVE": "Y",
                "XML_ID": f"#CRM_REQUISITE_PRESET_DEF_{id_}#", "SORT": 500,
            })  # fmt: skip
        self.funnel(self.category, "Счета", default=True)

    def funnel(
        self,
        id_: int,
        name: str,
        *,
        default: bool = False,
        stages: Sequence[tuple[str, str, str | None]] = STAGES,
    ) -> None:
        """Add a funnel of invoices with stages `(code, name, semantics)`; codes get a prefix."""
        state = self.state
        state.categories.put(id_, {
            "id": id_, "name": name, "sort": 500, "entityTypeId": 31,
            "isDefault": "Y" if default else "N", "originId": "", "originatorId": "",
        })  # fmt: skip
        for place, (code, title, semantics) in enumerate(stages, start=1):
            stage = state.statuses.new_id()
            state.statuses.put(stage, {
                "ID": stage, "ENTITY_ID": f"SMART_INVOICE_STAGE_{id_}",
                "STATUS_ID": f"DT31_{id_}:{code}", "NAME": title, "NAME_INIT": title,
                "SORT": place * 10, "SYSTEM": "Y" if semantics or place == 1 else "N",
                "CATEGORY_ID": id_, "COLOR": "#39A8EF", "SEMANTICS": semantics,
            })  # fmt: skip

    def stage(self, code: str) -> str:
        """Return a stage's whole code in the default funnel."""
        return f"DT31_{self.category}:{code}"

    def currency(self, code: str, *, base: bool = False) -> None:
        """Add a currency."""
        self.state.currencies.append({
            "CURRENCY": code, "AMOUNT_CNT": "1", "AMOUNT": "1.0000", "SORT": "100",
            "BASE": "Y" if base else "N", "FULL_NAME": code, "LID": "ru", "FORMAT_STRING": "# ₽",
            "DEC_POINT": ",", "THOUSANDS_SEP": "&nbsp;", "DECIMALS": "2",
            "DATE_UPDATE": self.state.iso(self.state.now()),
        })  # fmt: skip
        if base:
            self.state.base_currency = code

    def user(self, name: str, last_name: str, *, id_: int | None = None, email: str = "") -> int:
        """Add an employee and return the id."""
        table = self.state.users
        id_ = id_ or table.new_id()
        table.put(id_, {
            "ID": id_, "ACTIVE": True, "NAME": name, "LAST_NAME": last_name, "SECOND_NAME": "",
            "EMAIL": email or f"user{id_}@portal.example", "IS_ONLINE": "N", "TIMESTAMP_X": {},
            "LAST_ACTIVITY_DATE": {}, "PERSONAL_GENDER": "", "PERSONAL_BIRTHDAY": "",
            "WORK_POSITION": "", "UF_DEPARTMENT": [1], "USER_TYPE": "employee",
        })  # fmt: skip
        return id_

    def workgroup(self, name: str, *, owner: int = 1, id_: int | None = None) -> int:
        """Add a workgroup and return the id."""
        table = self.state.workgroups
        id_ = id_ or table.new_id()
        now = self.state.iso(self.state.now())
        table.put(id_, {
            "ID": id_, "SITE_ID": "s1", "NAME": name, "DESCRIPTION": None, "DATE_CREATE": now,
            "DATE_UPDATE": now, "ACTIVE": "Y", "VISIBLE": "Y", "OPENED": "N", "CLOSED": "N",
            "SUBJECT_ID": 1, "OWNER_ID": owner, "KEYWORDS": None, "NUMBER_OF_MEMBERS": 1,
            "DATE_ACTIVITY": now, "SUBJECT_NAME": "Рабочие группы", "PROJECT": "N",
            "IS_EXTRANET": "N",
        })  # fmt: skip
        return id_

    def define_userfield(
        self,
        label: str,
        kind: str,
        code: str,
        *,
        multiple: bool = False,
        options: Sequence[str] = (),
        entity: str = userfields.ENTITY,
    ) -> UserField:
        """Add a user field of companies; `kind` is the portal's type, `code` follows UF_CRM_."""
        listed = [{"VALUE": text, "SORT": place * 10} for place, text in enumerate(options, 1)]
        given = {"USER_TYPE_ID": kind, "FIELD_NAME": code, "LABEL": label, "LIST": listed,
                 "MULTIPLE": "Y" if multiple else "N"}  # fmt: skip
        id_ = userfields.define(self.state, entity, given)
        made = [self.state.enum_values.records[each]
                for each in self.state.enum_values.having("USER_FIELD_ID", id_)]  # fmt: skip
        name = self.state.userfields.records[id_]["FIELD_NAME"]
        return UserField(id_, name, {each["VALUE"]: each["ID"] for each in made})

    def company(
        self,
        title: str,
        fields: Mapping[str, Json] | None = None,
        *,
        id_: int | None = None,
        own: bool = False,
        responsible: int = 1,
        created: datetime | None = None,
    ) -> int:
        """Add a company with fields as a client would write them; return the id."""
        table = self.state.companies
        id_ = id_ or table.new_id()
        now = created or self.state.now()
        record: Record = {
            "ID": id_, "CREATED_BY_ID": 1, "MODIFY_BY_ID": 1, "DATE_CREATE": now,
            "DATE_MODIFY": now, "ASSIGNED_BY_ID": responsible, "OPENED": "Y",
            "COMPANY_TYPE": "CUSTOMER", "CURRENCY_ID": self.state.base_currency,
            "IS_MY_COMPANY": "Y" if own else "N",
        }  # fmt: skip
        given = {"TITLE": title, **(fields or {})}
        table.put(id_, companies.changed(self.state, record, given))
        return id_

    def invoice(
        self,
        company: int,
        title: str,
        lines: Sequence[Row],
        *,
        mycompany: int,
        stage: str = NEW,
        begindate: date | None = None,
        closedate: date | None = None,
        xml_id: str | None = None,
        currency: str | None = None,
        responsible: int = 1,
        comments: str | None = None,
        created: datetime | None = None,
        id_: int | None = None,
    ) -> int:
        """Add an invoice with its rows; the sum follows them. `stage` is a code without prefix."""
        state = self.state
        id_ = id_ or state.invoices.new_id()
        state.at(created)
        try:
            record = invoices.fresh(state, id_, responsible)
        finally:
            state.at(None)
        record |= {"title": title, "companyId": company, "mycompanyId": mycompany, "xmlId": xml_id,
                   "stageId": self.stage(stage), "comments": comments}  # fmt: skip
        record |= {
            name: value
            for name, value in (
                ("begindate", begindate), ("closedate", closedate), ("currencyId", currency))
            if value is not None
        }  # fmt: skip
        state.invoices.put(id_, record)
        rows.replace_rows(state, id_, [_sent(line) for line in lines])
        return id_

    def task(
        self,
        title: str,
        *,
        responsible: int,
        company: int | None = None,
        group: int = 0,
        deadline: datetime | None = None,
        tags: Sequence[str] = (),
        description: str = "",
        status: int = 2,
        items: Sequence[str] = (),
    ) -> int:
        """Add a task with a checklist; return the id."""
        state = self.state
        now = state.now()
        id_ = state.tasks.new_id()
        state.tasks.put(id_, {
            "ID": id_, "TITLE": title, "DESCRIPTION": description, "RESPONSIBLE_ID": responsible,
            "CREATED_BY": 1, "STATUS": status, "PRIORITY": 1, "GROUP_ID": group, "STAGE_ID": 0,
            "CREATED_DATE": now, "CHANGED_DATE": now, "STATUS_CHANGED_DATE": now, "CHANGED_BY": 1,
            "STATUS_CHANGED_BY": 1, "DEADLINE": deadline, "TAGS": list(tags), "SITE_ID": "s1",
            "TASK_CONTROL": "N", "ALLOW_CHANGE_DEADLINE": "N",
            "UF_CRM_TASK": [] if company is None else [f"CO_{company}"],
        })  # fmt: skip
        parent = self._item(id_, 0, "Чек-лист 1") if items else 0
        for text in items:
            self._item(id_, parent, text)
        return id_

    def _item(self, task: int, parent: int, title: str) -> int:
        table = self.state.checklist
        id_ = table.new_id()
        table.put(id_, {
            "ID": id_, "TASK_ID": task, "PARENT_ID": parent, "CREATED_BY": 1, "TITLE": title,
            "IS_COMPLETE": "N", "SORT_INDEX": id_, "IS_IMPORTANT": "N", "TOGGLED_BY": None,
            "TOGGLED_DATE": None, "MEMBERS": {},
        })  # fmt: skip
        return id_


def _sent(line: Row) -> Record:
    return {
        "productName": line.name, "price": line.price, "quantity": line.quantity,
        "taxRate": line.tax_rate, "taxIncluded": "Y" if line.tax_included else "N",
        "discountTypeId": 1, "discountSum": line.discount_sum, "measureCode": line.measure_code,
    }  # fmt: skip
