"""One reading of a Wialon connection: its accounts, then its units, in a handful of requests.

5,000 accounts and 100,000 units are about 40 requests: login, 2 searches of accounts, 34 pages of
units, logout. A page is translated and dropped before the next one is asked for.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Container, Sequence
from contextlib import asynccontextmanager

from stavbill.clock import Clock
from stavbill.plan.records import AccountRecord, UnitRecord
from stavbill.wialon.connection import Connection
from stavbill.wialon.search import (
    Item,
    Search,
    accounts_search,
    pages,
    units_of_accounts_search,
    units_search,
)
from stavbill.wialon.session import WialonSession
from stavbill.wialon.translate import account_record, unit_record
from stavbill.wialon.trouble import (
    ListMovedError,
    SessionLostError,
    UnclearUnitError,
    incomplete,
    moved,
)
from stavbill.wialon.wire import open_client

READINGS = 2
ASKED_AT_ONCE = 100


class WialonReader:
    """Reads one connection; make it by `open_reader`. Nothing is written to the host.

    Whatever is yielded counts only after its iteration has ended without an exception: a caller
    keeps it apart until then. When the list moves or the session ends in the middle, the reading
    begins again once and yields the same records anew, so a caller keeps them by id.
    """

    def __init__(self, session: WialonSession) -> None:
        """Read through `session`."""
        self._session = session

    @property
    def requests(self) -> int:
        """How many HTTP requests were sent, repeats included."""
        return self._session.requests

    async def accounts(self) -> AsyncIterator[list[AccountRecord]]:
        """Yield every account that the token sees, page by page.

        An account's parent may be one that the token does not see: that is a top account for us.
        Raises `WialonIncompleteError` (no account at all is never a true answer) and
        `WialonUnreachableError`. Source: billing rules §6.
        """
        seen = 0
        async for items in self._twice(accounts_search()):
            seen += len(items)
            yield await self._with_parents(items)
        if not seen:
            found = "токен не видит ни одной учётной записи"
            raise incomplete(self._session.connection, found)

    async def units(
        self, accounts: Container[int], *, unclear: dict[int, str] | None = None
    ) -> AsyncIterator[list[UnitRecord]]:
        """Yield every unit, page by page; `accounts` are the ids that `accounts()` gave.

        A unit of which the host does not tell what it is leaves its account without a count. With
        `unclear` the account's id and a sentence are put there, the unit is left out, and the
        caller must not count that account or a subtree that holds it; without it the whole
        reading fails. A unit of an account that is not among `accounts` always fails it.

        Raises as `accounts`. Source: billing rules §5.
        """
        async for items in self._twice(units_search()):
            yield self._records(items, accounts, unclear)

    async def units_of(
        self, accounts: Sequence[int], *, unclear: dict[int, str] | None = None
    ) -> AsyncIterator[list[UnitRecord]]:
        """Yield the own units of a few `accounts` (a rerun of one company), as `units` does.

        What a host that reads the mask otherwise adds of other accounts is left out.
        """
        for start in range(0, len(accounts), ASKED_AT_ONCE):
            some = tuple(accounts[start : start + ASKED_AT_ONCE])
            async for items in self._twice(units_of_accounts_search(some)):
                own = [item for item in items if item.get("bact") in (None, *some)]
                yield self._records(own, some, unclear)

    def _records(
        self, items: list[Item], accounts: Container[int], unclear: dict[int, str] | None
    ) -> list[UnitRecord]:
        records = []
        for item in items:
            try:
                records.append(unit_record(self._session.connection, item, accounts))
            except UnclearUnitError as error:
                if unclear is None:
                    raise
                unclear.setdefault(error.account, str(error))
        return records

    async def _twice(self, search: Search) -> AsyncIterator[list[Item]]:
        """Yield the pages of `search`, from the beginning once more when the first try fails.

        What was yielded and is not in the list that finally holds cannot be taken back: an error.
        """
        given: set[int] = set()
        for reading in range(1, READINGS + 1):
            now: set[int] = set()
            try:
                async for items in pages(self._session, search, now):
                    yield items
            except (ListMovedError, SessionLostError) as error:
                if reading == READINGS:
                    raise
                given |= now
                if isinstance(error, SessionLostError):
                    await self._session.login()
                continue
            if gone := given - now:
                found = f"{search.what}: во время чтения исчезло {len(gone)}"
                raise moved(self._session.connection, found)
            return

    async def _with_parents(self, items: list[Item]) -> list[AccountRecord]:
        """Return the page's accounts; parents that the search left out are asked for by id."""
        read = [account_record(self._session.connection, item) for item in items]
        orphans = [record.account for record, told in read if not told]
        parents: dict[int, int | None] = {}
        for start in range(0, len(orphans), ASKED_AT_ONCE):
            parents |= await self._parents_of(orphans[start : start + ASKED_AT_ONCE])
        return [
            record if told else AccountRecord(record.account, record.name, parents[record.account])
            for record, told in read
        ]

    async def _parents_of(self, accounts: list[int]) -> dict[int, int | None]:
        """Ask for the parents of at most 100 accounts; old products search without `bpact`.

        An account that may not be seen is left out or stands as `{"error": 7}`: its place in the
        tree is unknown, and with it what a partner's subtree holds.

        Source: Wialon Remote API, account/get_account_data; billing rules §6.
        """
        asked: object = accounts if len(accounts) > 1 else accounts[0]
        params: dict[str, object] = {"itemId": asked, "type": 1}
        try:
            answer = await self._session.call("account/get_account_data", params)
        except SessionLostError:
            # This call needs nothing that the session had kept: the new one goes on from here.
            await self._session.login()
            answer = await self._session.call("account/get_account_data", params)
        by_id = answer if isinstance(answer, dict) else {}
        if len(accounts) == 1:
            by_id = {str(accounts[0]): answer}
        parents: dict[int, int | None] = {}
        for account in accounts:
            known = by_id.get(str(account))
            if not isinstance(known, dict) or known.get("error"):
                found = f"не видно, чья учётная запись {account} (нет bpact и get_account_data)"
                raise incomplete(self._session.connection, found)
            parent = known.get("parentAccountId")
            parents[account] = parent if type(parent) is int and parent != 0 else None
        return parents


@asynccontextmanager
async def open_reader(connection: Connection, clock: Clock) -> AsyncGenerator[WialonReader]:
    """Give a reader with a session of its own, and log out at the end.

    The first request logs in. `clock` paces the waits for a busy host.
    """
    async with open_client(connection) as client:
        session = WialonSession(connection, clock, client)
        try:
            yield WialonReader(session)
        finally:
            await session.logout()
