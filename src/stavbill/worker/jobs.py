"""What the schedules begin, and the operations that a worker knows by name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from stavbill.billing.facts import CompanyId
from stavbill.log import get_logger
from stavbill.operations.month_steps import MonthRequest
from stavbill.operations.parts import Parts
from stavbill.operations.rerun import RerunRequest, rerun_company
from stavbill.settings import Settings
from stavbill.store.inbox import forget_posts
from stavbill.store.runs import RunId
from stavbill.store.workers import forget_workers
from stavbill.workdays import workdays_of
from stavbill.worker.posts import post
from stavbill.workflows.history import forget_ended
from stavbill.workflows.runtime import Document, Operation
from stavbill.workflows.schedule import Schedule, trigger_of
from stavbill.workflows.starting import start_month, start_operation

SLOT = "%Y-%m-%dT%H:%M"
log = get_logger()


def schedules_of(settings: Settings, parts: Parts) -> tuple[Schedule, ...]:
    """Return the schedules that the settings ask for."""
    worker, zone = settings.toml.worker, settings.toml.portal.time_zone
    workdays = workdays_of(settings.toml.portal.calendar)

    def slot_of(due: datetime) -> str:
        return due.astimezone(parts.zone).strftime(SLOT)

    def begin_month(due: datetime) -> str:
        today = parts.today()
        if not workdays.is_working_day(today):
            log.info("not_a_working_day", day=today.isoformat())
            return ""
        # Two slots of a day are one run: the day's.
        day = due.astimezone(parts.zone).date().isoformat()
        return start_month(parts.portal, day, MonthRequest(on=today))

    def begin(name: str) -> Schedule:
        crontab = getattr(worker, name)

        def start(due: datetime) -> str:
            slot = slot_of(due)
            return start_operation(f"{name}:{parts.portal}:{slot}", name, {"slot": slot})

        return Schedule(name, trigger_of(crontab, zone), start)

    found = [begin(name) for name in ("tidy",) if getattr(worker, name)]
    if worker.month:
        found.append(Schedule("month", trigger_of(worker.month, zone), begin_month))
    return tuple(found)


def operations_of(settings: Settings) -> Mapping[str, Operation]:
    """Return the operations of one step, by name."""

    async def tidy(parts: Parts, _document: Document) -> Document:
        """Forget what nobody asks for any more; what accounting needs stays."""
        days = timedelta(days=settings.toml.worker.keep_days)
        before = parts.now() - days
        with parts.store.write() as db:
            workers = forget_workers(db, before=before)
            posts = forget_posts(db, before=before)
        return {"workers": workers, "posts": posts, "workflows": forget_ended(days)}

    return {"rerun": rerun, "post": post, "tidy": tidy}


async def rerun(parts: Parts, document: Document) -> Document:
    """Rerun one company; `request` names the run, so that a repeat goes on with it."""
    company = CompanyId(int(document["company"]))
    report = await rerun_company(
        parts,
        RerunRequest(
            company=company,
            again=bool(document.get("again")),
            keep_skip=bool(document.get("keep_skip")),
            run=RunId(f"rerun-{company}-{document['request']}"),
        ),
    )
    return {"run": report.run, "state": report.state, "exit_code": report.exit_code}
