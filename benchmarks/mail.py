"""Letters of a month: how many a second reach the mail server, and what they ask of the portal.

Two passes over real SMTP on loopback, each after a month that was billed without limits. The large
one has its documents at hand, so that it measures sending alone (documents have figures of their
own); the small one is the whole command, every document composed from the portal and rendered. A
letter that came twice, or not at all, is a figure of its own. Source: issue of delivery, «Numbers».
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import ceil
from typing import Any

import httpx

from benchmarks.figures import Figure
from benchmarks.served import Served, served
from stavbill.app.build import open_parts
from stavbill.app.mail import open_mail
from stavbill.delivery.letter import PDF, Attachment
from stavbill.operations.mail_parts import Files, NoDocument
from stavbill.operations.sending import send_due
from stavbill.settings import load_settings
from stavbill.store.sendings import Sending, SendingId

# So many that the large month comes to 6,000 letters.
COMPANIES, WHOLE_COMPANIES = 8_500, 1_000
SENDING_DAY = 10
LETTERS_A_SECOND, INVOICES_A_BATCH = 50.0, 25
PDF_BYTES = 60_000
SECRET = "signs-the-links-of-letters-of-a-benchmark"  # noqa: S105  of a folder that lives for minutes
SENDER = """
[[mail.senders]]
code = "bench"
host = "{host}"
port = {smtp_port}
security = "none"
address = "billing@stavbill.example"
name = "Счета"
connections = 8

[web]
public_url = "https://billing.example"
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """One pass: its document, wall seconds, requests to the portal, every letter that came."""

    document: Mapping[str, Any]
    wall_s: float
    requests: int
    came: Counter[tuple[str, str]]

    @property
    def letters(self) -> int:
        """How many letters the pass says it handed over."""
        return int(self.document["sent"])


class PapersAtHand:
    """A document of usual size for every invoice, made of noise: nothing can make it smaller."""

    def __init__(self) -> None:
        self._body = b"%PDF-1.7\n" + os.urandom(PDF_BYTES)

    async def prepare(self, wanted: Sequence[Sending]) -> Mapping[SendingId, NoDocument]:
        """Lack nothing."""
        del wanted
        return {}

    async def files(self, wanted: Sequence[Sending]) -> Mapping[SendingId, Files | NoDocument]:
        """Return the document for each."""
        return {
            one.sending: (Attachment(f"Счет {one.portal_id}.pdf", PDF, self._body),)
            for one in wanted
        }


def figures(companies: int = COMPANIES, whole: int = WHOLE_COMPANIES) -> Iterator[Figure]:
    """Bill two months, send them, and yield the figures."""
    with _billed(companies) as sandbox:
        sent = _pass(sandbox)
    invoices = int(sent.document["collected"])
    budget = ceil(invoices / INVOICES_A_BATCH)
    yield Figure("mail_letters", sent.letters, "letters", None)
    yield Figure("mail_rate", sent.letters / sent.wall_s, "letters/s", LETTERS_A_SECOND)
    yield Figure("mail_twice", _twice(sent), "letters", 0, at_least=False)
    yield Figure("mail_missing", sent.letters - len(sent.came), "letters", 0, at_least=False)
    yield Figure("mail_requests", sent.requests, f"requests/{invoices}", budget, at_least=False)
    with _billed(whole) as sandbox:
        sent = _command(sandbox)
    yield Figure("mail_whole_rate", sent.letters / sent.wall_s, "letters/s", None)
    yield Figure("mail_whole_twice", _twice(sent), "letters", 0, at_least=False)
    invoices = int(sent.document["collected"])
    yield Figure("mail_whole_requests", sent.requests, f"requests/{invoices}", None)


@contextmanager
def _billed(companies: int) -> Iterator[Served]:
    """Serve a portal, bill its month, and add a sender to the settings.

    The month is one that is past: of an invoice that was changed after we wrote it the rows are
    read again, and a portal whose clock is ahead of ours changes every invoice «afterwards».
    """
    day = _last_sending_day(datetime.now(UTC).date()).isoformat()
    with served(companies, as_of=day) as sandbox:
        sandbox.lift_limits()
        sandbox.install(limited=False)
        sandbox.stavbill("run", "month", "--as-of", day, "--yes")
        with sandbox.config.open("a", encoding="utf-8") as toml:
            toml.write(SENDER.format(**sandbox.ready["mail"]))
        sandbox.ready["environment"]["STAVBILL_WEB_SECRET"] = SECRET
        sandbox.change("clear")
        yield sandbox


def _last_sending_day(today: date) -> date:
    if today.day > SENDING_DAY:
        return today.replace(day=SENDING_DAY)
    return (today.replace(day=1) - timedelta(days=1)).replace(day=SENDING_DAY)


def _pass(sandbox: Served) -> Sent:
    """Make one pass in this process, the documents at hand."""
    env = {**os.environ, **sandbox.ready["environment"], "STAVBILL_CLOCK_SCALE": "1"}

    async def whole() -> tuple[Mapping[str, Any], float]:
        async with (
            open_parts(sandbox.config, env) as parts,
            open_mail(load_settings(sandbox.config, env), PapersAtHand()) as mail,
        ):
            began = time.monotonic()
            document = await send_due(parts, mail)
            return document, time.monotonic() - began

    document, wall_s = asyncio.run(whole())
    return Sent(document, wall_s, _requests(sandbox), _came(sandbox))


def _command(sandbox: Served) -> Sent:
    """Make one pass as the command does, documents included."""
    ended = sandbox.stavbill("delivery", "send")
    return Sent(ended.document, ended.wall_s, _requests(sandbox), _came(sandbox))


def _requests(sandbox: Served) -> int:
    return int(sandbox.ask("state")["requests"])


def _twice(sent: Sent) -> int:
    return sum(number - 1 for number in sent.came.values())


def _came(sandbox: Served) -> Counter[tuple[str, str]]:
    """Return how often each letter came: by its recipient and its Message-ID."""
    control = sandbox.ready["mail"]["control"]
    letters: Any = httpx.get(control, timeout=300).raise_for_status().json()
    return Counter((one["recipients"][0], one["message_id"]) for one in letters)
