"""One company from a few words: an ordinary customer, and what makes this one different."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import TypedDict

from typing_extensions import Unpack

from stavbill.sandbox.world import invented, months, setting
from stavbill.sandbox.world.model import (
    Account,
    Bank,
    Card,
    Cluster,
    Company,
    Document,
    Invoice,
    PlannedCall,
    Requisite,
    Row,
    Stage,
    Unit,
)

UNIT_BASE = 3_000_000_000
ACCOUNT_BASE = 20_000_000
PER_COMPANY = 1000
SUBSCRIPTION_TITLE = "Подписка на сервис"
ROW_WORDING = "Подписка на сервис по удаленному управлению автопарком"
OLD_ROW_WORDING = "Абонентское обслуживание навигационного оборудования"
# Kind of contract -> template id, title in front of the number, prefix of the number.
CONTRACTS = {
    "ПС": (setting.SUBSCRIPTION_RF, "Подписка на сервис удаленного управления автопарком РФ", "ПС"),
    "КЗ": (setting.SUBSCRIPTION_KZ, "Подписка на сервис удаленного управления автопарком КЗ", "КЗ"),
    "АО": (setting.SERVICE_RF_GONE, setting.SERVICE_RF_NAME, "АО"),
    "П": (setting.SUPPLY, "Поставка оборудования", "П"),
    "М": (setting.WORKS, "Выполнение работ (монтаж, ремонт, калибровка и др.)", "М"),
    "Р": (setting.RESTRUCTURING, "Соглашение о реструктуризации", "Р"),
    "СК": (setting.CARDS, "Поставка карт (СКЗИ, ЕСТР)", "СК"),
    "В": (setting.VIDEO, "Доступ к серверу видео", "В"),
    "ПР": (setting.PASSES, "Оформление пропусков", "ПР"),
    "КВ": (setting.INTEGRATION, "Комплексное внедрение продукта РФ", "КВ"),
}


class CardWords(TypedDict, total=False):
    """What may be typed on the card otherwise than an ordinary customer has it."""

    status: str | None
    where: str
    account: str
    card_count: int | None
    tariff: str
    fuel: str
    dispatching: str
    sim: str
    plan: str | None
    activity: str | None
    skip: bool | None
    ignore_count: bool | None
    emails: str
    whatsapp: str
    sending: str
    vat: str | None
    partner: bool | None
    previous_month: bool | None
    months: int | None
    contract_number: str
    separate: tuple[str, ...]


class Parts(TypedDict, total=False):
    """Parts of a company that a case may replace."""

    documents: tuple[Document, ...]
    requisites: tuple[Requisite, ...]
    invoices: tuple[Invoice, ...]
    calls: tuple[PlannedCall, ...]


@dataclass(slots=True)
class Making:
    """A cluster in the making: its companies, accounts and units, all drawn from one generator."""

    rng: Random
    as_of: date
    companies: list[Company] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)

    @property
    def month(self) -> months.Month:
        """The month of the run."""
        return months.of(self.as_of)

    def done(self, scenario: str = "") -> Cluster:
        """Return the finished cluster, units in ascending order of id."""
        units = tuple(sorted(self.units, key=lambda unit: unit.id))
        accounts = tuple(sorted(self.accounts, key=lambda account: account.id))
        return Cluster(tuple(self.companies), accounts, units, scenario)

    def account(
        self, company_id: int, *, at: int = 0, name: str = "", connection: str = "stavros",
        parent: int | None = None,
    ) -> int:  # fmt: skip
        """Add an account; the `at`-th of this company. Return its id."""
        account_id = ACCOUNT_BASE + company_id * 10 + at
        self.accounts.append(Account(account_id, connection, name or str(company_id), parent))
        return account_id

    def fleet(
        self, company_id: int, account_id: int, *, active: int = 0, conserved: int = 0,
        idle: int = 0, restored: int = 0,
    ) -> None:  # fmt: skip
        """Add units: active; conserved; deactivated without a mark; restored (old mark, active)."""
        states = ["active"] * active + ["conserved"] * conserved + ["idle"] * idle
        taken = sum(unit.id // PER_COMPANY == self._unit_base(company_id) for unit in self.units)
        for number, state in enumerate(states + ["restored"] * restored, start=taken + 1):
            self.units.append(self._unit(company_id, account_id, number, state))

    def _unit_base(self, company_id: int) -> int:
        return UNIT_BASE // PER_COMPANY + company_id

    def _unit(self, company_id: int, account_id: int, number: int, state: str) -> Unit:
        rng = self.rng
        since = self.as_of - timedelta(days=rng.randrange(20, 200))
        link = f"https://portal.example/company/personal/user/3/tasks/task/view/{number + 100}/"
        own = [("CRM_ID_COMPANY", str(company_id))] if rng.random() < 0.6 else []
        if state in ("conserved", "restored"):
            own.append((f"Консервация от {since:%d.%m.%Y}", link))
        if state == "restored":
            own.append((f"Восстановление {since + timedelta(days=15):%d.%m.%Y}", link))
        asleep = state in ("conserved", "idle")
        moment = datetime(since.year, since.month, since.day, 9, tzinfo=UTC)
        return Unit(
            id=self._unit_base(company_id) * PER_COMPANY + number,
            account_id=account_id,
            name=invented.unit_name(rng, number),
            active=not asleep,
            deactivated_at=moment if asleep else None,
            fields=tuple(own),
        )

    def add(
        self,
        company_id: int,
        *,
        active: int = 3,
        conserved: int = 0,
        idle: int = 0,
        contracts: tuple[str, ...] = ("ПС",),
        past: tuple[Invoice, ...] = (),
        buyer: str = "company",
        with_account: bool = True,
        **card: Unpack[CardWords],
    ) -> Company:
        """Add an ordinary customer, changed by `card`; with its account and units."""
        connection = card.get("where", "stavros")
        if with_account:
            known = connection if connection in setting.TOP_ACCOUNTS else "stavros"
            account = self.account(company_id, connection=known)
            self.fleet(company_id, account, active=active, conserved=conserved, idle=idle)
        name = invented.company_name(self.rng, company_id)
        title = f"{'ИП' if buyer == 'entrepreneur' else 'ООО'} «{name}»"
        ordinary = Card(
            responsible=self.rng.choice(setting.MANAGERS),
            account=str(company_id),
            card_count=active + conserved,
            fleet_size=active + conserved + self.rng.randrange(6),
            zavgar=str(company_id),
            emails=f"{company_id}@example.ru",
            legal_address=invented.address(self.rng),
        )
        company = Company(
            id=company_id,
            title=title,
            card=replace(ordinary, **card),
            requisites=requisites(self.rng, buyer, title),
            documents=documents(self.rng, company_id, self.as_of, contracts),
            invoices=past,
        )
        self.companies.append(company)
        return company

    def change(self, company: Company, **changes: Unpack[Parts]) -> Company:
        """Replace a company just added by one with other parts."""
        changed = replace(company, **changes)
        self.companies[self.companies.index(company)] = changed
        return changed

    def plan_call(self, company: Company, *items: str) -> Company:
        """Give a company its standing task of planned calls."""
        day = self.as_of + timedelta(days=self.rng.randrange(10, 60))
        deadline = datetime(day.year, day.month, day.day, 8, 30, tzinfo=UTC)
        return self.change(company, calls=(PlannedCall(company.id, deadline, items),))


def requisites(rng: Random, buyer: str, title: str) -> tuple[Requisite, ...]:
    """Return the buyer's requisites by kind; `none` for none, `empty` for one without an INN."""
    address = invented.address(rng)
    bic = f"04000{rng.randrange(10)}{rng.randrange(100, 999)}"
    bank = Bank("АО «Банк Примерный»", bic, invented.account_number(rng, bic))
    inn = invented.inn_of_company(rng)
    kinds = {
        "company": Requisite(
            setting.COMPANY_PRESET, title, title, inn, f"{inn[:4]}01001", invented.ogrn(rng),
            address=address, bank=bank,
        ),
        "entrepreneur": Requisite(
            setting.ENTREPRENEUR_PRESET, title, title, invented.inn_of_person(rng),
            ogrn=invented.ogrnip(rng), address=address,
        ),
        "kazakh": Requisite(
            setting.KAZAKH_PRESET, title, title, bin=invented.bin_of(rng), address=address,
            bank=Bank("АО «Банк Образцовый»", "EXKZKZKA", invented.iban_of_kazakhstan(rng),
                      currency="KZT"),
        ),
        "kazakh_person": Requisite(
            setting.KAZAKH_PRESET, title, title, iin=invented.bin_of(rng, person=True),
            address=address,
        ),
        "person": Requisite(
            setting.PERSON_PRESET, "Физическое лицо", person=invented.person(rng), address=address
        ),
        "empty": Requisite(setting.COMPANY_PRESET, title, address=address),
    }  # fmt: skip
    return (kinds[buyer],) if buyer in kinds else ()


