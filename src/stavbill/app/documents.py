"""Settings into documents: style, images, the pool that renders, what issuers say of themselves."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from stavbill.app.build import open_parts
from stavbill.app.stored import open_stored
from stavbill.documents.images import (
    LOGO_FRAME,
    SIGNATURE_FRAME,
    Picture,
    load_picture,
    stamp_frame,
)
from stavbill.documents.pool import RenderPool
from stavbill.documents.style import LOGO, SIGNATURES, STAMP, Style
from stavbill.operations.documents import InvoiceDocuments
from stavbill.operations.parts import Parts
from stavbill.operations.sellers import IssuerLook
from stavbill.settings import Settings, load_settings
from stavbill.settings.documents import IssuerLookSettings


@asynccontextmanager
async def open_documents(
    config: Path, env: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[Parts, InvoiceDocuments]]:
    """Build what commands about documents need.

    Raises `ConfigError` and `StoreError` as `open_parts` and `open_pool` do.
    """
    known = os.environ if env is None else env
    settings = load_settings(config, known)
    # What was composed once is rendered without the portal.
    opened = open_stored if settings.webhook is None else open_parts
    async with opened(config, known) as parts, open_pool(settings) as pool:
        yield parts, documents_of(settings, parts, pool)


@asynccontextmanager
async def open_pool(settings: Settings) -> AsyncIterator[RenderPool]:
    """Open the pool that renders documents; its processes start with the first one.

    Raises `ConfigError` for an image that is none and a template with an error.
    """
    style = style_of(settings)
    async with RenderPool(style, settings.toml.documents.processes or None) as pool:
        yield pool


def documents_of(settings: Settings, parts: Parts, pool: RenderPool) -> InvoiceDocuments:
    """Return what composes and renders the documents of `parts`' portal."""
    return InvoiceDocuments(parts, pool, looks_of(settings))


def looks_of(settings: Settings) -> dict[str, IssuerLook]:
    """Return what the settings say of issuers' invoices, by the issuer rule's code."""
    return {
        one.issuer: IssuerLook(
            account=one.account,
            director=one.director,
            accountant=one.accountant,
            notes=one.notes,
            purpose_code=one.purpose_code,
            beneficiary_code=one.beneficiary_code,
        )
        for one in settings.toml.documents.issuers
    }


def style_of(settings: Settings) -> Style:
    """Return how documents look. Raises `ConfigError` for an image that cannot be read."""
    known, beside = settings.toml.documents, settings.path.parent
    return Style(
        folder=beside / known.templates if known.templates else None,
        pictures={one.issuer: _pictures(one, beside) for one in known.issuers},
    )


def _pictures(one: IssuerLookSettings, beside: Path) -> dict[str, Picture]:
    named = {
        LOGO: ("logo", one.logo, LOGO_FRAME),
        STAMP: ("stamp", one.stamp, stamp_frame(one.stamp_mm)),
        SIGNATURES[0]: ("signature", one.signature, SIGNATURE_FRAME),
        SIGNATURES[1]: ("signature2", one.signature2, SIGNATURE_FRAME),
    }
    return {
        name: load_picture(
            beside / file, frame=frame, setting=f"documents.issuers.{one.issuer}.{key}"
        )
        for name, (key, file, frame) in named.items()
        if file
    }
