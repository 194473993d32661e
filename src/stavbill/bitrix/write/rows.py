"""Product rows: the lines of a draft as the portal writes them, and the comparison afterwards.

Source: Bitrix24 reference 6.5; billing rules §7 and §8.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from stavbill.billing.decision import InvoiceDraft, InvoiceLine
from stavbill.billing.money import Money
from stavbill.bitrix.batch import Command, Json, Param, Reference
from stavbill.bitrix.write.values import KOPECK, decimal_at, money_at, text_at

INVOICE_OWNER = "SI"
PIECE_CODE = 796
_ABSOLUTE_DISCOUNT = 1
_SORT_STEP = 10


@dataclass(frozen=True, slots=True)
class Row:
    """One product row: `price` for one piece after discount and with tax, `full` before discount.

    `tax` is the rate in percent, None for «without VAT».
    """

    name: str
    quantity: int
    price: Money
    full: Money
    tax: Decimal | None

    @property
    def discount(self) -> Decimal:
        """The discount on one piece as the portal counts it: without tax.

        The portal adds it to the price without tax and puts the tax on top again.
        """
        return _without_tax(self.full, self.tax) - _without_tax(self.price, self.tax)

    def params(self, sort: int) -> Mapping[str, Param]:
        """Return the row as `crm.item.productrow.set` takes it."""
        params: dict[str, Param] = {
            "productName": self.name,
            "price": self.price.amount,
            "quantity": self.quantity,
            "measureCode": PIECE_CODE,
            "taxRate": self.tax,
            "taxIncluded": "Y",
            "sort": sort,
        }
        if self.discount:
            params |= {"discountTypeId": _ABSOLUTE_DISCOUNT, "discountSum": self.discount}
        return params


def _without_tax(price: Money, tax: Decimal | None) -> Decimal:
    net = price.amount / (1 + tax / 100) if tax else price.amount
    return net.quantize(KOPECK, ROUND_HALF_UP)


def rows_of(draft: InvoiceDraft) -> tuple[Row, ...]:
    """Return the rows of a draft; they add up to its total exactly."""
    return tuple(row for line in draft.lines for row in rows_of_line(line))


def rows_of_line(line: InvoiceLine) -> Iterator[Row]:
    """Give a line as at most three rows, so that its credit is exact to the kopeck.

    A row has one price for all its pieces: some pieces are free, one bears what is left of the
    credit, the others cost the full price.
    """
    free, part = divmod(line.credit.minor, line.price.minor) if line.price.minor else (0, 0)
    parts = (
        (line.quantity - free - (1 if part else 0), line.price.minor),
        (1 if part else 0, line.price.minor - part),
        (free, 0),
    )
    for quantity, price in parts:
        if quantity > 0:
            yield Row(
                name=line.name,
                quantity=quantity,
                price=Money(price, line.price.currency),
                full=line.price,
                tax=line.vat_percent,
            )


def set_rows(owner: int | Reference, draft: InvoiceDraft) -> Command:
    """Return the command that makes these the invoice's only rows; a repeat is harmless."""
    rows = [row.params(_SORT_STEP * place) for place, row in enumerate(rows_of(draft), start=1)]
    return Command(
        "crm.item.productrow.set",
        {"ownerType": INVOICE_OWNER, "ownerId": owner, "productRows": rows},
    )


def list_rows(owner: int, start: int = 0) -> Command:
    """Return the command that reads 50 of an invoice's rows."""
    return Command(
        "crm.item.productrow.list",
        {
            "filter": {"=ownerType": INVOICE_OWNER, "=ownerId": owner},
            "order": {"sort": "ASC", "id": "ASC"},
            "start": start,
        },
    )


def compare_rows(draft: InvoiceDraft, found: Sequence[dict[str, Json]]) -> str | None:
    """Return the first difference between a draft's rows and the portal's, in Russian."""
    wanted = rows_of(draft)
    if len(wanted) != len(found):
        return f"строк: ожидалось {len(wanted)}, найдено {len(found)}"
    for place, (row, seen) in enumerate(zip(wanted, found, strict=True), start=1):
        for name, want, have in _values(row, seen):
            if want != have:
                return f"строка {place}, {name}: ожидалось {want}, найдено {have}"
    return None


def _values(row: Row, seen: dict[str, Json]) -> Iterator[tuple[str, object, object]]:
    yield "название", row.name.strip(), text_at(seen, "productName").strip()
    yield "цена", row.price.amount, money_at(seen, "price")
    yield "количество", row.quantity, decimal_at(seen, "quantity")
    yield "ставка НДС", row.tax, decimal_at(seen, "taxRate")
    yield "НДС в цене", "Y", text_at(seen, "taxIncluded")
    discount = money_at(seen, "discountSum") or Decimal(0)
    # The portal may round the discount from the prices again: a kopeck says nothing.
    if abs(row.discount - discount) > KOPECK:
        yield "скидка", row.discount, discount
