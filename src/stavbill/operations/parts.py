"""The parts that operations work with, put together by `app`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo

from stavbill.billing.policy import Policy
from stavbill.bitrix.gateway import Gateway
from stavbill.bitrix.read.reader import PortalReader
from stavbill.bitrix.read.shape import PortalShape
from stavbill.bitrix.read.single import SingleReader
from stavbill.clock import Clock, Observer
from stavbill.journal.journal import Journal
from stavbill.operations.installation import PortalGuard
from stavbill.plan.records import OwnCompany
from stavbill.store.database import Store
from stavbill.wialon.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Safety:
    """What stops a run before its first write (operations page, «Safety»)."""

    band_percent: int
    max_invoices: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """Where people hear of runs: chats for reports, and whether one that waits opens a task."""

    dialogs: tuple[str, ...] = ()
    waiting_task: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything that an operation may use; made once for each command.

    `policy_for` builds the policy for the portal's own companies, `journal_for` the journal for
    the portal's stages and fields, `guard_for` who says whose the portal is: all are known only
    after the portal was asked. `portal` is its
    host, `zone` its time zone. `stages` are the stage codes of the settings, by their meaning.
    `is_read_only` says whether the settings of this process forbid writing now.
    `owner` names this process; `companions` are those that it has seen alive at its database,
    `observer` is what it has seen of their claims. `keep_mark` notes outside the database how far
    it has come.
    """

    portal: str
    owner: str
    zone: tzinfo
    safety: Safety
    store: Store
    clock: Clock
    gateway: Gateway
    reader: PortalReader
    single: SingleReader
    wialon: Mapping[str, Connection]
    policy_for: Callable[[Sequence[OwnCompany]], Policy]
    journal_for: Callable[[PortalShape], Journal]
    guard_for: Callable[[PortalShape], PortalGuard]
    reports: Reports = Reports()
    stages: Mapping[str, str] = field(default_factory=dict)
    is_read_only: Callable[[], bool] = lambda: False
    companions: set[str] = field(default_factory=set)
    observer: Observer
    keep_mark: Callable[[], None] = lambda: None

    def now(self) -> datetime:
        """Return the aware UTC time of day."""
        return self.clock.now()

    def today(self) -> date:
        """Return today in the portal's time zone."""
        return self.now().astimezone(self.zone).date()
