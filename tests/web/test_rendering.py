"""Documents behind links: made once, few at a time, in bounded memory, for clients who wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from typing_extensions import override

from stavbill.delivery.letter import PDF, Attachment
from stavbill.delivery.links import Links
from stavbill.operations.mail_parts import Files, NoDocument
from stavbill.store.database import Store
from stavbill.store.sendings import Sending, SendingId, sendings_by_id
from stavbill.web.rendering import DocumentRenderer, RenderingLimits
from tests.delivery.office import SECRET, PaperFactory
from tests.web.posted import BASE, posted, put_sending, visitors_of
from tests.web.served import NOW, OPTIONS, Web, served
from tests.worker.hand_clock import HandClock

ONE = RenderingLimits(at_once=1, waiting=2, kept=2)


@dataclass
class SlowFactory(PaperFactory):
    """A factory that makes documents when it is told to, and remembers whose it began and left."""

    may_go: asyncio.Event = field(default_factory=asyncio.Event)
    begun: list[int] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    size: int = 10

    @override
    async def files(self, wanted: list[Sending]) -> dict[SendingId, Files | NoDocument]:  # type: ignore[override]
        (sending,) = wanted
        await self._note(self.begun, sending.company)
        try:
            await self.may_go.wait()
        except asyncio.CancelledError:
            await self._note(self.left, sending.company)
            raise
        return {sending.sending: (Attachment("счёт.pdf", PDF, b"%PDF-" + b"x" * self.size),)}

    async def _note(self, list_: list[int], company: int) -> None:
        async with self.changed:
            list_.append(company)
            self.changed.notify_all()

    async def until(self, list_: list[int], number: int) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: len(list_) >= number)


@asynccontextmanager
async def web(
    store: Store, factory: PaperFactory, limits: RenderingLimits = ONE
) -> AsyncIterator[Web]:
    clock = HandClock(NOW)
    visitors = visitors_of(store, clock, papers=factory)
    async with served(store, OPTIONS, visitors=visitors, clock=clock, rendering=limits) as opened:
        yield opened


def document_of(message: int) -> str:
    return urlsplit(Links(BASE, SECRET).page(message)).path + "/document"


async def test_a_document_that_was_asked_for_is_not_made_again(store: Store) -> None:
    messages = [posted(store, company) for company in (1, 2, 3)]
    factory = SlowFactory()
    factory.may_go.set()
    async with web(store, factory) as opened:
        for place in (0, 1, 0, 1, 2, 2, 0):
            answer = await opened.client.get(document_of(messages[place]))
            assert (answer.status_code, answer.content[:5]) == (200, b"%PDF-")
    # Two are kept: the third one made the first to be forgotten, which was asked for longest ago.
    assert factory.begun == [1, 2, 3, 1]


async def test_what_is_kept_has_a_size(store: Store) -> None:
    messages = [posted(store, company) for company in (1, 2)]
    factory = SlowFactory(size=100)
    factory.may_go.set()
    limits = RenderingLimits(kept=10, kept_bytes=150)
    async with web(store, factory, limits) as opened:
        for place in (0, 0, 1, 0):
            await opened.client.get(document_of(messages[place]))
    assert factory.begun == [1, 2, 1]


async def test_who_asks_for_the_same_document_waits_for_the_same_work(store: Store) -> None:
    message = posted(store)
    factory = SlowFactory()
    async with web(store, factory) as opened:
        asked = [asyncio.ensure_future(opened.client.get(document_of(message))) for _ in range(8)]
        await factory.until(factory.begun, 1)
        factory.may_go.set()
        assert {answer.status_code for answer in await asyncio.gather(*asked)} == {200}
    assert len(factory.begun) == 1


async def test_a_full_queue_says_when_to_come_again(store: Store) -> None:
    messages = [posted(store, company) for company in range(1, 6)]
    factory = SlowFactory()
    async with web(store, factory) as opened:
        asked = [
            asyncio.ensure_future(opened.client.get(document_of(message))) for message in messages
        ]
        done, waiting = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        while len(done) < 2:
            more, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            done |= more
        for answer in done:
            assert answer.result().status_code == 503
            assert answer.result().headers["retry-after"] == "5"
            assert "приложен к письму" in answer.result().text
        factory.may_go.set()
        assert [one.status_code for one in await asyncio.gather(*waiting)] == [200] * 3


async def test_work_ends_when_the_client_has_gone(store: Store) -> None:
    first, second = posted(store, 1), posted(store, 2)
    factory = SlowFactory()
    async with web(store, factory) as opened:
        _, writer = await asyncio.open_connection("127.0.0.1", opened.port)
        writer.write(f"GET {document_of(first)} HTTP/1.1\r\nHost: web\r\n\r\n".encode())
        await factory.until(factory.begun, 1)
        queued = asyncio.ensure_future(opened.client.get(document_of(second)))
        writer.close()
        await factory.until(factory.left, 1)
        factory.may_go.set()
        assert (await queued).status_code == 200
    assert (factory.begun, factory.left) == ([1, 2], [1])


async def test_work_goes_on_while_anybody_waits_for_it(store: Store) -> None:
    # Numbers of rows never come again: in a database of several tests this one is not 1.
    posted_now = put_sending(store, 1)
    with store.read() as db:
        (sending,) = sendings_by_id(db, [posted_now]).values()
    factory = SlowFactory()

    async def made(one: Sending) -> Attachment | NoDocument:
        files = (await factory.files([one]))[one.sending]
        return files if isinstance(files, NoDocument) else files[0]

    renderer = DocumentRenderer(made, ONE)
    clients = [asyncio.ensure_future(renderer.document(sending)) for _ in range(3)]
    await factory.until(factory.begun, 1)
    clients[0].cancel()
    clients[1].cancel()
    factory.may_go.set()
    assert isinstance(await clients[2], Attachment)
    assert (factory.begun, factory.left) == ([1], [])


async def test_a_document_that_cannot_be_made_is_asked_for_again(store: Store) -> None:
    message = posted(store, 1)
    factory = PaperFactory(unprintable={1: "нет КПП"})
    async with web(store, factory) as opened:
        assert (await opened.client.get(document_of(message))).status_code == 503
        factory.unprintable.clear()
        assert (await opened.client.get(document_of(message))).status_code == 200


@pytest.mark.parametrize("revision", [2])
async def test_what_is_kept_is_not_given_once_it_is_corrected(store: Store, revision: int) -> None:
    message = posted(store, 1)
    async with web(store, PaperFactory()) as opened:
        assert (await opened.client.get(document_of(message))).status_code == 200
        put_sending(store, 1, revision=revision)
        assert (await opened.client.get(document_of(message))).status_code == 410
