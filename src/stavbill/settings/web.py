"""The web section of stavbill.toml: where posts come in, and what is taken."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictBool, StrictInt, StrictStr

from stavbill.settings.section import Section


class WebSettings(Section):
    """Where `stavbill web` listens, and what it refuses.

    `public_url` is the address that Bitrix24 and customers see (a reverse proxy with TLS stands
    before us). A post is at most `max_body` bytes long, and at most `max_age_s` seconds old when it
    says how old it is. `docs` shows the OpenAPI page.
    """

    host: StrictStr = "127.0.0.1"
    port: Annotated[StrictInt, Field(ge=0, le=65535)] = 8080
    public_url: Annotated[StrictStr, Field(pattern=r"^(https?://[\w.:-]+(/[^\s?#]*)?)?$")] = ""
    docs: StrictBool = False
    max_body: Annotated[StrictInt, Field(ge=1024)] = 65_536
    max_age_s: Annotated[StrictInt, Field(ge=60)] = 86_400
