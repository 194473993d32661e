"""Where a Wialon host is, and with which token it is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import httpx
from pydantic import SecretStr

ENDPOINT_PATH = "/wialon/ajax.html"
PAGE_SIZE = 3000
SMALLEST_PAGE = 2
DEADLINE_S = 150.0
NOT_IN_A_VARIABLE = re.compile(r"\W")


def token_variable(name: str) -> str:
    """Return the environment variable that holds the token of connection `name`.

    "stavros1" → STAVBILL_WIALON_TOKEN_STAVROS1: upper case, everything else an underscore.
    """
    return "STAVBILL_WIALON_TOKEN_" + NOT_IN_A_VARIABLE.sub("_", name.upper())


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One Wialon host and token, chosen by «Где найти» on the card.

    `url` is the site's address, with or without `/wialon/ajax.html`. `base_hosts` are further
    hosts to which the login answer may move the requests. `page_size` units are asked for at once;
    `deadline_s` ends a request whose answer only trickles. `ca_file` is a PEM file for a Wialon
    Local with a certificate of its own, "" for the public authorities. `transport` is for hosts in
    this very process; None is the network.
    """

    name: str
    url: str
    token: SecretStr
    base_hosts: frozenset[str] = frozenset()
    page_size: int = PAGE_SIZE
    deadline_s: float = DEADLINE_S
    ca_file: str = ""
    transport: httpx.AsyncBaseTransport | None = None

    def __post_init__(self) -> None:
        """Refuse a page of one: it would ask for `to` 0, which means the whole list."""
        if self.page_size < SMALLEST_PAGE:
            msg = f"page_size must be at least {SMALLEST_PAGE}, not {self.page_size}"
            raise ValueError(msg)

    @property
    def endpoint(self) -> str:
        """The address that requests are posted to."""
        return endpoint_of(self.url)

    @property
    def host(self) -> str:
        """The host with its port, as messages name it."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    def after_login(self, base_url: str) -> str:
        """Return the endpoint for the requests after a login that answered with `base_url`.

        The vendor's own client moves to any `base_url`. The session id would go there, so this
        one moves only within the host that the configuration names, never from https to http, and
        to the hosts listed in `base_hosts`; otherwise it stays, which hosts accept.

        Source: Wialon Remote API, token/login.
        """
        offered, own = urlsplit(base_url), urlsplit(self.url)
        if offered.scheme not in {"http", "https"} or not offered.hostname:
            return self.endpoint
        weaker = own.scheme == "https" and offered.scheme != "https"
        trusted = offered.hostname == own.hostname or offered.hostname in self.base_hosts
        return endpoint_of(base_url) if trusted and not weaker else self.endpoint


def endpoint_of(url: str) -> str:
    """Return the API's address on the site `url`; its path before `/wialon` is kept."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/").removesuffix("/ajax.html").removesuffix("/wialon")
    return urlunsplit((parts.scheme, parts.netloc, path + ENDPOINT_PATH, "", ""))
