"""Settings into parts: the running system of one command.

Source: style of the house §2 («handed over by app»).
"""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from stavbill.app.read_only import (
    ReadOnlyJournal,
    ReadOnlyMode,
    mirror_read_only,
    settings_name,
)
from stavbill.billing.facts import ServiceCode
from stavbill.billing.policy import Policy
from stavbill.bitrix.budget import Limits
from stavbill.bitrix.gateway import Gateway, open_http
from stavbill.bitrix.limiter import Limiter
from stavbill.bitrix.mapping import MappedField, PortalMapping
from stavbill.bitrix.read.chain import BulkReader
from stavbill.bitrix.read.reader import PortalReader
from stavbill.bitrix.read.shape import PortalShape
from stavbill.bitrix.read.single import SingleReader
from stavbill.bitrix.write.fields import CardField, CardFields, FieldKind, FieldsExecutor
from stavbill.bitrix.write.invoices import InvoiceExecutor
from stavbill.bitrix.write.messages import MessageExecutor
from stavbill.bitrix.write.single import SharedBatches
from stavbill.bitrix.write.stages import StageExecutor
from stavbill.bitrix.write.task_commands import TaskOptions
from stavbill.bitrix.write.tasks import TaskExecutor
from stavbill.bitrix.write.timeline import TimelineExecutor
from stavbill.clock import Clock
from stavbill.drawn import drawn_name
from stavbill.journal.executor import Executor
from stavbill.journal.fence import is_in_time, may_send
from stavbill.journal.journal import Journal
from stavbill.journal.settings import LISTS_LAG_S, JournalSettings
from stavbill.log import set_up_logging
from stavbill.operations.parts import Parts, Reports, Safety
from stavbill.plan.effects import UserId
from stavbill.plan.records import OwnCompany
from stavbill.settings import Settings, build_policy, load_settings
from stavbill.store.control import SharedText
from stavbill.store.database import Store
from stavbill.store.schema import open_store, upgrade_store
from stavbill.workdays import workdays_of

FIRST_USER = 1
# A claim outlives the request by a little: whoever takes over has to wait for its end.
CLAIM_MARGIN_S = 15.0


@asynccontextmanager
async def open_parts(
    config: Path,
    env: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    *,
    unattended: bool = False,
    mode: ReadOnlyMode | None = None,
) -> AsyncIterator[Parts]:
    """Build everything that a command needs from its configuration, and take it down after.

    An `unattended` process tells in its log what it does. `mode` is followed by whoever lives so
    long that the settings may change under it.

    Raises `ConfigError` and `StoreError` before the first request.
    """
    set_up_logging(unattended=unattended)
    settings = load_settings(config, os.environ if env is None else env)
    settings.require_secrets()
    clock = clock or settings.clock()
    store = open_store(settings.database_url.get_secret_value())
    try:
        async with _connected(settings, store, clock, mode) as parts:
            mirror_read_only(
                store,
                parts.portal,
                read_only=settings.toml.safety.read_only,
                who=settings_name(config),
                at=parts.now(),
            )
            yield parts
    finally:
        store.close()


@asynccontextmanager
async def _connected(
    settings: Settings, store: Store, clock: Clock, mode: ReadOnlyMode | None
) -> AsyncIterator[Parts]:
    limiter = limiter_of(settings, store, clock)
    async with (
        open_http(connections=settings.toml.portal.limits.in_flight * 2) as http,
        BulkReader(settings.webhook_url(), limiter=limiter, clock=clock) as bulk,
    ):
        yield assemble(settings, store, clock, limiter=limiter, http=http, bulk=bulk, mode=mode)


