"""Writing under lost answers: our journal and gateway beside fast-bitrix24's own writing.

Both write the same number of invoices with one row each to the same portal in one run, while a
share of the answers to writing requests is lost after they were executed, by the same drawn
sequence. Counted from the portal: invoices that stand twice, and requests. Our requests include
the questions about lost answers; reading every invoice back, which fast-bitrix24 has no word for,
is a figure of its own. Source: quality page; performance page 3.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from fast_bitrix24 import BitrixAsync

from benchmarks.figures import Figure
from benchmarks.served import Served, served
from stavbill.app.build import open_parts
from stavbill.billing.decision import InvoiceDraft, InvoiceLine
from stavbill.billing.facts import SUBSCRIPTION, CompanyId, InvoiceKey, OwnCompanyId
from stavbill.billing.money import Currency, Money
from stavbill.billing.period import Month, ServicePeriod
from stavbill.billing.vat import vat_included
from stavbill.operations.parts import Parts
from stavbill.operations.reading import PortalFacts, learn_portal
from stavbill.plan.effects import EffectKey, InvoiceStage, PutInvoice
from stavbill.store.runs import RunId, RunKind, RunState, set_state, start_run

INVOICES, SCALE = 1_000, 10.0
RATES = (0, 5, 20)
# The first 40 draws of this seed lose 2 and 8, half of them items: as many as the rates say.
SEED = 139
ON, MONTH = date(2026, 12, 10), Month(2027, 1)
REQUESTS = 1.10
PRICE, QUANTITY, VAT = 35_000, 3, Decimal(22)
ROW = "Подписка на сервис по удаленному управлению автопарком"
TITLE, PAY_BY = "Подписка на сервис (январь 2027)", date(2026, 12, 20)
SMART_INVOICE, COMMANDS = 31, 50
NO_BRAKE = 1_000_000


@dataclass(frozen=True, slots=True)
class Scene:
    """One writing: how many invoices under the name of a run, at which share of lost answers."""

    sandbox: Served
    run: str
    invoices: int
    loss: float

    def key(self, number: int) -> str:
        """Return the external id of an invoice."""
        return f"{self.run}:{number}"

    def begin(self) -> None:
        """Forget what the portal has been asked, and begin to lose answers."""
        fault = {"kind": "lost_after", "rate": self.loss, "writes_only": True}
        self.sandbox.change("faults", seed=SEED, faults=[fault] if self.loss else [])
        self.sandbox.change("clear")


@dataclass(frozen=True, slots=True)
class Written:
    """What the portal saw: invoices standing twice, missing, without rows, and requests."""

    doubled: int
    missing: int
    bare: int
    requests: int
    read_back: int


def figures(invoices: int = INVOICES) -> Iterator[Figure]:
    """Write with both at every rate of loss and yield the figures side by side."""
    with served(invoices, scale=SCALE) as sandbox:
        sandbox.install(limited=False)
        sandbox.lift_limits()
        plain: dict[str, Written] = {}
        for rate in RATES:
            for name, write in (("ours", _ours), ("fast_bitrix24", _theirs)):
                found = _measure(sandbox, name, rate, invoices, write)
                plain.setdefault(name, found)
                yield from _figures(name, rate, found, plain)


def _figures(name: str, rate: int, found: Written, plain: dict[str, Written]) -> Iterator[Figure]:
    ours = name == "ours"
    start = f"lost_{rate}_{name}"
    limit = 0 if ours else None
    yield Figure(f"{start}_duplicates", found.doubled, "invoices", limit, at_least=False)
    yield Figure(
        f"{start}_incomplete", found.missing + found.bare, "invoices", limit, at_least=False
    )
    yield Figure(f"{start}_requests", found.requests, "requests", None, at_least=False)
    if ours:
        yield Figure(f"{start}_read_back", found.read_back, "requests", None, at_least=False)
    elif rate == 0:
        ratio = plain["ours"].requests / found.requests
        yield Figure("lost_0_requests_ratio", ratio, "x_fast_bitrix24", REQUESTS, at_least=False)


def _measure(
    sandbox: Served,
    name: str,
    rate: int,
    invoices: int,
    write: Callable[[Scene], Coroutine[None, None, None]],
) -> Written:
    scene = Scene(sandbox, f"{name}-{rate}", invoices, rate / 100)
    asyncio.run(write(scene))
    requests = _requests(sandbox)
    sandbox.change("faults", faults=[])
    stands: dict[str, list[bool]] = defaultdict(list)
    for one in sandbox.ask("invoices"):
        if str(one["xmlId"]).startswith(f"{scene.run}:"):
            stands[one["xmlId"]].append(bool(one["rows"]))
    return Written(
        doubled=sum(len(each) - 1 for each in stands.values()),
        missing=invoices - len(stands),
        bare=sum(not has_rows for each in stands.values() for has_rows in each),
        requests=requests["writing"],
        read_back=requests["read_back"],
    )


def _requests(sandbox: Served) -> Counter[str]:
    """Return how many requests wrote or asked about writes, and how many read invoices back."""
    methods: dict[int, set[str]] = defaultdict(set)
    for call in sandbox.ask("calls?limit=1000000"):
        methods[call["request"]].add(call["method"])
    return Counter(
        "read_back" if "crm.item.productrow.list" in seen else "writing"
        for seen in methods.values()
    )


async def _ours(scene: Scene) -> None:
    """Record the invoices as a plan and let the journal make them happen."""
    sandbox, run = scene.sandbox, RunId(scene.run)
    env = {**sandbox.ready["environment"], "STAVBILL_CLOCK_SCALE": str(sandbox.scale)}
    async with open_parts(sandbox.config, env) as parts:
        portal = await learn_portal(parts)
        companies = await _companies(parts, portal)
        with parts.store.write() as db:
            start_run(
                db,
                run,
                portal=parts.portal,
                kind=RunKind.MONTH,
                on=ON,
                dry_run=False,
                at=parts.now(),
            )
        own = portal.shape.own_companies[0].own_company
        for start in range(0, scene.invoices, COMMANDS):
            numbers = range(start, min(start + COMMANDS, scene.invoices))
            effects = [
                _invoice(EffectKey(scene.key(number)), companies[number % len(companies)], own)
                for number in numbers
            ]
            portal.journal.record(run, effects)
        with parts.store.write() as db:
            set_state(db, run, RunState.APPLYING, at=parts.now())
        scene.begin()
        await portal.journal.apply(run)


async def _companies(parts: Parts, portal: PortalFacts) -> list[CompanyId]:
    return [
        record.company async for chunk in parts.reader.companies(portal.shape) for record in chunk
    ]


def _invoice(key: EffectKey, company: CompanyId, own: OwnCompanyId) -> PutInvoice:
    price = Money(PRICE, Currency.RUB)
    line = InvoiceLine(
        service=SUBSCRIPTION,
        month=MONTH,
        name=ROW,
        quantity=QUANTITY,
        price=price,
        credit=Money(0, Currency.RUB),
        vat_percent=VAT,
        vat=vat_included(price * QUANTITY, VAT),
    )
    draft = InvoiceDraft(
        key=InvoiceKey(company, (SUBSCRIPTION,), ServicePeriod(MONTH), "ps-rf"),
        title=TITLE,
        own_company=own,
        issuer="ps-rf",
        currency=Currency.RUB,
        contract_number="",
        issued=ON,
        pay_by=PAY_BY,
        lines=(line,),
    )
    return PutInvoice(
        key=key, company=company, draft=draft, comment="", stage=InvoiceStage.NEW, responsible=None
    )


async def _theirs(scene: Scene) -> None:
    """Add all items by one `call`, then all rows by another, as its documentation shows."""
    logging.getLogger("fast_bitrix24").setLevel(logging.CRITICAL)
    client = BitrixAsync(
        scene.sandbox.webhook,
        verbose=False,
        request_pool_size=NO_BRAKE,
        requests_per_second=float(NO_BRAKE),
        operating_time_limit=NO_BRAKE,
    )
    scene.begin()
    items = [
        {
            "entityTypeId": SMART_INVOICE,
            "fields": {"title": TITLE, "xmlId": scene.key(number), "currencyId": "RUB"},
        }
        for number in range(scene.invoices)
    ]
    rows = [{"productName": ROW, "price": PRICE // 100, "quantity": QUANTITY, "taxIncluded": "Y"}]
    try:
        made = await client.call("crm.item.add", items)
        owners = [one.get("item", one)["id"] for one in made]
        wanted = [{"ownerType": "SI", "ownerId": owner, "productRows": rows} for owner in owners]
        await client.call("crm.item.productrow.set", wanted)
    except RuntimeError:
        # It gives up after ten failures in a row; what it left behind is counted all the same.
        return
