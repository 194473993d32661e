"""Settings into parts: the running system of one command.

Source: style of the house §2 («handed over by app»).
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from stavbill.app.high_water import keep_mark, mark_path, require_up_to_date
from stavbill.app.journals import Journals
from stavbill.app.processes import process_name
from stavbill.app.read_only import ReadOnlyMode, mirror_read_only, settings_name
from stavbill.billing.facts import ServiceCode
from stavbill.bitrix.budget import Limits
from stavbill.bitrix.gateway import Gateway, open_http
from stavbill.bitrix.limiter import Limiter
from stavbill.bitrix.mapping import MappedField, PortalMapping
from stavbill.bitrix.read.chain import BulkReader
from stavbill.bitrix.read.reader import PortalReader
from stavbill.bitrix.read.single import SingleReader
from stavbill.clock import Clock
from stavbill.journal.fence import is_in_time, may_send
from stavbill.log import set_up_logging
from stavbill.operations.parts import Parts, Reports, Safety
from stavbill.settings import Settings, build_policy, load_settings
from stavbill.store.control import SharedText
from stavbill.store.database import Store
from stavbill.store.database_clock import shared_clock
from stavbill.store.schema import open_store, upgrade_store
from stavbill.workdays import workdays_of


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
    store = open_store(settings.database_url.get_secret_value())
    try:
        clock = clock or common_clock(settings, store)
        async with _connected(settings, store, clock, mode) as parts:
            mirror_read_only(
                store,
                parts.portal,
                read_only=settings.toml.safety.read_only,
                who=settings_name(config),
                at=parts.now(),
            )
            mark = mark_path(settings, store)
            require_up_to_date(store, mark, parts.portal, at=parts.now())
            try:
                yield parts
            finally:
                parts.keep_mark()
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

    journals = Journals(
        settings,
        store,
        clock,
        gateway=gateway,
        mapping=mapping,
        owner=owner,
        is_read_only=lambda: reads_only.is_on,
    )

    calls = settings.toml.tasks.calls_workgroup
    reader = PortalReader(bulk, mapping, zone=zone, calls_group=calls)
    safety, reports = settings.toml.safety, settings.toml.reports
    return Parts(
        portal=portal,
        owner=owner,
        companions=journals.companions,
        observer=journals.observer,
        zone=zone,
        safety=Safety(band_percent=safety.band_percent, max_invoices=safety.max_invoices),
        store=store,
        clock=clock,
        gateway=gateway,
        reader=reader,
        single=SingleReader(bulk, reader, mapping, zone=zone, calls_group=calls),
        wialon=settings.wialon_connections(),
        policy_for=lambda own: build_policy(settings, own, workdays),
        journal_for=journals.journal_for,
        guard_for=journals.guard_for,
        reports=Reports(dialogs=reports.dialogs, waiting_task=reports.waiting_task),
        stages=settings.toml.portal.stages.model_dump(),
        is_read_only=lambda: reads_only.is_on,
        keep_mark=lambda: keep_mark(store, mark_path(settings, store), portal, at=clock.now()),
    )


def common_clock(settings: Settings, store: Store) -> Clock:
    """Return the time that all processes at a database share, the sandbox's when one is told."""
    machine = settings.clock()
    return shared_clock(store, machine, is_true=machine.is_true)


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


def upgrade_database(config: Path) -> str:
    """Bring the configured database to this program's version and return that version."""
    settings = load_settings(config, os.environ)
    return upgrade_store(settings.database_url.get_secret_value())[1]
