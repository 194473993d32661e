"""The world's cards, documents, invoices and calls as an emulated portal."""

from __future__ import annotations

from decimal import Decimal

from stavbill.sandbox.clock import SandboxClock
from stavbill.sandbox.portal import seed as portal_seed
from stavbill.sandbox.portal.limits import Limits
from stavbill.sandbox.portal.portal import Portal
from stavbill.sandbox.portal.seed import Seed
from stavbill.sandbox.portal.switches import Switches
from stavbill.sandbox.portal.wire import Json
from stavbill.sandbox.world.build import World
from stavbill.sandbox.world.model import Bank, Cluster, Company, FieldKind, Requisite, Stage
from stavbill.sandbox.world.setting import CALLS_GROUP, PRESETS, TEMPLATES, WORKGROUPS

STAGES = {
    Stage.NEW: portal_seed.NEW,
    Stage.SENT: portal_seed.SENT,
    Stage.PAID: portal_seed.PAID,
    Stage.CANCELLED: portal_seed.DECLINED,
}
ME = 1


class PortalFurnisher:
    """Takes clusters in, gives a portal out."""

    def __init__(
        self,
        world: World,
        clock: SandboxClock,
        *,
        switches: Switches | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Open a portal with its users, groups, templates, fields and own companies."""
        self.portal = Portal(clock, switches=switches, limits=limits)
        self.portal.add_webhook(ME)
        self._seed = Seed(self.portal.state)
        self._world = world
        for user in world.users:
            self._seed.user(user.first_name, user.last_name, id_=user.id, email=user.email)
        for group in WORKGROUPS:
            self._seed.workgroup(group.name, id_=group.id)
        for template in TEMPLATES:
            self._seed.papers.template(template.name, id_=template.id)
        self._presets()
        self._options: dict[str, dict[str, int]] = {}
        for field in world.fields:
            made = self._seed.define_userfield(
                field.label,
                str(field.kind),
                field.code,
                multiple=field.multiple,
                options=field.options,
            )
            self._options[field.code] = dict(made.options)
        for own in world.own_companies:
            company = self._seed.company(own.title, id_=own.id, own=True)
            self._requisite(company, own.requisite)

    def _presets(self) -> None:
        for preset in PRESETS:
            self.portal.state.presets.put(
                preset.id,
                {
                    "ID": preset.id,
                    "ENTITY_TYPE_ID": 8,
                    "COUNTRY_ID": preset.country_id,
                    "NAME": preset.name,
                    "ACTIVE": "Y",
                    "XML_ID": "",
                    "SORT": 500,
                },
            )

    def add(self, cluster: Cluster) -> None:
        """Put a cluster's companies into the portal, with everything about them."""
        for company in cluster.companies:
            self._company(company)

    def _company(self, company: Company) -> None:
        card = company.card
        values: dict[str, Json] = {}
        for field in self._world.fields:
            if not field.attribute:
                continue
            value = self._value(field.code, field.kind, getattr(card, field.attribute))
            if value not in (None, ""):
                values[field.code] = value
        self._seed.company(
            company.title, values, id_=company.id, responsible=card.responsible or ME
        )
        for requisite in company.requisites:
            self._requisite(company.id, requisite)
        for document in company.documents:
            self._seed.papers.document(
                company.id,
                document.title,
                document.number,
                template=document.template_id,
                created=document.created_at,
            )
        self._invoices(company)
        for call in company.calls:
            self._seed.task(
                f"Задача на прозвон: {company.title}",
                responsible=card.responsible or ME,
                company=company.id,
                group=CALLS_GROUP,
                deadline=call.deadline,
                items=call.items,
            )

    def _value(self, code: str, kind: FieldKind, value: object) -> Json:
        """Return a card's value as a client would write it into a field of this kind."""
        if isinstance(value, tuple):
            return [self._options[code][text] for text in value]
        if value is None:
            return None
        if isinstance(value, bool):
            if kind is FieldKind.ENUMERATION:
                return self._options[code]["да" if value else "нет"]
            return "Y" if value else "N"
        if kind is FieldKind.ENUMERATION:
            return self._options[code][str(value)]
        return str(value)

    def _invoices(self, company: Company) -> None:
        for invoice in company.invoices:
            self._seed.invoice(
                company.id,
                invoice.title,
                [
                    portal_seed.Row(row.name, Decimal(row.price) / 100, Decimal(row.quantity))
                    for row in invoice.rows
                ],
                mycompany=invoice.issuer_id,
                stage=STAGES[invoice.stage],
                begindate=invoice.begin,
                closedate=invoice.pay_by,
                currency=invoice.currency,
                created=invoice.created_at,
                id_=invoice.id,
            )

    def _requisite(self, company: int, given: Requisite) -> None:
        last, first, second = given.person
        fields = {
            "RQ_COMPANY_NAME": given.name if not last else "",
            "RQ_COMPANY_FULL_NAME": given.full_name,
            "RQ_INN": given.inn,
            "RQ_KPP": given.kpp,
            "RQ_OGRN": given.ogrn,
            "RQ_BIN": given.bin,
            "RQ_IIN": given.iin,
            "RQ_LAST_NAME": last,
            "RQ_FIRST_NAME": first,
            "RQ_SECOND_NAME": second,
        }
        filled = {name: text for name, text in fields.items() if text}
        made = self._seed.papers.requisite(company, given.name, filled, preset=given.preset_id)
        if given.address:
            self._seed.papers.address(made, {"ADDRESS_1": given.address})
        if given.bank is not None:
            self._bank(made, given.bank)

    def _bank(self, requisite: int, bank: Bank) -> None:
        fields = {
            "RQ_BANK_NAME": bank.name,
            "RQ_ACC_CURRENCY": bank.currency,
        }
        if bank.currency == "RUB":
            fields |= {"RQ_BIK": bank.bic, "RQ_ACC_NUM": bank.account}
            fields |= {"RQ_COR_ACC_NUM": bank.correspondent}
        else:
            fields |= {"RQ_BIC": bank.bic, "RQ_IIK": bank.account}
        self._seed.papers.bank_detail(requisite, bank.name, fields)
