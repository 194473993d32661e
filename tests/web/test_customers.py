"""Links of letters over real HTTP: what a person sees, what a scanner learns, what counts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pytest

from stavbill.billing.facts import InvoiceState
from stavbill.delivery.links import Links, Purpose, sign
from stavbill.store.database import Store
from tests.delivery.office import SECRET
from tests.web.posted import (
    BASE,
    NOTICE,
    kinds_of,
    posted,
    put_invoice,
    put_sending,
    status_of,
    visitors_of,
)
from tests.web.posted import claim as claim_all
from tests.web.posted import put_messages as put_all
from tests.web.posted import settle as settle_all
from tests.web.served import NOW, OPTIONS, served
from tests.worker.hand_clock import HandClock

PERSON = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
LATER = timedelta(minutes=5)
LINKS = Links(BASE, SECRET)


def page_of(message: int | str) -> str:
    return urlsplit(LINKS.page(message)).path


def picture_of(message: int) -> str:
    return urlsplit(LINKS.pixel(message)).path


@asynccontextmanager
async def web(store: Store, *, later: timedelta = LATER) -> AsyncIterator[httpx.AsyncClient]:
    """Serve links some time after the letter went out; the client is a person's browser."""
    clock = HandClock(NOW + later)
    async with served(store, OPTIONS, visitors=visitors_of(store, clock), clock=clock) as open_web:
        open_web.client.headers["User-Agent"] = PERSON
        yield open_web.client


async def test_a_person_opens_presses_and_gets_the_document(store: Store) -> None:
    message = posted(store)
    async with web(store) as client:
        shown = await client.get(page_of(message))
        assert (shown.status_code, status_of(store, message)) == (200, "opened")
        assert "Счёт № 77 от 10.12.2026" in shown.text
        assert "/document" not in shown.text
        pressed = await client.post(page_of(message))
        assert (pressed.status_code, status_of(store, message)) == (200, "clicked")
        assert f'href="{LINKS.page(message)}/document"' in pressed.text
        document = await client.get(f"{page_of(message)}/document")
        assert document.headers["content-type"] == "application/pdf"
        assert document.content.startswith(b"%PDF-")
        assert "filename*=UTF-8''%D0%A1" in document.headers["content-disposition"]


async def test_the_picture_shows_that_a_letter_was_looked_at(store: Store) -> None:
    message = posted(store)
    async with web(store) as client:
        for _ in range(3):
            answer = await client.get(picture_of(message))
            assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
            assert answer.headers["cache-control"] == "no-store"
    assert kinds_of(store, message) == [("sent", "channel"), ("opened", "pixel")]


@pytest.mark.parametrize(
    "agent",
    [
        pytest.param("", id="nameless"),
        pytest.param("Mozilla/5.0 (compatible; YandexBot/3.0)", id="bot"),
        pytest.param("Mozilla/5.0 (via ggpht.com GoogleImageProxy)", id="image proxy"),
        pytest.param("python-requests/2.32", id="program"),
        pytest.param("BarracudaCentral", id="mail filter"),
    ],
)
async def test_a_scanners_fetch_is_no_persons(store: Store, agent: str) -> None:
    message = posted(store)
    async with web(store) as client:
        for path in (page_of(message), picture_of(message), f"{page_of(message)}/document"):
            answer = await client.get(path, headers={"User-Agent": agent})
            assert answer.status_code == 200
        pressed = await client.post(page_of(message), headers={"User-Agent": agent})
        assert "/document" in pressed.text
    assert status_of(store, message) == "sent"


@pytest.mark.parametrize(
    "agent",
    [
        pytest.param("Mozilla/5.0 (Linux; Android 13; CUBOT NOTE 40) Chrome/140.0", id="telephone"),
        pytest.param("Mozilla/5.0 (Windows NT 10.0) YaBrowser/25.4 Safari/537.36", id="yandex"),
        pytest.param("Mozilla/5.0 (X11; Linux x86_64) Thunderbird/140.1", id="mail program"),
        pytest.param("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5) Mobile/15E148", id="mail on iPhone"),
    ],
)
async def test_what_people_hold_in_their_hands_is_no_scanner(store: Store, agent: str) -> None:
    message = posted(store)
    async with web(store) as client:
        await client.get(picture_of(message), headers={"User-Agent": agent})
    assert status_of(store, message) == "opened"


