"""A company row into a card: every field of §1, translated but not judged.

Source: billing rules §1.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from stavbill.billing.facts import CompanyCard, CompanyId, SeparateInvoices, ServiceCode, VatWish
from stavbill.billing.period import SendingDay
from stavbill.bitrix import translate
from stavbill.bitrix.batch import Json
from stavbill.bitrix.mapping import PortalMapping, UserField
from stavbill.bitrix.recipients import recipients
from stavbill.bitrix.translate import Reading
from stavbill.bitrix.write.values import id_at, text_at
from stavbill.plan.effects import UserId
from stavbill.plan.records import CompanyRecord

YES_NO = "да или нет"
WHOLE = "целое число"


class CardReader:
    """Translates rows of one portal: its mapping and its field descriptions."""

    def __init__(self, mapping: PortalMapping, known: Mapping[str, UserField]) -> None:
        """Read by `mapping`; `known` are the portal's user fields by code."""
        self._fields = {
            name: known[mapped.code]
            for name, mapped in mapping.fields.items()
            if mapped.code in known
        }
        self._services = {
            code: known[mapped.code]
            for code, mapped in mapping.services.items()
            if mapped.code in known
        }
        self._words = tuple(mapping.service_words.items())

    @property
    def codes(self) -> tuple[str, ...]:
        """The user fields that have to be selected."""
        fields = (*self._fields.values(), *self._services.values())
        return tuple(dict.fromkeys(field.code for field in fields))

    def record(self, row: dict[str, Json]) -> CompanyRecord:
        """Return a company's record; what is not understood stands among the card's problems."""
        company = CompanyId(id_at(row, "ID") or 0)
        reading = Reading(row)
        responsible = self._responsible(reading, row)
        billed_through = reading.read(
            "billed_through", self._fields.get("billed_through"), "дата", translate.day
        )
        card = self._card(company, reading)
        return CompanyRecord(
            company=company,
            title=text_at(row, "TITLE"),
            responsible=responsible,
            card=card,
            billed_through=billed_through,
            has_billed_through_field="billed_through" in self._fields,
        )

    def _card(self, company: CompanyId, reading: Reading) -> CompanyCard:
        known = self._fields.get
        account = self._text(reading, "account")
        expected = "день месяца от 1 до 31 или дата"
        wished = reading.read("sending_day", known("sending_day"), expected, _wished_day)
        emails = reading.texts("emails", known("emails"))
        phones = reading.texts("phones", known("phones"))
        return CompanyCard(
            company=company,
            status=self._text(reading, "status") or None,
            skip=self._flag(reading, "skip"),
            ignore_count=self._flag(reading, "ignore_count"),
            partner=self._flag(reading, "partner"),
            previous_month=self._flag(reading, "previous_month"),
            months=reading.read("months", known("months"), WHOLE, translate.months),
            sending_day=wished[0] if wished else None,
            vat=self._vat(reading),
            separate=self._separate(reading),
            contract_number=self._text(reading, "contract_number") or None,
            connection=self._text(reading, "connection") or None,
            account=translate.account_name(account),
            card_count=reading.read("card_count", known("card_count"), WHOLE, translate.count),
            conservation_price=reading.read(
                "conservation_price", known("conservation_price"), "цена", translate.price
            ),
            fees=self._fees(reading),
            recipients=recipients(emails, phones),
            problems=tuple(reading.problems),
        )

    def _text(self, reading: Reading, name: str) -> str:
        known = self._fields.get(name)
        return reading.read(name, known, "значение из списка поля", str) or ""

    def _flag(self, reading: Reading, name: str) -> bool:
        return reading.read(name, self._fields.get(name), YES_NO, translate.boolean) or False

    def _vat(self, reading: Reading) -> VatWish | Decimal:
        known = self._fields.get("vat")
        parse = translate.vat_flag if known and known.kind == "boolean" else translate.vat
        wished = reading.read("vat", known, "да, нет или ставка", lambda text: (parse(text),))
        # A rate of 0 is a rate: only what is not there is empty (§11).
        return wished[0] if wished else VatWish.EMPTY

    def _separate(self, reading: Reading) -> SeparateInvoices:
        known = self._fields.get("separate")
        texts = reading.texts("separate", known)

        def parse(_: str) -> SeparateInvoices:
            return translate.separate(texts, self._words)

        expected = "да, нет или названия услуг"
        return reading.read("separate", known, expected, parse) or SeparateInvoices()

    def _fees(self, reading: Reading) -> dict[ServiceCode, str]:
        fees = {
            ServiceCode(name): self._raw(reading, name, self._fields.get(name))
            for name in ("subscription", "fuel", "dispatching")
        }
        for code, field in self._services.items():
            fees[code] = self._raw(reading, str(code), field)
        return fees

    def _raw(self, reading: Reading, name: str, field: UserField | None) -> str:
        """Return a tariff text as typed: its grammar is the core's business."""
        return reading.read(name, field, "тариф, например 1*350", str) or ""

    def _responsible(self, reading: Reading, row: dict[str, Json]) -> UserId | None:
        known = self._fields.get("responsible")
        mapped = reading.read("responsible", known, "сотрудник", translate.whole_number)
        fallback = id_at(row, "ASSIGNED_BY_ID")
        found = mapped or fallback
        return UserId(found) if found and found > 0 else None


def _wished_day(text: str) -> tuple[SendingDay, ...]:
    day = translate.sending_day(text)
    return () if day is None else (day,)
