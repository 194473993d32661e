"""Documents of a billed month: what the portal holds is what is printed, or nothing is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from stavbill.app.documents import open_documents
from stavbill.delivery.whatsapp import marked_name
from stavbill.documents.invoice import LONGEST_ANNEX, InvoiceDocument, Party
from stavbill.operations.documents import InvoiceDocuments, files_of
from stavbill.operations.mail_parts import NoDocument
from stavbill.operations.parts import Parts
from tests.documents.papers import partner, russian, text_of
from tests.end_to_end.driving import Installation, installed
from tests.end_to_end.people import ask, command

COMPANIES = 40


@dataclass(frozen=True, slots=True)
class Desk:
    """A billed month, and what makes its documents."""

    place: Installation
    parts: Parts
    documents: InvoiceDocuments

    def invoices(self) -> list[dict[str, Any]]:
        """Return our invoices as the sandbox holds them."""
        state = self.place.sandbox.portal.state
        return [
            dict(each)
            for each in state.invoices
            if str(each.get("xmlId") or "").startswith("stavbill:")
        ]

    async def document(self, invoice: dict[str, Any]) -> InvoiceDocument:
        found, files = await self.documents.preview(str(invoice["id"]))
        assert isinstance(found, InvoiceDocument), found
        assert files[0].body.startswith(b"%PDF")
        return found

    async def blamed(self, invoice: dict[str, Any]) -> str:
        found, _ = await self.documents.preview(str(invoice["id"]))
        assert isinstance(found, NoDocument)
        return found.seller

    async def reasons(self, invoice: dict[str, Any]) -> str:
        found, files = await self.documents.preview(str(invoice["id"]))
        assert isinstance(found, NoDocument)
        assert files == ()
        return " ".join(found.reasons)

    async def change(self, method: str, params: object) -> None:
        await ask(self.place, method, params)

    async def own_requisite(self, invoice: dict[str, Any]) -> dict[str, Any]:
        asked = {"filter": {"ENTITY_TYPE_ID": 4, "ENTITY_ID": invoice["mycompanyId"]}}
        found = await ask(self.place, "crm.requisite.list", asked)
        requisite: dict[str, Any] = found[0]
        return requisite


@asynccontextmanager
async def desk(directory: Path, companies: int = COMPANIES) -> AsyncIterator[Desk]:
    async with installed(directory, companies=companies) as place:
        await place.run()
        async with open_documents(place.config, place.env) as (parts, documents):
            yield Desk(place, parts, documents)


async def test_every_invoice_of_a_month_can_be_printed(tmp_path: Path) -> None:
    async with desk(tmp_path, companies=120) as office:
        invoices = {each["id"]: each for each in office.invoices()}
        before = office.parts.gateway.requests
        made = {one.portal_id: files async for one, files in office.documents.exported("2026-12")}
        assert set(made) == set(invoices)
        assert office.parts.gateway.requests - before <= 10
        for number, files in made.items():
            assert isinstance(files, tuple), files
            assert f"№ {number} " in text_of(files[0].body)
            assert len(files[0].body) <= 120_000
        assert [one async for one in office.documents.exported("2026-11")] == []


async def test_what_the_portal_holds_is_what_is_printed(tmp_path: Path) -> None:
    async with desk(tmp_path) as office:
        for invoice in office.invoices():
            document = await office.document(invoice)
            assert document.total.amount == invoice["opportunity"]
            assert document.number == str(invoice["accountNumber"])
            assert document.vat == () or document.total.minor > 0
            assert f"№ {document.number} от 10.12.2026" in document.purpose


async def test_rows_that_a_person_changed_are_not_printed_as_ours(tmp_path: Path) -> None:
    async with desk(tmp_path) as office:
        invoice = office.invoices()[0]
        rows = [{"productName": "Другое", "price": 5, "quantity": 1, "taxIncluded": "Y"}]
        owner = {"ownerType": "SI", "ownerId": invoice["id"], "productRows": rows}
        await office.change("crm.item.productrow.set", owner)
        said = await office.reasons(invoice)
        assert "изменён в портале после выставления: сумма 5,00" in said.replace("\u00a0", " ")
        assert "скажите тому, кто ведёт биллинг: он отправит исправленный" in said


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("begindate", "2026-12-01", "дата 01.12.2026 вместо 10.12.2026"),
        ("title", "Аренда зала", "название «Аренда зала» вместо «"),
    ],
)
async def test_a_date_or_title_that_a_person_changed_is_told_of(
    tmp_path: Path, field: str, value: str, said: str
) -> None:
    async with desk(tmp_path) as office:
        invoice = office.invoices()[0]
        fields = {"entityTypeId": 31, "id": invoice["id"], "fields": {field: value}}
        await office.change("crm.item.update", fields)
        assert said in await office.reasons(invoice)


async def test_another_issuer_in_the_portal_is_never_printed(tmp_path: Path) -> None:
    async with desk(tmp_path) as office:
        invoice = office.invoices()[0]
        others = {each["mycompanyId"] for each in office.invoices()} - {invoice["mycompanyId"]}
        fields = {"entityTypeId": 31, "id": invoice["id"], "fields": {"mycompanyId": others.pop()}}
        await office.change("crm.item.update", fields)
        assert "теперь у другого поставщика" in await office.reasons(invoice)


async def test_an_invoice_that_was_deleted_has_no_document(tmp_path: Path) -> None:
    async with desk(tmp_path) as office:
        invoice = office.invoices()[0]
        await office.change("crm.item.delete", {"entityTypeId": 31, "id": invoice["id"]})
        assert "больше нет в портале" in await office.reasons(invoice)


async def test_missing_requisites_hold_the_document_and_say_which(tmp_path: Path) -> None:
    async with desk(tmp_path) as office:
        invoice = office.invoices()[0]
        requisite = await office.own_requisite(invoice)
        banks = await ask(
            office.place,
            "crm.requisite.bankdetail.list",
            {"filter": {"ENTITY_ID": requisite["ID"]}},
        )
        bank = {"id": banks[0]["ID"], "fields": {"RQ_BIK": "", "RQ_BIC": ""}}
        await office.change("crm.requisite.bankdetail.update", bank)
        changed = {"id": requisite["ID"], "fields": {"RQ_INN": "", "RQ_BIN": ""}}
        await office.change("crm.requisite.update", changed)
        said = await office.reasons(invoice)
        assert "нет БИК" in said
        assert "нет ИНН" in said
        # All of it is about the seller; with trouble of the customer's it is that customer's own.
        assert await office.blamed(invoice)
        asked = {"filter": {"ENTITY_TYPE_ID": 4, "ENTITY_ID": invoice["companyId"]}}
        theirs = (await ask(office.place, "crm.requisite.list", asked))[0]
        wrong = {"id": theirs["ID"], "fields": {"RQ_INN": "1", "RQ_BIN": "1"}}
        await office.change("crm.requisite.update", wrong)
        assert "Покупатель" in await office.reasons(invoice)
        assert await office.blamed(invoice) == ""


async def test_requisites_chosen_in_the_portal_are_printed(tmp_path: Path) -> None:
    async with desk(tmp_path) as office:
        invoice = office.invoices()[0]
        own = await office.own_requisite(invoice)
        asked = {"filter": {"ENTITY_TYPE_ID": 4, "ENTITY_ID": invoice["companyId"]}}
        first = (await ask(office.place, "crm.requisite.list", asked))[0]
        fields = {
            "ENTITY_TYPE_ID": 4,
            "ENTITY_ID": invoice["companyId"],
            "PRESET_ID": first["PRESET_ID"],
            "NAME": "Филиал",
            "RQ_COMPANY_NAME": "ООО «Филиал»",
            "RQ_INN": first["RQ_INN"],
        }
        branch = await ask(office.place, "crm.requisite.add", {"fields": fields})
        assert "Филиал" not in (await office.document(invoice)).buyer.name
        link = {
            "ENTITY_TYPE_ID": 31,
            "ENTITY_ID": invoice["id"],
            "REQUISITE_ID": branch,
            "BANK_DETAIL_ID": 0,
            "MC_REQUISITE_ID": own["ID"],
            "MC_BANK_DETAIL_ID": 0,
        }
        await office.change("crm.requisite.link.register", {"fields": link})
        assert (await office.document(invoice)).buyer.name == "ООО «Филиал»"


async def test_a_file_is_called_by_its_number_and_its_customer() -> None:
    (file,) = await files_of(russian(), b"%PDF")
    assert file.name == "Счет № 128, ООО Образец.pdf"
    (_, annex) = await files_of(partner(LONGEST_ANNEX + 1), b"%PDF")
    assert annex.name == "Счет № 128, ООО Образец, приложение.xlsx"


@pytest.mark.parametrize(
    ("number", "buyer"),
    [
        ("2026/128\\" + "Д" * 300, "ООО «Образец»"),
        ("7", "ОБЩЕСТВО С ОГРАНИЧЕННОЙ ОТВЕТСТВЕННОСТЬЮ «" + "Образец " * 60 + "»"),
        ("7", 'ООО "А/Б:В*Г?Д|<Е>"'),
        ("7", "ИП \ud800\r\nПробный П. П."),
        ("AUX", "😀" * 80),
    ],
)
async def test_what_is_no_name_of_a_file_becomes_one(
    tmp_path: Path, number: str, buyer: str
) -> None:
    document = replace(russian(), number=number, buyer=Party(name=buyer))
    (file,) = await files_of(document, b"%PDF")
    marked = marked_name(file.name, "1f0c9a2b7d")
    assert len(marked.encode()) <= 143
    assert not set(marked) & set('\\/:*?"<>|\r\n')
    (tmp_path / marked).write_bytes(file.body)
    assert file.name.startswith(f"Счет № {number[:4]}")
    assert file.name.endswith(".pdf")


async def test_two_invoices_of_one_number_are_two_files(tmp_path: Path) -> None:
    async with desk(tmp_path) as office:
        first, second = office.invoices()[:2]
        for invoice in (first, second):
            state = office.place.sandbox.portal.state
            known = state.invoices.records[int(invoice["id"])]
            state.invoices.put(int(invoice["id"]), known | {"accountNumber": "7-А"})
            wanted = {"filter": {"ENTITY_TYPE_ID": 4, "ENTITY_ID": invoice["companyId"]}}
            for requisite in await ask(office.place, "crm.requisite.list", wanted):
                named = {"RQ_COMPANY_NAME": "ООО «Двойник»"}
                await office.change(
                    "crm.requisite.update", {"id": requisite["ID"], "fields": named}
                )
        folder = tmp_path / "счета"
        told = await command(office.place, "invoice", "export", str(folder), "--json")
        assert told.document["written"] == len(list(folder.iterdir())) == len(office.invoices())
        twins = sorted(file.name for file in folder.glob("Счет № 7-А, *"))
        assert twins == ["Счет № 7-А, ООО Двойник (2).pdf", "Счет № 7-А, ООО Двойник.pdf"]


async def test_the_command_shows_one_and_writes_many(tmp_path: Path) -> None:
    async with desk(tmp_path) as office:
        number = str(office.invoices()[0]["id"])
        file, folder = tmp_path / "one.pdf", tmp_path / "счета"
        told = await command(office.place, "invoice", "preview", number, "--out", str(file))
        assert (told.code, told.err) == (0, "")
        assert file.read_bytes().startswith(b"%PDF")
        told = await command(office.place, "invoice", "export", str(folder), "--json")
        assert told.document["written"] == len(list(folder.iterdir())) == len(office.invoices())
        document = await office.document(office.invoices()[0])
        buyer = document.buyer.name.replace("«", "").replace("»", "")
        assert (folder / f"Счет № {document.number}, {buyer}.pdf").is_file()
        requisite = await office.own_requisite(office.invoices()[0])
        changed = {"id": requisite["ID"], "fields": {"RQ_INN": "", "RQ_BIN": ""}}
        await office.change("crm.requisite.update", changed)
        told = await command(office.place, "invoice", "preview", number)
        assert told.code == 0
        assert "нет ИНН" in told.out
        told = await command(office.place, "invoice", "preview", "999999")
        assert told.code == 2
        assert "среди выставленных нет" in told.err
