"""What the schedules begin, and the operations that a worker knows by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from stavbill.app.documents import documents_of, open_pool
from stavbill.app.mail import WithoutDocuments, open_mail
from stavbill.billing.facts import CompanyId
from stavbill.log import get_logger
from stavbill.operations.month_steps import MonthRequest
from stavbill.operations.naming import run_of_check, run_of_rerun
from stavbill.operations.parts import Parts
from stavbill.operations.reconcile import reconcile
from stavbill.operations.reporting import tell_runs
from stavbill.operations.rerun import RerunRequest, rerun_company
from stavbill.operations.sending import send_due
from stavbill.operations.syncing import sync_portal
from stavbill.settings import Settings
from stavbill.store.inbox import forget_posts
from stavbill.store.workers import forget_workers
from stavbill.workdays import workdays_of
from stavbill.worker.catching_up import month_missed, runs_today
from stavbill.worker.posts import changes, post
from stavbill.workflows.history import forget_ended
from stavbill.workflows.queues import SENDING, UPKEEP
from stavbill.workflows.runtime import Document, Operation
from stavbill.workflows.schedule import Schedule, trigger_of
from stavbill.workflows.starting import has_ended, start_month, start_operation

SLOT = "%Y-%m-%dT%H:%M"
log = get_logger()


def schedules_of(settings: Settings, parts: Parts) -> tuple[Schedule, ...]:
    """Return the schedules that the settings ask for."""
    worker, zone = settings.toml.worker, settings.toml.portal.time_zone
    workdays = workdays_of(settings.toml.portal.calendar)

    def slot_of(due: datetime) -> str:
        return due.astimezone(parts.zone).strftime(SLOT)

    def begin_month(due: Sequence[datetime]) -> str | None:
        today = parts.today()
        days = [slot.astimezone(parts.zone).date() for slot in due]
        missed = month_missed(days, today, workdays)
        if missed is not None:
            wanted = MonthRequest(month=missed, unattended=True)
            last = start_month(parts.portal, missed.code, wanted)
            # One after the other: today's run has to see what the missed one has billed.
            if not has_ended(last):
                return None
        if not runs_today(days, today, workdays):
            log.info("not_a_working_day", day=today.isoformat())
            return ""
        # Two slots of a day are one run: the day's.
        wanted = MonthRequest(on=today, unattended=True)
        return start_month(parts.portal, days[-1].isoformat(), wanted)

    def begin(name: str, crontab: str) -> Schedule:
        queue = SENDING if name == "send" else UPKEEP

        def start(due: Sequence[datetime]) -> str:
            slot = slot_of(due[-1])
            workflow = f"{name}:{parts.portal}:{slot}"
            return start_operation(workflow, name, {"slot": slot}, queue=queue)

        return Schedule(name, trigger_of(crontab, zone), start)

    crontabs = {
        "sync": worker.sync,
        "nightly": worker.nightly,
        "tidy": worker.tidy,
        "send": worker.send if sends(settings) else "",
    }
    found = [begin(name, crontab) for name, crontab in crontabs.items() if crontab]
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

    async def send(parts: Parts, _document: Document) -> Document:
        """Send what is due; processes that render end with the pass."""
        if parts.is_read_only():
            return {"state": "stopped"}
        async with (
            open_pool(settings) as pool,
            open_mail(settings, documents_of(settings, parts, pool)) as mail,
        ):
            return await send_due(parts, mail)

    return {
        "rerun": rerun,
        "post": post,
        "changes": changes,
        "tidy": tidy,
        "sync": sync,
        "nightly": nightly,
        "send": send,
    }


async def check_sending(settings: Settings) -> None:
    """Raise `ConfigError` for anything that sending lacks, before there is anything to send."""
    if sends(settings):
        async with open_pool(settings), open_mail(settings, WithoutDocuments()):
            pass


def sends(settings: Settings) -> bool:
    """Say whether invoices are sent to customers at all."""
    return bool(settings.toml.mail.senders or settings.toml.whatsapp.instance)


async def sync(parts: Parts, _document: Document) -> Document:
    """Catch up with what changed in the portal, and tell it of runs that nobody told of."""
    document = await sync_portal(parts)
    return document | {"told": await tell_runs(parts)}


async def nightly(parts: Parts, document: Document) -> Document:
    """Compare store and portal; the slot names the check, so that a repeat goes on with it."""
    return await reconcile(parts, run=run_of_check(str(document["slot"])))


async def rerun(parts: Parts, document: Document) -> Document:
    """Rerun one company; `request` names the run, so that a repeat goes on with it."""
    company = CompanyId(int(document["company"]))
    report = await rerun_company(
        parts,
        RerunRequest(
            company=company,
            again=bool(document.get("again")),
            keep_skip=bool(document.get("keep_skip")),
            run=run_of_rerun(company, str(document["request"])),
        ),
    )
    return {"run": report.run, "state": report.state, "exit_code": report.exit_code}
