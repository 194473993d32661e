"""The shape of stavbill.toml: every section, key and default, checked strictly.

An unknown key is an error, not a setting that silently does nothing. `docs/configuration.md`
describes the same keys for people.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Annotated, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    model_validator,
)

from stavbill.billing.money import Currency
from stavbill.settings.defaults import default_issuers
from stavbill.settings.delivery import MailSettings, ReminderSettings, WhatsAppSettings
from stavbill.settings.documents import DocumentSettings
from stavbill.settings.reports import ReportSettings
from stavbill.settings.section import Section
from stavbill.settings.web import WebSettings
from stavbill.settings.worker import WorkerSettings
from stavbill.wialon.connection import DEADLINE_S, PAGE_SIZE, SMALLEST_PAGE

LAST_SENDING_DAY = 31
WEB_ADDRESS = re.compile(r"https?://[\w.-]+(?::\d{1,5})?(?:/[^\s?#]*)?")
OWN_SERVICES = ("subscription", "fuel", "dispatching")
# Named like the card's attributes in the core; the labels stand in docs/configuration.md.
FIELD_NAMES = frozenset({
    "status", "responsible", "connection", "account", "card_count", "subscription", "fuel",
    "dispatching", "skip", "ignore_count", "emails", "phones", "sending_day", "vat", "partner",
    "previous_month", "months", "contract_number", "separate", "conservation_price",
    "billed_through", "debt", "unpaid_months", "blocked", "fleet_size", "tariff_plan",
    "zavgar_account", "legal_address",
})  # fmt: skip


def _web_address(text: str) -> str:
    if not WEB_ADDRESS.fullmatch(text):
        msg = "ожидался адрес вида https://host или http://host:8080, без имени и пароля"
        raise ValueError(msg)
    if "/rest/" in text:
        msg = "секрет вебхука не хранится в TOML: задайте STAVBILL_PORTAL_URL или stavbill.env"
        raise ValueError(msg)
    return text


def _zone(text: str) -> str:
    if text not in available_timezones():
        msg = "ожидался часовой пояс, например Europe/Moscow"
        raise ValueError(msg)
    return text


def _field_name(name: str) -> str:
    if name not in FIELD_NAMES:
        msg = f"нет такого поля (есть {', '.join(sorted(FIELD_NAMES))})"
        raise ValueError(msg)
    return name


def _store(url: str) -> str:
    """Refuse other databases than ours, and a password that everybody may read."""
    parts = urlsplit(url)
    if url and not url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        msg = "ожидалось sqlite:///файл или postgresql://хост/база"
        raise ValueError(msg)
    if parts.password:
        msg = "пароль базы не хранится в TOML: задайте STAVBILL_DATABASE_URL"
        raise ValueError(msg)
    return url


def _number(value: object) -> object:
    """Let pydantic see a number as TOML wrote it; 1 and 1.5 both are numbers of seconds."""
    return float(value) if isinstance(value, Decimal) else value


def _field_code(value: object) -> object:
    """Let `status = "UF_CRM_1"` stand for `status = {code = "UF_CRM_1"}`."""
    return {"code": value} if isinstance(value, str) else value


Text = Annotated[StrictStr, Field(min_length=1)]
WebAddress = Annotated[StrictStr, AfterValidator(_web_address)]
FieldName = Annotated[StrictStr, AfterValidator(_field_name)]
StoreAddress = Annotated[StrictStr, AfterValidator(_store)]
Zone = Annotated[StrictStr, AfterValidator(_zone)]
Seconds = Annotated[float, BeforeValidator(_number), Field(gt=0)]
Share = Annotated[float, BeforeValidator(_number), Field(ge=0, lt=1)]
Price = Annotated[Decimal, Field(ge=0, decimal_places=2)]
Percent = Annotated[Decimal, Field(ge=0, le=100)]
Id = Annotated[StrictInt, Field(gt=0)]


class LimitSettings(Section):
    """What the portal allows. Source: Bitrix24 reference, limits."""

    burst: Annotated[StrictInt, Field(ge=3)] = 50
    per_second: Seconds = 2.0
    people_share: Share = 0.0
    operating_limit_s: Seconds = 480.0
    in_flight: Annotated[StrictInt, Field(ge=1, le=64)] = 16
    timeout_s: Seconds = 70.0
    quiet_s: Seconds = 60.0


class StageSettings(Section):
    """The portal's codes of the invoice stages; an empty one is found by the portal's list."""

    new: StrictStr = ""
    sent: StrictStr = ""
    paid: StrictStr = ""
    cancelled: StrictStr = ""


class PortalSettings(Section):
    """The Bitrix24 portal. `url` is its address without the webhook's secret."""

    url: WebAddress | None = None
    time_zone: Zone = "Europe/Moscow"
    calendar: Annotated[StrictStr, Field(pattern="^(RU|KZ)$")] = "RU"
    limits: LimitSettings = LimitSettings()
    stages: StageSettings = StageSettings()

    @property
    def zone(self) -> ZoneInfo:
        """The portal's time zone."""
        return ZoneInfo(self.time_zone)


class FieldSettings(Section):
    """A mapped user field: its code, and how `discover` found it (label, type, multiple)."""

    code: Annotated[StrictStr, Field(pattern="^[A-Za-z][A-Za-z0-9_]*$")]
    label: StrictStr = ""
    type: StrictStr = ""
    multiple: StrictBool = False


MappedField = Annotated[FieldSettings, BeforeValidator(_field_code)]


class WordingSettings(Section):
    """How a service is written: `line` before the month on a row, `title` of its own invoice.

    `conserved` stands on a row of conserved units; empty: `line` with «(консервация)».
    """

    line: Text
    title: Text
    conserved: StrictStr = ""


