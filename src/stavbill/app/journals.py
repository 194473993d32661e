"""The journals of one process: what makes effects happen, and whose the portal is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from stavbill.app.processes import owner_is_gone
from stavbill.app.read_only import ReadOnlyJournal
from stavbill.bitrix.gateway import Gateway
from stavbill.bitrix.mapping import PortalMapping
from stavbill.bitrix.read.shape import PortalShape
from stavbill.bitrix.write.fields import CardField, CardFields, FieldKind, FieldsExecutor
from stavbill.bitrix.write.invoices import InvoiceExecutor
from stavbill.bitrix.write.messages import MessageExecutor
from stavbill.bitrix.write.portal_mark import MarkExecutor
from stavbill.bitrix.write.single import SharedBatches
from stavbill.bitrix.write.stages import StageExecutor
from stavbill.bitrix.write.task_commands import TaskOptions
from stavbill.bitrix.write.tasks import TaskExecutor
from stavbill.bitrix.write.timeline import TimelineExecutor
from stavbill.clock import Clock, Observer
from stavbill.journal.executor import Executor
from stavbill.journal.journal import Journal
from stavbill.journal.settings import LISTS_LAG_S, JournalSettings
from stavbill.operations.installation import Marking, PortalGuard
from stavbill.plan.effects import UserId
from stavbill.settings import Settings
from stavbill.store.database import Store

FIRST_USER = 1
# A claim outlives the request by a little: whoever takes over has to wait for its end.
CLAIM_MARGIN_S = 15.0


class Journals:
    """Journals and guards of one process, for the portal as it was read.

    `companions` are the processes that this one has seen alive at its database, `observer` is what
    it has seen of the others' claims.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Clock,
        *,
        gateway: Gateway,
        mapping: PortalMapping,
        owner: str,
        is_read_only: Callable[[], bool],
    ) -> None:
        """Make journals over `store` for the process `owner`."""
        self._settings = settings
        self._store = store
        self._clock = clock
        self._gateway = gateway
        self._mapping = mapping
        self._owner = owner
        self._is_read_only = is_read_only
        self._portal = urlsplit(settings.webhook_url()).netloc
        self._marking = Marking()
        self.observer = Observer(clock)
        self.companions: set[str] = set()

    def journal_for(self, shape: PortalShape) -> Journal:
        """Return the journal for a portal's stages and fields; its guard comes first."""
        executors = _executors(self._settings, self._gateway, shape, self._mapping)
        return self._journal(executors, self.guard_for(shape))

    def guard_for(self, shape: PortalShape) -> PortalGuard:
        """Return who says whose the portal is, as it was read."""
        marks = MarkExecutor(self._gateway)
        return PortalGuard(
            self._store,
            self._clock,
            shape=shape,
            journal=self._journal((marks,), None),
            executor=marks,
            portal=self._portal,
            owner=self._owner,
            today=lambda: self._clock.now().astimezone(self._settings.toml.portal.zone).date(),
            marking=self._marking,
        )

    def _journal(self, executors: Sequence[Executor], guard: PortalGuard | None) -> Journal:
        return ReadOnlyJournal(
            self._store,
            executors,
            self._clock,
            portal=self._portal,
            owner=self._owner,
            settings=_journal_settings(self._settings),
            is_gone=owner_is_gone,
            companions=self.companions,
            guard=guard,
            observer=self.observer,
            is_read_only=self._is_read_only,
        )


def _executors(
    settings: Settings, gateway: Gateway, shape: PortalShape, mapping: PortalMapping
) -> tuple[Executor, ...]:
    stages = shape.stage_codes(settings.toml.portal.stages.model_dump())
    zone = settings.toml.portal.zone
    tasks = settings.toml.tasks
    options = TaskOptions(
        default_responsible=UserId(tasks.default_responsible or shape.me or FIRST_USER),
        zone=zone,
        group=tasks.workgroup,
    )
    fields = CardFields(
        zone=zone,
        card_count=_card_field("card_count", shape, mapping),
        billed_through=_card_field("billed_through", shape, mapping),
    )
    return (
        InvoiceExecutor(gateway, stages=stages),
        SharedBatches(
            gateway,
            (
                StageExecutor(gateway, stages=stages),
                FieldsExecutor(gateway, fields=fields),
                TimelineExecutor(gateway),
            ),
        ),
        TaskExecutor(gateway, options=options),
        MessageExecutor(gateway),
        MarkExecutor(gateway),
    )


def _card_field(name: str, shape: PortalShape, mapping: PortalMapping) -> CardField | None:
    mapped = mapping.fields.get(name)
    known = shape.fields.get(mapped.code) if mapped is not None else None
    if known is None:
        return None
    try:
        kind = FieldKind(known.kind)
    except ValueError:
        return None
    return CardField(known.code, kind)


def _journal_settings(settings: Settings) -> JournalSettings:
    limits = settings.toml.portal.limits
    late = max(limits.quiet_s, 60.0)
    timeout = limits.timeout_s + 5.0
    return JournalSettings(
        in_flight=limits.in_flight,
        request_timeout_s=timeout,
        claim_s=timeout + CLAIM_MARGIN_S,
        late_s=late,
        quiet_s=late + LISTS_LAG_S,
    )
