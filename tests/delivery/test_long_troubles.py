"""Troubles that last for hours and days, on a clock that is turned by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from stavbill.app.build import open_parts
from stavbill.operations.mail_parts import SendingRules
from stavbill.operations.sending import send_due
from stavbill.sandbox.mail.faults import Fault, Trouble
from stavbill.sandbox.portal import dump
from tests.delivery.office import Office, opened, put_invoice, stage_of
from tests.worker.hand_clock import HandClock

PASS = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Days:
    """An office whose passes come every half an hour of the clock."""

    office: Office
    clock: HandClock

    async def go_on(self, time: timedelta, **changes: object) -> list[dict[str, Any]]:
        """Let passes be made until `time` has gone by; return what came of each."""
        mail = replace(self.office.mail, rules=SendingRules(), **changes)  # type: ignore[arg-type]
        reports = []
        until = self.clock.now() + time
        while self.clock.now() < until:
            reports.append(await send_due(self.office.parts, mail))
            self.clock.move(PASS)
        return reports

    def tasks(self) -> list[str]:
        """Return the tasks about letters."""
        portal = self.office.installation.sandbox.portal
        portal.settle(everything=True)
        tags = ("исправить адрес", "дошёл ли счёт")
        return [
            text for task in dump.tasks(portal.state) if any(t in (text := str(task)) for t in tags)
        ]


@asynccontextmanager
async def days(directory: Path, *, companies: int = 12) -> AsyncIterator[Days]:
    async with opened(directory, companies=companies) as office:
        clock, place = HandClock(office.parts.now()), office.installation
        # Everything of ours goes by the hand's clock: what is due at a time must be so for all.
        async with open_parts(place.config, place.env, clock) as parts:
            yield Days(replace(office, parts=parts), clock)


async def test_a_server_that_is_away_for_a_day_delays_and_loses_nothing(tmp_path: Path) -> None:
    async with days(tmp_path) as long:
        sender = long.office.mail.senders["main"]
        away = replace(sender, smtp=replace(sender.smtp, port=1))
        reports = await long.go_on(timedelta(days=1), senders={"main": away})
        assert {report["sent"] for report in reports} == {0}
        assert all("main" in report["troubles"] for report in reports)
        waiting = len(long.office.messages())
        assert {one["stage"] for one in long.office.messages()} == {"waiting"}
        # A day of somebody else's trouble is no address's fault, and no attempt of its own.
        assert {one["attempts"] for one in long.office.messages()} == {0}
        assert long.tasks() == []
        (report, *_) = await long.go_on(PASS)
        assert report["sent"] == waiting == len(long.office.mailbox)
        assert set(long.office.mailbox.values()) == {1}


async def test_greylisting_is_outlasted_within_hours_by_ever_longer_waits(tmp_path: Path) -> None:
    async with days(tmp_path) as long:
        # The server's own clock runs with the sandbox: it gives way at the third try.
        grey = Fault(Trouble.REFUSE, to="101@example.ru", code=451, times=3)
        long.office.server.faults.switch(grey)
        reports = await long.go_on(timedelta(hours=4))
        assert [report["later"] for report in reports if report["later"]] == [1, 1, 1]
        assert set(long.office.mailbox.values()) == {1}
        (message,) = (one for one in long.office.messages() if one["recipient"] == "101@example.ru")
        assert (message["stage"], message["attempts"]) == ("sent", 4)
        assert long.tasks() == []


async def test_an_address_that_is_busy_for_days_becomes_one_task(tmp_path: Path) -> None:
    async with days(tmp_path) as long:
        busy = Fault(Trouble.REFUSE, to="101@example.ru", code=450)
        long.office.server.faults.switch(busy)
        await long.go_on(timedelta(days=3))
        (message,) = (one for one in long.office.messages() if one["recipient"] == "101@example.ru")
        assert message["stage"] == "failed"
        assert "не принимается 48 ч" in message["detail"]
        # Five minutes, then twice as long each time, up to four hours: no server is hammered.
        assert message["attempts"] < 25
        (task,) = long.tasks()
        assert "101@example.ru" in task


async def test_a_doubt_is_asked_about_once_and_evidence_may_still_come(tmp_path: Path) -> None:
    async with days(tmp_path) as long:
        lost = Fault(Trouble.DROP_AFTER_DATA, to="101@example.ru", times=1)
        long.office.server.faults.switch(lost)
        await long.go_on(timedelta(hours=20))
        assert long.tasks() == []
        await long.go_on(timedelta(days=3))
        assert len(long.tasks()) == 1
        assert set(long.office.mailbox.values()) == {1}
        stages = Counter(one["stage"] for one in long.office.messages())
        assert stages["unclear"] == 1
        assert stages.total() == stages["sent"] + 1


async def test_of_a_slow_sender_the_portal_is_asked_again_every_ten_minutes(
    tmp_path: Path,
) -> None:
    """Twenty letters at one a minute: what is cancelled while the first go is not sent."""
    async with days(tmp_path, companies=40) as long:
        office = long.office
        cancelled: list[str] = []

        def cancel() -> None:
            cancelled.append(office.messages()[-1]["recipient"])
            company = int(cancelled[0].partition("@")[0])
            put_invoice(office, company, stageId=stage_of(office, "F"))

        office.papers.happening[101] = cancel
        sender = replace(office.mail.senders["main"], per_minute=1)
        mail = replace(office.mail, senders={"main": sender})
        report: dict[str, Any] = await send_due(office.parts, mail)
        assert report["collected"] > 11
        assert report["withdrawn"] == 1
        assert report["sent"] == report["collected"] - 1
        assert not office.server.letters.to(cancelled[0])
        assert report["unclear"] == 0
