"""What an invoice's document shows, as the portal holds it now: rows, requisites, addresses.

Source: Bitrix24 reference 5.5 to 5.8 (requisites, bank details, links, addresses), 6.5 (rows).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import chain

from stavbill.bitrix.batch import Command, Json, Param
from stavbill.bitrix.gateway import Gateway
from stavbill.bitrix.read.banks import SELECT as BANK_SELECT
from stavbill.bitrix.read.banks import bank_detail
from stavbill.bitrix.read.records import COMPANY_TYPE, moment
from stavbill.bitrix.read.shape import natural_presets
from stavbill.bitrix.write.invoice_list import INVOICE_TYPE
from stavbill.bitrix.write.rows import list_rows
from stavbill.bitrix.write.steps import ask, chunks
from stavbill.bitrix.write.values import date_at, decimal_at, id_at, rows_at, text_at
from stavbill.plan.records import BankDetail

PAGE = 50
# Companies and requisites of one command: with several papers each, seldom more than a page.
SEVERAL = 20
REQUISITE_TYPE = 8
# Registered addresses before actual ones: legal, registered, physical.
ADDRESS_TYPES = ("6", "4", "1")
INVOICE_SELECT = (
    "id", "title", "xmlId", "companyId", "mycompanyId", "stageId", "currencyId", "opportunity",
    "accountNumber", "begindate", "closedate", "updatedTime",
)  # fmt: skip
REQUISITE_SELECT = (
    "ID", "ENTITY_ID", "PRESET_ID", "RQ_INN", "RQ_KPP", "RQ_OGRN", "RQ_OGRNIP", "RQ_BIN", "RQ_IIN",
    "RQ_KBE", "RQ_NAME", "RQ_COMPANY_NAME", "RQ_COMPANY_FULL_NAME", "RQ_LAST_NAME",
    "RQ_FIRST_NAME", "RQ_SECOND_NAME", "RQ_DIRECTOR", "RQ_CEO_NAME", "RQ_ACCOUNTANT",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperRow:
    """A product row: `price` of one piece after discount and with tax, in rubles."""

    name: str
    quantity: Decimal
    price: Decimal
    unit: str
    vat_percent: Decimal | None


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which papers somebody chose for an invoice; 0 where nothing was chosen."""

    requisite: int = 0
    own_requisite: int = 0
    own_bank: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperInvoice:
    """An invoice without its rows. `total` is in rubles; `number` is the one people know."""

    invoice: int
    company: int
    own_company: int
    external_id: str
    number: str
    title: str
    currency: str
    total: Decimal
    begins: date | None
    ends: date | None
    updated: datetime | None
    chosen: Chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperRequisite:
    """A requisite as it is printed; texts are "" where nothing is filled in.

    A requisite may bear both `inn` and `bin_or_iin`: which one is printed is the invoice's affair.
    `registration` is an OGRN or OGRNIP.
    """

    requisite: int
    company: int
    preset: str
    name: str
    inn: str
    bin_or_iin: str
    kpp: str
    registration: str
    beneficiary_code: str
    director: str
    accountant: str
    address: str = ""

    @property
    def has_number(self) -> bool:
        """Say whether there is a tax number of any country."""
        return bool(self.inn or self.bin_or_iin)


async def read_invoices(gateway: Gateway, invoices: Collection[int]) -> dict[int, PaperInvoice]:
    """Return invoices without their rows, by id; one that is gone is absent.

    A request for 1,250 of them. Raises `PortalError` when the portal cannot be asked.
    """
    wanted: dict[str, Command] = {}
    for place, group in enumerate(chunks(sorted(set(invoices)), PAGE)):
        wanted[f"h{place}"] = _list(
            "crm.item.list",
            {"@id": list(group)},
            INVOICE_SELECT,
            order={"id": "ASC"},
            entityTypeId=INVOICE_TYPE,
        )
        wanted[f"l{place}"] = _list(
            "crm.requisite.link.list",
            {"ENTITY_TYPE_ID": INVOICE_TYPE, "@ENTITY_ID": list(group)},
            ("ENTITY_ID", "REQUISITE_ID", "MC_REQUISITE_ID", "MC_BANK_DETAIL_ID"),
        )
    found: dict[int, PaperInvoice] = {}
    answers = await ask(gateway, wanted)
    links: dict[int, Chosen] = {}
    for key, answer in answers.items():
        if key.startswith("l"):
            links |= _links(answer.value)
    for key, answer in answers.items():
        for row in rows_at(answer.value, "items") if key.startswith("h") else ():
            invoice = id_at(row, "id")
            if invoice is not None:
                found[invoice] = _invoice(row, invoice, links.get(invoice, Chosen()))
    return found


