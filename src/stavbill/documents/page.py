"""An invoice as HTML, by Jinja2 templates; a customer's own stand over ours.

Names and texts of the portal are escaped by the engine: whatever they look like, they are text. A
template may not run programs either. Source: delivery page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateSyntaxError,
)
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import escape
from typing_extensions import override

from stavbill.documents.amounts import in_words
from stavbill.documents.checks import tax_label
from stavbill.documents.invoice import (
    InvoiceDocument,
    annex_counts,
    figure,
    percent,
    pieces,
    signed,
)
from stavbill.documents.samples import samples
from stavbill.documents.style import LOGO, SIGNATURES, STAMP, Style
from stavbill.errors import ConfigError
from stavbill.plan.texts import NBSP

PAGE, SHEET = "invoice.html", "invoice.css"
TEMPLATES = frozenset({".html", ".css"})
MONTHS = (
    "января", "февраля", "марта", "апреля", "мая", "июня",
    "июля", "августа", "сентября", "октября", "ноября", "декабря",
)  # fmt: skip
NOT_UTF8 = "файл не в кодировке UTF-8, сохраните его в ней"
# Whatever stands between the digits of a sum or an account.
SPACES = re.compile(r"\s|&nbsp;|&#160;")
# A template computes with what it is given, and may err as any program does.
PROGRAM_ERRORS = (
    TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError,
    MemoryError, OSError,
)  # fmt: skip


class _Templates(FileSystemLoader):
    """Finds templates, and names the one that is no UTF-8: the engine names its includer."""

    @override
    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        try:
            return super().get_source(environment, template)
        except UnicodeDecodeError as error:
            raise TemplateSyntaxError(NOT_UTF8, 1, name=template) from error


class Pages:
    """The templates of one installation."""

    def __init__(self, style: Style) -> None:
        """Take templates where `style` says."""
        self._style = style
        self._environment = SandboxedEnvironment(
            loader=_Templates(style.folders),
            # A part that a page includes is HTML too, whatever its file is called.
            autoescape=lambda name: not (name or "").endswith(".css"),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "figure": figure,
            "signed": signed,
            "percent": percent,
            "pieces": pieces,
            "words": in_words,
            "tax_label": tax_label,
            "day": _day,
            "day_in_words": _day_in_words,
        }

    def check(self) -> None:
        """Write samples with every template. Raises `ConfigError` naming file and line.

        A page that does not show an invoice's number, sum and account is an error too.
        """
        if self._style.folder is not None and not self._style.folder.is_dir():
            msg = f"documents.templates = «{self._style.folder}»: такой папки нет"
            raise ConfigError(msg)
        self.sheet()
        tried = samples()
        # With every issuer's images: they are parts of the page too.
        pictured = [replace(tried[0], issuer=issuer) for issuer in self._style.pictures]
        for document in (*tried, *pictured):
            lacking = list(_lacking(self.html(document, has_code=True), document))
            if lacking:
                msg = (
                    f"Шаблон счёта {PAGE}: на странице нет {', '.join(lacking)}. Исправьте его или "
                    "уберите из папки documents.templates"
                )
                raise ConfigError(msg)

    def sheet(self) -> str:
        """Return the style sheet. Raises `ConfigError` for an error in it as a template."""
        return self._written(SHEET)

    def html(self, document: InvoiceDocument, *, has_code: bool) -> str:
        """Return the page; images and the payment code stand in it as `stavbill:` addresses.

        Raises `ConfigError` for a template with an error.
        """
        pictures = self._style.pictures.get(document.issuer, {})
        return self._written(
            PAGE,
            invoice=document,
            has_code=has_code,
            has_logo=LOGO in pictures,
            has_stamp=STAMP in pictures,
            signed_by=[name in pictures for name in SIGNATURES],
            widths={name: picture.width_mm for name, picture in pictures.items()},
            annex=() if document.has_annex_apart else document.annex,
            annex_counts=annex_counts(document.annex),
        )

    def _written(self, name: str, **words: object) -> str:
        try:
            return self._environment.get_template(name).render(**words)
        except TemplateError as error:
            raise _wrong(error, name) from error
        except PROGRAM_ERRORS as error:
            raise _wrong(error, name) from error


def _lacking(html: str, document: InvoiceDocument) -> Iterator[str]:
    """Yield what nobody can pay an invoice without, and the page does not show."""
    page = SPACES.sub("", html)
    if escape(document.number) not in page:
        yield "номера счёта"
    if str(document.total.minor // 100) not in page:
        yield "суммы"
    if document.bank.account not in page:
        yield "счёта в банке"


def _wrong(error: Exception, name: str) -> ConfigError:
    where, line = getattr(error, "name", None) or name, getattr(error, "lineno", None)
    trace = error.__traceback__
    last = 0
    while line is None and trace is not None:
        # The innermost frame of a template is the place, included ones too.
        file = Path(trace.tb_frame.f_code.co_filename)
        if file.suffix in TEMPLATES:
            where, last = file.name, trace.tb_lineno
        trace = trace.tb_next
        line = last if trace is None else None
    at = f", строка {line}" if line else ""
    msg = (
        f"Шаблон счёта {where}{at}: {error}. Исправьте его или уберите из папки documents.templates"
    )
    return ConfigError(msg)


def _day(day: date | None) -> str:
    return f"{day:%d.%m.%Y}" if day is not None else ""


def _day_in_words(day: date) -> str:
    """Return «10 декабря 2026 г.»."""
    return f"{day.day}{NBSP}{MONTHS[day.month - 1]}{NBSP}{day.year}{NBSP}г."
