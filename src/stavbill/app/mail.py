"""Settings into what sending needs: senders, channels, texts, links, times."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx

from stavbill.app.build import open_parts
from stavbill.app.documents import documents_of, open_pool
from stavbill.app.processes import owner_is_gone, process_name
from stavbill.delivery.letter import Mailbox
from stavbill.delivery.links import Links
from stavbill.delivery.mailboxes import ImapBox, ImapSettings, MaildirBox, NoticeBox
from stavbill.delivery.smtp import Security, SmtpLine, SmtpSettings
from stavbill.delivery.texts import Texts
from stavbill.delivery.whatsapp import GreenApi, GreenApiSettings
from stavbill.errors import ConfigError
from stavbill.operations.mail_parts import (
    MailOptions,
    NoDocument,
    Renderer,
    Sender,
    SendingRules,
)
from stavbill.operations.parts import Parts
from stavbill.operations.present import Document
from stavbill.operations.sending import send_due
from stavbill.plan.reminders import Audience, Ladder, Step
from stavbill.settings import Settings, load_settings
from stavbill.settings.delivery import SenderSettings
from stavbill.settings.secrets import (
    IMAP_PASSWORD,
    WEB_SECRET,
    WHATSAPP_TOKEN,
    smtp_password_variable,
)
from stavbill.store.sendings import Sending, SendingId

NOBODY_SENDS = (
    "Отправка не настроена: в stavbill.toml нет ни [[mail.senders]], ни [whatsapp] с instance"
)


class WithoutDocuments:
    """What stands in for the renderer where no document is ever made: at a person's desk."""

    async def prepare(self, wanted: Sequence[Sending]) -> Mapping[SendingId, NoDocument]:
        """Return that there are none."""
        return await self.files(wanted)

    async def files(self, wanted: Sequence[Sending]) -> Mapping[SendingId, NoDocument]:
        """Return that there are none."""
        reason = NoDocument(("Документы счетов здесь не составляются.",))
        return {one.sending: reason for one in wanted}


@asynccontextmanager
async def open_desk(
    config: Path, env: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[Parts, MailOptions]]:
    """Build what a person's commands about sending need; nothing is sent by it.

    Raises `ConfigError` and `StoreError` as `open_parts` and `open_mail` do.
    """
    known = os.environ if env is None else env
    async with (
        open_parts(config, known) as parts,
        open_mail(load_settings(config, known), WithoutDocuments()) as mail,
    ):
        yield parts, mail


@asynccontextmanager
async def open_mail(settings: Settings, renderer: Renderer) -> AsyncIterator[MailOptions]:
    """Build what sending needs, and take it down after.

    Raises `ConfigError` for a missing secret or file, or a template with an error, before anything
    is sent.
    """
    _require(settings)
    texts = Texts(_beside(settings, settings.toml.mail.templates))
    texts.check()
    async with httpx.AsyncClient() as http:
        yield _options(settings, renderer, texts, http)


async def send_once(config: Path, env: Mapping[str, str] | None = None) -> Document:
    """Make one pass of sending and return what came of it.

    Raises `ConfigError` when nobody is configured to send, and as `send_due` does.
    """
    known = os.environ if env is None else env
    settings = load_settings(config, known)
    if not (settings.toml.mail.senders or settings.toml.whatsapp.instance):
        raise ConfigError(NOBODY_SENDS)
    async with (
        open_parts(config, known) as parts,
        open_pool(settings) as pool,
        open_mail(settings, documents_of(settings, parts, pool)) as mail,
    ):
        return await send_due(parts, mail)


def ladder_of(settings: Settings) -> Ladder:
    """Return the configured ladder of reminders."""
    known = settings.toml.reminders
    steps = tuple(Step(one.code, one.days, Audience(one.audience)) for one in known.steps)
    return Ladder(steps, known.quiet_days)


async def mail_problems(settings: Settings) -> list[tuple[str, str | None]]:
    """Try every sender, the mailbox and the provider: name, and what is wrong or None."""
    found: list[tuple[str, str | None]] = []
    for sender in settings.toml.mail.senders:
        line = SmtpLine(_smtp(settings, sender))
        found.append((f"почта: отправитель «{sender.code}»", await line.check()))
    if settings.toml.whatsapp.instance:
        async with httpx.AsyncClient() as http:
            found.append(("WhatsApp", await _whatsapp(settings, http).check()))
    return found


