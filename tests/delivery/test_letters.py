"""Letters as bytes and words: nobody breaks out of a header, a name is text whatever it is."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stavbill.billing.money import Currency, Money
from stavbill.bitrix.recipients import is_email
from stavbill.delivery.letter import (
    PDF,
    PLACE,
    Attachment,
    Letter,
    Mailbox,
    file_name,
    message_id,
    one_line,
)
from stavbill.delivery.texts import EVERY, LetterFacts, Texts
from stavbill.errors import ConfigError
from stavbill.plan.notices import InvoiceNotice, NoticeRow

TOTAL = Money(105_000, Currency.RUB)
NOTICE = InvoiceNotice(
    number="77",
    title="Подписка на сервис (Январь 2027)",
    issuer="ООО «Автотрэкер»",
    issued=date(2026, 12, 10),
    pay_by=date(2026, 12, 21),
    billed_through=date(2027, 1, 31),
    contract_number="15",
    total=TOTAL,
    rows=(NoticeRow("Подписка на сервис (Январь 2027)", Decimal(3), TOTAL),),
)
FACTS = LetterFacts(
    notice=NOTICE,
    revision=1,
    sender="Автотрэкер",
    page="https://billing.example/i/abc",
    pixel="https://billing.example/i/abc.gif",
)
LETTER = Letter(
    sender=Mailbox("Автотрэкер", "billing@stavbill.example"),
    reply_to="support@stavbill.example",
    recipient="accountant@example.ru",
    subject="Счёт № 77",
    text="Здравствуйте!",
    html="<p>Здравствуйте!</p>",
    attachments=(Attachment("Счёт 77.pdf", PDF, b"%PDF-1.7"),),
    message_id="00112233@stavbill.example",
    at=datetime(2026, 12, 10, 6, tzinfo=UTC),
)
NASTY = [
    pytest.param("x\r\nBcc: everybody@example.ru", id="CRLF"),
    pytest.param("x\nBcc: everybody@example.ru", id="LF"),
    pytest.param("x\rBcc: everybody@example.ru", id="CR"),
    pytest.param("x\u2028Bcc: everybody@example.ru", id="line separator"),
    pytest.param("x\x00\x0bBcc: everybody@example.ru", id="controls"),
    pytest.param("x\x85Bcc: everybody@example.ru", id="next line"),
    pytest.param("=?utf-8?q?x=0D=0ABcc=3A_everybody=40example.ru?=", id="encoded word"),
]


def parsed(letter: Letter) -> EmailMessage:
    message = email.message_from_bytes(letter.encoded(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


@pytest.mark.parametrize("nasty", NASTY)
def test_no_header_is_broken_out_of(nasty: str) -> None:
    sender = replace(LETTER.sender, name=nasty)
    files = (Attachment(f"{nasty}.pdf", PDF, b"%PDF-1.7"),)
    letter = replace(LETTER, subject=nasty, sender=sender, attachments=files)
    head = letter.encoded().partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0].lower() for line in head.split(b"\r\n") if line[:1] != b" "]
    assert b"bcc" not in names
    assert len(names) == len(set(names))
    message = parsed(letter)
    assert message["Bcc"] is None
    assert message["To"] == "accountant@example.ru"


@given(st.text(max_size=300))
def test_any_subject_and_name_at_all_stay_where_they_belong(text: str) -> None:
    letter = replace(LETTER, subject=text, sender=replace(LETTER.sender, name=text))
    raw = letter.encoded()
    assert raw.partition(b"\r\n\r\n")[0].isascii()
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    message = parsed(letter)
    assert set(message.keys()) == set(parsed(LETTER).keys())
    assert message["From"].addresses[0].addr_spec == "billing@stavbill.example"


ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+ru"
)


@given(st.from_regex(ADDRESS, fullmatch=True).filter(is_email))
def test_every_address_that_passes_is_written_as_it_is(address: str) -> None:
    (recipient,) = parsed(replace(LETTER, recipient=address))["To"].addresses
    assert recipient.addr_spec == address


def test_a_name_with_quotes_and_commas_is_one_mailbox() -> None:
    sender = replace(LETTER.sender, name='ООО "Рога, копыта" <x@evil.example>')
    (mailbox,) = parsed(replace(LETTER, sender=sender))["From"].addresses
    assert mailbox.addr_spec == "billing@stavbill.example"
    assert "Рога, копыта" in mailbox.display_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Счёт № 7.pdf", "Счёт № 7.pdf"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ('a"b<c>|d?.pdf', "a_b_c_d_.pdf"),
        ("\r\n", "document"),
        ("...", "document"),
        ("con.pdf", "_con.pdf"),
        ("Lpt1", "_Lpt1"),
        ("И\u0306.pdf", "Й.pdf"),
        ("Д" * 300 + ".pdf", "Д" * 69 + ".pdf"),
        ("Счет № 7, ООО Рога и Ко. .pdf", "Счет № 7, ООО Рога и Ко.pdf"),
    ],
)
def test_a_files_name_is_good_on_every_system(name: str, expected: str) -> None:
    assert file_name(name) == expected


def test_a_message_id_is_the_same_for_the_same_delivery_and_for_no_other() -> None:
    name = message_id("secret", "stavbill.example", "key", 1, "email", "a@example.ru", 1)
    assert name == message_id("secret", "stavbill.example", "key", 1, "email", "a@example.ru", 1)
    others = {
        message_id("secret", "stavbill.example", "key", 2, "email", "a@example.ru", 1),
        message_id("secret", "stavbill.example", "key", 1, "email", "b@example.ru", 1),
        message_id("secret", "stavbill.example", "key", 1, "email", "a@example.ru", 2),
        message_id("secret", "stavbill.example", "key1", "", "email", "a@example.ru", 1),
        message_id("other", "stavbill.example", "key", 1, "email", "a@example.ru", 1),
    }
    assert len(others) == 5
    assert name not in others
    assert name.endswith("@stavbill.example")


def test_one_line_hides_nothing_by_invisible_marks() -> None:
    assert one_line("a\u202egnp.exe\u200b\ufeff  b\t c") == "a gnp.exe b c"


@given(
    st.lists(st.binary(max_size=300), max_size=3),
    st.text(max_size=100) | st.just(PLACE.decode()),
    st.sampled_from(("", "--=_stavbill_0", "--=_stavbill_1--\r\n.\r\n")),
)
def test_files_and_words_come_out_as_they_were_put_in(
    bodies: list[bytes], words: str, line: str
) -> None:
    text = f"{words}\n{line}\n"
    files = tuple(Attachment(f"{n}.pdf", PDF, body) for n, body in enumerate(bodies))
    message = parsed(replace(LETTER, text=text, html=text, attachments=files))
    found = [(one.get_filename(), one.get_content()) for one in message.iter_attachments()]
    assert found == [(one.name, one.body) for one in files]
    seen = message.get_body(("plain",))
    assert seen is not None
    assert seen.get_content().splitlines() == text.splitlines()


# ----------------------------------------------------------------------------------- the words
@pytest.mark.parametrize("name", ["<script>alert(1)</script>", 'ООО "А" & <b>', "{{ 7*7 }}"])
def test_markup_in_data_is_text_in_html(name: str) -> None:
    rows = (NoticeRow(name, Decimal(1), TOTAL),)
    notice = replace(NOTICE, title=name, issuer=name, contract_number=name, rows=rows)
    facts = replace(FACTS, notice=notice, sender=name)
    texts = Texts()
    for html in (texts.html(facts), texts.page(facts, confirmed=True)):
        assert "<script" not in html
        assert "<b>" not in html
        assert "49" not in html.replace("#", "")
    assert name in texts.text(facts)


@pytest.mark.parametrize("part", ["part.htm", "part.j2", "part"])
def test_a_part_with_another_ending_is_html_too(tmp_path: Path, part: str) -> None:
    (tmp_path / part).write_text("{{ invoice.issuer }}", encoding="utf-8")
    (tmp_path / "letter.html").write_text(f'{{% include "{part}" %}}', encoding="utf-8")
    notice = replace(NOTICE, issuer="<script>alert(1)</script>")
    html = Texts(tmp_path).html(replace(FACTS, notice=notice))
    assert html == "&lt;script&gt;alert(1)&lt;/script&gt;"


def test_a_letter_says_what_matters_and_a_corrected_one_what_changed() -> None:
    texts = Texts()
    plain = texts.text(FACTS)
    for words in ("№ 77", "10.12.2026", "21.12.2026", "31.01.2027", "1 050,00", FACTS.page):
        assert words in plain.replace("\u00a0", " "), words
    assert "Что изменилось" not in plain
    notice = replace(NOTICE, changes=("Сумма: была 2, стала 1.",))
    corrected = replace(FACTS, revision=2, notice=notice)
    assert "исправленный" in texts.text(corrected)
    assert "Сумма: была 2, стала 1." in texts.html(corrected)
    assert "справлен" in texts.subject(corrected)


def test_a_picture_is_in_html_only_where_links_are_possible() -> None:
    texts = Texts()
    assert FACTS.pixel in texts.html(FACTS)
    assert "<img" not in texts.html(replace(FACTS, pixel="", page=""))


def test_a_template_of_ones_own_stands_over_ours(tmp_path: Path) -> None:
    (tmp_path / "subject.txt").write_text("Ваш счёт {{ invoice.number }}", encoding="utf-8")
    texts = Texts(tmp_path)
    texts.check()
    assert texts.subject(FACTS) == "Ваш счёт 77"
    assert texts.text(FACTS) == Texts().text(FACTS)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param("\n{{ invoice.numbr }}", id="a name that is none"),
        pytest.param("\n{% if %}", id="no sentence"),
        pytest.param("\n{{ ().__class__.__base__.__subclasses__() }}", id="a program"),
        pytest.param("\n{% include 'absent.txt' %}", id="a file that is none"),
    ],
)
@pytest.mark.parametrize("name", EVERY)
def test_a_template_with_an_error_is_named_before_anything_is_sent(
    tmp_path: Path, name: str, wrong: str
) -> None:
    (tmp_path / name).write_text(wrong, encoding="utf-8")
    with pytest.raises(ConfigError, match=f"Шаблон письма {name.partition('.')[0]}"):
        Texts(tmp_path).check()


@pytest.mark.parametrize("state", ["confirmed", "standing == 'corrected'", "standing == 'paid'"])
def test_an_error_in_what_a_page_seldom_says_is_found_as_early(tmp_path: Path, state: str) -> None:
    wrong = f"{{% if {state} %}}{{{{ invoice.numbr }}}}{{% endif %}}"
    (tmp_path / "page.html").write_text(wrong, encoding="utf-8")
    with pytest.raises(ConfigError, match="Шаблон письма page"):
        Texts(tmp_path).check()
