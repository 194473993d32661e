"""Where notices are read from: an IMAP folder, or a Maildir that a local mail server fills.

A letter is marked as read only after what it says stands in the store; read twice, it says the
same. Source: RFC 3501 (5.1.3 names of folders); the Maildir convention (`new`, `cur`).
"""

from __future__ import annotations

import asyncio
import base64
import imaplib
import re
import ssl
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from stavbill.delivery.smtp import Security
from stavbill.files import make_folder

SEVERAL = 100
NOT_ASCII = re.compile(r"[^ -~]+")


class MailboxError(Exception):
    """The mailbox cannot be read; its text is for an operator."""


class NoticeBox(Protocol):
    """A mailbox with letters that were not looked at yet."""

    async def unread(self, seen: Collection[str]) -> Sequence[tuple[str, bytes]]:
        """Return some unread letters by a name each, the newest first, none of those in `seen`.

        Raises `MailboxError`.
        """
        ...

    async def mark_read(self, names: Sequence[str]) -> None:
        """Mark letters as read, by the names that `unread` gave. Raises `MailboxError`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapSettings:
    """An IMAP folder. `timeout_s` in seconds; `ca_file` is a certificate of the server's own."""

    host: str
    port: int
    security: Security
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"
    ca_file: Path | None = None
    timeout_s: float = 60.0


class ImapBox:
    """A folder of an IMAP server; every question is a connection of its own, in a thread."""

    def __init__(self, settings: ImapSettings) -> None:
        self._settings = settings

    async def unread(self, seen: Collection[str]) -> Sequence[tuple[str, bytes]]:
        """Return unread letters without marking them as read."""
        return await asyncio.to_thread(self._told, lambda box: _fetch(box, seen))

    async def mark_read(self, names: Sequence[str]) -> None:
        """Set the flag «seen»."""
        await asyncio.to_thread(self._told, lambda box: _mark(box, names))

    def _told(self, work: _Work) -> Sequence[tuple[str, bytes]]:
        try:
            box = self._connected()
            try:
                return work(box)
            finally:
                box.logout()
        except (imaplib.IMAP4.error, OSError, ssl.SSLError, UnicodeError) as error:
            where = f"{self._settings.host}:{self._settings.port}"
            msg = f"Почтовый ящик уведомлений {where} не читается: {error}"
            raise MailboxError(msg) from error

    def _connected(self) -> imaplib.IMAP4:
        known = self._settings
        context = ssl.create_default_context()
        if known.ca_file is not None:
            context.load_verify_locations(cafile=known.ca_file)
        box: imaplib.IMAP4
        if known.security is Security.TLS:
            box = imaplib.IMAP4_SSL(
                known.host, known.port, ssl_context=context, timeout=known.timeout_s
            )
        else:
            box = imaplib.IMAP4(known.host, known.port, timeout=known.timeout_s)
        try:
            self._log_in(box, context)
        except BaseException:
            box.shutdown()
            raise
        return box

    def _log_in(self, box: imaplib.IMAP4, context: ssl.SSLContext) -> None:
        known = self._settings
        if known.security is Security.STARTTLS:
            box.starttls(context)
        if known.user.isascii() and known.password.isascii():
            box.login(known.user, known.password)
        else:
            # LOGIN knows ASCII only (RFC 4616 knows the rest).
            words = f"\0{known.user}\0{known.password}".encode()
            box.authenticate("PLAIN", lambda _: words)
        status, said = box.select(folder_name(known.folder))
        if status != "OK":
            msg = f"папка {known.folder}: {said!r}"
            raise imaplib.IMAP4.error(msg)


class MaildirBox:
    """A Maildir: unread letters stand in `new`, read ones in `cur` with the flag S."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def unread(self, seen: Collection[str]) -> Sequence[tuple[str, bytes]]:
        """Return the letters in `new`, by file name."""
        return await asyncio.to_thread(self._told, lambda: self._read(seen))

    async def mark_read(self, names: Sequence[str]) -> None:
        """Move letters to `cur`."""
        await asyncio.to_thread(self._told, lambda: self._move(names))

    def _told(self, work: Callable[[], Sequence[tuple[str, bytes]]]) -> Sequence[tuple[str, bytes]]:
        try:
            return work()
        except OSError as error:
            msg = f"Maildir {self._folder} не читается: {error.strerror}"
            raise MailboxError(msg) from error

    def _read(self, seen: Collection[str]) -> Sequence[tuple[str, bytes]]:
        new = self._folder / "new"
        # A file's name begins with the time at which it came.
        names = sorted((path.name for path in new.iterdir() if path.name not in seen), reverse=True)
        letters = []
        for name in names[:SEVERAL]:
            # Another reader of the mailbox may have moved it meanwhile.
            with suppress(FileNotFoundError):
                letters.append((name, (new / name).read_bytes()))
        return letters

    def _move(self, names: Sequence[str]) -> Sequence[tuple[str, bytes]]:
        cur = self._folder / "cur"
        make_folder(cur)
        for name in names:
            with suppress(FileNotFoundError):
                (self._folder / "new" / name).replace(cur / f"{name.partition(':')[0]}:2,S")
        return ()


def folder_name(text: str) -> str:
    """Return a folder's name as IMAP writes it: quoted, what is not ASCII in its own UTF-7."""

    def shifted(found: re.Match[str]) -> str:
        encoded = base64.b64encode(found[0].encode("utf-16-be")).decode().rstrip("=")
        return f"&{encoded.replace('/', ',')}-"

    plain = NOT_ASCII.sub(shifted, text.replace("&", "&-"))
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


class _Work(Protocol):
    def __call__(self, box: imaplib.IMAP4, /) -> Sequence[tuple[str, bytes]]: ...


def _fetch(box: imaplib.IMAP4, seen: Collection[str]) -> Sequence[tuple[str, bytes]]:
    _, found = box.uid("SEARCH", "UNSEEN")
    names = [name.decode() for name in reversed((found[0] or b"").split())]
    letters = []
    for name in [name for name in names if name not in seen][:SEVERAL]:
        # PEEK leaves the letter unread until the store has what it says.
        _, parts = box.uid("FETCH", name, "(BODY.PEEK[])")
        body = next((part[1] for part in parts if isinstance(part, tuple)), None)
        if body is not None:
            letters.append((name, body))
    return letters


def _mark(box: imaplib.IMAP4, names: Sequence[str]) -> Sequence[tuple[str, bytes]]:
    if names:
        status, said = box.uid("STORE", ",".join(names), "+FLAGS", r"(\Seen)")
        if status != "OK":
            msg = f"отметить прочитанным нельзя: {said!r}"
            raise imaplib.IMAP4.error(msg)
    return ()
