"""The section of stavbill.toml about printed invoices: templates, images, names, accounts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictInt, StrictStr

from stavbill.settings.delivery import Code, Line
from stavbill.settings.section import Section

Account = Annotated[StrictStr, Field(pattern=r"^([0-9]{20}|KZ[0-9A-Z]{18}|)$")]
PurposeCode = Annotated[StrictStr, Field(pattern=r"^([0-9]{3}|)$")]
BeneficiaryCode = Annotated[StrictStr, Field(pattern=r"^([0-9]{2}|)$")]
Millimetres = Annotated[StrictInt, Field(ge=5, le=120)]


class IssuerLookSettings(Section):
    """How one issuer's invoices look; what is empty is taken from its requisites in the portal.

    `issuer` is the code of an issuer rule. Files are named relative to the TOML: PNG or JPEG.
    `account` is the bank account to be paid to, when the portal knows several. `signature` is the
    director's, `signature2` the accountant's. `purpose_code` and `beneficiary_code` are КНП and Кбе
    of Kazakhstan.
    """

    issuer: Code
    account: Account = ""
    director: Line = ""
    accountant: Line = ""
    logo: StrictStr = ""
    stamp: StrictStr = ""
    stamp_mm: Millimetres = 38
    signature: StrictStr = ""
    signature2: StrictStr = ""
    notes: tuple[Line, ...] = ()
    purpose_code: PurposeCode = ""
    beneficiary_code: BeneficiaryCode = ""


class DocumentSettings(Section):
    """Printed invoices: `templates` is a folder whose files stand over ours, `processes` 0 all."""

    templates: StrictStr = ""
    processes: Annotated[StrictInt, Field(ge=0, le=64)] = 0
    issuers: tuple[IssuerLookSettings, ...] = ()
