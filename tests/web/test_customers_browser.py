"""Letters and pages in a real browser: the picture loads, the button works, nothing is blocked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from stavbill.delivery.links import Links
from stavbill.delivery.texts import LetterFacts, Texts
from stavbill.store.database import Store
from stavbill.store.messages import MessageId
from stavbill.store.schema import open_store
from tests.delivery.office import SECRET, PaperFactory
from tests.web.chromium import PERSON, PHONE, browser, complaints
from tests.web.posted import (
    NOTICE,
    claim,
    kinds_of,
    put_messages,
    put_sending,
    settle,
    status_of,
    visitors_of,
)
from tests.web.served import NOW, OPTIONS, on_loopback, served
from tests.worker.hand_clock import HandClock

PATIENCE_S = 20
LONG = 'Подписка на сервис <img src=x onerror="document.title=1"> ' + "и" * 90
BLUE = "rgba(31, 95, 168, 1)"
OVERFLOW = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"


@dataclass(frozen=True, slots=True)
class Office:
    """What a browser test has: the store, the links as customers have them, the documents."""

    store: Store
    links: Links
    papers: PaperFactory


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Give a store in a file: what a browser shows does not depend on the database."""
    opened = open_store(f"sqlite:///{tmp_path / 'stavbill.sqlite3'}")
    yield opened
    opened.close()


@asynccontextmanager
async def office(store: Store) -> AsyncIterator[Office]:
    """Serve links at the address that stands in them, five minutes after the letters went out."""
    listening = on_loopback()
    base = f"http://127.0.0.1:{listening.getsockname()[1]}"
    clock, papers = HandClock(NOW + timedelta(minutes=5)), PaperFactory()
    visitors = visitors_of(store, clock, papers=papers, base=base)
    async with served(store, OPTIONS, visitors=visitors, clock=clock, listening=listening):
        yield Office(store, Links(base, SECRET), papers)


def posted(store: Store, *, title: str = NOTICE.title, pay_link: str = "") -> MessageId:
    notice = replace(NOTICE, title=title)
    sending = put_sending(store, 1, notice=notice, pay_link=pay_link)
    put_messages(store, sending, ["a@example.ru"])
    (message,) = claim(store, sending)
    settle(store, [message])
    return message.message


def press(driver: Chrome, words: str) -> None:
    driver.find_element(By.XPATH, f"//*[self::a or self::button][.='{words}']").click()


async def test_a_person_reads_the_letter_and_gets_to_the_document(
    store: Store, tmp_path: Path
) -> None:
    message = posted(store)
    letter = tmp_path / "letter.html"

    def read(desk: Office) -> None:
        with browser() as driver:
            wait = WebDriverWait(driver, PATIENCE_S)
            driver.set_window_size(*PHONE)
            driver.get(letter.as_uri())
            assert driver.execute_script(OVERFLOW) <= 0
            wait.until(lambda _: status_of(store, message) == "opened")
            press(driver, "Посмотреть и оплатить")
            wait.until(lambda _: driver.current_url == desk.links.page(message))
            assert status_of(store, message) == "opened"
            button = driver.find_element(By.TAG_NAME, "button")
            assert button.value_of_css_property("background-color") == BLUE
            button.click()
            wait.until(lambda _: driver.find_elements(By.LINK_TEXT, "Скачать счёт"))
            assert status_of(store, message) == "clicked"
            assert driver.current_url == desk.links.page(message)
            assert driver.get_cookies() == []
            assert complaints(driver) == []
            press(driver, "Скачать счёт")
            wait.until(lambda _: desk.papers.asked)

    async with office(store) as desk:
        facts = LetterFacts(
            notice=replace(NOTICE, title=LONG),
            revision=1,
            sender="Автотрэкер",
            page=desk.links.page(message),
            pixel=desk.links.pixel(message),
        )
        letter.write_text(Texts().html(facts), encoding="utf-8")
        await asyncio.to_thread(read, desk)
    kinds = [kind for kind, _ in kinds_of(store, message)]
    assert kinds == ["sent", "opened", "opened", "clicked"]


async def test_a_long_name_with_markup_stays_text_on_a_phone(store: Store) -> None:
    pay = "https://portal.example/pay/abc"
    message = posted(store, title=LONG, pay_link=pay)

    def look(desk: Office) -> None:
        with browser() as driver:
            wait = WebDriverWait(driver, PATIENCE_S)
            driver.set_window_size(*PHONE)
            driver.get(desk.links.page(message))
            assert "<img src=x" in driver.find_element(By.TAG_NAME, "main").text
            assert driver.find_elements(By.TAG_NAME, "img") == []
            assert driver.title == "Счёт № 77"
            assert driver.execute_script(OVERFLOW) <= 0
            press(driver, "Показать счёт и оплатить")
            wait.until(lambda _: driver.find_elements(By.LINK_TEXT, "Перейти к оплате"))
            link = driver.find_element(By.LINK_TEXT, "Перейти к оплате")
            assert link.get_attribute("href") == pay
            assert driver.execute_script(OVERFLOW) <= 0
            assert complaints(driver) == []

    async with office(store) as desk:
        await asyncio.to_thread(look, desk)


@pytest.mark.parametrize("agent", [PERSON, ""], ids=["a person", "a browser that nobody sees"])
async def test_a_page_that_was_only_shown_is_never_a_click(store: Store, agent: str) -> None:
    message = posted(store)

    def look(desk: Office) -> None:
        with browser(agent) as driver:
            driver.get(desk.links.page(message))
            assert driver.title == "Счёт № 77"

    async with office(store) as desk:
        await asyncio.to_thread(look, desk)
    assert status_of(store, message) == ("opened" if agent else "sent")
