"""Signed links: one for each message and purpose, told by nobody without the secret."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stavbill.delivery.links import Links, Purpose, link_name, message_of, sign
from stavbill.delivery.visits import Crowd, Visit, looks_automatic

NOW = datetime(2026, 12, 10, 6, tzinfo=UTC)
PERSON = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15"
# Of letters that left before messages had names.
numbers = st.integers(min_value=0, max_value=2**48 - 1)
names = st.binary(min_size=16, max_size=16).map(bytes.hex)
messages = numbers | names
purposes = st.sampled_from(Purpose)


@given(st.text(min_size=1), purposes, messages)
def test_a_token_says_its_message_and_fits_a_url(
    secret: str, purpose: Purpose, message: str | int
) -> None:
    token = sign(secret, purpose, message)
    assert message_of(secret, purpose, token) == message
    assert len(token) == (36 if isinstance(message, int) else 52)
    assert token.isalnum()


@given(messages, st.integers(0, 51), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_token_that_was_changed_anywhere_is_nobodys(
    message: str | int, place: int, letter: str
) -> None:
    token = sign("secret", Purpose.PAGE, message)
    place %= len(token)
    changed = token[:place] + letter + token[place + 1 :]
    assert changed == token or message_of("secret", Purpose.PAGE, changed) is None


@given(messages)
def test_a_token_is_for_one_purpose_and_one_secret(message: str | int) -> None:
    token = sign("secret", Purpose.PAGE, message)
    assert message_of("secret", Purpose.PIXEL, token) is None
    assert message_of("another", Purpose.PAGE, token) is None
    assert message_of("", Purpose.PAGE, sign("", Purpose.PAGE, message)) is None


def test_a_name_comes_from_what_a_message_is_and_says_nothing_of_it() -> None:
    name = link_name("secret", 7, "stavbill:7:subscription", 1, "email", "one@example.ru")
    assert name == link_name("secret", 7, "stavbill:7:subscription", 1, "email", "one@example.ru")
    assert name != link_name("secret", 7, "stavbill:7:subscription", 1, "email", "two@example.ru")
    assert name != link_name("other", 7, "stavbill:7:subscription", 1, "email", "one@example.ru")
    assert link_name("secret", "a", "bc") != link_name("secret", "ab", "c")


@given(st.text(max_size=80))
def test_any_text_at_all_is_looked_at_without_an_error(text: str) -> None:
    assert message_of("secret", Purpose.PAGE, text) is None


def test_a_link_stands_under_the_public_address_and_asks_nothing() -> None:
    links = Links("https://billing.example/stavbill/", "secret")
    for link in (links.page(7), links.pixel(7)):
        parts = urlsplit(link)
        assert (parts.netloc, parts.query, parts.fragment) == ("billing.example", "", "")
        assert parts.path.startswith("/stavbill/i/")


@pytest.mark.parametrize("links", [Links("", "secret"), Links("https://billing.example", "")])
def test_without_an_address_or_a_secret_there_are_no_links(links: Links) -> None:
    assert not links.are_possible


def visit(**changes: object) -> Visit:
    words = {"method": "GET", "agent": PERSON, "client": "192.0.2.1", "at": NOW, **changes}
    return Visit(**words)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seen", "sent", "others", "automatic"),
    [
        pytest.param(visit(), NOW - timedelta(minutes=1), 0, False, id="a person"),
        pytest.param(visit(), NOW - timedelta(minutes=1), 2, False, id="an accountant's three"),
        pytest.param(visit(), NOW - timedelta(minutes=1), 3, True, id="many customers at once"),
        pytest.param(visit(), NOW - timedelta(seconds=5), 0, True, id="within seconds"),
        pytest.param(visit(), None, 0, True, id="before it was sent"),
        pytest.param(visit(method="HEAD"), NOW - timedelta(days=1), 0, True, id="a look ahead"),
        pytest.param(visit(method="POST"), NOW - timedelta(days=1), 0, True, id="no fetch at all"),
        pytest.param(visit(agent=" "), NOW - timedelta(days=1), 0, True, id="nameless"),
        pytest.param(visit(agent="GoogleImageProxy"), NOW - timedelta(days=1), 0, True, id="proxy"),
        pytest.param(visit(agent="curl/8.5"), NOW - timedelta(days=1), 0, True, id="a program"),
    ],
)
def test_who_is_a_person(
    seen: Visit,
    sent: datetime | None,
    others: int,
    automatic: bool,  # noqa: FBT001  a table's column
) -> None:
    assert looks_automatic(seen, sent, others) is automatic


def test_a_crowd_is_remembered_for_a_minute() -> None:
    crowd = Crowd()
    assert [crowd.others(visit(), number) for number in (1, 1, 2, 3, 1)] == [0, 0, 1, 2, 2]
    assert crowd.others(visit(client="192.0.2.2"), 9) == 0
    assert crowd.others(visit(at=NOW + timedelta(seconds=61)), 9) == 0