def assemble(
    settings: Settings,
    store: Store,
    clock: Clock,
    *,
    limiter: Limiter,
    http: httpx.AsyncClient,
    bulk: BulkReader,
    mode: ReadOnlyMode | None = None,
) -> Parts:
    """Put the parts together around connections that somebody else opens and closes."""
    webhook, zone = settings.webhook_url(), settings.toml.portal.zone
    portal = urlsplit(webhook).netloc
    limits, mapping = settings.toml.portal.limits, mapping_of(settings)
    workdays, owner = workdays_of(settings.toml.portal.calendar), process_name()
    reads_only = mode or ReadOnlyMode(settings.path, is_on=settings.toml.safety.read_only)
    gateway = Gateway(
        webhook,
        http=http,
        limiter=limiter,
        clock=clock,
        timeout_s=limits.timeout_s / settings.clock_scale,
        may_send=may_send,
        is_in_time=is_in_time,
    )

    def policy_for(own: Sequence[OwnCompany]) -> Policy:
        return build_policy(settings, own, workdays)

    def journal_for(shape: PortalShape) -> Journal:
        return ReadOnlyJournal(
            store,
            _executors(settings, gateway, shape, mapping),
            clock,
            portal=portal,
            owner=owner,
            settings=_journal_settings(settings),
            is_gone=owner_is_gone,
            is_read_only=lambda: reads_only.is_on,
        )

    calls = settings.toml.tasks.calls_workgroup
    reader = PortalReader(bulk, mapping, zone=zone, calls_group=calls)
    safety, reports = settings.toml.safety, settings.toml.reports
    return Parts(
        portal=portal,
        zone=zone,
        safety=Safety(band_percent=safety.band_percent, max_invoices=safety.max_invoices),
        store=store,
        clock=clock,
        gateway=gateway,
        reader=reader,
        single=SingleReader(bulk, reader, mapping, zone=zone, calls_group=calls),
        wialon=settings.wialon_connections(),
        policy_for=policy_for,
        journal_for=journal_for,
        reports=Reports(dialogs=reports.dialogs, waiting_task=reports.waiting_task),
        stages=settings.toml.portal.stages.model_dump(),
        is_read_only=lambda: reads_only.is_on,
    )


def limiter_of(settings: Settings, store: Store, clock: Clock) -> Limiter:
    """Return the portal's limiter, which all processes over `store` share."""
    limits = settings.toml.portal.limits
    portal = urlsplit(settings.webhook_url()).netloc
    return Limiter(
        limits=Limits(
            burst=limits.burst,
            drain_per_s=limits.per_second,
            operating_s=limits.operating_limit_s,
            people_share=limits.people_share,
        ),
        clock=clock,
        state=SharedText(store, f"budget:{portal}"),
    )


def mapping_of(settings: Settings) -> PortalMapping:
    """Return the settings' fields as the reader wants them."""
    toml = settings.toml
    words: dict[ServiceCode, list[str]] = {}
    for rule in toml.issuers:
        for code, wording in rule.wording.items():
            words.setdefault(ServiceCode(code), []).extend((wording.title, wording.line, code))
    for service in toml.services:
        words.setdefault(ServiceCode(service.code), []).extend(
            (service.title, service.line, service.code)
        )
    words.setdefault(ServiceCode("subscription"), []).append("Абонплата")
    words.setdefault(ServiceCode("fuel"), []).extend(("ДУТы", "ДУТ"))
    words.setdefault(ServiceCode("dispatching"), []).append("Диспетчеризация")
    return PortalMapping(
        fields={
            name: MappedField(mapped.code, mapped.label, mapped.type)
            for name, mapped in toml.fields.items()
        },
        services={
            ServiceCode(service.code): MappedField(
                service.field.code, service.field.label, service.field.type
            )
            for service in toml.services
        },
        service_words=words,
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


def process_name() -> str:
    """Return a name that no other process bears, before or after this one."""
    start = drawn_name()
    return f"{socket.gethostname()}:{os.getpid()}:{start}"


def owner_is_gone(owner: str) -> bool:
    """Say whether a journal's owner was a process of this machine that has certainly ended."""
    host, _, rest = owner.rpartition(":")[0].rpartition(":")
    if host != socket.gethostname() or not rest.isdecimal():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


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


def upgrade_database(config: Path) -> str:
    """Bring the configured database to this program's version and return that version."""
    settings = load_settings(config, os.environ)
    return upgrade_store(settings.database_url.get_secret_value())[1]
