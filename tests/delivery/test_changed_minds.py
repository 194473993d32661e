"""What is decided while letters are on their way: holds, parking, corrections, other addresses."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from stavbill.billing.facts import CompanyId
from stavbill.delivery.answers import Doubt, Withdrawn
from stavbill.delivery.links import Purpose, sign
from stavbill.delivery.visits import Visit
from stavbill.errors import ConfigError
from stavbill.journal.fence import close_fence, open_fence
from stavbill.operations.evidence import Desk, Visitors
from stavbill.operations.handing import CLAIM, Ledger, Lessons
from stavbill.operations.parts import Parts
from stavbill.operations.sending_desk import (
    hold_sending,
    order_correction,
    order_sending,
    release_sending,
    resolve_message,
)
from stavbill.sandbox.mail.faults import Fault, Trouble
from stavbill.store.handing import claim_messages, release_vanished
from stavbill.store.messages import Message, MessageId, Stage, read_message
from stavbill.store.parking import park
from tests.delivery.office import (
    SECRET,
    Office,
    key_of,
    message_to,
    opened,
    put_invoice,
    stage_of,
    tasks_of,
    write_address,
)
from tests.delivery.test_sending import QUICK

NOW = replace(QUICK, look_again=timedelta(0))
FIREFOX = "Mozilla/5.0 (Windows NT 10.0) Firefox/120"
BUSY = Fault(Trouble.REFUSE, to="101@example.ru", code=450, times=1)


def letters_to(office: Office, recipient: str) -> int:
    return len(office.server.letters.to(recipient))


async def test_a_hold_keeps_what_is_claimed_already(tmp_path: Path) -> None:
    async with opened(tmp_path) as office:
        key, said = key_of(office, 101), []

        def held() -> None:
            said.append(hold_sending(office.parts, key, comment="стоп", by="Петрова"))

        office.papers.happening[101] = held
        await office.send()
        assert said[0]["already_sent_to"] == said[0]["leaving_to"] == []
        assert letters_to(office, "101@example.ru") == 0
        assert message_to(office, "101@example.ru")["stage"] == "waiting"
        release_sending(office.parts, key, by="Петрова")
        assert (await office.send())["sent"] == 1


@pytest.mark.parametrize("late", [False, True], ids=["while it waits", "when it is claimed"])
async def test_a_company_that_is_parked_gets_no_letter(tmp_path: Path, *, late: bool) -> None:
    async with opened(tmp_path) as office:
        parts = office.parts

        def parked() -> None:
            with parts.store.write() as db:
                park(db, parts.portal, CompanyId(101), reason="проба", run=None, at=parts.now())

        if late:
            office.papers.happening[101] = parked
        else:
            office.server.faults.switch(BUSY)
            await office.send(rules=replace(NOW, retry_first=timedelta(minutes=1)))
            parked()
        await office.send(rules=NOW)
        await office.send(rules=NOW)
        assert letters_to(office, "101@example.ru") == 0


async def test_a_corrected_invoices_older_letters_go_to_nobody(tmp_path: Path) -> None:
    async with opened(tmp_path) as office:
        office.server.faults.switch(Fault(Trouble.REFUSE, to="101@example.ru"))
        await office.send(rules=NOW)
        first = message_to(office, "101@example.ru")["message"]
        put_invoice(office, 101, title="Подписка, исправлено")
        await order_correction(office.parts, office.mail, key_of(office, 101), by="Петрова")
        await office.send(rules=NOW)
        write_address(office, 101, "new@example.ru")
        await office.installation.run(companies=(101,))
        for _ in range(2):
            await office.send(rules=NOW)
        (letter,) = office.server.letters.to("new@example.ru")
        assert "исправленный счёт" in letter.text
        with pytest.raises(ConfigError, match="исправлен"):
            resolve_message(office.parts, office.mail, first, again=True, by="Петрова")


async def test_an_invoice_in_force_again_is_sent_by_a_persons_word(tmp_path: Path) -> None:
    async with opened(tmp_path) as office:
        before = put_invoice(office, 101, stageId=stage_of(office, "F"))
        assert (await office.send(rules=NOW))["withdrawn"] == 1
        put_invoice(office, 101, stageId=before["stageId"])
        order_sending(office.parts, office.mail, key_of(office, 101), by="Петрова")
        assert (await office.send(rules=NOW))["sent"] == 1
        assert letters_to(office, "101@example.ru") == 1
        order_sending(office.parts, office.mail, key_of(office, 101), by="Петрова")
        assert (await office.send(rules=NOW))["sent"] == 0


async def test_a_refused_letter_of_a_withdrawn_invoice_is_not_sent_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as office:
        write_address(office, 101, "101@example.ru, second@example.ru")
        await office.installation.run(companies=(101,))
        office.server.faults.switch(
            Fault(Trouble.REFUSE, to="101@example.ru"),
            Fault(Trouble.REFUSE, to="second@example.ru", code=450, times=1),
        )
        minute = timedelta(minutes=1)
        await office.send(rules=replace(NOW, retry_first=minute, retry_longest=minute))
        await office.installation.sandbox.clock.sleep(90)
        put_invoice(office, 101, stageId=stage_of(office, "F"))
        assert (await office.send(rules=NOW))["withdrawn"] == 1
        number = message_to(office, "101@example.ru")["message"]
        with pytest.raises(ConfigError, match="invoice send"):
            resolve_message(office.parts, office.mail, number, again=True, by="Петрова")


async def test_an_address_that_was_corrected_while_the_old_one_waits_gets_the_letter_alone(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as office:
        office.server.faults.switch(replace(BUSY, times=2))
        later = replace(QUICK, retry_first=timedelta(minutes=1), retry_longest=timedelta(minutes=1))
        await office.send(rules=later)
        write_address(office, 101, "new@example.ru")
        await office.installation.run(companies=(101,))
        clock = office.installation.sandbox.clock
        await clock.sleep(90)
        await office.send(rules=later)
        assert letters_to(office, "new@example.ru") == 1
        assert letters_to(office, "101@example.ru") == 0
        assert message_to(office, "101@example.ru")["stage"] == "cancelled"
        assert (await office.send(rules=NOW))["sent"] == 0


async def test_an_address_in_two_letter_cases_is_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as office:
        write_address(office, 101, "Buh@Example.ru; buh@example.ru")
        await office.installation.run(companies=(101,))
        await office.send()
        recipients = [one["recipient"] for one in office.messages()]
        assert [one for one in recipients if "buh" in one.lower()] == ["Buh@Example.ru"]


@pytest.mark.parametrize("vanished", [False, True], ids=["no answer", "its process vanished"])
async def test_what_was_opened_while_the_answer_was_awaited_was_sent(
    tmp_path: Path, *, vanished: bool
) -> None:
    async with opened(tmp_path) as office:
        parts, ledger, message = await _claimed(office)
        assert await ledger.leave(message.message)
        desk = Desk(store=parts.store, clock=parts.clock, portal=parts.portal, mail=office.mail)
        visit = Visit(
            method="GET",
            agent=FIREFOX,
            client="192.0.2.7",
            at=parts.now() + timedelta(minutes=2),
        )
        assert message.link is not None
        token = sign(SECRET, Purpose.PIXEL, message.link)
        assert Visitors(desk).looked(token, visit)
        if vanished:
            with parts.store.write() as db:
                now = parts.now()
                assert release_vanished(db, parts.portal, at=now, ask_at=now, gone=["A"]) == (0, 0)
        else:
            await ledger.settle(Lessons(NOW, parts.now()).of(message, Doubt("lost")))
        assert message_to(office, "101@example.ru")["stage"] == "sent"
        await office.send(rules=replace(NOW, manual=True))
        assert tasks_of(office, "дошёл ли счёт") == []


async def test_what_is_known_from_before_the_look_ends_no_doubt(tmp_path: Path) -> None:
    async with opened(tmp_path) as office:
        parts, ledger, message = await _claimed(office)
        assert await ledger.leave(message.message)
        lessons = Lessons(NOW, parts.now())
        await ledger.settle(lessons.of(message, Doubt("lost")))
        assert not await ledger.leave(message.message)
        await ledger.settle(replace(lessons.of(message, Withdrawn()), left=False))
        assert _stage(office, message.message) is Stage.UNCLEAR


async def test_a_process_that_ends_lets_nothing_leave(tmp_path: Path) -> None:
    async with opened(tmp_path) as office:
        office.papers.happening[101] = lambda: close_fence("the test ends it")
        try:
            report = await asyncio.wait_for(office.send(), 60)
        finally:
            open_fence()
        assert report["unclear"] == 0
        assert {one["stage"] for one in office.messages()} <= {"waiting", "sent"}
        assert message_to(office, "101@example.ru")["stage"] == "waiting"
        assert (await office.send())["sent"] > 0
        assert set(office.mailbox.values()) == {1}


async def _claimed(office: Office) -> tuple[Parts, Ledger, Message]:
    """Claim the message to company 101 under the name A."""
    parts = office.parts
    await office.send(rules=replace(NOW, manual=True))
    release_sending(parts, key_of(office, 101), by="Петрова")
    sendings = [row for row in office.log() if row["company"] == 101]
    assert len(sendings) == 1
    number = MessageId(message_to(office, "101@example.ru")["message"])
    with parts.store.write() as db:
        known = read_message(db, number)
        assert known is not None
        (message,) = claim_messages(
            db,
            parts.portal,
            owner="A",
            at=parts.now(),
            until=parts.now() + CLAIM,
            limit=10,
            sendings_known=[known.sending],
        )
    return parts, Ledger(parts.store, parts.clock, portal=parts.portal, owner="A"), message


def _stage(office: Office, message: MessageId) -> Stage:
    with office.parts.store.read() as db:
        known = read_message(db, message)
    assert known is not None
    return known.stage