class ServiceSettings(WordingSettings):
    """A further fee service: a field of the card with the fee grammar, and its words (§1)."""

    code: Annotated[StrictStr, Field(pattern="^[a-z][a-z0-9_]*$")]
    field: MappedField


class RateSettings(Section):
    """A VAT rate from a day on; no `percent` means outside VAT from then on (§7)."""

    since: date
    percent: Percent | None = None


class IssuerSettings(Section):
    """One row of the rule table (§4), tried in the order of the file.

    `issuer` is the name of one of the portal's own companies; `own_company` its id, when the name
    is not to be looked for. An empty `vat` is an issuer outside VAT.
    """

    code: Annotated[StrictStr, Field(pattern="^[a-z][a-z0-9_-]*$")]
    issuer: Text
    own_company: Id | None = None
    currency: Currency
    templates: tuple[Text, ...] = ()
    template_ids: tuple[Text, ...] = ()
    title: Text
    wording: dict[str, WordingSettings]
    vat: tuple[RateSettings, ...] = ()

    @model_validator(mode="after")
    def _needs_a_contract_and_words(self) -> Self:
        if not self.templates and not self.template_ids:
            msg = "нужны templates или template_ids: по каким договорам выставлять"
            raise ValueError(msg)
        if "subscription" not in self.wording:
            msg = "нет wording.subscription: как называется абонплата в строке счёта"
            raise ValueError(msg)
        return self


class StatusSettings(Section):
    """Which values of «Статус» are active customers (§9)."""

    active: tuple[Text, ...] = ("Активная компания",)


class HandWordingSettings(WordingSettings):
    """Words on invoices made by others, by which a service is recognised (§3)."""

    service: Text


class BillingSettings(Section):
    """Days and prices of the billing rules (§3, §5, §7)."""

    sending_day: Annotated[StrictInt, Field(ge=1, le=LAST_SENDING_DAY)] = 10
    pay_within_days: Annotated[StrictInt, Field(ge=0, le=365)] = 10
    default_currency: Currency = Currency.RUB
    conservation_prices: dict[Currency, Price] = Field(
        default_factory=lambda: {Currency.RUB: Decimal(100)}
    )
    title_mark: StrictStr = "[Биллинг]"
    hand_wording: tuple[HandWordingSettings, ...] = ()


class SafetySettings(Section):
    """What stops a run before its first write (operations page, «Safety»)."""

    band_percent: Annotated[StrictInt, Field(ge=0, le=1000)] = 20
    max_invoices: Annotated[StrictInt, Field(ge=1)] | None = None
    read_only: StrictBool = False


class TaskSettings(Section):
    """Where tasks go: a workgroup, and the user for companies without a responsible one."""

    workgroup: Id | None = None
    default_responsible: Id | None = None
    calls_workgroup: Id | None = None


class WialonSettings(Section):
    """One Wialon host; its section's name is the value of «Где найти»."""

    url: WebAddress
    base_hosts: tuple[Text, ...] = ()
    page_size: Annotated[StrictInt, Field(ge=SMALLEST_PAGE, le=10_000)] = PAGE_SIZE
    deadline_s: Seconds = DEADLINE_S
    ca_file: StrictStr = ""


class DatabaseSettings(Section):
    """The store without its password; empty is an SQLite file beside the TOML."""

    url: StoreAddress = ""


def _default_rules() -> tuple[IssuerSettings, ...]:
    return tuple(IssuerSettings.model_validate(rule) for rule in default_issuers())


class TomlSettings(Section):
    """The whole file."""

    portal: PortalSettings = PortalSettings()
    fields: dict[FieldName, MappedField] = Field(default_factory=dict)
    services: tuple[ServiceSettings, ...] = ()
    statuses: StatusSettings = StatusSettings()
    issuers: tuple[IssuerSettings, ...] = Field(default_factory=_default_rules)
    billing: BillingSettings = BillingSettings()
    safety: SafetySettings = SafetySettings()
    tasks: TaskSettings = TaskSettings()
    reports: ReportSettings = ReportSettings()
    wialon: dict[Text, WialonSettings] = Field(default_factory=dict)
    database: DatabaseSettings = DatabaseSettings()
    worker: WorkerSettings = WorkerSettings()
    web: WebSettings = WebSettings()
    mail: MailSettings = MailSettings()
    whatsapp: WhatsAppSettings = WhatsAppSettings()
    reminders: ReminderSettings = ReminderSettings()
    documents: DocumentSettings = DocumentSettings()

    @model_validator(mode="after")
    def _codes_are_unique_and_known(self) -> Self:
        _unique([rule.code for rule in self.issuers], "issuers: код повторяется")
        services = [*OWN_SERVICES, *(service.code for service in self.services)]
        _unique(services, "services: код повторяется")
        for rule in self.issuers:
            _known(rule.wording, services, f"issuers.{rule.code}.wording: нет такой услуги")
        looks = [look.issuer for look in self.documents.issuers]
        _unique(looks, "documents.issuers: юрлицо повторяется")
        _known(looks, [rule.code for rule in self.issuers], "documents.issuers: нет такого юрлица")
        spoken = [wording.service for wording in self.billing.hand_wording]
        _known(spoken, services, "billing.hand_wording: нет такой услуги")
        return self


def _unique(codes: list[str], problem: str) -> None:
    repeated = sorted({code for code in codes if codes.count(code) > 1})
    if repeated:
        msg = f"{problem}: {', '.join(repeated)}"
        raise ValueError(msg)


def _known(codes: Iterable[str], known: list[str], problem: str) -> None:
    unknown = sorted(set(codes) - set(known))
    if unknown:
        msg = f"{problem}: {', '.join(unknown)} (есть {', '.join(known)})"
        raise ValueError(msg)
