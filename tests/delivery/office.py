"""A month that was billed in the sandbox, a mail server beside it, and everything to send with."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from stavbill.app.build import open_parts
from stavbill.billing.facts import CompanyId
from stavbill.delivery.letter import PDF, Attachment, Mailbox
from stavbill.delivery.links import Links
from stavbill.delivery.smtp import Security, SmtpSettings
from stavbill.delivery.texts import Texts
from stavbill.operations.mail_parts import Files, MailOptions, NoDocument, Sender, SendingRules
from stavbill.operations.parts import Parts
from stavbill.operations.sending import send_due
from stavbill.operations.sending_desk import sending_log
from stavbill.plan.effects import EffectKey
from stavbill.sandbox.clock import ScaledClock
from stavbill.sandbox.mail.serve import MailDoors, mail_doors
from stavbill.sandbox.mail.server import MailServer
from stavbill.sandbox.portal import dump
from stavbill.store.sendings import Sending, SendingId
from tests.end_to_end.driving import Installation, installed

SCALE = 20.0
SECRET = "a secret of the test's own"
FROM = Mailbox("Автотрэкер, счета", "billing@stavbill.example")


@dataclass(slots=True)
class PaperFactory:
    """Documents for invoices: none for companies in `lacking`, nor, found late, `unprintable`.

    `seller` is whose papers are to blame. `happening` is what happens once between the claim of a
    company's letter and its last byte.
    """

    lacking: dict[int, str] = field(default_factory=dict)
    unprintable: dict[int, str] = field(default_factory=dict)
    asked: Counter[EffectKey] = field(default_factory=Counter)
    happening: dict[int, Callable[[], object]] = field(default_factory=dict)
    seller: str = ""

    async def prepare(self, wanted: Sequence[Sending]) -> dict[SendingId, NoDocument]:
        return {
            one.sending: NoDocument((self.lacking[one.company],), self.seller)
            for one in wanted
            if one.company in self.lacking
        }

    async def files(self, wanted: Sequence[Sending]) -> dict[SendingId, Files | NoDocument]:
        return {one.sending: self._one(one.company, one.invoice) for one in wanted}

    def _one(self, company: CompanyId, invoice: EffectKey) -> Files | NoDocument:
        self.asked[invoice] += 1
        self.happening.pop(company, lambda: None)()
        if company in self.lacking | self.unprintable:
            return NoDocument(((self.lacking | self.unprintable)[company],))
        body = b"%PDF-1.7\n" + invoice.encode() * 40
        return (Attachment(f"Счёт {company}.pdf", PDF, body),)


@dataclass(slots=True)
class Office:
    """What a test has at hand."""

    installation: Installation
    parts: Parts
    doors: MailDoors
    papers: PaperFactory
    mail: MailOptions

    @property
    def server(self) -> MailServer:
        return self.doors.mail

    async def send(self, **changes: object) -> dict[str, Any]:
        """Make one pass; `changes` replace options of sending."""
        return await send_due(self.parts, replace(self.mail, **changes))  # type: ignore[arg-type]

    @property
    def mailbox(self) -> Counter[tuple[str, str]]:
        """How often each letter came: by its recipient and its Message-ID."""
        return Counter(
            (letter.recipients[0], letter.header("Message-ID"))
            for letter in self.server.letters
            if not letter.is_report
        )

    def log(self) -> list[dict[str, Any]]:
        """Return the sending log, the first sending first."""
        document: dict[str, Any] = sending_log(self.parts, None, limit=1000)
        rows: list[dict[str, Any]] = document["sendings"]
        return rows[::-1]

    def messages(self) -> list[dict[str, Any]]:
        """Return every message of the log."""
        return [message for row in self.log() for message in row["messages"]]

    def stages(self) -> Counter[str]:
        """Return what the portal's stages are called."""
        state = self.installation.sandbox.portal.state
        return Counter(
            str(invoice["stageId"])
            for invoice in state.invoices
            if str(invoice.get("xmlId") or "").startswith("stavbill:")
        )


def options(doors: MailDoors, papers: PaperFactory, **changes: object) -> MailOptions:
    """Return what sending needs, against the mail server behind `doors`."""
    sender = Sender(
        code="main",
        smtp=SmtpSettings(
            host=doors.host,
            port=doors.smtp_port,
            security=Security.NONE,
            sender=FROM,
            reply_to="support@stavbill.example",
            timeout_s=60.0,
        ),
    )
    made = MailOptions(
        owner="host:1:test",
        is_gone=lambda _owner: False,
        senders={"main": sender},
        sender_of={"": "main"},
        renderer=papers,
        texts=Texts(),
        links=Links("https://billing.example", SECRET),
        secret=SECRET,
        rules=SendingRules(),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@asynccontextmanager
async def opened(
    directory: Path, *, companies: int = 12, seed: int = 42, database: str = ""
) -> AsyncIterator[Office]:
    """Bill a month in a sandbox of some companies, and open a mail server beside it."""
    # Slow enough for a busy machine: nothing here waits for a portal's clock.
    async with installed(directory, companies=companies, seed=seed, scale=SCALE) as installation:
        if database:
            installation.env["STAVBILL_DATABASE_URL"] = database
        await installation.run()
        clock = installation.sandbox.clock
        assert isinstance(clock, ScaledClock)
        async with (
            mail_doors(MailServer(clock)) as doors,
            open_parts(installation.config, installation.env) as parts,
        ):
            papers = PaperFactory()
            yield Office(installation, parts, doors, papers, options(doors, papers))


def put_invoice(office: Office, company: int, **changes: object) -> dict[str, Any]:
    """Let somebody change an invoice in the portal; return how it was."""
    portal = office.installation.sandbox.portal
    row = invoice_row(office, company)
    portal.state.invoices.put(int(str(row["id"])), row | changes)
    portal.settle(everything=True)
    return row


def invoice_row(office: Office, company: int) -> dict[str, Any]:
    """Return how the invoice of a company stands in the portal."""
    rows = office.installation.sandbox.portal.state.invoices
    beginning = f"stavbill:{company}:"
    return next(row for row in rows if str(row.get("xmlId") or "").startswith(beginning))


def key_of(office: Office, company: int) -> str:
    """Return the key of a company's invoice."""
    return str(invoice_row(office, company)["xmlId"])


def stage_of(office: Office, meaning: str) -> str:
    """Return a stage of invoices: S is paid, F is cancelled."""
    semantics = dump.stage_semantics(office.installation.sandbox.portal.state)
    return min(code for code, known in semantics.items() if known == meaning)


def write_address(office: Office, company: int, text: str) -> None:
    """Let somebody write other addresses on a company's card."""
    portal = office.installation.sandbox.portal
    record = portal.state.companies.get(company)
    assert record is not None
    (code,) = (field for field, value in record.items() if f"{company}@example.ru" in str(value))
    portal.state.companies.put(company, record | {code: text})
    portal.settle(everything=True)


def message_to(office: Office, recipient: str) -> dict[str, Any]:
    """Return the newest message to a recipient, as the log has it."""
    return [one for one in office.messages() if one["recipient"] == recipient][-1]


def tasks_of(office: Office, words: str) -> list[str]:
    """Return the portal's tasks in which some words stand."""
    portal = office.installation.sandbox.portal
    portal.settle(everything=True)
    return [text for task in dump.tasks(portal.state) if words in (text := str(task))]
