"""A pass of sending over real SMTP and a billed month: once each, whatever happens."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from stavbill.billing.facts import CompanyId
from stavbill.delivery.mailboxes import ImapBox, ImapSettings
from stavbill.delivery.smtp import Security
from stavbill.errors import ConfigError, WritingStoppedError
from stavbill.operations.mail_parts import SendingRules
from stavbill.operations.sending_desk import (
    hold_sending,
    order_correction,
    order_sending,
    release_sending,
    resolve_message,
)
from stavbill.sandbox.mail.faults import Fault, Trouble
from stavbill.sandbox.mail.server import PASSWORD
from stavbill.sandbox.portal import dump
from stavbill.store.control import Flag, lower_flag, raise_flag
from stavbill.store.parking import park, release
from tests.delivery.office import Office, opened
from tests.delivery.scripted import scripted

COMPLETED = "'status': 5"
QUICK = SendingRules(
    retry_first=timedelta(0), retry_longest=timedelta(0), pause=timedelta(0), ask_after=timedelta(0)
)


def tasks_of(office: Office, tag: str) -> list[str]:
    state = office.installation.sandbox.portal.state
    office.installation.sandbox.portal.settle(everything=True)
    return [str(task) for task in dump.tasks(state) if tag in str(task)]


async def test_every_invoice_goes_to_every_recipient_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as office:
        before = office.stages()
        report = await office.send()
        assert report["sent"] == len(office.mailbox) > 0
        assert set(office.mailbox.values()) == {1}
        assert [letter.remarks() for letter in office.server.letters] == [()] * report["sent"]
        assert len(before) == 1
        assert office.stages() != before
        again = await office.send()
        assert again["sent"] == again["told"] == again["requests"] == 0
        assert set(office.mailbox.values()) == {1}
        assert {one["status"] for one in office.messages()} == {"sent"}
        timeline = [str(row) for row in dump.timeline(office.installation.sandbox.portal.state)]
        assert sum("Отправлено: Счёт № " in text for text in timeline) == report["sent"]


async def test_a_wrong_address_becomes_one_task_and_the_mended_one_gets_the_invoice(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as office:
        office.server.faults.switch(Fault(Trouble.REFUSE, to="101@example.ru"))
        report = await office.send(rules=replace(QUICK, look_again=timedelta(0)))
        assert report["refused"] == 1
        await office.send(rules=replace(QUICK, look_again=timedelta(0)))
        tasks = tasks_of(office, "исправить адрес")
        assert len(tasks) == 1
        assert "101@example.ru" in tasks[0]
        assert "5.1.1 No such user here" in tasks[0]
        _write_address(office, 101, "new@example.ru")
        await office.installation.run(companies=(101,))
        report = await office.send(rules=replace(QUICK, look_again=timedelta(0)))
        assert (report["renewed"], report["sent"]) == (1, 1)
        assert [key[0] for key in office.mailbox].count("new@example.ru") == 1


async def test_greylisting_delays_and_loses_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as office:
        office.server.faults.switch(Fault(Trouble.GREYLIST, seconds=0.0))
        report = await office.send(rules=QUICK)
        expected = report["collected"]
        assert (report["sent"], report["later"]) == (0, expected)
        report = await office.send(rules=QUICK)
        assert report["sent"] == expected
        assert set(office.mailbox.values()) == {1}


async def test_refusals_that_last_become_a_task(tmp_path: Path) -> None:
    async with opened(tmp_path) as office:
        busy = Fault(Trouble.REFUSE, to="101@example.ru", code=450)
        office.server.faults.switch(busy)
        rules = replace(QUICK, give_up=timedelta(0))
        await office.send(rules=rules)
        (task,) = tasks_of(office, "исправить адрес")
        assert "4.2.1 Mailbox busy" in task


async def test_an_unreachable_server_delays_everything_and_blames_nobody(tmp_path: Path) -> None:
    async with opened(tmp_path) as office:
        sender = office.mail.senders["main"]
        away = replace(sender, smtp=replace(sender.smtp, port=1))
        report = await office.send(senders={"main": away}, rules=QUICK)
        assert "почтовый сервер не принимает соединение" in report["troubles"]["main"]
        assert report["sent"] == report["refused"] == 0
        report = await office.send(rules=replace(QUICK, give_up=timedelta(0)))
        assert report["sent"] == report["stages"]["sent"] > 0
        assert tasks_of(office, "исправить адрес") == []


async def test_a_lost_answer_is_never_sent_again_by_itself(tmp_path: Path) -> None:
    async with opened(tmp_path) as office:
        office.server.faults.switch(Fault(Trouble.DROP_AFTER_DATA, to="101@example.ru"))
        report = await office.send(rules=QUICK)
        assert report["unclear"] == 1
        for _ in range(3):
            assert (await office.send(rules=QUICK))["sent"] == 0
        assert set(office.mailbox.values()) == {1}
        (task,) = tasks_of(office, "дошёл ли счёт")
        (unclear,) = (one for one in office.messages() if one["stage"] == "unclear")
        assert f"(сообщение № {unclear['message']})" in task
        resolve_message(office.parts, office.mail, unclear["message"], again=False, by="Петрова")
        assert "unclear" not in {one["stage"] for one in office.messages()}
        with pytest.raises(ConfigError, match="решать нечего"):
            resolve_message(office.parts, office.mail, unclear["message"], again=False, by="кто-то")


async def test_a_person_may_send_a_doubt_again_and_it_keeps_its_name(tmp_path: Path) -> None:
    async with opened(tmp_path) as office:
        office.server.faults.switch(Fault(Trouble.DROP_UNTAKEN, to="101@example.ru"))
        await office.send(rules=QUICK)
        (unclear,) = (one for one in office.messages() if one["stage"] == "unclear")
        office.server.faults.switch()
        resolve_message(office.parts, office.mail, unclear["message"], again=True, by="Петрова")
        assert (await office.send(rules=QUICK))["sent"] == 1
        assert set(office.mailbox.values()) == {1}


async def test_a_notice_of_delivery_settles_a_doubt(tmp_path: Path) -> None:
    async with opened(tmp_path) as office:
        sender = office.mail.senders["main"]
        asking = replace(sender, smtp=replace(sender.smtp, notify=True))
        box = ImapBox(
            ImapSettings(
                host=office.doors.host,
                port=office.doors.imap_port,
                security=Security.NONE,
                user=sender.smtp.sender.address,
                password=PASSWORD,
            )
        )
        office.server.faults.switch(
            Fault(Trouble.DROP_AFTER_DATA, to="101@example.ru"),
            Fault(Trouble.REPORT, to="101@example.ru", action="delivered"),
            Fault(Trouble.REPORT, to="102@example.ru", action="failed", text="5.1.1 unknown"),
        )
        report = await office.send(senders={"main": asking})
        assert report["unclear"] == 1
        office.server.settle()
        report = await office.send(senders={"main": asking}, boxes=(box,))
        assert report["notices"] == {"letters": 2, "learned": 2, "troubles": []}
        states = {one["recipient"]: (one["stage"], one["status"]) for one in office.messages()}
        assert states["101@example.ru"] == ("sent", "delivered")
        assert states["102@example.ru"] == ("sent", "bounced")
        (task,) = tasks_of(office, "исправить адрес")
        assert "102@example.ru" in task
        report = await office.send(senders={"main": asking}, boxes=(box,))
        assert report["notices"]["letters"] == 0


async def test_a_held_invoice_waits_for_its_release(tmp_path: Path) -> None:
    async with opened(tmp_path) as office:
        invoice = _key(office, 101)
        hold_sending(office.parts, invoice, comment="сверить", by="Петрова")
        report = await office.send()
        assert "101@example.ru" not in {key[0] for key in office.mailbox}
        assert report["stages"]["waiting"] == 1
        assert release_sending(office.parts, invoice, by="Петрова")["released"]
        assert (await office.send())["sent"] == 1
        assert set(office.mailbox.values()) == {1}


async def test_manual_sending_holds_every_invoice(tmp_path: Path) -> None:
    async with opened(tmp_path) as office:
        report = await office.send(rules=replace(QUICK, manual=True))
        assert report["sent"] == 0
        release_sending(office.parts, _key(office, 101), by="Петрова")
        assert (await office.send(rules=replace(QUICK, manual=True)))["sent"] == 1


async def test_a_cancelled_or_deleted_invoice_is_not_sent(tmp_path: Path) -> None:
    async with opened(tmp_path) as office:
        state = office.installation.sandbox.portal.state
        semantics = dump.stage_semantics(state)
        stages = {code for code, meaning in semantics.items() if meaning == "F"}
        for company, change in ((101, "cancel"), (102, "delete")):
            (invoice,) = (
                row for row in state.invoices if row.get("xmlId") == _key(office, company)
            )
            if change == "delete":
                state.invoices.remove(int(str(invoice["id"])))
            else:
                state.invoices.put(int(str(invoice["id"])), invoice | {"stageId": min(stages)})
        office.installation.sandbox.portal.settle(everything=True)
        report = await office.send()
        assert report["withdrawn"] == 2
        assert not {"101@example.ru", "102@example.ru"} & {key[0] for key in office.mailbox}


@pytest.mark.parametrize("found", ["lacking", "unprintable"])
async def test_a_document_that_cannot_be_made_is_told_and_sent_later(
    tmp_path: Path, found: str
) -> None:
    async with opened(tmp_path) as office:
        missing: dict[int, str] = getattr(office.papers, found)
        missing[101] = "У компании не указан ИНН."
        rules = replace(QUICK, look_again=timedelta(0))
        report = await office.send(rules=rules)
        assert report["no_document"] == 1
        (task,) = tasks_of(office, "счёт не отправлен")
        assert "не указан ИНН" in task
        assert COMPLETED not in task
        missing.clear()
        assert (await office.send(rules=rules))["sent"] == 1
        assert set(office.mailbox.values()) == {1}
        (task,) = tasks_of(office, "счёт не отправлен")
        assert COMPLETED in task
        assert (await office.send(rules=rules))["told"] == 0


async def test_a_sellers_own_papers_are_one_task_that_closes_itself(tmp_path: Path) -> None:
    async with opened(tmp_path) as office:
        office.papers.seller = "ООО «Автотрэкер»"
        office.papers.lacking = dict.fromkeys(
            range(101, 113), "Поставщик ООО «Автотрэкер»: нет БИК."
        )
        rules = replace(QUICK, look_again=timedelta(0))
        held = (await office.send(rules=rules))["no_document"]
        assert held > 1
        (task,) = tasks_of(office, "нет БИК")
        assert f"Ждут сейчас ({held})" in task
        assert COMPLETED not in task
        # Half an hour later it is as it was.
        assert (await office.send(rules=rules))["told"] == 0
        last = max(office.papers.lacking)
        office.papers.lacking = {last: office.papers.lacking[last]}
        await office.send(rules=rules)
        (task,) = tasks_of(office, "нет БИК")
        assert COMPLETED not in task
        office.papers.lacking.clear()
        await office.send(rules=rules)
        (task,) = tasks_of(office, "нет БИК")
        assert COMPLETED in task
        assert set(office.mailbox.values()) == {1}


async def test_a_sellers_papers_that_fail_again_are_told_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as office:
        office.papers.seller = "ООО «Автотрэкер»"
        rules = replace(QUICK, look_again=timedelta(0))
        everybody = range(101, 113)
        for left in (everybody[5:], everybody[8:]):
            office.papers.lacking = dict.fromkeys(everybody, "Поставщик: нет БИК.")
            await office.send(rules=rules)
            assert [COMPLETED in one for one in tasks_of(office, "нет БИК")].count(False) == 1
            # Mended, and some letters leave; the others are kept by something of their own.
            office.papers.seller = ""
            office.papers.lacking = dict.fromkeys(left, "Покупатель: нет ИНН.")
            await office.send(rules=rules)
            assert all(COMPLETED in one for one in tasks_of(office, "нет БИК"))
            office.papers.seller = "ООО «Автотрэкер»"
        assert len(tasks_of(office, "нет БИК")) == 2


async def test_the_kill_switch_stops_letters(tmp_path: Path) -> None:
    async with opened(tmp_path) as office:
        now = office.parts.now()
        with office.parts.store.write() as db:
            raise_flag(db, office.parts.portal, Flag.KILL_SWITCH, reason="стоп", who="я", at=now)
        with pytest.raises(WritingStoppedError, match="стоп"):
            await office.send()
        assert len(office.server.letters) == 0
        with office.parts.store.write() as db:
            lower_flag(db, office.parts.portal, Flag.KILL_SWITCH, who="я", at=now)
        assert (await office.send())["sent"] > 0


async def test_a_corrected_invoice_says_what_changed(tmp_path: Path) -> None:
    async with opened(tmp_path) as office:
        invoice = _key(office, 101)
        await office.send()
        same = await order_correction(office.parts, office.mail, invoice, by="Петрова")
        assert same["changes"] == []
        state = office.installation.sandbox.portal.state
        (row,) = (one for one in state.invoices if one.get("xmlId") == invoice)
        state.invoices.put(int(str(row["id"])), row | {"title": "Подписка, исправлено"})
        office.installation.sandbox.portal.settle(everything=True)
        changed = await order_correction(office.parts, office.mail, invoice, by="Петрова")
        assert changed["revision"] == 2
        assert "Название" in str(changed["changes"])
        assert (await office.send())["sent"] == 1
        first, second = office.server.letters.to("101@example.ru")
        assert first.header("Message-ID") != second.header("Message-ID")
        assert "исправленный счёт" in second.text
        assert "стало «Подписка, исправлено»" in second.text
        assert "Что изменилось" in second.html


async def test_an_invoice_too_old_is_sent_only_by_a_persons_word(tmp_path: Path) -> None:
    async with opened(tmp_path) as office:
        report = await office.send(rules=replace(QUICK, max_age=timedelta(0)))
        assert report["collected"] == report["sent"] == 0
        assert report["too_old"] > 0
        order_sending(office.parts, office.mail, _key(office, 101), by="Петрова")
        report = await office.send(rules=replace(QUICK, max_age=timedelta(0)))
        assert report["sent"] == 1


async def test_of_many_recipients_only_so_many_are_used_and_the_rest_is_told(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as office:
        _write_address(office, 101, ", ".join(f"r{n}@example.ru" for n in range(30)))
        await office.installation.run(companies=(101,))
        await office.send(rules=replace(QUICK, max_recipients=10))
        (row,) = (row for row in office.log() if row["company"] == 101)
        assert len(row["messages"]) == 10
        assert "сверх 10" in row["detail"]


async def test_a_parked_company_waits(tmp_path: Path) -> None:
    async with opened(tmp_path) as office:
        parts = office.parts
        with parts.store.write() as db:
            park(db, parts.portal, CompanyId(101), reason="проба", run=None, at=parts.now())
        await office.send()
        assert "101@example.ru" not in {key[0] for key in office.mailbox}
        with parts.store.write() as db:
            release(db, parts.portal, CompanyId(101), who="я", at=parts.now())
        assert (await office.send())["sent"] == 1


def _key(office: Office, company: int) -> str:
    state = office.installation.sandbox.portal.state
    keys = [str(row.get("xmlId") or "") for row in state.invoices]
    return next(key for key in keys if key.startswith(f"stavbill:{company}:"))


def _write_address(office: Office, company: int, text: str) -> None:
    portal = office.installation.sandbox.portal
    record = portal.state.companies.get(company)
    assert record is not None
    (code,) = (field for field, value in record.items() if f"{company}@example.ru" in str(value))
    portal.state.companies.put(company, record | {code: text})
    portal.settle(everything=True)


async def test_a_server_that_speaks_cp1251_spoils_no_other_letter(tmp_path: Path) -> None:
    """Settlements of all letters are one transaction: one that cannot be kept would end it."""
    async with opened(tmp_path) as office, scripted(RCPT="550 Ящик\r\n".encode("cp1251")) as server:
        sender = office.mail.senders["main"]
        cyrillic = replace(sender, smtp=server.at(sender.smtp))
        report = await office.send(senders={"main": cyrillic})
        assert report["refused"] > 0
        assert {one["stage"] for one in office.messages()} <= {"failed", "waiting"}
