"""What letters and pages say: Jinja2 templates in a folder, a customer's own over ours.

HTML is escaped by the template engine, so a company's name is text whatever it looks like. A
template with an error is found when the service starts, by writing a sample letter with it.
Source: delivery page.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from stavbill.billing.money import Currency, Money
from stavbill.delivery.letter import one_line
from stavbill.errors import ConfigError
from stavbill.plan.notices import InvoiceNotice, NoticeRow
from stavbill.plan.texts import rubles

OURS = Path(__file__).parents[3] / "templates" / "mail"
INSTALLED = Path(__file__).parents[1] / "templates" / "mail"
SUBJECT, TEXT, HTML = "subject.txt", "letter.txt", "letter.html"
CAPTION, PAGE = "caption.txt", "page.html"
EVERY = (SUBJECT, TEXT, HTML, CAPTION, PAGE)


class Standing(StrEnum):
    """What has become of an invoice since its letter left; pages say it, and offer what fits."""

    DUE = "due"
    CORRECTED = "corrected"
    PAID = "paid"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFacts:
    """What the templates know. Links are "" where there are none."""

    notice: InvoiceNotice
    revision: int
    sender: str
    page: str = ""
    pixel: str = ""
    pay_link: str = ""


class Texts:
    """The templates of one installation."""

    def __init__(self, folder: Path | None = None) -> None:
        """Take templates from `folder` where it has them, ours elsewhere."""
        ours = OURS if OURS.is_dir() else INSTALLED
        folders = [ours] if folder is None else [folder, ours]
        # Sandboxed: who may change a template may not run programs by it.
        self._environment: Environment = SandboxedEnvironment(
            loader=FileSystemLoader(folders),
            # A part that a template includes is HTML too, whatever its file is called.
            autoescape=lambda name: not (name or "").endswith(".txt"),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
        )
        self._environment.filters |= {"money": rubles, "day": _day}

    def check(self) -> None:
        """Write a sample with every template. Raises `ConfigError` naming file and line."""
        for name in EVERY:
            for facts in _samples():
                self._write(name, facts)
        for facts in _samples():
            for standing in Standing:
                self.page(facts, confirmed=True, standing=standing)

    def subject(self, facts: LetterFacts) -> str:
        """Return the letter's subject, one line."""
        return one_line(self._write(SUBJECT, facts))

    def text(self, facts: LetterFacts) -> str:
        """Return the letter as plain text."""
        return self._write(TEXT, facts)

    def html(self, facts: LetterFacts) -> str:
        """Return the letter as HTML."""
        return self._write(HTML, facts)

    def caption(self, facts: LetterFacts) -> str:
        """Return the words that go with the document by WhatsApp."""
        return self._write(CAPTION, facts).strip()

    def page(
        self, facts: LetterFacts, *, confirmed: bool, standing: Standing = Standing.DUE
    ) -> str:
        """Return the page behind the link; `confirmed` once a person has pressed the button.

        Nobody shall pay by an invoice that does not stand as DUE.
        """
        return self._write(PAGE, facts, confirmed=confirmed, standing=standing)

    def _write(
        self,
        name: str,
        facts: LetterFacts,
        *,
        confirmed: bool = False,
        standing: Standing = Standing.DUE,
    ) -> str:
        try:
            template = self._environment.get_template(name)
            return template.render(
                invoice=facts.notice,
                revision=facts.revision,
                sender=facts.sender,
                page=facts.page,
                pixel=facts.pixel,
                pay_link=facts.pay_link,
                confirmed=confirmed,
                standing=standing.value,
            )
        except TemplateError as error:
            where = _place(error, name)
            msg = f"Шаблон письма {where}: {error}. Исправьте его или уберите из папки шаблонов."
            raise ConfigError(msg) from error


def _place(error: TemplateError, name: str) -> str:
    line = getattr(error, "lineno", None)
    if line is None:
        trace, found = error.__traceback__, None
        while trace is not None:
            if trace.tb_frame.f_code.co_filename.endswith(name):
                found = trace.tb_lineno
            trace = trace.tb_next
        line = found
    return f"{name}, строка {line}" if line is not None else name


def _day(day: date | None) -> str:
    return f"{day:%d.%m.%Y}" if day is not None else ""


def _samples() -> tuple[LetterFacts, ...]:
    total = Money(105_000, Currency.RUB)
    full = InvoiceNotice(
        number="7",
        title="Подписка на сервис (Январь 2027)",
        issuer="ООО «Пример»",
        issued=date(2026, 12, 10),
        pay_by=date(2026, 12, 21),
        billed_through=date(2027, 1, 31),
        contract_number="1",
        total=total,
        rows=(NoticeRow("Подписка на сервис (Январь 2027)", Decimal(3), total),),
        changes=("Сумма: была 2, стала 1.",),
    )
    bare = InvoiceNotice(
        number="",
        title="Счёт",
        issuer="ИП Пример",
        issued=date(2026, 12, 10),
        pay_by=None,
        billed_through=None,
        contract_number="",
        total=total,
        rows=(),
    )
    web = "https://billing.example/i/"
    return (
        LetterFacts(notice=full, revision=2, sender="Пример", page=web, pixel=web, pay_link=web),
        LetterFacts(notice=bare, revision=1, sender="Пример"),
    )