def _options(
    settings: Settings, renderer: Renderer, texts: Texts, http: httpx.AsyncClient
) -> MailOptions:
    known = settings.toml.mail
    senders = {
        one.code: Sender(
            code=one.code,
            smtp=_smtp(settings, one),
            per_minute=one.per_minute or None,
            connections=one.connections,
        )
        for one in known.senders
    }
    sender_of = {issuer: one.code for one in known.senders for issuer in one.issuers or ("",)}
    secret = _secret(settings, WEB_SECRET)
    whatsapp = settings.toml.whatsapp
    return MailOptions(
        owner=process_name(),
        is_gone=owner_is_gone,
        senders=senders,
        sender_of=sender_of,
        renderer=renderer,
        texts=texts,
        links=Links(settings.toml.web.public_url, secret),
        secret=secret,
        whatsapp=_whatsapp(settings, http) if whatsapp.instance else None,
        whatsapp_instance=whatsapp.instance,
        boxes=_boxes(settings),
        rules=SendingRules(
            max_age=timedelta(days=known.max_age_days),
            retry_first=timedelta(minutes=known.retry_first_minutes),
            retry_longest=timedelta(minutes=known.retry_longest_minutes),
            give_up=timedelta(hours=known.give_up_hours),
            ask_after=timedelta(hours=known.ask_after_hours),
            max_recipients=known.max_recipients,
            manual=known.manual,
        ),
        portal_links=known.pay_link == "portal",
    )


def _require(settings: Settings) -> None:
    """Raise one `ConfigError` that names every secret and file sending needs and has not got."""
    known = settings.toml.mail
    needed = {
        smtp_password_variable(one.code): f"пароль почты отправителя «{one.code}»"
        for one in known.senders
        if one.user
    }
    if known.notices.host:
        needed[IMAP_PASSWORD] = "пароль почтового ящика уведомлений"
    if settings.toml.whatsapp.instance:
        needed[WHATSAPP_TOKEN] = "токен WhatsApp-провайдера"
    missing = [
        f"{key}: не задан {what}" for key, what in needed.items() if not _secret(settings, key)
    ]
    if (known.senders or settings.toml.whatsapp.instance) and not _secret(settings, WEB_SECRET):
        missing.append(f"{WEB_SECRET}: не задан секрет, которым подписаны письма и ссылки")
    files = [(f"mail.senders.{one.code}.ca_file", one.ca_file) for one in known.senders]
    files.append(("mail.notices.ca_file", known.notices.ca_file))
    files.append(("mail.templates", known.templates))
    for key, name in files:
        path = _beside(settings, name)
        if path is not None and not path.exists():
            missing.append(f"{key} = «{name}»: такого файла нет")
    if missing:
        listed = "\n".join(f"- {problem}" for problem in missing)
        msg = f"Отправка не настроена:\n{listed}"
        raise ConfigError(msg)


def _smtp(settings: Settings, one: SenderSettings) -> SmtpSettings:
    notices = settings.toml.mail.notices
    return SmtpSettings(
        host=one.host,
        port=one.usual_port,
        security=Security(one.security),
        sender=Mailbox(one.name, one.address),
        reply_to=one.reply_to,
        bounces=one.bounces,
        user=one.user,
        password=_secret(settings, smtp_password_variable(one.code)),
        ca_file=_beside(settings, one.ca_file),
        notify=bool(notices.host or notices.maildir),
        timeout_s=one.timeout_s,
        answer_s=one.answer_timeout_s,
    )


def _whatsapp(settings: Settings, http: httpx.AsyncClient) -> GreenApi:
    known = settings.toml.whatsapp
    return GreenApi(
        GreenApiSettings(
            url=known.url,
            media_url=known.media_url,
            instance=known.instance,
            token=_secret(settings, WHATSAPP_TOKEN),
        ),
        http,
    )


def _boxes(settings: Settings) -> tuple[NoticeBox, ...]:
    known = settings.toml.mail.notices
    boxes: list[NoticeBox] = []
    if known.host:
        boxes.append(
            ImapBox(
                ImapSettings(
                    host=known.host,
                    port=known.usual_port,
                    security=Security(known.security),
                    user=known.user,
                    password=_secret(settings, IMAP_PASSWORD),
                    folder=known.folder,
                    ca_file=_beside(settings, known.ca_file),
                )
            )
        )
    maildir = _beside(settings, known.maildir)
    if maildir is not None:
        boxes.append(MaildirBox(maildir))
    return tuple(boxes)


def _secret(settings: Settings, name: str) -> str:
    found = settings.mail_secrets.get(name) or settings.web_secrets.get(name)
    return found.get_secret_value() if found is not None else ""


def _beside(settings: Settings, name: str) -> Path | None:
    """Return a file named in the TOML; a relative name begins beside it."""
    return settings.path.parent / name if name else None
