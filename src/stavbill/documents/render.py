"""Pages into PDF files, one process's part: WeasyPrint with everything shared that may be.

Source: performance page 5 (fonts, style sheet and templates once for a process; a light code).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace

from typing_extensions import override
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

from stavbill.documents.images import Picture
from stavbill.documents.invoice import InvoiceDocument
from stavbill.documents.page import Pages
from stavbill.documents.paycode import has_code, payload, picture
from stavbill.documents.samples import samples
from stavbill.documents.style import Style
from stavbill.errors import ConfigError

ADDRESS = re.compile(r"^stavbill:(?P<name>[a-z0-9]+)$")
CODE = "code"


class ForbiddenAddressError(FatalURLFetchingError):  # type: ignore[misc]  # untyped library
    """A template or a style sheet wants something from outside; documents are made of our own."""


class _OwnPictures(URLFetcher):  # type: ignore[misc]  # untyped library
    """Serves the pictures of one document by name, and nothing else from anywhere."""

    def __init__(self, pictures: Mapping[str, Picture]) -> None:
        super().__init__(allowed_protocols=("stavbill",))
        self._pictures = pictures

    @override
    def fetch(self, url: str, headers: object = None) -> URLFetcherResponse:
        name = ADDRESS.match(url)
        found = self._pictures.get(name["name"]) if name is not None else None
        if found is None:
            msg = f"Шаблон счёта обращается к «{url[:200]}»: счёт собирается только из своих частей"
            raise ForbiddenAddressError(msg)
        return URLFetcherResponse(url, found.body, {"Content-Type": found.kind})


def check_layout(style: Style) -> None:
    """Make the file of a sample, with an issuer's images where there are any.

    Raises `ConfigError` for a template or style sheet that keeps it from being made.
    """
    issuer = next(iter(style.pictures), "")
    try:
        Renderer(style).pdf(replace(samples()[0], issuer=issuer))
    except ForbiddenAddressError as error:
        raise ConfigError(str(error)) from error


class Renderer:
    """Makes PDF files of one style; belongs to one process."""

    def __init__(self, style: Style) -> None:
        """Prepare fonts, templates and the style sheet.

        Raises `ConfigError` for a template with an error.
        """
        self._style = style
        self._pages = Pages(style)
        self._fonts = FontConfiguration()
        self._sheet = CSS(
            string=self._pages.sheet(), font_config=self._fonts, url_fetcher=_OwnPictures({})
        )

    def pdf(self, document: InvoiceDocument) -> bytes:
        """Return the file.

        Raises `ConfigError` for a template with an error and `ForbiddenAddressError` for one that
        wants something from outside.
        """
        html = self._pages.html(document, has_code=has_code(document))
        pictures = dict(self._style.pictures.get(document.issuer, {}))
        if has_code(document):
            pictures[CODE] = Picture("image/png", picture(payload(document)))
        page = HTML(string=html, url_fetcher=_OwnPictures(pictures), base_url="stavbill:")
        # The file's own name is of its contents, not of the moment.
        name = hashlib.sha256(html.encode()).hexdigest()[:32].encode()
        made: bytes = page.write_pdf(
            stylesheets=[self._sheet], font_config=self._fonts, pdf_identifier=name
        )
        return made
