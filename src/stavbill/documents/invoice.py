"""What a printed invoice shows, all of it decided: a page is this record and a template.

Source: reference on Russian documents 5.1 (usual content), 5.2 (VAT); billing rules §7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import Enum

from pydantic import TypeAdapter

from stavbill.billing.money import Currency, Money
from stavbill.plan.texts import rubles
from stavbill.store.bodies import Body

# The payment order's own field; a longer purpose is cut by banks or refused.
LONGEST_PURPOSE = 210
# Layout costs milliseconds a row: more of them go into a file of their own.
LONGEST_ANNEX = 200
SIGNS = {Currency.RUB: "руб.", Currency.KZT: "тг"}


class Form(Enum):
    """By which country's habits an invoice is printed."""

    RUSSIA = "ru"
    KAZAKHSTAN = "kz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Seller or buyer. `tax_number` is an INN, or a BIN or IIN in Kazakhstan.

    `registration` is an OGRN or OGRNIP, `beneficiary_code` Kazakhstan's Кбе. A natural person may
    be without a tax number.
    """

    name: str
    tax_number: str = ""
    kpp: str = ""
    registration: str = ""
    address: str = ""
    beneficiary_code: str = ""
    natural_person: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """Where the seller is paid. `account` is a settlement account, or an IBAN in Kazakhstan."""

    name: str
    bic: str
    account: str
    correspondent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedLine:
    """One row: `price` of one piece after discount and with VAT.

    `vat_percent` is None without VAT, `vat` what the total contains of it (§7).
    """

    name: str
    quantity: Decimal
    unit: str
    price: Money
    total: Money
    vat_percent: Decimal | None
    vat: Money

    def with_vat(self, vat: Money) -> PrintedLine:
        """Return the row with another VAT."""
        return replace(self, vat=vat)


@dataclass(frozen=True, slots=True)
class VatShare:
    """The VAT of all rows of one rate in percent."""

    percent: Decimal
    amount: Money


@dataclass(frozen=True, slots=True)
class AnnexRow:
    """One account below a partner's (§6).

    `price` is of an active unit a month, `conserved_price` of a conserved one, `total` of the whole
    period before corrections; None where the sum cannot be shared out.
    """

    account: str
    active: int
    conserved: int
    price: Money | None = None
    conserved_price: Money | None = None
    total: Money | None = None


@dataclass(frozen=True, slots=True)
class AnnexSums:
    """From the accounts' sum to the invoice's: `credit` was taken off, `others` are other rows."""

    accounts: Money
    credit: Money
    others: Money

    @property
    def total(self) -> Money:
        """The invoice's total."""
        return self.accounts - self.credit + self.others


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs: the role as printed, and the name."""

    role: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceDocument:
    """An invoice as it is printed; the same record gives the same bytes.

    `issuer` is the issuer rule's code, by which images are found. `credit` is what corrections took
    off the prices already. `changes` say what a later revision corrected. `purpose_code` is
    Kazakhstan's КНП. `notes` stand under the total, "" nowhere. `annex_sums` are there where a
    partner's sum is shared out among its accounts, else `annex_note` says why it is not.
    """

    form: Form
    issuer: str
    number: str
    issued: date
    pay_by: date | None
    title: str
    contract: str
    seller: Party
    bank: Bank
    buyer: Party
    currency: Currency
    lines: tuple[PrintedLine, ...]
    credit: Money
    signers: tuple[Signer, ...] = ()
    notes: tuple[str, ...] = ()
    annex: tuple[AnnexRow, ...] = ()
    annex_sums: AnnexSums | None = None
    annex_note: str = ""
    revision: int = 1
    changes: tuple[str, ...] = ()
    pay_link: str = ""
    purpose_code: str = ""

    @property
    def total(self) -> Money:
        """What is to be paid."""
        return Money(sum(line.total.minor for line in self.lines), self.currency)

    @property
    def vat(self) -> tuple[VatShare, ...]:
        """The VAT of the invoice by rate, the highest first; none where nothing bears VAT."""
        rates = sorted({one.vat_percent for one in self.lines if one.vat_percent is not None})
        return tuple(VatShare(rate, self._vat_of(rate)) for rate in reversed(rates))

    @property
    def has_several_rates(self) -> bool:
        """Say whether rows differ in VAT, «without» being a rate of its own."""
        return len({one.vat_percent for one in self.lines}) > 1

    @property
    def is_payable(self) -> bool:
        """Say whether anything is to be paid: credits may cover all of an invoice (§8)."""
        return self.total.minor > 0

    @property
    def has_annex_apart(self) -> bool:
        """Say whether the annex is too long for the page, and is a file of its own."""
        return len(self.annex) > LONGEST_ANNEX

    @property
    def purpose(self) -> str:
        """The purpose of payment, printed to be copied and borne by the payment code alike.

        Number, date, VAT or the lack of it, on one line, 210 characters at most. Contract and
        services stand in the page: with them a code of long names is not read from a screen.
        Source: reference on Russian documents 5.1.
        """
        tail = f". {self._vat_words()}"
        head = " ".join(f"Оплата по счету № {self.number} от {self.issued:%d.%m.%Y}".split())
        return head[: LONGEST_PURPOSE - len(tail)] + tail

    def _vat_of(self, rate: Decimal) -> Money:
        kopecks = sum(one.vat.minor for one in self.lines if one.vat_percent == rate)
        return Money(kopecks, self.currency)

    def _vat_words(self) -> str:
        shares = self.vat
        if not shares:
            return "НДС не облагается" if self.form is Form.RUSSIA else "Без НДС"
        told = "; ".join(f"{percent(one.percent)} - {one.amount.amount}" for one in shares)
        return f"В т.ч. НДС {told}"


def percent(rate: Decimal) -> str:
    """Return «22%», «7.5%» as «7,5%»."""
    return f"{rate.normalize():f}".replace(".", ",") + "%"


def pieces(quantity: Decimal) -> str:
    """Return a quantity without needless zeros: «3», «1,5»."""
    whole = quantity.to_integral_value()
    return f"{whole if quantity == whole else quantity.normalize():f}".replace(".", ",")


def figure(money: Money) -> str:
    """Return an amount without its currency: «22 324,00», the spaces unbreakable."""
    return rubles(money).rsplit("\u00a0", 1)[0]


def signed(money: Money) -> str:
    """Return an amount with the currency's sign as invoices bear it."""
    return f"{figure(money)}\u00a0{SIGNS[money.currency]}"


def annex_counts(rows: Sequence[AnnexRow]) -> tuple[int, int]:
    """Return how many vehicles an annex lists: active and conserved."""
    return sum(row.active for row in rows), sum(row.conserved for row in rows)


DOCUMENT: Body[InvoiceDocument] = Body(TypeAdapter(InvoiceDocument))
