"""Where an invoice may be sent: e-mail addresses and telephone numbers as people type them.

Source: billing rules §1, §9; delivery page, «Bad input».
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import phonenumbers

from stavbill.billing.facts import Recipients

SEPARATORS = re.compile(r"[\s,;]+")
EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+"
    r"(?:[A-Za-z]{2,63}|xn--[A-Za-z0-9-]{1,59})"
)
CYRILLIC_DOMAIN = re.compile(
    r"(?:(?:[A-Za-z0-9-]{1,63}|[\u0400-\u04ff0-9-]{1,63})\.)+[\u0400-\u04ff]{2,63}"
)
LONGEST_EMAIL = 254
# What begins an encoded word (RFC 2047): a mail program would read another address in it.
ENCODED = "=?"
EMPTY = frozenset({"", "-", "—", "–", "нет"})
PHONE_PARTS = re.compile(r"[,;\n/]+")


def recipients(email_texts: Sequence[str], phone_texts: Sequence[str]) -> Recipients:
    """Return the usable addresses and E.164 numbers, and whatever cannot be used, in order.

    E-mail addresses are separated by comma, semicolon or white space; numbers by comma, semicolon,
    slash or newline, because spaces stand inside them. A number without a country is Russian. An
    address in two letter cases is one; a domain in other letters is written as servers know it.
    """
    emails: dict[str, str] = {}
    phones: dict[str, None] = {}
    unusable: dict[str, None] = {}
    for text in email_texts:
        for part in SEPARATORS.split(text):
            if part.casefold() in EMPTY:
                continue
            address = with_ascii_domain(part)
            if is_email(address):
                emails.setdefault(address.casefold(), address)
            else:
                unusable[part] = None
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


def with_ascii_domain(text: str) -> str:
    """Return an address with its domain in ASCII: `info@компания.рф` is `info@xn--….xn--p1ai`.

    Only names that are Cyrillic from a dot to the next, under a top that is: a Latin name with a
    Cyrillic letter in it is a slip, or a trap. Others are returned as they are. Source: RFC 3490.
    """
    local, at, domain = text.rpartition("@")
    if not CYRILLIC_DOMAIN.fullmatch(domain):
        return text
    try:
        return f"{local}{at}{domain.encode('idna').decode()}"
    except UnicodeError:
        return text


def is_email(text: str) -> bool:
    """Say whether `text` is an address that a mail server may accept."""
    local = text.partition("@")[0]
    dots = local.startswith(".") or local.endswith(".") or ".." in local
    if dots or ENCODED in text:
        return False
    return len(text) <= LONGEST_EMAIL and EMAIL.fullmatch(text) is not None


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
