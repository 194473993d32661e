"""A small IMAP door to the mailboxes of senders: enough to read, mark and remove reports.

Any user name that is an address opens that address's INBOX, with the server's one password.
Commands: CAPABILITY, NOOP, LOGIN, LIST, SELECT, EXAMINE, SEARCH, FETCH, STORE, EXPUNGE, CLOSE,
LOGOUT, and their UID forms. Source: RFC 3501.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from stavbill.sandbox.mail.letters import Letter
from stavbill.sandbox.mail.server import PASSWORD, MailServer

CAPABILITIES = "CAPABILITY IMAP4rev1"
WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|\((.*)\)|(\S+)')
LITERAL = re.compile(rb"\{(\d+)\}\r\n$")
LONGEST = 64 * 1024
NEEDS_A_MAILBOX = frozenset({"SEARCH", "FETCH", "STORE", "EXPUNGE", "CLOSE"})


@dataclass(slots=True)
class Mailboxes:
    """What survives a session: the flags of each letter in each mailbox."""

    mail: MailServer
    flags: dict[tuple[str, int], set[str]] = field(default_factory=dict)
    removed: set[tuple[str, int]] = field(default_factory=set)

    def letters(self, address: str) -> list[Letter]:
        """Return the letters of an INBOX; a letter's number is its UID."""
        return [
            letter
            for letter in self.mail.letters.to(address)
            if (address, letter.number) not in self.removed
        ]

    def flags_of(self, address: str, number: int) -> set[str]:
        """Return the changeable flags of one letter."""
        return self.flags.setdefault((address, number), set())


def _words(text: str) -> list[str]:
    """Split a command into words; quotes are taken off, a list in brackets stays one word."""
    return [
        f"({inner})" if whole[0] == "(" else quoted or plain
        for match in WORD.finditer(text)
        for whole, quoted, inner, plain in [(match[0], *match.groups(default=""))]
    ]


