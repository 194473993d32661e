"""A robot's post becomes an invoice, an entry, a reading; our own writes make no loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from stavbill.store.inbox import PostState, read_post
from stavbill.store.schema import open_store
from tests.end_to_end.driving import Installation, installed
from tests.end_to_end.working import Workers, workers_of
from tests.support.waiting import until

COMPANIES, BILLED, HELD = 120, 101, 105
API = "api-token"
PUBLIC = "http://hooks.example"


@asynccontextmanager
async def listening(place: Installation) -> AsyncIterator[tuple[httpx.AsyncClient, Workers]]:
    """Run the web process and a worker; give a client that may ask in JSON."""
    with place.config.open("a", encoding="utf-8") as toml:
        toml.write(f'\n[web]\npublic_url = "{PUBLIC}"\n')
    secrets = {
        "STAVBILL_API_TOKEN": API,
        "STAVBILL_WEB_SECRET": "a secret of the test's own, long enough",
        "STAVBILL_APPLICATION_TOKEN": "application",
    }
    async with workers_of(place, **secrets) as workers:
        url = await workers.serve_web()
        await workers.start()
        headers = {"Authorization": f"Bearer {API}"}
        async with httpx.AsyncClient(base_url=url, headers=headers) as client:
            yield client, workers


async def dealt_with(place: Installation, event: str) -> PostState:
    """Wait until a post has ended, and return how."""
    store = open_store(f"sqlite:///{place.config.parent}/stavbill.sqlite3")
    portal = urlsplit(place.sandbox.webhook).netloc

    def state() -> PostState:
        with store.read() as db:
            post = read_post(db, portal, event)
        assert post is not None
        return post.state

    try:
        await until(lambda: state() is not PostState.NEW)
        return state()
    finally:
        store.close()


async def ask(client: httpx.AsyncClient, action: str, **body: int) -> str:
    """Ask for something in JSON and return the event's name."""
    answer = await client.post(f"/api/v1/{action}", json=body)
    assert answer.status_code == 200
    return str(answer.json()["event"])


async def test_posts_are_dealt_with_by_a_worker(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=COMPANIES) as place:
        await place.run(dry_run=True)
        async with listening(place) as (client, workers):
            # Bill now, by a robot's signed address.
            urls = (await workers.ask("web", "urls"))["urls"]
            robot = urls["bill"].removeprefix(PUBLIC)
            answer = await client.post(f"{robot}&company={BILLED}")
            event = str(answer.json()["event"])
            assert await dealt_with(place, event) is PostState.DONE
            billed = [one for one in place.sandbox.portal.state.invoices
                      if one["companyId"] == BILLED
                      and str(one.get("xmlId") or "").startswith("stavbill:")]  # fmt: skip
            assert len(billed) >= 1

            # Explain into the timeline: one entry, although it is asked for twice at once.
            before = len(place.sandbox.portal.state.comments)
            events = [await ask(client, "explain", company=HELD) for _ in range(2)]
            assert events[0] == events[1]
            assert await dealt_with(place, events[0]) is PostState.DONE
            assert len(place.sandbox.portal.state.comments) == before + 1

            # Changed things are read again; nothing is written, so no event follows ours.
            seen = len(place.writes())
            invoice = int(str(billed[0]["id"]))
            for action, number in (
                ("company-changed", {"company": BILLED}),
                ("invoice-changed", {"invoice": invoice}),
                ("task-completed", {"task": 1}),
            ):
                event = await ask(client, action, **number)
                assert await dealt_with(place, event) is PostState.DONE
            assert len(place.writes()) == seen

            # What can never succeed ends as failed, and is not tried for ever.
            event = await ask(client, "rerun", company=999_999)
            assert await dealt_with(place, event) is PostState.FAILED


async def test_a_button_pressed_while_writing_is_stopped_is_done_after_go(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=20) as place:
        await place.run(dry_run=True)
        async with listening(place) as (client, workers):
            await workers.ask("stop", "--reason", "the accountant looks")
            cancelled = await ask(client, "bill", company=BILLED)
            await workers.ask("ops", "cancel", f"hook:{cancelled}")
            assert await dealt_with(place, cancelled) is PostState.FAILED
            pressed = await ask(client, "bill", company=BILLED)
            assert pressed != cancelled
            await workers.are_seen()
            assert (await workers.ask("ops", "post", pressed))["state"] == "new"
            assert place.writes() == []
            await workers.ask("go")
            assert await dealt_with(place, pressed) is PostState.DONE
            assert any(one["companyId"] == BILLED
                       and str(one.get("xmlId") or "").startswith("stavbill:")
                       for one in place.sandbox.portal.state.invoices)  # fmt: skip
            await workers.ask("ops", "retry", f"hook:{cancelled}")
            assert await dealt_with(place, cancelled) is PostState.DONE


async def test_an_event_of_our_own_write_ends_after_one_reading(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=COMPANIES) as place:
        await place.run()
        async with listening(place) as (client, _workers):
            seen = len(place.writes())
            form = {
                "event": "ONCRMDYNAMICITEMUPDATE",
                "data[FIELDS][ENTITY_TYPE_ID]": "31",
                "auth[domain]": urlsplit(place.sandbox.webhook).netloc,
                "auth[application_token]": "application",
            }
            ours = [one for one in place.sandbox.portal.state.invoices
                    if str(one.get("xmlId") or "").startswith("stavbill:")][:10]  # fmt: skip
            answers = await asyncio.gather(
                *(client.post("/hooks/bitrix", data=form | {"data[FIELDS][ID]": str(one["id"])})
                  for one in ours)
            )  # fmt: skip
            for answer in answers:
                assert await dealt_with(place, answer.json()["event"]) is PostState.DONE
            assert len(place.writes()) == seen