async def test_a_look_ahead_is_no_persons(store: Store) -> None:
    message = posted(store)
    async with web(store) as client:
        for path in (page_of(message), picture_of(message)):
            answer = await client.head(path)
            assert (answer.status_code, answer.content) == (200, b"")
    assert status_of(store, message) == "sent"


async def test_within_seconds_of_sending_nobody_reads_yet(store: Store) -> None:
    message = posted(store)
    async with web(store, later=timedelta(seconds=3)) as client:
        await client.get(picture_of(message))
        await client.get(page_of(message))
        await client.post(page_of(message))
    assert status_of(store, message) == "sent"


async def test_whoever_opens_many_customers_letters_at_once_is_a_machine(store: Store) -> None:
    messages = [posted(store, company) for company in range(1, 9)]
    async with web(store) as client:
        for message in messages:
            await client.get(picture_of(message))
        states = [status_of(store, message) for message in messages]
        assert states == ["opened"] * 3 + ["sent"] * 5
        # An accountant of several companies presses as many buttons.
        for message in messages:
            await client.post(page_of(message))
    assert {status_of(store, message) for message in messages} == {"clicked"}


async def test_customers_behind_our_own_proxy_are_many_people(store: Store) -> None:
    messages = [posted(store, company) for company in range(1, 9)]
    async with web(store) as client:
        for place, message in enumerate(messages):
            headers = {"X-Forwarded-For": f"198.51.100.{place}"}
            await client.get(picture_of(message), headers=headers)
    assert {status_of(store, message) for message in messages} == {"opened"}


async def test_a_long_post_is_answered_unread(store: Store) -> None:
    message = posted(store)
    async with web(store) as client:
        pressed = await client.post(page_of(message), content=b"x" * 5_000_000)
    assert pressed.status_code == 200


async def test_a_customer_reads_words_while_the_store_is_away(store: Store) -> None:
    message = posted(store)
    async with web(store) as client:
        with store.write() as db:
            db.exec_driver_sql("ALTER TABLE messages RENAME TO messages_gone")
        answer = await client.get(page_of(message))
    assert answer.status_code == 503
    assert answer.headers["content-type"].startswith("text/plain")
    assert "Счёт приложен к письму" in answer.text


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_a_link_that_we_did_not_sign_leads_nowhere(store: Store, method: str) -> None:
    message = posted(store)
    own = sign(SECRET, Purpose.PAGE, message)
    forged = [
        own[:-1] + ("a" if own[-1] != "a" else "b"),
        sign("another secret", Purpose.PAGE, message),
        sign(SECRET, Purpose.PAGE, message + 1),
        own.upper() + "x",
        "a" * 4000,
        "%00",
        "https:%2F%2Fevil.example",
        "ы" * 36,
    ]
    async with web(store) as client:
        for token in forged:
            answer = await client.request(method, f"/i/{token}")
            assert answer.status_code in {404, 405}, token
            answer = await client.request(method, f"/i/{token}.gif")
            assert answer.status_code in {404, 405}, token
    assert status_of(store, message) == "sent"


async def test_a_picture_is_not_a_page_nor_a_page_a_picture(store: Store) -> None:
    message = posted(store)
    page, picture = sign(SECRET, Purpose.PAGE, message), sign(SECRET, Purpose.PIXEL, message)
    async with web(store) as client:
        assert (await client.get(f"/i/{page}.gif")).status_code == 404
        assert (await client.get(f"/i/{picture}")).status_code == 404
        assert (await client.get(f"/i/{picture}/document")).status_code == 404


