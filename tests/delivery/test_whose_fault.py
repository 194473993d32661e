"""Refusals, lost answers and bugs: whose fault each is, what waits, and what a person reads."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from stavbill.delivery.texts import LetterFacts, Texts
from stavbill.operations.sending_desk import release_sending, resolve_refused
from stavbill.sandbox.mail.faults import Fault, Trouble
from stavbill.store.messages import MessageId, read_message
from tests.delivery.office import message_to, opened, tasks_of
from tests.delivery.scripted import scripted
from tests.delivery.test_long_troubles import PASS, days
from tests.delivery.test_sending import QUICK

NOW = replace(QUICK, look_again=timedelta(0))


@pytest.mark.parametrize("kind", ["text", "html", "subject"])
async def test_a_letter_that_cannot_be_written_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    async with opened(tmp_path) as office:
        usual = getattr(Texts, kind)

        def broken(texts: Texts, facts: LetterFacts) -> str:
            if facts.page == page:
                msg = "a customer's template"
                raise ZeroDivisionError(msg)
            words: str = usual(texts, facts)
            return words

        await office.send(rules=replace(NOW, manual=True))
        number = MessageId(message_to(office, "101@example.ru")["message"])
        with office.parts.store.read() as db:
            message = read_message(db, number)
        assert message is not None
        assert message.link is not None
        page = office.mail.links.page(message.link)
        for row in office.log():
            release_sending(office.parts, row["invoice"], by="Петрова")
        with monkeypatch.context() as bug:
            bug.setattr(Texts, kind, broken)
            report = await office.send()
        assert report["sent"] == len(office.messages()) - 1
        assert message_to(office, "101@example.ru")["stage"] == "waiting"
        (trouble,) = report["troubles"].values()
        assert "инцидент" in trouble
        (task,) = tasks_of(office, "Письмо не составлено")
        assert "ZeroDivisionError" in task


@pytest.mark.parametrize(
    "fault",
    [
        Fault(Trouble.REFUSE, code=554, text="5.7.1 Relay access denied"),
        Fault(Trouble.REFUSE_CONTENT, code=552, text="5.3.4 Message size exceeds fixed limit"),
    ],
    ids=["relay", "size"],
)
async def test_a_server_that_takes_nobodys_letters_blames_no_address(
    tmp_path: Path, fault: Fault
) -> None:
    async with opened(tmp_path) as office:
        office.server.faults.switch(fault)
        report = await office.send(rules=replace(QUICK, pause=timedelta(minutes=5)))
        assert "отказано подряд" in report["troubles"]["main"]
        assert report["refused"] == 0
        assert {one["stage"] for one in office.messages()} == {"waiting"}
        assert tasks_of(office, "исправить адрес") == tasks_of(office, "письмо не принято") == []


async def test_a_single_letter_that_is_not_accepted_is_told_and_sent_again_with_all_others(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as office:
        office.server.faults.switch(
            Fault(Trouble.REFUSE_CONTENT, to="101@example.ru", code=554, text="5.7.1 spam"),
            Fault(Trouble.REFUSE, to="102@example.ru"),
        )
        report = await office.send(rules=NOW)
        assert report["refused"] == 2
        assert report["troubles"] == {}
        (task,) = tasks_of(office, "письмо не принято")
        assert "101@example.ru" in task
        assert len(tasks_of(office, "исправить адрес")) == 1
        office.server.faults.switch()
        again = resolve_refused(office.parts, office.mail, sender="main", by="Петрова")
        assert again["messages"] == [message_to(office, "101@example.ru")["message"]]
        assert (await office.send(rules=NOW))["sent"] == 1
        assert set(office.mailbox.values()) == {1}


async def test_answers_that_are_lost_in_a_row_pause_the_sender(tmp_path: Path) -> None:
    async with opened(tmp_path, companies=30) as office:
        office.server.faults.switch(Fault(Trouble.DROP_AFTER_DATA))
        report = await office.send(rules=replace(QUICK, pause=timedelta(minutes=5)))
        assert "теряются" in report["troubles"]["main"]
        # Four connections were at it when the third answer was lost.
        assert 3 <= report["unclear"] <= 6
        assert report["collected"] > 10
        assert set(office.mailbox.values()) == {1}


async def test_the_time_of_giving_up_begins_with_the_first_refusal(tmp_path: Path) -> None:
    async with days(tmp_path) as long:
        sender = long.office.mail.senders["main"]
        away = replace(sender, smtp=replace(sender.smtp, port=1))
        await long.go_on(timedelta(hours=50), senders={"main": away})
        long.office.server.faults.switch(Fault(Trouble.GREYLIST, seconds=0.0))
        (report, *_) = await long.go_on(PASS)
        assert report["refused"] == 0
        assert report["later"] == len(long.office.messages())
        await long.go_on(PASS)
        assert Counter(one["stage"] for one in long.office.messages()).keys() == {"sent"}
        assert long.tasks() == []


async def test_a_document_that_cannot_be_made_for_hours_is_one_task(tmp_path: Path) -> None:
    async with days(tmp_path) as long:
        long.office.papers.lacking[101] = "У компании не указан ИНН. Сбой, инцидент 0a1b2c3d."
        await long.go_on(timedelta(hours=1))
        long.office.papers.lacking[101] = "У компании не указан ИНН. Сбой, инцидент 4e5f6a7b."
        await long.go_on(timedelta(hours=30))
        assert len(tasks_of(long.office, "счёт не отправлен")) == 1
        long.office.papers.lacking[101] = "У компании не указан КПП."
        await long.go_on(timedelta(hours=1))
        assert len(tasks_of(long.office, "указан КПП")) == 1


async def test_a_server_that_hangs_up_at_every_recipient_is_the_senders_trouble(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as office, scripted(RCPT=b"") as server:
        sender = office.mail.senders["main"]
        broken = replace(sender, smtp=server.at(sender.smtp))
        report = await office.send(senders={"main": broken}, rules=replace(QUICK, retry_first=PASS))
        assert "обрывает" in report["troubles"]["main"]
        assert {one["attempts"] for one in office.messages()} == {0}
