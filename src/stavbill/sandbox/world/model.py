"""The world's records, in nobody's wire format: what stands on cards, in lists and in Wialon."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

ACTIVE = "Активная компания"
STATUSES = (ACTIVE, "Активная (VIP)", "Отключена", "Архив", "Потенциальный клиент")
CONNECTIONS = ("stavros", "stavros1")


class Stage(StrEnum):
    """Where an invoice stands, by meaning; the portal's own stages have names of their own."""

    NEW = "new"
    SENT = "sent"
    PAID = "paid"
    CANCELLED = "cancelled"


class FieldKind(StrEnum):
    """The portal's types of user field that this world uses."""

    STRING = "string"
    INTEGER = "integer"
    DOUBLE = "double"
    BOOLEAN = "boolean"
    ENUMERATION = "enumeration"
    EMPLOYEE = "employee"
    ADDRESS = "address"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class UserField:
    """One user field of the company card: its code on this portal, its label, its type.

    `attribute` names the value in `Card`; empty for a field that stays empty. `options` are the
    texts of an enumeration in their order.
    """

    code: str
    label: str
    kind: FieldKind
    attribute: str = ""
    options: tuple[str, ...] = ()
    multiple: bool = False


@dataclass(frozen=True, slots=True)
class User:
    """One user of the portal."""

    id: int
    first_name: str
    last_name: str
    email: str
    position: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class Workgroup:
    """One workgroup of the portal."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Template:
    """One template of documents, as the company card's menu shows it."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Preset:
    """One template of requisites. `country_id` is the portal's: 1 Russia, 6 Kazakhstan."""

    id: int
    name: str
    country_id: int


@dataclass(frozen=True, slots=True)
class Bank:
    """Bank details. In Kazakhstan `account` is the IBAN and `bic` the SWIFT-like code."""

    name: str
    bic: str
    account: str
    correspondent: str = ""
    currency: str = "RUB"


@dataclass(frozen=True, slots=True)
class Requisite:
    """One set of requisites; an empty text means that the field is not filled in."""

    preset_id: int
    name: str
    full_name: str = ""
    inn: str = ""
    kpp: str = ""
    ogrn: str = ""
    bin: str = ""
    iin: str = ""
    kbe: str = ""
    person: tuple[str, str, str] = ("", "", "")
    """Last, first and second name of a natural person."""
    address: str = ""
    bank: Bank | None = None


@dataclass(frozen=True, slots=True)
class OwnCompany:
    """One of the portal's own companies, which may issue invoices."""

    id: int
    title: str
    requisite: Requisite


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a company. `template_id` may name a template that is no longer there."""

    id: int
    template_id: int
    title: str
    number: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Row:
    """One product row; the price is in kopecks (tiyn)."""

    name: str
    price: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Invoice:
    """One invoice that stood in the portal before the run."""

    id: int
    title: str
    issuer_id: int
    currency: str
    created_at: datetime
    begin: date
    pay_by: date
    stage: Stage
    rows: tuple[Row, ...]

    @property
    def total(self) -> int:
        """The sum of the rows in kopecks."""
        return sum(row.price * row.quantity for row in self.rows)


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """The company's standing task of planned calls, with the items of its checklist."""

    id: int
    deadline: datetime
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """What people typed on the company card; None and the empty text are empty fields."""

    status: str | None = ACTIVE
    responsible: int | None = None
    fleet_size: int | None = None
    zavgar: str = ""
    where: str | None = "stavros"
    account: str = ""
    card_count: int | None = None
    tariff: str = "3*350"
    fuel: str = "-"
    dispatching: str = "-"
    sim: str = ""
    plan: str | None = None
    skip: bool | None = False
    ignore_count: bool | None = False
    emails: str = ""
    whatsapp: str = ""
    sending: str = ""
    vat: str | None = None
    partner: bool | None = False
    previous_month: bool | None = False
    months: int | None = None
    contract_number: str = ""
    separate: tuple[str, ...] = ()
    activity: str | None = None
    legal_address: str = ""


@dataclass(frozen=True, slots=True)
class Company:
    """One customer with everything that the portal knows of it."""

    id: int
    title: str
    card: Card
    requisites: tuple[Requisite, ...] = ()
    documents: tuple[Document, ...] = ()
    invoices: tuple[Invoice, ...] = ()
    calls: tuple[PlannedCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """One Wialon account; `parent_id` None hangs it under its connection's top account."""

    id: int
    connection: str
    name: str
    parent_id: int | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """One vehicle in Wialon.

    `fields` are (name, value); `deactivated_at` is None while it is active. `state_unknown` units
    are answered without the key that says whether they are active.
    """

    id: int
    account_id: int
    name: str
    active: bool = True
    deactivated_at: datetime | None = None
    fields: tuple[tuple[str, str], ...] = ()
    state_unknown: bool = False


@dataclass(frozen=True, slots=True)
class Connection:
    """One Wialon service: its name on the card, its top account, its tokens of 72 characters.

    `token` reads, writes fields and deactivates; only `master_token` may block an account.
    """

    name: str
    account_id: int
    user_id: int
    token: str
    master_token: str


@dataclass(frozen=True, slots=True)
class Cluster:
    """Companies that can only be judged together, with their accounts and units.

    `scenario` is empty for drawn ones, else the name of the case that it stages.
    """

    companies: tuple[Company, ...]
    accounts: tuple[Account, ...]
    units: tuple[Unit, ...]
    scenario: str = ""
