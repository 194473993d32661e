"""The world's companies, contracts, invoices and people as a Bitrix24 portal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

from stavbill.sandbox.clock import SandboxClock
from stavbill.sandbox.portal import seed as portal_seed
from stavbill.sandbox.portal.limits import Limits
from stavbill.sandbox.portal.portal import Portal
from stavbill.sandbox.portal.seed import Seed
from stavbill.sandbox.portal.switches import Switches
from stavbill.sandbox.portal.wire import Json
from stavbill.sandbox.world import setting
from stavbill.sandbox.world.build import World
from stavbill.sandbox.world.model import (
    Card,
    Cluster,
    Company,
    FieldKind,
    Invoice,
    Requisite,
    Stage,
    UserField,
)

STAGES = {
    Stage.NEW: portal_seed.NEW,
    Stage.SENT: portal_seed.SENT,
    Stage.PAID: portal_seed.PAID,
    Stage.CANCELLED: portal_seed.DECLINED,
}
REQUISITE_FIELDS = {
    "RQ_INN": "inn",
    "RQ_KPP": "kpp",
    "RQ_BIN": "bin",
    "RQ_IIN": "iin",
    "RQ_KBE": "kbe",
    "RQ_COMPANY_FULL_NAME": "full_name",
}
CALL_TITLE = "Задача на прозвон: {}"
LEGAL_ADDRESS = 6
OPENED = datetime(2020, 9, 1, 9, tzinfo=UTC)
"""When the portal's companies were made."""


ME = 1
"""The user whose rights the webhook has."""


class PortalFurnisher:
    """Takes clusters in, through the portal's own seeding, and gives a portal out."""

    def __init__(
        self,
        world: World,
        clock: SandboxClock,
        *,
        switches: Switches | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Open a portal with its people, groups, templates, own companies and card fields."""
        self.portal = Portal(clock, switches=switches, limits=limits)
        self.portal.add_webhook(ME)
        self.seed = Seed(self.portal.state)
        self._people(world)
        self._presets()
        for template in setting.TEMPLATES:
            self.seed.papers.template(template.name, id_=template.id)
        self._fields: list[tuple[UserField, Mapping[str, int]]] = []
        for field in world.fields:
            made = self.seed.define_userfield(
                field.label,
                field.kind.value,
                field.code.removeprefix("UF_CRM_"),
                multiple=field.multiple,
                options=field.options,
            )
            self._fields.append((field, made.options))
        for own in world.own_companies:
            self.seed.company(own.title, id_=own.id, own=True, created=OPENED)
            self._requisite(own.id, own.requisite)

    def _people(self, world: World) -> None:
        users = self.seed.state.users
        for user in world.users:
            self.seed.user(user.first_name, user.last_name, id_=user.id, email=user.email)
            known = users.get(user.id) or {}
            users.put(user.id, known | {"WORK_POSITION": user.position, "ACTIVE": user.active})
        for group in setting.WORKGROUPS:
            self.seed.workgroup(group.name, id_=group.id)

    def _presets(self) -> None:
        """Give every preset of the world its place among the portal's own."""
        presets = self.seed.state.presets
        for preset in setting.PRESETS:
            known = presets.get(preset.id) or presets.get(setting.COMPANY_PRESET) or {}
            presets.put(
                preset.id,
                known
                | {
                    "ID": preset.id,
                    "NAME": preset.name,
                    "COUNTRY_ID": preset.country_id,
                    "XML_ID": f"#CRM_REQUISITE_PRESET_DEF_{preset.id}#",
                },
            )

    def add(self, cluster: Cluster) -> None:
        """Put a cluster's companies into the portal, with all that hangs on them."""
        for company in cluster.companies:
            self._company(company)

    def _company(self, company: Company) -> None:
        card = company.card
        self.seed.company(
            company.title,
            self._card(card),
            id_=company.id,
            responsible=card.responsible or ME,
            created=OPENED,
        )
        for requisite in company.requisites:
            self._requisite(company.id, requisite)
        for document in company.documents:
            self.seed.papers.document(
                company.id,
                document.title,
                document.number,
                template=document.template_id,
                created=document.created_at,
            )
        for invoice in company.invoices:
            self._invoice(company, invoice)
        for call in company.calls:
            self.seed.task(
                CALL_TITLE.format(company.title),
                responsible=card.responsible or ME,
                company=company.id,
                group=setting.CALLS_GROUP,
                deadline=call.deadline,
                items=call.items,
            )

    def _card(self, card: Card) -> dict[str, Json]:
        """Return the user fields as a client would write them; empty ones are left out."""
        written: dict[str, Json] = {}
        for field, options in self._fields:
            if not field.attribute:
                continue
            value = written_value(field, options, getattr(card, field.attribute))
            if value is not None:
                written[field.code] = value
        return written

    def _requisite(self, company_id: int, given: Requisite) -> None:
        last, first, second = given.person
        fields = {name: getattr(given, attribute) for name, attribute in REQUISITE_FIELDS.items()}
        is_sole = given.preset_id == setting.ENTREPRENEUR_PRESET
        fields |= {
            "RQ_COMPANY_NAME": given.full_name and given.name,
            "RQ_OGRNIP" if is_sole else "RQ_OGRN": given.ogrn,
            "RQ_LAST_NAME": last,
            "RQ_FIRST_NAME": first,
            "RQ_SECOND_NAME": second,
            "RQ_NAME": " ".join(part for part in given.person if part),
        }
        filled = {name: value for name, value in fields.items() if value}
        papers = self.seed.papers
        requisite = papers.requisite(company_id, given.name, filled, preset=given.preset_id)
        if given.address:
            papers.address(requisite, {"ADDRESS_1": given.address}, type_id=LEGAL_ADDRESS)
        if given.bank is None:
            return
        bank, kazakh = given.bank, given.bank.currency == "KZT"
        details = {
            "RQ_BANK_NAME": bank.name,
            "RQ_BIC" if kazakh else "RQ_BIK": bank.bic,
            "RQ_IIK" if kazakh else "RQ_ACC_NUM": bank.account,
            "RQ_COR_ACC_NUM": bank.correspondent,
            "RQ_ACC_CURRENCY": bank.currency,
            "COUNTRY_ID": "6" if kazakh else "1",
        }
        papers.bank_detail(
            requisite, bank.name, {name: value for name, value in details.items() if value}
        )

    def _invoice(self, company: Company, given: Invoice) -> None:
        self.seed.invoice(
            company.id,
            given.title,
            [
                portal_seed.Row(row.name, Decimal(row.price) / 100, Decimal(row.quantity))
                for row in given.rows
            ],
            mycompany=given.issuer_id,
            stage=STAGES[given.stage],
            begindate=given.begin,
            closedate=given.pay_by,
            currency=given.currency,
            responsible=company.card.responsible or ME,
            created=given.created_at,
            id_=given.id,
        )


def written_value(field: UserField, options: Mapping[str, int], value: object) -> Json:
    """Return a card's value as a client writes it into a field of this type; None for nothing."""
    if value is None or value in {"", ()}:
        return None
    match field.kind:
        case FieldKind.ENUMERATION if isinstance(value, tuple):
            return [options[text] for text in value]
        case FieldKind.ENUMERATION:
            text = value if isinstance(value, str) else "да" if value else "нет"
            return options[text]
        case FieldKind.BOOLEAN:
            return "Y" if value else "N"
        case FieldKind.INTEGER | FieldKind.DOUBLE | FieldKind.EMPLOYEE:
            return value
        case _:
            return str(value)
