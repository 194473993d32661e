"""`invoice recompute`: the run that issued the invoice, and both sums."""

from __future__ import annotations

from pathlib import Path

from stavbill.plan.texts import amount
from tests.end_to_end.driving import DAY, Installation, installed
from tests.end_to_end.people import command, edit_card, invoices

E1 = 101
NEXT = "2027-01-11"


async def month(place: Installation, day: str) -> None:
    told = await command(
        place, "run", "month", "--as-of", day, "--company", str(E1), "--yes", "--accept-band"
    )
    assert told.code == 0, told.err + told.out


async def test_a_key_takes_the_run_that_issued_it_and_both_sums_are_told(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=8) as place:
        await month(place, DAY.isoformat())
        first = str(invoices(place, E1)[0]["xmlId"])
        old = invoices(place, E1)[0]["opportunity"]
        await edit_card(place, E1, tariff="3*777")
        await month(place, NEXT)
        second = str(invoices(place, E1)[-1]["xmlId"])
        assert first != second

        told = await command(place, "invoice", "recompute", first)
        found = (await command(place, "invoice", "recompute", first, "--json")).document
        later = (await command(place, "invoice", "recompute", second, "--json")).document
        of_company = (await command(place, "invoice", "recompute", str(E1), "--json")).document

        wanted = amount(round(float(old) * 100), "RUB")
        assert told.code == 0, told.err
        assert f"Было: {wanted} · сейчас: {wanted}" in told.out
        assert "Совпадает" in told.out
        assert first in told.out
        assert found["run_id"] != later["run_id"] == of_company["run_id"]
        assert (found["stored"], later["stored"]) == (wanted, amount(233100, "RUB"))


async def test_rules_that_changed_since_are_told_with_both_sums(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=8) as place:
        await month(place, DAY.isoformat())
        key = str(invoices(place, E1)[0]["xmlId"])
        text = place.config.read_text(encoding="utf-8")
        changed = text.replace("pay_within_days = 10", "pay_within_days = 20")
        place.config.write_text(changed, encoding="utf-8")

        told = await command(place, "invoice", "recompute", key)

        assert told.code == 1
        assert "Отличается: срок оплаты." in told.out


async def test_a_key_that_this_store_never_issued_is_named(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=8) as place:
        await month(place, DAY.isoformat())
        key = str(invoices(place, E1)[0]["xmlId"])
        refused = await command(place, "invoice", "recompute", key.rpartition(":")[0] + ":7")
        assert refused.code == 2
        assert "эта база не выставляла" in refused.err
