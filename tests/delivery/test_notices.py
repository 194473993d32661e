"""Delivery status notices: what is reported of our letters, and that nothing else is believed."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stavbill.delivery.notices import notices_in
from stavbill.delivery.status import Status

OURS = "00112233445566778899aabbccddeeff@stavbill.example"
ENVELOPE = f"Original-Envelope-Id: {OURS}\r\n"
FAILED = """\
Final-Recipient: rfc822; accountant@example.ru\r
Action: failed\r
Status: 5.1.1\r
Diagnostic-Code: smtp; 550 5.1.1 No such user here\r
"""
RETURNED = f"Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{OURS}>\r\nSubject: x\r\n"


def report(recipient: str = FAILED, *, envelope: str = ENVELOPE, returned: str = "") -> bytes:
    """Write a report as RFC 3464 has it; lines end in CRLF."""
    machine = f"Reporting-MTA: dns; mx.example.ru\r\n{envelope}"
    parts = [
        "Content-Type: text/plain\r\n\r\nYour message could not be delivered.\r\n",
        f"Content-Type: message/delivery-status\r\n\r\n{machine}\r\n{recipient}\r\n",
        *([returned] if returned else []),
    ]
    body = "".join(f"--b\r\n{part}\r\n" for part in parts) + "--b--\r\n"
    return (
        "From: MAILER-DAEMON@example.ru\r\nTo: billing@stavbill.example\r\n"
        "Date: Thu, 10 Dec 2026 06:00:00 +0000\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        f"{body}"
    ).encode()


def test_a_bounce_names_the_letter_the_reason_and_the_day() -> None:
    (notice,) = notices_in(report())
    assert (notice.reference, notice.status) == (OURS, Status.BOUNCED)
    assert notice.detail == "5.1.1 550 5.1.1 No such user here"
    assert notice.at == datetime(2026, 12, 10, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("action", "status"),
    [
        ("failed", Status.BOUNCED),
        ("delivered", Status.DELIVERED),
        ("Delivered (to mailbox)", Status.DELIVERED),
        ("relayed", Status.SENT),
        ("expanded", Status.SENT),
        ("delayed", Status.SENT),
    ],
)
def test_every_action_has_its_meaning(action: str, status: Status) -> None:
    (notice,) = notices_in(report(FAILED.replace("failed", action)))
    assert notice.status is status


def test_the_same_report_twice_has_the_same_key_and_another_one_another() -> None:
    first, again = notices_in(report())[0], notices_in(report())[0]
    other = notices_in(report(FAILED.replace("failed", "delayed")))[0]
    assert first.key == again.key != other.key


@pytest.mark.parametrize(
    "returned",
    [
        pytest.param(RETURNED, id="headers"),
        pytest.param(RETURNED.replace("text/rfc822-headers", "message/rfc822"), id="whole letter"),
    ],
)
def test_without_the_envelopes_id_the_returned_letter_tells(returned: str) -> None:
    (notice,) = notices_in(report(envelope="", returned=returned))
    assert notice.reference == OURS


def test_an_envelopes_id_is_written_in_xtext() -> None:
    (notice,) = notices_in(report(envelope=ENVELOPE.replace("@", "+40")))
    assert notice.reference == OURS


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff\xfe\x00", id="bytes"),
        pytest.param(b"Subject: hello\r\n\r\nAre you there?", id="a letter of a person"),
        pytest.param(report(envelope=""), id="names no letter"),
        pytest.param(report(envelope="Original-Envelope-Id: 7\r\n"), id="another's letter"),
        pytest.param(report(FAILED.replace("failed", "eaten")), id="an unknown action"),
        pytest.param(report(""), id="no recipient"),
        pytest.param(report().replace(b"multipart/report", b"multipart/mixed"), id="no report"),
        pytest.param(
            f"From: Petrova\r\n\r\nundelivered?\r\nMessage-ID: <{OURS}>\r\n".encode(),
            id="a person quotes our letter",
        ),
        pytest.param(report().replace(b"--b", b"--c"), id="broken parts"),
    ],
)
def test_what_is_no_report_of_ours_says_nothing(raw: bytes) -> None:
    assert notices_in(raw) == ()


def test_a_diagnosis_is_one_line_without_controls() -> None:
    nasty = FAILED.replace("No such user here", "No\x00 such\x1b[31m user\u202e" + "x" * 5000)
    (notice,) = notices_in(report(nasty))
    assert notice.detail.isprintable()
    assert len(notice.detail) <= 500


@given(st.binary(max_size=2000), st.integers(0, 600))
def test_a_report_spoilt_anywhere_is_no_error(noise: bytes, place: int) -> None:
    raw = report(returned=RETURNED)
    # A name that is spoilt itself is another name, which no message of ours bears.
    names = re.finditer(re.escape(OURS.encode()), raw)
    assume(not any(found.start() <= place <= found.end() for found in names))
    for notice in notices_in(raw[:place] + noise + raw[place:]):
        assert notice.reference == OURS


def test_a_report_for_programs_may_be_encoded() -> None:
    raw = report()
    begins, ends = raw.index(b"Reporting-MTA"), raw.index(b"--b--")
    encoded = base64.encodebytes(raw[begins:ends].strip())
    raw = raw[:begins] + encoded + raw[ends:]
    head = b"Content-Type: message/delivery-status\r\n"
    raw = raw.replace(head, head + b"Content-Transfer-Encoding: base64\r\n")
    (notice,) = notices_in(raw)
    assert (notice.reference, notice.status) == (OURS, Status.BOUNCED)
    assert notice.detail == "5.1.1 550 5.1.1 No such user here"


def test_a_report_about_addresses_in_other_letters() -> None:
    raw = report().replace(b"message/delivery-status", b"message/global-delivery-status")
    (notice,) = notices_in(raw)
    assert (notice.reference, notice.status) == (OURS, Status.BOUNCED)


def test_a_report_that_a_gateway_wrapped() -> None:
    inner = report().partition(b"Subject: Undelivered\r\n")[2]
    head = (
        b'From: gateway\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="o"\r\n\r\n'
    )
    (notice,) = notices_in(head + b"--o\r\n" + inner + b"\r\n--o--\r\n")
    assert (notice.reference, notice.status) == (OURS, Status.BOUNCED)


def test_a_bounce_in_words_alone_names_our_letter() -> None:
    raw = (
        "From: MAILER-DAEMON@mx.example.ru\r\nSubject: failure notice\r\n\r\n"
        "Hi. This is the qmail-send program at mx.example.ru.\r\n"
        "I'm afraid I wasn't able to deliver your message.\r\n\r\n"
        "<accountant@example.ru>:\r\nUser unknown 550 5.1.1\r\n\r\n"
        f"--- Below this line is a copy of the message.\r\n\r\nMessage-ID: <{OURS}>\r\n"
    )
    (notice,) = notices_in(raw.encode())
    assert (notice.reference, notice.status) == (OURS, Status.BOUNCED)
    assert "User unknown" in notice.detail
