"""Addresses and numbers as people type them on a card: what is used, what is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stavbill.billing.facts import Recipients
from stavbill.bitrix.recipients import is_email, phone, recipients

LONG = "a" * 64


@pytest.mark.parametrize(
    ("text", "emails", "unusable"),
    [
        pytest.param("a@x.ru;b@x.ru", ("a@x.ru", "b@x.ru"), (), id="semicolon"),
        pytest.param("a@x.ru, b@x.ru\nc@x.ru", ("a@x.ru", "b@x.ru", "c@x.ru"), (), id="several"),
        pytest.param("a@x.ru a@x.ru", ("a@x.ru",), (), id="twice"),
        pytest.param("a@b", (), ("a@b",), id="no domain"),
        pytest.param("аccount@example.ru", (), ("аccount@example.ru",), id="Cyrillic а"),
        pytest.param("a@exаmple.ru", (), ("a@exаmple.ru",), id="Cyrillic а in the domain"),
        pytest.param("почта@пример.рф", (), ("почта@пример.рф",), id="Cyrillic"),
        pytest.param(
            "info@пример.рф", ("info@xn--e1afmkfd.xn--p1ai",), (), id="a domain in Cyrillic"
        ),
        pytest.param("a@сom.рф..", (), ("a@сom.рф..",), id="a mixed name"),
        pytest.param("Buh@X.ru; buh@x.ru", ("Buh@X.ru",), (), id="twice in two letter cases"),
        pytest.param("a@xn--e1afmkfd.xn--p1ai", ("a@xn--e1afmkfd.xn--p1ai",), (), id="punycode"),
        pytest.param("a@x.ru\r\nBcc:b@x.ru", ("a@x.ru",), ("Bcc:b@x.ru",), id="a header"),
        pytest.param("<a@x.ru>", ("a@x.ru",), (), id="F14 angle brackets"),
        pytest.param("Анна Петрова <a@x.ru>", ("a@x.ru",), (), id="F14 a name"),
        pytest.param(
            '"Петрова, Анна" <a@x.ru>, b@x.ru', ("a@x.ru", "b@x.ru"), (), id="F14 a comma in it"
        ),
        pytest.param("mailto:a@x.ru; MAILTO:b@x.ru", ("a@x.ru", "b@x.ru"), (), id="F14 mailto"),
        pytest.param("a@x.ru (бухгалтер, до 18:00)", ("a@x.ru",), (), id="F14 a remark"),
        pytest.param("a@x.ru бухгалтер", ("a@x.ru",), (), id="a remark without parentheses"),
        pytest.param("a@x.ru.", ("a@x.ru",), (), id="F14 a full stop"),
        pytest.param("Анна <a@x>", (), ("a@x",), id="F14 no domain behind a name"),
        pytest.param("a@x.ru b.x.ru", ("a@x.ru",), ("b.x.ru",), id="one without its sign"),
        pytest.param("a@x.ru, директор", ("a@x.ru",), ("директор",), id="a word instead of one"),
        pytest.param("a@x.ru> <b@x.ru", ("a@x.ru", "b@x.ru"), (), id="brackets left over"),
        pytest.param("a@x.local b@localhost", (), ("a@x.local", "b@localhost"), id="not public"),
        pytest.param('"a b"@x.ru', (), ("@x.ru",), id="quotes"),
        pytest.param(
            "a..b@x.ru .a@x.ru a.@x.ru", (), ("a..b@x.ru", ".a@x.ru", "a.@x.ru"), id="dots"
        ),
        pytest.param("a@-x.ru a@x-.ru", (), ("a@-x.ru", "a@x-.ru"), id="hyphens"),
        pytest.param("a@127.0.0.1 a@[127.0.0.1]", (), ("a@127.0.0.1", "a@[127.0.0.1]"), id="hosts"),
        pytest.param("a@@x.ru a@x.ru@y.ru", (), ("a@@x.ru", "a@x.ru@y.ru"), id="two signs"),
        pytest.param(
            "=?utf-8?q?x=0D=0ABcc=3Aa=40b.ru?=@x.ru",
            (),
            ("=?utf-8?q?x=0D=0ABcc=3Aa=40b.ru?=@x.ru",),
            id="encoded word",
        ),
        pytest.param("a%b@x.ru", ("a%b@x.ru",), (), id="percent"),
        pytest.param(f"{LONG}a@x.ru", (), (f"{LONG}a@x.ru",), id="long name"),
        pytest.param("- нет —", (), (), id="says that there is none"),
        pytest.param("", (), (), id="empty"),
        pytest.param("позвонить Ивану", (), ("позвонить", "Ивану"), id="words"),
    ],
)
def test_addresses(text: str, emails: tuple[str, ...], unusable: tuple[str, ...]) -> None:
    assert recipients([text], []) == Recipients(emails, (), unusable)


def test_thirty_recipients_are_thirty_in_their_order() -> None:
    addresses = tuple(f"r{number}@example.ru" for number in range(30))
    assert recipients(["; ".join(addresses)], []).emails == addresses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+7 (900) 123-45-67", "+79001234567"),
        ("8 900 123 45 67", "+79001234567"),
        ("79001234567", "+79001234567"),
        ("9001234567", "+79001234567"),
        ("+7 701 123 45 67", "+77011234567"),
        ("+375 29 123-45-67", "+375291234567"),
        ("12", None),
        ("звонить после обеда", None),
        ("+", None),
        ("", None),
        ("00000000000000000000", None),
    ],
)
def test_numbers(text: str, expected: str | None) -> None:
    assert phone(text) == expected


def test_numbers_are_separated_by_what_does_not_stand_inside_of_one() -> None:
    found = recipients([], ["8 900 123 45 67, +7 900 765-43-21 / 89001234567\nнет; позже"])
    assert found.phones == ("+79001234567", "+79007654321")
    assert found.unusable == ("позже",)


@given(st.text(max_size=100))
def test_any_text_at_all_is_read_and_what_passes_has_no_way_out(text: str) -> None:
    found = recipients([text], [text])
    for address in found.emails:
        assert is_email(address)
        assert address.isascii()
        assert address.isprintable()
        assert not set(address) & set(' <>"(),:;\\\r\n')
    for number in found.phones:
        assert number[0] == "+"
        assert number[1:].isascii()
        assert number[1:].isdecimal()