async def read_rows(gateway: Gateway, invoices: Collection[int]) -> dict[int, tuple[PaperRow, ...]]:
    """Return all rows of invoices, 50 invoices a request."""
    rows: dict[int, list[dict[str, Json]]] = {invoice: [] for invoice in invoices}
    waiting = sorted(rows)
    while waiting:
        asked = {f"r{invoice}": list_rows(invoice, len(rows[invoice])) for invoice in waiting}
        answers = await ask(gateway, asked)
        pages = {one: list(rows_at(answers[f"r{one}"].value, "productRows")) for one in waiting}
        for invoice, page in pages.items():
            rows[invoice] += page
        waiting = [invoice for invoice, page in pages.items() if len(page) == PAGE]
    return {invoice: tuple(map(_row, page)) for invoice, page in rows.items()}


async def read_requisites(
    gateway: Gateway, companies: Collection[int]
) -> dict[int, tuple[PaperRequisite, ...]]:
    """Return the requisites of companies with their addresses, the oldest first.

    Raises `PortalError` when the portal cannot be asked.
    """
    groups = chunks(sorted(set(companies)), SEVERAL)
    listed = await _all_rows(
        gateway,
        [
            _list(
                "crm.requisite.list",
                {"ENTITY_TYPE_ID": COMPANY_TYPE, "@ENTITY_ID": list(group)},
                REQUISITE_SELECT,
                order={"ID": "ASC"},
            )
            for group in groups
        ],
    )
    read = [one for row in listed if (one := _requisite(row)) is not None]
    addresses = await _addresses(gateway, [one.requisite for one in read])
    found: dict[int, tuple[PaperRequisite, ...]] = {int(company): () for company in companies}
    for one in sorted(read, key=lambda one: one.requisite):
        full = replace(one, address=addresses.get(one.requisite, ""))
        found[one.company] = (*found.get(one.company, ()), full)
    return found


async def read_banks(
    gateway: Gateway, requisites: Collection[int]
) -> dict[int, tuple[BankDetail, ...]]:
    """Return the bank accounts of requisites, the oldest first."""
    groups = chunks(sorted(set(requisites)), SEVERAL)
    listed = await _all_rows(
        gateway,
        [
            _list(
                "crm.requisite.bankdetail.list",
                {"@ENTITY_ID": list(group)},
                BANK_SELECT,
                order={"ID": "ASC"},
            )
            for group in groups
        ],
    )
    found: dict[int, tuple[BankDetail, ...]] = {}
    for row in listed:
        detail = bank_detail(row)
        if detail is not None:
            found[detail.requisite] = (*found.get(detail.requisite, ()), detail)
    return found


async def read_natural_presets(gateway: Gateway) -> frozenset[str]:
    """Return the presets of natural persons' requisites, by which no tax number is asked for."""
    asked = Command("crm.requisite.preset.list", {"select": ["ID", "NAME"], "order": {"ID": "ASC"}})
    return natural_presets(list[Json](await _all_rows(gateway, [asked])))


async def _addresses(gateway: Gateway, requisites: Sequence[int]) -> dict[int, str]:
    """Return one address of each requisite, the registered one where there is any."""
    listed = await _all_rows(
        gateway,
        [
            _list(
                "crm.address.list",
                {"ENTITY_TYPE_ID": REQUISITE_TYPE, "@ENTITY_ID": list(group)},
                ("TYPE_ID", "ENTITY_ID", "POSTAL_CODE", "COUNTRY", "REGION", "PROVINCE", "CITY",
                 "ADDRESS_1", "ADDRESS_2"),
                order={"ENTITY_ID": "ASC", "TYPE_ID": "ASC"},
            )
            for group in chunks(sorted(set(requisites)), SEVERAL)
        ],
    )  # fmt: skip
    found: dict[int, tuple[int, str]] = {}
    for row in listed:
        requisite, kind = id_at(row, "ENTITY_ID"), text_at(row, "TYPE_ID")
        text = _address(row)
        if requisite is None or not text:
            continue
        rank = ADDRESS_TYPES.index(kind) if kind in ADDRESS_TYPES else len(ADDRESS_TYPES)
        if requisite not in found or rank < found[requisite][0]:
            found[requisite] = rank, text
    return {requisite: text for requisite, (_, text) in found.items()}