async def serve_session(
    boxes: Mailboxes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Speak IMAP on one connection until it ends."""
    session = _Session(boxes, writer)
    session.say("* OK IMAP4rev1 stavbill sandbox")
    try:
        while not session.ended:
            line = await _command(reader, writer)
            if line is None:
                break
            session.obey(line)
            await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return
    finally:
        writer.close()


async def _command(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str | None:
    """Read one command, its literals put where they belong as quoted words."""
    whole = b""
    while True:
        line = await reader.readline()
        if not line:
            return None
        found = LITERAL.search(line)
        if found is None:
            return (whole + line).decode("utf-8", "replace").rstrip("\r\n")
        writer.write(b"+ go on\r\n")
        given = await reader.readexactly(min(int(found[1]), LONGEST))
        quoted = given.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        whole += line[: found.start()] + b'"' + quoted + b'"'


class _Session:
    """One connection: who is in, what is selected, and the answers."""

    def __init__(self, boxes: Mailboxes, writer: asyncio.StreamWriter) -> None:
        self.boxes, self.writer = boxes, writer
        self.user = ""
        self.selected: list[Letter] | None = None
        self.read_only = False
        self.ended = False

    def say(self, line: str | bytes) -> None:
        raw = line if isinstance(line, bytes) else line.encode()
        self.writer.write(raw + b"\r\n")

    def obey(self, line: str) -> None:
        tag, _, rest = line.partition(" ")
        words = _words(rest)
        by_uid = bool(words) and words[0].upper() == "UID"
        name, given = ([*words[by_uid:], ""][0].upper(), words[1 + by_uid :])
        obeyed: dict[str, Callable[[list[str], bool], str]] = {
            "CAPABILITY": self._capability, "NOOP": self._noop, "LOGIN": self._login,
            "LIST": self._list, "SELECT": self._select, "EXAMINE": self._examine,
            "SEARCH": self._search, "FETCH": self._fetch, "STORE": self._store,
            "EXPUNGE": self._expunge, "CLOSE": self._close, "LOGOUT": self._logout,
        }  # fmt: skip
        try:
            refused = self._out_of_place(name, obeyed) or obeyed[name](given, by_uid)
        except (IndexError, ValueError):
            refused = f"BAD {name}: wrong words"
        mode = "[READ-ONLY] " if name == "EXAMINE" else "[READ-WRITE] " if name == "SELECT" else ""
        self.say(f"{tag} {refused or f'OK {mode}{name} completed'}")

    def _out_of_place(self, name: str, known: Collection[str]) -> str:
        if name not in known:
            return f"BAD {name or 'nothing'} is not known here"
        if name not in {"CAPABILITY", "NOOP", "LOGIN", "LOGOUT"} and not self.user:
            return "BAD log in first"
        if name in NEEDS_A_MAILBOX and self.selected is None:
            return "BAD select a mailbox first"
        return ""

    # ------------------------------------------------------------------ without a mailbox
    def _capability(self, _: list[str], __: bool) -> str:  # noqa: FBT001 - one shape for all
        self.say(f"* {CAPABILITIES}")
        return ""

    def _noop(self, _: list[str], __: bool) -> str:  # noqa: FBT001
        if self.selected is not None:
            known = {letter.number for letter in self.selected}
            fresh = [each for each in self.boxes.letters(self.user) if each.number not in known]
            if fresh:
                self.selected += fresh
                self.say(f"* {len(self.selected)} EXISTS")
        return ""

    def _login(self, given: list[str], _: bool) -> str:  # noqa: FBT001
        user, password = given[0], given[1]
        if password != PASSWORD or "@" not in user:
            self.boxes.mail.counts["refused_logins"] += 1
            return "NO [AUTHENTICATIONFAILED] wrong user name or password"
        self.user = user.lower()
        return ""

    def _list(self, _: list[str], __: bool) -> str:  # noqa: FBT001
        self.say('* LIST (\\HasNoChildren) "/" INBOX')
        return ""

    def _select(self, given: list[str], _: bool) -> str:  # noqa: FBT001
        self.selected = None
        if given[0].upper() != "INBOX":
            return "NO [NONEXISTENT] there is only INBOX"
        self.read_only = not self.boxes.mail.keeps_marks
        self.selected = self.boxes.letters(self.user)
        self.say("* FLAGS (\\Seen \\Deleted \\Flagged \\Answered)")
        self.say(f"* {len(self.selected)} EXISTS")
        self.say("* 0 RECENT")
        self.say("* OK [UIDVALIDITY 1] letters keep their numbers")
        self.say(f"* OK [UIDNEXT {self.boxes.mail.letters.next_number()}] next")
        return ""

    def _examine(self, given: list[str], by_uid: bool) -> str:  # noqa: FBT001
        refused = self._select(given, by_uid)
        self.read_only = True
        return refused

    def _logout(self, _: list[str], __: bool) -> str:  # noqa: FBT001
        self.say("* BYE")
        self.ended = True
        return ""

    # -------------------------------------------------------------------- with a mailbox
    def _search(self, given: list[str], by_uid: bool) -> str:  # noqa: FBT001
        wanted, words = [*enumerate(self.selected or (), start=1)], [*given]
        if [word.upper() for word in words[:1]] == ["CHARSET"]:
            words = words[2:]
        while words:
            word = words.pop(0)
            if word.startswith("("):
                words[:0] = _words(word[1:-1])
                continue
            word = word.upper()
            if word == "ALL":
                continue
            if word in {"SEEN", "UNSEEN", "DELETED", "UNDELETED"}:
                flag, has = "\\" + word.removeprefix("UN").capitalize(), not word.startswith("UN")
                wanted = [each for each in wanted if (flag in self._flags(each[1])) is has]
            elif word in {"FROM", "SUBJECT", "TO"}:
                text = words.pop(0).lower()
                wanted = [each for each in wanted if text in each[1].header(word).lower()]
            elif word == "HEADER":
                name, text = words.pop(0), words.pop(0).lower()
                wanted = [
                    each
                    for each in wanted
                    if name in each[1].message and text in each[1].header(name).lower()
                ]
            elif word == "UID" or word[0].isdigit():
                numbers = self._chosen(words.pop(0) if word == "UID" else word, word == "UID")
                wanted = [each for each in wanted if each in numbers]
            else:
                return f"BAD SEARCH {word} is not known here"
        found = [str(letter.number if by_uid else place) for place, letter in wanted]
        self.say(" ".join(["* SEARCH", *found]))
        return ""

    def _fetch(self, given: list[str], by_uid: bool) -> str:  # noqa: FBT001
        asked = " ".join(given[1:]).strip("()").upper()
        for place, letter in self._chosen(given[0], by_uid):
            flags = self._flags(letter)
            parts = [f"UID {letter.number}".encode()] if by_uid or "UID" in asked.split() else []
            if "RFC822.SIZE" in asked:
                parts.append(f"RFC822.SIZE {len(letter.raw)}".encode())
            body = _body(asked.replace("RFC822.SIZE", ""), letter)
            if body is not None:
                label, content, marks = body
                if marks and not self.read_only:
                    flags.add("\\Seen")
                parts.append(f"{label} {{{len(content)}}}\r\n".encode() + content)
            if "FLAGS" in asked or body is not None:
                parts.append(f"FLAGS ({' '.join(sorted(flags))})".encode())
            self.say(f"* {place} FETCH (".encode() + b" ".join(parts) + b")")
        return ""

    def _store(self, given: list[str], by_uid: bool) -> str:  # noqa: FBT001
        if self.read_only:
            return "NO the mailbox is read-only"
        how, told = given[1].upper(), set(" ".join(given[2:]).strip("()").split())
        told = {f"\\{flag.lstrip(chr(92)).capitalize()}" for flag in told}
        for place, letter in self._chosen(given[0], by_uid):
            flags = self._flags(letter)
            if how.startswith("-"):
                flags -= told
            elif how.startswith("+"):
                flags |= told
            else:
                flags.clear()
                flags |= told
            if not how.endswith(".SILENT"):
                self.say(f"* {place} FETCH (FLAGS ({' '.join(sorted(flags))}))")
        return ""

    def _expunge(self, _: list[str], __: bool) -> str:  # noqa: FBT001
        for place, letter in reversed([*enumerate(self.selected or (), start=1)]):
            if "\\Deleted" in self._flags(letter) and not self.read_only:
                self.boxes.removed.add((self.user, letter.number))
                self.say(f"* {place} EXPUNGE")
        self.selected = [
            letter for letter in self.selected or ()
            if (self.user, letter.number) not in self.boxes.removed
        ]  # fmt: skip
        return ""

    def _close(self, _: list[str], __: bool) -> str:  # noqa: FBT001
        if not self.read_only:
            self.boxes.removed |= {
                (self.user, letter.number)
                for letter in self.selected or ()
                if "\\Deleted" in self._flags(letter)
            }
        self.selected = None
        return ""

    def _flags(self, letter: Letter) -> set[str]:
        return self.boxes.flags_of(self.user, letter.number)

    def _chosen(self, told: str, by_uid: bool) -> list[tuple[int, Letter]]:  # noqa: FBT001
        """Return the letters that a set such as `1:3,7,9:*` names, with their places."""
        letters = [*enumerate(self.selected or (), start=1)]
        numbers = [letter.number if by_uid else place for place, letter in letters]
        wanted = set(_in_set(told, numbers))
        return [each for each, number in zip(letters, numbers, strict=True) if number in wanted]


def _in_set(told: str, numbers: list[int]) -> Iterable[int]:
    last = max(numbers, default=0)
    for piece in told.split(","):
        ends = [last if end == "*" else int(end) for end in piece.split(":")]
        low, high = min(ends), max(ends)
        yield from (number for number in numbers if low <= number <= high)


def _body(asked: str, letter: Letter) -> tuple[str, bytes, bool] | None:
    """Return the label, the bytes, and whether reading them marks the letter as seen."""
    head, _, text = letter.raw.partition(b"\r\n\r\n")
    if "HEADER" in asked:
        label = "RFC822.HEADER" if "RFC822.HEADER" in asked else "BODY[HEADER]"
        return label, head + b"\r\n\r\n", "BODY[" in asked
    if "TEXT]" in asked:
        return "BODY[TEXT]", text, "PEEK" not in asked
    if "RFC822" in asked or "BODY[]" in asked or "BODY.PEEK[]" in asked:
        return ("RFC822" if "RFC822" in asked else "BODY[]"), letter.raw, "PEEK" not in asked
    return None
