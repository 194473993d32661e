"""A copy of the database from any moment of a run and of its letters, put back after the loss."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from stavbill.app.build import open_parts
from stavbill.app.copies import back_up, put_back
from stavbill.errors import WritingStoppedError
from stavbill.operations.restoring import adopt_world
from stavbill.operations.sending import send_due
from stavbill.operations.sending_desk import order_sending, resolve_restored
from stavbill.sandbox.mail.serve import MailDoors, mail_doors
from stavbill.sandbox.mail.server import MailServer
from stavbill.sandbox.portal import dump
from tests.delivery.office import PaperFactory, options
from tests.end_to_end.driving import Installation, installed
from tests.end_to_end.test_put_back import keys_twice

COMPANIES = 14
OPERATORS = "база восстановлена"
HALF = tuple(range(101, 101 + COMPANIES // 2))


@dataclass(slots=True)
class Copied:
    """A world, a mail server beside it, and copies made on the way."""

    place: Installation
    doors: MailDoors
    folder: Path
    copies: list[Path] = field(default_factory=list)

    def copy(self) -> Path:
        """Copy the database as it stands this moment."""
        to = self.folder / f"copy-{len(self.copies)}"
        back_up(self.place.config, to, self.place.env)
        self.copies.append(to)
        return to

    @contextmanager
    def copying(self, every: int) -> Iterator[None]:
        """Copy the database before every so-manyth transaction of the block."""
        seen, busy = 0, False

        def before(_db: object) -> None:
            nonlocal seen, busy
            if busy:
                return
            seen += 1
            if seen % every == 0:
                busy = True
                self.copy()
                busy = False

        event.listen(Engine, "commit", before)
        try:
            yield
        finally:
            event.remove(Engine, "commit", before)

    async def send(self) -> dict[str, Any]:
        """Make a pass of sending."""
        async with open_parts(self.place.config, self.place.env) as parts:
            return await send_due(parts, options(self.doors, PaperFactory()))

    async def adopt(self) -> dict[str, Any]:
        """Take over what the world has."""
        async with open_parts(self.place.config, self.place.env) as parts:
            mail = options(self.doors, PaperFactory())
            return await adopt_world(parts, mail, who="ivan")

    async def all_arrived(self) -> int:
        """Say for a person that every doubtful letter arrived."""
        async with open_parts(self.place.config, self.place.env) as parts:
            mail = options(self.doors, PaperFactory())
            document: dict[str, Any] = resolve_restored(parts, mail, again=False, by="ivan")
            return len(document["messages"])

    def letters(self) -> Counter[str]:
        """Return how many letters each recipient got."""
        return Counter(
            letter.recipients[0] for letter in self.doors.mail.letters if not letter.is_report
        )

    def world(self) -> dict[str, Any]:
        """Return what people see in the portal, but for the operator's own tasks."""
        portal = self.place.sandbox.portal
        portal.settle(everything=True)
        state: dict[str, Any] = dict(dump.everything(portal.state))
        state["tasks"] = [one for one in state["tasks"] if OPERATORS not in str(one)]
        return state

    def operators_tasks(self) -> list[str]:
        """Return the tasks that ask the operator about letters."""
        portal = self.place.sandbox.portal
        portal.settle(everything=True)
        return [text for one in dump.tasks(portal.state) if OPERATORS in (text := str(one))]


@asynccontextmanager
async def copied(folder: Path, url: str, *, every: int) -> AsyncIterator[Copied]:
    """Bill half a world and send it; then the rest, with copies on the way."""
    async with (
        installed(folder / "place", companies=COMPANIES) as place,
        mail_doors(MailServer(place.sandbox.clock)) as doors,
    ):
        if url.startswith("postgresql"):
            place.env["STAVBILL_DATABASE_URL"] = url
        world = Copied(place, doors, folder)
        await place.run(companies=HALF)
        await world.send()
        world.copy()
        with world.copying(every):
            await place.run()
            await world.send()
        yield world


# All of them by `make restores`; some are enough to see that it still holds.
MOMENTS = int(os.environ.get("STAVBILL_TEST_MOMENTS", "5"))


def some(copies: list[Path]) -> list[Path]:
    """Return so many copies, evenly over the whole way."""
    step = max(1, len(copies) // MOMENTS)
    return copies[::step][:MOMENTS]


async def test_nothing_comes_twice_whenever_the_copy_was_made(
    tmp_path: Path, store_url: str
) -> None:
    async with copied(tmp_path, store_url, every=2) as world:
        before, letters = world.world(), world.letters()
        assert len(world.copies) >= 40
        for copy in some(world.copies):
            put_back(world.place.config, copy, world.place.env)
            with pytest.raises(WritingStoppedError, match="stavbill restored"):
                await world.send()
            with pytest.raises(WritingStoppedError, match="stavbill restored"):
                await world.place.run()
            document = await world.adopt()
            assert document["not_understood"] == []
            assert (await world.place.run()).exit_code == 0
            await world.send()
            assert world.letters() == letters
            assert await world.all_arrived() == document["letters_possibly_sent"]
            await world.send()
            assert world.letters() == letters
            assert world.world() == before, copy
        assert keys_twice(world.place) == []


async def test_what_was_sent_goes_to_a_person_once_and_is_ours_again(tmp_path: Path) -> None:
    async with copied(tmp_path, "", every=1000) as world:
        letters, lost = world.letters(), len(world.place.sandbox.portal.state.invoices)
        put_back(world.place.config, world.copies[0], world.place.env)
        document = await world.adopt()
        unknown = document["unknown_invoices"]
        assert unknown
        # The portal shows them as sent, and this database has never heard of a letter.
        assert document["sent_without_letter"] == unknown
        (task,) = world.operators_tasks()
        assert all(f"компания {one['company']}, счёт" in task for one in unknown)
        await world.send()
        async with open_parts(world.place.config, world.place.env) as parts:
            mail = options(world.doors, PaperFactory())
            for one in unknown:
                ordered = order_sending(parts, mail, str(one["invoice_id"]), by="ivan")
                assert ordered["invoice"] == one["invoice"]
        await world.send()
        assert world.letters() == letters
        assert len(world.place.sandbox.portal.state.invoices) == lost
        # Adopting again finds nothing, and opens no second task.
        again = await world.adopt()
        assert again["unknown_invoices"] == []
        assert len(world.operators_tasks()) == 1


async def test_a_person_may_have_a_doubtful_letter_sent_again(tmp_path: Path) -> None:
    async with copied(tmp_path, "", every=1000) as world:
        letters = world.letters()
        put_back(world.place.config, world.copies[0], world.place.env)
        document = await world.adopt()
        async with open_parts(world.place.config, world.place.env) as parts:
            mail = options(world.doors, PaperFactory())
            done: dict[str, Any] = resolve_restored(parts, mail, again=True, by="ivan")
        await world.send()
        assert len(done["messages"]) == document["letters_possibly_sent"] > 0
        assert (world.letters() - letters).total() == document["letters_possibly_sent"]
