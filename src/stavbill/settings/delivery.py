"""The sections of stavbill.toml about delivery: mail, notices, WhatsApp, reminders.

Passwords and tokens are never among them: see `settings.secrets`.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    model_validator,
)

from stavbill.settings.section import Section

ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}"
)
HOST = re.compile(r"[A-Za-z0-9.:-]+")
WEB_ADDRESS = re.compile(r"https?://[\w.:-]+(/[^\s?#]*)?")
DAYS_OF_ORDER = (-365, 365)


def _address(text: str) -> str:
    if text and not ADDRESS.fullmatch(text):
        msg = "ожидался адрес почты латиницей, например billing@example.ru"
        raise ValueError(msg)
    return text


def _one_line(text: str) -> str:
    if any(c < " " or c == "\x7f" for c in text):
        msg = "ожидалась одна строка без управляющих знаков"
        raise ValueError(msg)
    return text


Code = Annotated[StrictStr, Field(pattern="^[a-z][a-z0-9_-]*$")]
Address = Annotated[StrictStr, AfterValidator(_address)]
Line = Annotated[StrictStr, AfterValidator(_one_line)]
Host = Annotated[StrictStr, Field(pattern=f"^{HOST.pattern}$")]
Port = Annotated[StrictInt, Field(ge=1, le=65535)]
WebAddress = Annotated[StrictStr, Field(pattern=f"^{WEB_ADDRESS.pattern}$")]
Security = Literal["starttls", "tls", "none"]
PORTS = {"starttls": 587, "tls": 465, "none": 25}
IMAP_PORTS = {"starttls": 143, "tls": 993, "none": 143}


class SenderSettings(Section):
    """Who sends for which issuers: `issuers` are codes of rules, empty for all the others.

    `port` 0 is the usual one of `security`. `bounces` takes notices, empty is `address`.
    `per_minute` 0 sets no limit. `answer_timeout_s` is for the answer to a whole
    letter. The password is STAVBILL_SMTP_PASSWORD_<CODE>.
    """

    code: Code
    issuers: tuple[Code, ...] = ()
    name: Annotated[Line, Field(min_length=1)]
    address: Annotated[Address, Field(min_length=1)]
    reply_to: Address = ""
    bounces: Address = ""
    host: Host
    port: Annotated[StrictInt, Field(ge=0, le=65535)] = 0
    security: Security = "starttls"
    user: Line = ""
    ca_file: StrictStr = ""
    per_minute: Annotated[StrictInt, Field(ge=0)] = 0
    connections: Annotated[StrictInt, Field(ge=1, le=32)] = 4
    timeout_s: Annotated[StrictInt, Field(ge=1, le=600)] = 60
    # A claim lasts for fifteen minutes: the answer has to come before.
    answer_timeout_s: Annotated[StrictInt, Field(ge=1, le=840)] = 600

    @property
    def usual_port(self) -> int:
        """The port, the usual one when none is named."""
        return self.port or PORTS[self.security]


class NoticeSettings(Section):
    """Where notices of mail servers are read: an IMAP folder, or a Maildir beside the TOML.

    The password is STAVBILL_IMAP_PASSWORD.
    """

    host: StrictStr = ""
    port: Annotated[StrictInt, Field(ge=0, le=65535)] = 0
    security: Security = "tls"
    user: Line = ""
    folder: Line = "INBOX"
    ca_file: StrictStr = ""
    maildir: StrictStr = ""

    @property
    def usual_port(self) -> int:
        """The port, the usual one when none is named."""
        return self.port or IMAP_PORTS[self.security]


class MailSettings(Section):
    """Sending by mail: senders, limits, times. No sender: no letter is sent.

    `manual` keeps every invoice until a person releases it. `pay_link` is whose page a letter
    names: ours (`page`), or the portal's where it has one (`portal`).
    """

    senders: tuple[SenderSettings, ...] = ()
    notices: NoticeSettings = NoticeSettings()
    templates: StrictStr = ""
    manual: StrictBool = False
    pay_link: Literal["page", "portal"] = "page"
    max_age_days: Annotated[StrictInt, Field(ge=1, le=365)] = 7
    max_recipients: Annotated[StrictInt, Field(ge=1, le=100)] = 10
    retry_first_minutes: Annotated[StrictInt, Field(ge=1)] = 5
    retry_longest_minutes: Annotated[StrictInt, Field(ge=1)] = 240
    give_up_hours: Annotated[StrictInt, Field(ge=1)] = 48
    ask_after_hours: Annotated[StrictInt, Field(ge=1)] = 24

    @model_validator(mode="after")
    def _one_sender_for_each_issuer(self) -> Self:
        codes = [sender.code for sender in self.senders]
        if len(set(codes)) != len(codes):
            msg = "mail.senders: code повторяется"
            raise ValueError(msg)
        claimed = [code for sender in self.senders for code in sender.issuers or ("",)]
        if twice := sorted({code or "(остальные)" for code in claimed if claimed.count(code) > 1}):
            msg = f"mail.senders: для юрлица несколько отправителей: {', '.join(twice)}"
            raise ValueError(msg)
        return self


class WhatsAppSettings(Section):
    """The provider Green-API; no `instance`: nothing is sent by WhatsApp.

    The token is STAVBILL_WHATSAPP_TOKEN, what its callbacks bear STAVBILL_WHATSAPP_WEBHOOK_TOKEN.
    """

    instance: Annotated[StrictStr, Field(pattern=r"^\d*$")] = ""
    url: WebAddress = "https://api.green-api.com"
    media_url: WebAddress = "https://media.green-api.com"


class StepSettings(Section):
    """One step of the ladder: `days` after the pay-by date, negative before it."""

    code: Code
    days: Annotated[StrictInt, Field(ge=DAYS_OF_ORDER[0], le=DAYS_OF_ORDER[1])]
    audience: Literal["customer", "manager"] = "customer"


class ReminderSettings(Section):
    """The ladder of reminders, in order; no step: nobody is reminded."""

    steps: tuple[StepSettings, ...] = ()
    quiet_days: Annotated[StrictInt, Field(ge=1, le=90)] = 2

    @model_validator(mode="after")
    def _steps_grow(self) -> Self:
        days = [step.days for step in self.steps]
        if days != sorted(set(days)):
            msg = "reminders.steps: days должны расти"
            raise ValueError(msg)
        if len({step.code for step in self.steps}) != len(self.steps):
            msg = "reminders.steps: code повторяется"
            raise ValueError(msg)
        return self
