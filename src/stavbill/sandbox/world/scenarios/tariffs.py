"""How people type tariffs (§2), and the fees that are none (§9)."""

from __future__ import annotations

from collections.abc import Callable

from stavbill.sandbox.world.make import Making
from stavbill.sandbox.world.scenarios.case import (
    Answers,
    Case,
    Line,
    bill,
    dispatching,
    fuel,
    hold,
    invoice,
    skip,
    subscribed,
)

# Text on the card, units in Wialon (active, conserved), the lines that it means.
SPELLINGS: tuple[tuple[str, str, tuple[int, int], tuple[Line, ...]], ...] = (
    ("Cyrillic х", "3х350", (3, 0), (subscribed(3, 350),)),
    ("Cyrillic Х and a no-break space", "3\u00a0Х\u00a0350", (3, 0), (subscribed(3, 350),)),
    ("Latin x", "3x350", (3, 0), (subscribed(3, 350),)),
    ("multiplication sign", "2×350|1×100", (2, 1), (subscribed(2, 350), subscribed(1, 100))),
    ("middle dot", "3·350", (3, 0), (subscribed(3, 350),)),
    ("roubles behind", "3*350 руб|2*250р", (5, 0), (subscribed(3, 350), subscribed(2, 250))),
    ("sign of the rouble", "3*350₽", (3, 0), (subscribed(3, 350),)),
    ("trailing bar", "3*350|", (3, 0), (subscribed(3, 350),)),
    ("doubled bar", "3*350||2*250", (5, 0), (subscribed(3, 350), subscribed(2, 250))),
    ("new line", "3*350\n2*250", (5, 0), (subscribed(3, 350), subscribed(2, 250))),
    ("comma and space", "3*350, 2*250", (5, 0), (subscribed(3, 350), subscribed(2, 250))),
    ("spaces around", " 3 * 350 | 2 * 250 ", (5, 0), (subscribed(3, 350), subscribed(2, 250))),
    ("space of thousands", "3*1 500,00 ₽", (3, 0), (subscribed(3, 1500),)),
    ("same price twice", "2*350|1*350", (3, 0), (subscribed(3, 350),)),
    ("remembered group", "3*350|-*250", (3, 0), (subscribed(3, 350),)),
)
KOPECKS = (
    ("comma decimal", "3*350,50", 350_50),
    ("point decimal", "3*99.9", 99_90),
)
BROKEN = (
    ("word", "abc"),
    ("no price", "3*"),
    ("three numbers", "1*3*5"),
    ("negative price", "3*-350"),
    ("comma without a space", "3*350,2*100"),
    ("hundred behind a price", "3*350 100"),
    ("digit behind a price", "3*350 5"),
)
NO_FEE = (
    ("minus everywhere", {"tariff": "-"}),
    ("long dash", {"tariff": "—", "fuel": "–", "dispatching": "-*200"}),
    ("remembered subscription", {"tariff": "-*350"}),
    ("price zero", {"tariff": "3*0"}),
    ("empty but for a minus", {"tariff": "", "fuel": "-", "dispatching": ""}),
)


def spelled(
    text: str, fleet: tuple[int, int], lines: tuple[Line, ...]
) -> Callable[[Making, int], Answers]:
    """Return the staging of one readable spelling."""

    def stage(make: Making, at: int) -> Answers:
        one = make.add(at, tariff=text, active=fleet[0], conserved=fleet[1])
        return bill(one, invoice(make, one, *lines), card_count=sum(fleet))

    return stage


def priced(text: str, kopecks: int) -> Callable[[Making, int], Answers]:
    """Return the staging of a price with kopecks."""

    def stage(make: Making, at: int) -> Answers:
        one = make.add(at, tariff=text)
        line = invoice(make, one, subscribed(3, kopecks), kopecks=True)
        return bill(one, line, card_count=3)

    return stage


def broken(text: str) -> Callable[[Making, int], Answers]:
    """Return the staging of a tariff that cannot be read."""
    return lambda make, at: hold(make.add(at, tariff=text), "tariff")


def free(texts: dict[str, str]) -> Callable[[Making, int], Answers]:
    """Return the staging of a company without a fee."""

    def stage(make: Making, at: int) -> Answers:
        return skip(
            make.add(
                at,
                tariff=texts["tariff"],
                fuel=texts.get("fuel", "-"),
                dispatching=texts.get("dispatching", "-"),
            ),
            "no_fee",
        )

    return stage


def fuel_only(make: Making, at: int) -> Answers:
    """Stage: no subscription: nothing is counted, the other fees are billed."""
    one = make.add(at, tariff="-", fuel="2*100", active=5, card_count=9)
    return bill(one, invoice(make, one, fuel(2, 100)))


def broken_fuel(make: Making, at: int) -> Answers:
    """Stage: the subscription is fine, the fee of fuel sensors is not."""
    return hold(make.add(at, fuel="да"), "tariff", card_count=3)


def no_customer(make: Making, at: int) -> Answers:
    """Stage: all fee fields empty, with a contract and an account; and with nothing."""
    known = make.add(at, tariff="", fuel="", dispatching="")
    unknown = make.add(
        at + 1, tariff="", fuel="", dispatching="", with_account=False, account="", contracts=(),
        buyer="none", status=None, card_count=None,
    )  # fmt: skip
    return skip(known, "not_a_customer") | skip(unknown, "not_a_customer")


def dispatching_with_groups(make: Making, at: int) -> Answers:
    """Stage: the fees share the tariff's grammar."""
    one = make.add(at, dispatching="1*200|2*150")
    lines = (subscribed(3, 350), dispatching(1, 200), dispatching(2, 150))
    return bill(one, invoice(make, one, *lines), card_count=3)


CASES = (
    *(Case(f"§2 {name}", 1, spelled(text, fleet, lines)) for name, text, fleet, lines in SPELLINGS),
    *(Case(f"§2 {name}", 1, priced(text, kopecks)) for name, text, kopecks in KOPECKS),
    *(Case(f"§2 broken: {name}", 1, broken(text)) for name, text in BROKEN),
    *(Case(f"§9 no fee: {name}", 1, free(texts)) for name, texts in NO_FEE),
    Case("§5 fuel sensors without a subscription", 1, fuel_only),
    Case("§2 broken fee of fuel sensors", 1, broken_fuel),
    Case("§9 no customer of billing", 2, no_customer),
    Case("§2 groups of dispatching", 1, dispatching_with_groups),
)
