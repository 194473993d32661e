"""What sending needs beside the parts of every operation, put together by `app`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from stavbill.delivery.letter import Attachment
from stavbill.delivery.links import Links
from stavbill.delivery.mailboxes import NoticeBox
from stavbill.delivery.smtp import SmtpSettings
from stavbill.delivery.texts import Texts
from stavbill.delivery.whatsapp import Provider
from stavbill.store.sendings import Sending, SendingId


@dataclass(frozen=True, slots=True)
class NoDocument:
    """The document cannot be made; every reason as a Russian sentence.

    `seller` is named when all of it is about the seller's own papers, and so about every customer.
    """

    reasons: tuple[str, ...]
    seller: str = ""


Files = tuple[Attachment, ...]


class Renderer(Protocol):
    """Makes the files of invoices: the document first, then an annex of its own if it is long."""

    async def prepare(self, wanted: Sequence[Sending]) -> Mapping[SendingId, NoDocument]:
        """Ask for everything that the files of many revisions need, in few requests.

        Return those whose document cannot be made. Raises `PortalError` when the portal is silent.
        """
        ...

    async def files(self, wanted: Sequence[Sending]) -> Mapping[SendingId, Files | NoDocument]:
        """Return the files of every revision `wanted`, the same ones whenever it is asked.

        Raises `PortalError` when the portal has to be asked and is silent.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who sends for some issuers: a mail server, at most so many letters a minute (None: any)."""

    code: str
    smtp: SmtpSettings
    per_minute: int | None = None
    connections: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingRules:
    """Times and numbers of sending.

    Invoices older than `max_age` are not sent by themselves. A refusal that may pass is tried
    again after `retry_first`, then twice as long each time up to `retry_longest`, until `give_up`
    has passed since the first try. Trouble of the sender's own pauses it for `pause`. A person is
    asked about a doubt after `ask_after`. Recipients of what did not arrive are looked at again
    every `look_again`, for `look_for`. With `manual` every invoice waits for a person's release.
    """

    max_age: timedelta = timedelta(days=7)
    retry_first: timedelta = timedelta(minutes=5)
    retry_longest: timedelta = timedelta(hours=4)
    give_up: timedelta = timedelta(hours=48)
    pause: timedelta = timedelta(minutes=5)
    ask_after: timedelta = timedelta(hours=24)
    look_again: timedelta = timedelta(minutes=30)
    look_for: timedelta = timedelta(days=30)
    max_recipients: int = 10
    manual: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MailOptions:
    """Everything that sending may use.

    `owner` names this process and no other; `is_gone` says of another owner that its process has
    certainly ended. `sender_of` is by the issuer's code, "" for every other issuer.
    `portal_links` asks the portal for its payment pages, two commands for each invoice.
    """

    owner: str
    is_gone: Callable[[str], bool]
    senders: Mapping[str, Sender]
    sender_of: Mapping[str, str]
    renderer: Renderer
    texts: Texts
    links: Links
    secret: str = field(repr=False)
    whatsapp: Provider | None = None
    whatsapp_instance: str = ""
    boxes: tuple[NoticeBox, ...] = ()
    rules: SendingRules = SendingRules()
    portal_links: bool = False

    def sender_for(self, issuer: str) -> Sender | None:
        """Return who sends the letters of an issuer; None when nobody does."""
        code = self.sender_of.get(issuer) or self.sender_of.get("")
        return None if code is None else self.senders.get(code)
