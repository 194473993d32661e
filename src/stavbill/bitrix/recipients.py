"""Where an invoice may be sent: e-mail addresses and telephone numbers as people type them.

Source: billing rules §1, §9; delivery page, «Bad input».
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from stavbill.billing.facts import Recipients

# Names of a domain are Cyrillic from a dot to the next, under a top that is: a Latin name with a
# Cyrillic letter in it is a slip, or a trap.
CYRILLIC_DOMAIN = re.compile(
    r"(?:(?:[A-Za-z0-9-]{1,63}|[\u0400-\u04ff0-9-]{1,63})\.)+[\u0400-\u04ff]{2,63}"
)
# What begins an encoded word (RFC 2047): a mail program would read another address in it.
ENCODED = "=?"
EMPTY = frozenset({"", "-", "—", "–", "нет"})
PHONE_PARTS = re.compile(r"[,;\n/]+")
# A name in quotes, an address in brackets, a remark in parentheses, or a word of anything else.
TOKENS = re.compile(r'"[^"]*"|<[^<>]*>|\([^()]*\)|[,;]+|[^\s,;"<>()]+|[<>"()]')
MAILTO = "mailto:"
# A word without these is part of a name or a remark; one with them is an address gone wrong.
ADDRESS_SIGNS = re.compile(r"[@.\d_/:]")


def recipients(email_texts: Sequence[str], phone_texts: Sequence[str]) -> Recipients:
    """Return the usable addresses and E.164 numbers, and whatever cannot be used, in order.

    Addresses are read as mail programs and people write them: with names before them in quotes or
    without, in angle brackets, behind `mailto:`, with remarks in parentheses, separated by comma,
    semicolon or white space. Numbers are separated by comma, semicolon, slash or newline, because
    spaces stand inside them; one without a country is Russian. An address in two letter cases is
    one; a domain in other letters is written as servers know it.
    """
    emails: dict[str, str] = {}
    phones: dict[str, None] = {}
    unusable: dict[str, None] = {}
    for text in email_texts:
        for address, given in _addresses(text):
            if address is None:
                unusable[given] = None
            else:
                emails.setdefault(address.casefold(), address)
    for text in phone_texts:
        for part in PHONE_PARTS.split(text):
            if part.strip().casefold() in EMPTY:
                continue
            number = phone(part)
            if number is None:
                unusable[part.strip()] = None
            else:
                phones[number] = None
    return Recipients(tuple(emails.values()), tuple(phones), tuple(unusable))


def _addresses(text: str) -> Iterator[tuple[str | None, str]]:
    """Yield what a text gives: a usable address, or None with what is there instead."""
    words: list[str] = []
    found = False
    for token in (*TOKENS.findall(text), ";"):
        if token[0] in ",;":
            # Words beside an address are a name or a remark; alone they are no address at all.
            yield from ((None, word) for word in words if not found or ADDRESS_SIGNS.search(word))
            words, found = [], False
        elif token[0] in '"(' and len(token) > 1:
            continue
        elif token[0] == "<" and len(token) > 1:
            found = True
            yield _address(token[1:-1].strip()), token[1:-1].strip()
        elif "@" in token:
            found = True
            yield _address(token), token
        elif token.casefold() not in EMPTY:
            words.append(token)


def _address(given: str) -> str | None:
    """Return an address as servers know it, None when no server may take it."""
    text = given[len(MAILTO) :] if given.casefold().startswith(MAILTO) else given
    return with_ascii_domain(text.rstrip("."))


def with_ascii_domain(text: str) -> str | None:
    """Return an address with its domain in ASCII: `info@компания.рф` is `info@xn--….xn--p1ai`.

    None for what is no address that every mail server may accept. Source: RFC 5321, RFC 5890.
    """
    domain = text.rpartition("@")[2]
    if ENCODED in text or not (domain.isascii() or CYRILLIC_DOMAIN.fullmatch(domain)):
        return None
    try:
        known = validate_email(text, check_deliverability=False, allow_smtputf8=False, strict=True)
    except EmailNotValidError:
        return None
    return text if domain.isascii() else f"{known.local_part}@{known.ascii_domain}"


def is_email(text: str) -> bool:
    """Say whether `text` is an address that a mail server may accept, as servers know it."""
    known = with_ascii_domain(text)
    return known is not None and known.casefold() == text.casefold()


def phone(text: str) -> str | None:
    """Return a number in E.164, None when it is not one; `7 900 …` and `8 900 …` are Russian."""
    digits = re.sub(r"\D", "", text)
    given = text if text.strip().startswith("+") else f"+{digits}" if digits[:1] == "7" else text
    try:
        number = phonenumbers.parse(given, "RU")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