async def test_nobody_is_led_where_the_store_does_not_say(store: Store) -> None:
    pay = "https://portal.example/pay/abc"
    message = posted(store, pay_link=pay)
    words = {"to": "https://evil.example", "url": "//evil.example", "next": "javascript:alert(1)"}
    async with web(store) as client:
        shown = await client.get(page_of(message), params=words)
        pressed = await client.post(page_of(message), params=words, data=words)
        for answer in (shown, pressed):
            assert answer.status_code == 200
            assert "location" not in answer.headers
            assert "evil" not in answer.text
            assert "javascript" not in answer.text
        assert f'href="{pay}"' in pressed.text


async def test_nobody_pays_by_an_invoice_that_was_corrected(store: Store) -> None:
    pay = "https://portal.example/pay/abc"
    message = posted(store, pay_link=pay)
    put_sending(store, 2, revision=2)
    async with web(store) as client:
        assert "исправлен" not in (await client.get(page_of(message))).text
        put_sending(store, 1, revision=2)
        shown = await client.get(page_of(message))
        pressed = await client.post(page_of(message))
        assert (await client.get(f"{page_of(message)}/document")).status_code == 410
    for answer in (shown, pressed):
        assert answer.status_code == 200
        assert "Счёт исправлен, по этому не платите" in answer.text
        assert "<button" not in answer.text
        assert pay not in answer.text
        assert "/document" not in answer.text


@pytest.mark.parametrize(
    ("state", "words", "document"),
    [
        pytest.param(InvoiceState.CANCELLED, "Счёт отменён, по нему не платите", 410),
        pytest.param(InvoiceState.PAID, "Счёт оплачен", 200),
    ],
)
async def test_nobody_pays_by_an_invoice_that_is_paid_or_cancelled(
    store: Store, state: InvoiceState, words: str, document: int
) -> None:
    pay = "https://portal.example/pay/abc"
    message = posted(store, pay_link=pay)
    put_invoice(store, 1, state)
    async with web(store) as client:
        shown = await client.get(page_of(message))
        pressed = await client.post(page_of(message))
        assert (await client.get(f"{page_of(message)}/document")).status_code == document
    assert words in pressed.text
    for answer in (shown, pressed):
        assert answer.status_code == 200
        assert "оплатить" not in answer.text
        assert pay not in answer.text


async def test_a_link_says_nothing_about_the_customer(store: Store) -> None:
    message = posted(store, 4711)
    for link in (LINKS.page(message), LINKS.pixel(message)):
        assert "4711" not in link
        assert "?" not in link
        assert len(urlsplit(link).path) < 50


async def test_a_page_keeps_to_itself(store: Store) -> None:
    message = posted(store)
    async with web(store) as client:
        headers = (await client.get(page_of(message))).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["x-robots-tag"].startswith("noindex")
    assert "set-cookie" not in headers


async def test_a_name_with_markup_stays_text_on_the_page(store: Store) -> None:
    notice = replace(NOTICE, title='<script>alert("1")</script>', issuer='ООО "Рога & <Копыта>"')
    sending = put_sending(store, 7, notice=notice)
    put_all(store, sending, ["a@example.ru"])
    (message,) = claim_all(store, sending)
    settle_all(store, [message])
    async with web(store) as client:
        text = (await client.get(page_of(message.message))).text
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "Рога &amp; &lt;Копыта&gt;" in text


async def test_without_sending_there_are_no_links(store: Store) -> None:
    async with served(store) as open_web:
        answer = await open_web.client.get(f"/i/{sign(SECRET, Purpose.PAGE, 1)}")
        assert answer.status_code == 404
        assert (await open_web.client.post("/hooks/whatsapp", json={})).status_code == 404


async def test_a_named_message_is_found_by_its_name_alone(store: Store) -> None:
    name = "0f" * 16
    (message,) = put_all(store, put_sending(store, 7), ["one@example.ru"], link=name)
    async with web(store) as client:
        assert (await client.get(page_of(name))).status_code == 200
        assert (await client.get(page_of("1f" * 16))).status_code == 404
        # A letter that left before names bears this number; the row is another's since a restore.
        for path in (page_of(int(message)), picture_of(int(message))):
            answer = await client.get(path)
            assert answer.status_code == 404
            assert "77" not in answer.text