def _address(row: dict[str, Json]) -> str:
    names = ("POSTAL_CODE", "REGION", "PROVINCE", "CITY", "ADDRESS_1", "ADDRESS_2")
    parts = [text for name in names if (text := text_at(row, name).strip())]
    return ", ".join(dict.fromkeys(parts))


# ------------------------------------------------------------------------------------- lists
def _list(
    method: str,
    wanted: Mapping[str, Param],
    select: Sequence[str],
    *,
    order: Mapping[str, Param] | None = None,
    **words: Param,
) -> Command:
    params: dict[str, Param] = {**words, "filter": dict(wanted), "select": list(select)}
    if order:
        params["order"] = dict(order)
    return Command(method, params)


async def _all_rows(gateway: Gateway, lists: Sequence[Command]) -> list[dict[str, Json]]:
    """Return the rows of lists; one that fills its page is asked for the next ones."""
    found: dict[int, list[dict[str, Json]]] = {place: [] for place in range(len(lists))}
    waiting = dict(enumerate(lists))
    while waiting:
        asked = {
            f"l{place}": Command(one.method, {**one.params, "start": len(found[place])})
            for place, one in waiting.items()
        }
        answers = await ask(gateway, asked)
        for place in list(waiting):
            page = list(rows_at(answers[f"l{place}"].value))
            found[place] += page
            if len(page) < PAGE:
                del waiting[place]
    return list(chain.from_iterable(found.values()))


# ------------------------------------------------------------------------------------ records
def _links(value: Json) -> dict[int, Chosen]:
    found: dict[int, Chosen] = {}
    for row in rows_at(value):
        invoice = id_at(row, "ENTITY_ID")
        if invoice is not None:
            found[invoice] = Chosen(
                id_at(row, "REQUISITE_ID") or 0,
                id_at(row, "MC_REQUISITE_ID") or 0,
                id_at(row, "MC_BANK_DETAIL_ID") or 0,
            )
    return found


def _invoice(row: dict[str, Json], invoice: int, chosen: Chosen) -> PaperInvoice:
    updated = text_at(row, "updatedTime")
    return PaperInvoice(
        invoice=invoice,
        company=id_at(row, "companyId") or 0,
        own_company=id_at(row, "mycompanyId") or 0,
        external_id=text_at(row, "xmlId").strip(),
        number=text_at(row, "accountNumber").strip(),
        title=text_at(row, "title").strip(),
        currency=text_at(row, "currencyId"),
        total=decimal_at(row, "opportunity") or Decimal(0),
        begins=date_at(row, "begindate"),
        ends=date_at(row, "closedate"),
        updated=moment(updated) if updated else None,
        chosen=chosen,
    )


def _row(row: dict[str, Json]) -> PaperRow:
    return PaperRow(
        name=text_at(row, "productName").strip(),
        quantity=decimal_at(row, "quantity") or Decimal(0),
        price=decimal_at(row, "price") or Decimal(0),
        unit=text_at(row, "measureName").strip(),
        vat_percent=decimal_at(row, "taxRate"),
    )


def _requisite(row: dict[str, Json]) -> PaperRequisite | None:
    requisite, company = id_at(row, "ID"), id_at(row, "ENTITY_ID")
    if requisite is None or company is None:
        return None

    def first(*names: str) -> str:
        return next((text for name in names if (text := text_at(row, name).strip())), "")

    parts = ("RQ_LAST_NAME", "RQ_FIRST_NAME", "RQ_SECOND_NAME")
    person = " ".join(text for part in parts if (text := text_at(row, part).strip()))
    return PaperRequisite(
        requisite=requisite,
        company=company,
        preset=text_at(row, "PRESET_ID"),
        name=first("RQ_COMPANY_NAME", "RQ_COMPANY_FULL_NAME") or person or first("RQ_NAME"),
        inn=first("RQ_INN"),
        bin_or_iin=first("RQ_BIN", "RQ_IIN"),
        kpp=first("RQ_KPP"),
        registration=first("RQ_OGRN", "RQ_OGRNIP"),
        beneficiary_code=first("RQ_KBE"),
        director=first("RQ_DIRECTOR", "RQ_CEO_NAME"),
        accountant=first("RQ_ACCOUNTANT"),
    )