def documents(
    rng: Random, company_id: int, as_of: date, contracts: tuple[str, ...]
) -> tuple[Document, ...]:
    """Return documents by kind, oldest first; a trailing `**` stays behind the title."""
    made = []
    for place, kind in enumerate(contracts):
        template, wording, prefix = CONTRACTS[kind.rstrip("*")]
        age = (len(contracts) - place) * 200 + rng.randrange(100)
        day = as_of - timedelta(days=age)
        number = f"{prefix}-{day.year}-{company_id * 10 + place}"
        moment = datetime(day.year, day.month, day.day, 10, rng.randrange(60), tzinfo=UTC)
        stars = "**" if kind.endswith("**") else ""
        made.append(
            Document(
                company_id * 10 + place, template, f"{wording} {number}{stars}", number, moment
            )
        )
    return tuple(made)


def invoice(
    company_id: int, first: months.Month, *, on: date, count: int = 1, nth: int = 0,
    rows: tuple[Row, ...] | None = None, title: str | None = None, stage: Stage = Stage.SENT,
    issuer: int = setting.AUTOTRACKER, currency: str = "RUB",
) -> Invoice:  # fmt: skip
    """Return an invoice that was there before: as the earlier biller titled it, unless told."""
    month = months.bracket(first, count)
    if rows is None:
        rows = tuple(
            Row(f"{ROW_WORDING} {months.bracket(each)}", 350_00, 3)
            for each in months.span(first, count)
        )
    return Invoice(
        id=company_id * 10 + nth,
        title=f"[Биллинг] {SUBSCRIPTION_TITLE} {month}" if title is None else title,
        issuer_id=issuer,
        currency=currency,
        created_at=datetime(on.year, on.month, on.day, 9, 30, tzinfo=UTC),
        begin=on,
        pay_by=on + timedelta(days=10),
        stage=stage,
        rows=rows,
    )
