"""What a portal holds: its tables, its clock, its switches."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

from stavbill.sandbox.clock import SandboxClock
from stavbill.sandbox.portal.switches import Switches
from stavbill.sandbox.portal.table import Table, View
from stavbill.sandbox.portal.wire import Json, Record
from stavbill.sandbox.portal.written import Written

COMPANY = 4
INVOICE = 31


class State:
    """Everything a method may touch: aware datetimes, plain dates, sums as Decimals."""

    def __init__(self, clock: SandboxClock, switches: Switches) -> None:
        """Start as an empty portal."""
        self.clock = clock
        self.switches = switches
        self.written = Written(switches)
        self._moment: datetime | None = None
        self._tables: list[Table] = []
        self.companies = self._table("IS_MY_COMPANY", "ORIGIN_ID", "TITLE")
        self.userfields = self._table("ENTITY_ID", "FIELD_NAME")
        self.enum_values = self._table("USER_FIELD_ID")
        self.invoices = self._table("companyId", "xmlId", "stageId")
        self.rows = self._table("owner")
        self.payments = self._table("owner")
        self.requisites = self._table("ENTITY_ID", "RQ_INN")
        self.bank_details = self._table("ENTITY_ID")
        self.links = self._table("ENTITY_ID")
        self.addresses = self._table("ENTITY_ID", "ANCHOR_ID")
        self.presets = self._table()
        self.documents = self._table("entityId", "templateId")
        self.templates = self._table()
        self.categories = self._table()
        self.statuses = self._table("ENTITY_ID", "STATUS_ID")
        self.currencies: list[Record] = []
        self.users = self._table()
        self.workgroups = self._table()
        self.tasks = self._table("GROUP_ID", "RESPONSIBLE_ID", "UF_CRM_TASK", "TAGS")
        self.checklist = self._table("TASK_ID")
        self.comments = self._table("owner")
        self.log_messages = self._table("owner")
        self.activities = self._table("OWNER_ID")
        self.notifications = self._table()
        self.messages = self._table("dialog")
        # The general chat, which every portal has.
        self.chats = {1}
        self.elements = self._table("list")
        self.base_currency = "RUB"
        # Descriptions of fields are built anew when a user field changes.
        self.userfields_version = 0
        self.described: dict[str, tuple[int, Json]] = {}
        self._next_contact_id = 1

    def _table(self, *fields: str) -> Table:
        table = Table(self.monotonic, {field: _Reader(field) for field in fields})
        self._tables.append(table)
        return table

    def kept(self) -> dict[str, Json]:
        """Return everything that the portal holds, as plain values by the names of its tables."""
        tables = {
            name: (table.next_id, dict(table.records))
            for name, table in vars(self).items()
            if isinstance(table, Table)
        }
        return {
            "tables": tables,
            "currencies": self.currencies,
            "chats": self.chats,
            "base_currency": self.base_currency,
            "next_contact_id": self._next_contact_id,
        }

    def put_back(self, kept: dict[str, Json]) -> None:
        """Hold what `kept` returned, and nothing else."""
        for name, (next_id, records) in kept["tables"].items():
            vars(self)[name].refill(next_id, records)
        self.currencies, self.chats = kept["currencies"], kept["chats"]
        self.base_currency = kept["base_currency"]
        self._next_contact_id = kept["next_contact_id"]
        self.userfields_version += 1

    def new_contact_id(self) -> int:
        """Take the next id of a phone or an e-mail address."""
        taken = self._next_contact_id
        self._next_contact_id += 1
        return taken

    def view(self, table: Table) -> View:
        """Return a table as lists see it now."""
        return table.view(self.switches.list_lag_s)

    def lag(self, seconds: float) -> None:
        """Let lists lag behind writes by `seconds`."""
        self.switches.list_lag_s = seconds
        for table in self._tables:
            table.remembers = seconds > 0

    def now(self) -> datetime:
        """Return the moment of this call, whole seconds, UTC."""
        return self.now_exact().replace(microsecond=0)

    def now_exact(self) -> datetime:
        """Return the moment of this call with its fraction of a second, UTC."""
        return self._moment or self.clock.now()

    def monotonic(self) -> float:
        """Return when this call happens, in seconds of the clock's own count."""
        ahead = self.now_exact() - self.clock.now() if self._moment else timedelta()
        return self.clock.monotonic() + ahead.total_seconds()

    def at(self, moment: datetime | None) -> None:
        """Let what runs from here on happen at `moment`; None for the clock's own time."""
        self._moment = moment

    @property
    def zone(self) -> timezone:
        """The server's zone."""
        return timezone(timedelta(hours=self.switches.server_offset_h))

    def iso(self, moment: datetime | None) -> str | None:
        """Write a moment with the server's offset."""
        return None if moment is None else moment.astimezone(self.zone).isoformat()

    def user_iso(self, moment: datetime | None) -> str | None:
        """Write a moment with the user's offset, as tasks do. Source: bitrix24.md §8.1."""
        if moment is None:
            return None
        zone = timezone(timedelta(hours=self.switches.user_offset_h))
        return moment.astimezone(zone).isoformat()

    def iso_date(self, day: date | None) -> str | None:
        """Write a date as CRM does: midnight UTC in the server's offset. Source: §11."""
        if day is None:
            return None
        return self.iso(datetime(day.year, day.month, day.day, tzinfo=UTC))

    def today(self) -> date:
        """Return the server's date."""
        return self.now().astimezone(self.zone).date()


class _Reader:
    """Reads one field of a record for an index, letter case aside."""

    def __init__(self, field: str) -> None:
        self._field = field

    def __call__(self, record: Record) -> Json:
        value = record.get(self._field)
        if isinstance(value, list):
            return frozenset(_folded(each) for each in value)
        return _folded(value)


def _folded(value: Json) -> Json:
    return value.casefold() if isinstance(value, str) else value
