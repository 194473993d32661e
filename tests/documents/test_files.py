"""Files as a reader, a decoder and a spreadsheet see them; and what templates may not do."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from openpyxl import load_workbook

from stavbill.documents.annex import annex_file
from stavbill.documents.invoice import InvoiceDocument
from stavbill.documents.page import Pages
from stavbill.documents.render import Renderer, check_layout
from stavbill.documents.style import Style
from stavbill.errors import ConfigError
from tests.conftest import Golden
from tests.documents.papers import (
    code_of,
    has_readable_code,
    kazakh,
    line,
    lines_of,
    long,
    page_count,
    partner,
    russian,
    text_of,
)
from tests.documents.test_words import read

EVIL = '<script>alert(1)</script><img src="file:///etc/passwd"> & «ООО "Кавычки"»'


@cache
def ours() -> Renderer:
    return Renderer(Style())


def rendered(*documents: InvoiceDocument, style: Style | None = None) -> list[bytes]:
    renderer = ours() if style is None else Renderer(style)
    return [renderer.pdf(document) for document in documents]


def test_every_form_reads_as_approved(golden: Golden) -> None:
    forms = {"russian": russian(), "kazakh": kazakh(), "partner": partner(3)}
    for name, pdf in zip(forms, rendered(*forms.values()), strict=True):
        assert lines_of(pdf) == golden(f"invoice-{name}.txt")


LONG_NAMES = replace(
    russian(),
    seller=replace(
        russian().seller,
        name="Общество с ограниченной ответственностью «Научно-производственное объединение по "
        "внедрению систем спутникового мониторинга транспорта и контроля расхода топлива»",
    ),
    bank=replace(russian().bank, name="ФИЛИАЛ «ПРИМЕРСКИЙ» АКЦИОНЕРНОГО ОБЩЕСТВА «БАНК»"),
)


@pytest.mark.parametrize("dpi", [96, 150, 300])
@pytest.mark.parametrize(
    "document", [pytest.param(russian(), id="usual"), pytest.param(LONG_NAMES, id="long names")]
)
def test_the_printed_code_is_read_back_from_screen_and_paper(
    tmp_path: Path, document: InvoiceDocument, dpi: int
) -> None:
    (pdf,) = rendered(document)
    bank, seller = document.bank, document.seller
    assert read(code_of(pdf, tmp_path, dpi).encode()) == {
        "Name": seller.name[:160],
        "PersonalAcc": bank.account,
        "BankName": bank.name[:45],
        "BIC": bank.bic,
        "CorrespAcc": bank.correspondent,
        "Sum": "1080000",
        "Purpose": document.purpose,
        "PayeeINN": seller.tax_number,
        "KPP": seller.kpp,
    }


@pytest.mark.parametrize("document", [russian(), LONG_NAMES], ids=["usual", "long names"])
def test_what_is_printed_to_be_copied_is_what_the_code_bears(
    tmp_path: Path, document: InvoiceDocument
) -> None:
    (pdf,) = rendered(document)
    borne = read(code_of(pdf, tmp_path, 150).encode())["Purpose"]
    assert borne in " ".join(text_of(pdf).split())


def test_without_rubles_to_pay_there_is_no_code(tmp_path: Path) -> None:
    nothing = replace(russian(), lines=(line("Подписка", 3, 0),))
    for pdf in rendered(kazakh(), nothing):
        assert not has_readable_code(pdf, tmp_path)


def test_a_long_invoice_numbers_its_pages() -> None:
    (pdf,) = rendered(long(60))
    text = text_of(pdf)
    assert page_count(pdf) == 3
    assert "Стр. 1 из 3" in text
    assert "Стр. 3 из 3" in text
    assert "Услуга номер 60" in text


def test_an_annex_over_two_hundred_rows_is_a_file_of_its_own() -> None:
    short, apart = rendered(partner(200), partner(201))
    assert "partner-200" in text_of(short)
    assert "partner-200" not in text_of(apart)
    assert "отдельным файлом: учетных записей 201" in text_of(apart)
    sheet = load_workbook(io.BytesIO(annex_file(partner(201)))).active
    assert sheet is not None
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[3] == (1, "partner-1", 1, 1)
    assert rows[-1][1:] == ("Всего", sum(n % 7 for n in range(202)), sum(n % 3 for n in range(202)))


def test_a_formula_in_an_annex_is_text() -> None:
    document = partner(201)
    first = replace(document.annex[0], account='=HYPERLINK("http://example")')
    document = replace(document, annex=(first, *document.annex[1:]))
    sheet = load_workbook(io.BytesIO(annex_file(document))).active
    assert sheet is not None
    cell = sheet["B4"]
    assert (cell.value, cell.data_type) == ('=HYPERLINK("http://example")', "s")


def test_a_name_too_long_for_a_cell_is_cut_and_not_left_out() -> None:
    document = partner(201)
    first = replace(document.annex[0], account="а" * 40_000)
    sheet = load_workbook(io.BytesIO(annex_file(replace(document, annex=(first,))))).active
    assert sheet is not None
    assert sheet["B4"].value == "а" * 32_767


def test_an_annex_has_the_same_bytes() -> None:
    assert annex_file(partner(201)) == annex_file(partner(201))


def test_a_russian_buyer_of_a_kazakh_company_has_an_inn() -> None:
    (pdf,) = rendered(replace(kazakh(), buyer=russian().buyer))
    assert f"ИНН {russian().buyer.tax_number}" in text_of(pdf)
    assert f"БИН/ИИН {kazakh().seller.tax_number}" in text_of(pdf)


def test_names_are_text_whatever_they_look_like() -> None:
    evil = replace(russian().buyer, name=EVIL)
    lines = (replace(russian().lines[0], name=EVIL),)
    (pdf,) = rendered(replace(russian(), buyer=evil, lines=lines, title=EVIL))
    assert text_of(pdf).count("<script>alert(1)</script>") >= 2
    assert "root:" not in text_of(pdf)


def test_very_long_names_stay_on_the_page() -> None:
    name = "ООО «" + "Оченьдлинноеназваниебезпробелов" * 8 + "»"
    (pdf,) = rendered(replace(russian(), buyer=replace(russian().buyer, name=name)))
    assert name.replace(" ", "") in text_of(pdf).replace(" ", "")
    assert page_count(pdf) == 1


def test_a_customers_own_template_stands_over_ours(tmp_path: Path) -> None:
    (tmp_path / "party.html").write_text("Сторона: {{ party.name }}", encoding="utf-8")
    (pdf,) = rendered(russian(), style=Style(tmp_path))
    assert "Сторона: ООО «Образец»" in text_of(pdf)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{{ party.name }}\n{% if %}", "party.html, строка 2"),
        ("{{ party.nobody }}", "party.html, строка 1"),
        ("\n\n{{ 1 / 0 }}", "party.html, строка 3"),
        ("{{ party.__class__.__mro__ }}", "party.html, строка 1"),
        ('{% include "party.html" %}', "Шаблон счёта party.html"),
    ],
)
def test_a_template_with_an_error_is_found_before_it_is_needed(
    tmp_path: Path, text: str, place: str
) -> None:
    (tmp_path / "party.html").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=place):
        Pages(Style(tmp_path)).check()


def test_an_included_template_that_is_no_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "party.html").write_bytes("Сторона {{ party.name }}".encode("cp1251"))
    with pytest.raises(ConfigError, match=r"party\.html.*UTF-8"):
        Pages(Style(tmp_path)).check()


@pytest.mark.parametrize(
    ("text", "lacking"),
    [
        ("", "нет номера счёта, суммы, счёта в банке"),
        ("{{ invoice.number }} {{ invoice.total|figure }}", "нет счёта в банке"),
        ("{{ invoice.number }} {{ invoice.bank.account }}", "нет суммы"),
    ],
)
def test_a_page_that_nobody_could_pay_by_is_refused(
    tmp_path: Path, text: str, lacking: str
) -> None:
    (tmp_path / "invoice.html").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=lacking):
        Pages(Style(tmp_path)).check()


def test_a_file_of_a_sample_shows_what_a_template_lacks(tmp_path: Path) -> None:
    (tmp_path / "party.html").write_text('{{ party.name }}<img src="logo.png">', encoding="utf-8")
    Pages(Style(tmp_path)).check()
    with pytest.raises(ConfigError, match=r"logo\.png"):
        check_layout(Style(tmp_path))
    check_layout(Style())


def test_a_folder_of_templates_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="такой папки нет"):
        Pages(Style(tmp_path / "nowhere")).check()
