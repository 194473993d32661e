"""After a run: does the portal hold what the rules ask for? Compares its dump with the world.

As a process, beside a sandbox that still runs:
`python -m stavbill.sandbox.world.verdict READY_FILE` prints one line for each difference; exit
code 1 when there is any.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from stavbill.sandbox.world import months, reading, setting
from stavbill.sandbox.world.build import World, build_world
from stavbill.sandbox.world.expected import BILL, HOLD, Expectation, ExpectedInvoice
from stavbill.sandbox.world.model import Company, Invoice, Stage, UserField

Dump = Mapping[str, list[dict[str, Any]]]
"""The portal's end state: `companies`, `invoices` with rows, `tasks` with links and group."""
Line = tuple[months.Month | None, int, int]
"""Month, quantity, price in kopecks."""
Shape = tuple[int, str, str, tuple[Line, ...]]
"""Issuer, currency, title, lines: what makes two invoices alike."""
COMPLETED = 5


@dataclass(frozen=True, slots=True)
class Held:
    """What a dump holds, by company: live invoices, open tasks, the card's count."""

    invoices: Mapping[int, Counter[Shape]]
    tasks: Mapping[int, int]
    counts: Mapping[int, object]


def read_held(fields: Iterable[UserField], dump: Dump) -> Held:
    """Return what is compared of a dump; `fields` name the card's count."""
    held: dict[int, Counter[Shape]] = {}
    for invoice in dump["invoices"]:
        if invoice["live"]:
            held.setdefault(invoice["companyId"], Counter())[_shape_of_held(invoice)] += 1
    count_code = next(field.code for field in fields if field.attribute == "card_count")
    counts = {int(card["ID"]): card.get(count_code) for card in dump["companies"]}
    return Held(held, Counter(_companies_of(dump["tasks"])), counts)


def differences(world: World, dump: Dump) -> list[str]:
    """Return what is not as the rules say, one sentence for each difference, by company.

    Checked are the live invoices, those from before included (issuer, currency, title, lines),
    the card's count, one open task for each held company and none for a skipped one.
    """
    held, companies = read_held(world.fields, dump), {each.id: each for each in world.companies()}
    found: list[str] = []
    for company_id, expected in sorted(world.all_expectations().items()):
        said = [
            *invoices_differ(companies[company_id], expected, held),
            *_tasks_differ(expected, held.tasks.get(company_id, 0)),
            *count_differs(company_id, expected, held),
        ]
        why = ", ".join(sorted(expected.reasons))
        found += [f"{company_id} ({expected.outcome} {why}): {each}" for each in said]
    return found


def invoices_differ(company: Company, expected: Expectation, held: Held) -> Iterable[str]:
    """Compare the live invoices: those that the company had before, and those expected."""
    wanted = Counter(_shape_of_expected(each) for each in expected.invoices)
    wanted.update(
        _shape_of_earlier(each) for each in company.invoices if each.stage is not Stage.CANCELLED
    )
    found = held.invoices.get(company.id, Counter())
    for shape in (wanted - found).elements():
        yield f"no invoice {shape}"
    for shape in (found - wanted).elements():
        yield f"an invoice too many {shape}"


def _shape(issuer: int, currency: str, title: str, lines: list[Line]) -> Shape:
    return (issuer, currency, title, tuple(sorted(lines, key=repr)))


def _shape_of_expected(invoice: ExpectedInvoice) -> Shape:
    lines: list[Line] = [(line.month, line.quantity, line.price) for line in invoice.lines]
    return _shape(invoice.issuer_id, invoice.currency, invoice.title, lines)


def _shape_of_earlier(invoice: Invoice) -> Shape:
    lines = [(_month_of(row.name), row.quantity, row.price) for row in invoice.rows]
    return _shape(invoice.issuer_id, invoice.currency, invoice.title, lines)


def _shape_of_held(invoice: dict[str, Any]) -> Shape:
    lines = [
        (
            _month_of(row["productName"]),
            int(Decimal(row["quantity"])),
            int(Decimal(row["price"]) * 100),
        )
        for row in invoice["rows"]
    ]
    return _shape(invoice["mycompanyId"], invoice["currencyId"], invoice["title"], lines)


def _month_of(wording: str) -> months.Month | None:
    named = reading.months_of(wording)
    return named[0] if named else None


def _companies_of(tasks: list[dict[str, Any]]) -> Iterable[int]:
    """Give the company of every open task that is no planned call."""
    for task in tasks:
        if task["status"] != COMPLETED and task["group"] != setting.CALLS_GROUP:
            yield from (int(link[3:]) for link in task["links"] if link.startswith("CO_"))


def _tasks_differ(expected: Expectation, tasks: int) -> Iterable[str]:
    if expected.outcome == BILL:
        return  # an address to be mended may have raised one
    wanted = int(expected.outcome == HOLD)
    if tasks != wanted:
        yield f"{tasks} open tasks, {wanted} expected"


def count_differs(company: int, expected: Expectation, held: Held) -> Iterable[str]:
    """Compare the card's count, where the rules say what it must be."""
    if expected.card_count is None:
        return
    shown = held.counts.get(company)
    number = int(float(str(shown))) if shown not in (None, "") else None
    if number != expected.card_count:
        yield f"the card counts {number}, {expected.card_count} expected"


def main(arguments: list[str]) -> int:
    """Compare the running sandbox of a ready file with its world; print what differs."""
    ready = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    world = build_world(ready["companies"], ready["seed"], date.fromisoformat(ready["as_of"]))
    with urlopen(f"{ready['portal_control']}dump") as answer:  # noqa: S310 - loopback
        found = differences(world, json.loads(answer.read()))
    sys.stdout.write("".join(f"{each}\n" for each in found) or "as the rules say\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
