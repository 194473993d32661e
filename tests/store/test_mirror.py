"""The mirror keeps what readings yield, by chunks, and gives it back by chunks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from stavbill.billing.facts import CompanyId
from stavbill.store.database import Store
from stavbill.store.mirror import (
    LinkedRecord,
    ReadingId,
    account_key,
    begin_reading,
    company_count,
    company_ids,
    connection_key,
    end_reading,
    forget_companies,
    invoices_lacking_rows,
    last_complete_reading,
    portfolios,
    put_companies,
    put_records,
    sweep,
)
from stavbill.store.neighbours import neighbours, partners
from tests.store.samples import (
    NOON,
    PORTAL,
    company_record,
    contract_record,
    invoice_record,
    requisite_record,
    task_record,
)


def reading(store: Store) -> ReadingId:
    with store.write() as db:
        return begin_reading(db, PORTAL, whole=True, at=NOON)


def test_a_portfolio_holds_everything_of_its_company(store: Store) -> None:
    first = reading(store)
    linked: list[LinkedRecord] = [
        invoice_record(31, 1),
        contract_record(5, 1),
        requisite_record(6, 1),
        task_record(8, 1),
        invoice_record(30, 1),
        invoice_record(32, 2),
    ]
    with store.write() as db:
        put_companies(db, PORTAL, first, [company_record(1), company_record(2)])
        put_records(db, PORTAL, first, linked)
    with store.read() as db:
        found = portfolios(db, PORTAL, [CompanyId(1), CompanyId(2), CompanyId(77)])
    assert list(found) == [1, 2]
    mine = found[CompanyId(1)]
    assert mine.company == company_record(1)
    assert mine.invoices == (invoice_record(30, 1), invoice_record(31, 1))
    assert mine.contracts == (contract_record(5, 1),)
    assert mine.requisites == (requisite_record(6, 1),)
    assert mine.tasks == (task_record(8, 1),)
    assert found[CompanyId(2)].contracts == ()


def test_a_complete_reading_sweeps_what_it_has_not_seen(store: Store) -> None:
    first = reading(store)
    with store.write() as db:
        put_companies(db, PORTAL, first, [company_record(1), company_record(2)])
        put_companies(db, "other.example", first, [company_record(3)])
        put_records(db, PORTAL, first, [invoice_record(30, 1), invoice_record(31, 1)])
        end_reading(db, first, complete=True, rows=4, at=NOON - timedelta(minutes=1))
    second = reading(store)
    with store.write() as db:
        put_companies(db, PORTAL, second, [company_record(1)])
        put_records(db, PORTAL, second, [invoice_record(31, 1)])
        sweep(db, PORTAL, second)
        end_reading(db, second, complete=True, rows=2, at=NOON + timedelta(minutes=1))
    with store.read() as db:
        assert company_ids(db, PORTAL) == (1,)
        assert company_ids(db, "other.example") == (3,)
        assert portfolios(db, PORTAL, [CompanyId(1)])[CompanyId(1)].invoices == (
            invoice_record(31, 1),
        )
        last = last_complete_reading(db, PORTAL)
    assert last is not None
    assert (last.reading, last.rows) == (second, 2)


def test_two_readings_at_once_do_not_forget_what_the_other_saw(store: Store) -> None:
    first, second = reading(store), reading(store)
    with store.write() as db:
        put_companies(db, PORTAL, second, [company_record(1), company_record(2)])
        put_companies(db, PORTAL, first, [company_record(1)])
        sweep(db, PORTAL, second)
    with store.read() as db:
        assert company_ids(db, PORTAL) == (1, 2)


def test_a_reading_killed_hours_ago_protects_nothing(store: Store) -> None:
    with store.write() as db:
        killed = begin_reading(db, PORTAL, whole=True, at=NOON - timedelta(hours=7))
        put_companies(db, PORTAL, killed, [company_record(1), company_record(2)])
    second = reading(store)
    with store.write() as db:
        put_companies(db, PORTAL, second, [company_record(1)])
        sweep(db, PORTAL, second)
    with store.read() as db:
        assert company_ids(db, PORTAL) == (1,)


def test_one_company_is_read_again_alone(store: Store) -> None:
    first = reading(store)
    with store.write() as db:
        put_companies(db, PORTAL, first, [company_record(1), company_record(2)])
        put_records(db, PORTAL, first, [task_record(8, 1), task_record(9, 2)])
    with store.write() as db:
        again = begin_reading(db, PORTAL, whole=False, at=NOON)
        forget_companies(db, PORTAL, [CompanyId(1)])
        put_companies(db, PORTAL, again, [company_record(1, subscription="4*350")])
    with store.read() as db:
        found = portfolios(db, PORTAL, [CompanyId(1), CompanyId(2)])
    assert found[CompanyId(1)].company == company_record(1, subscription="4*350")
    assert found[CompanyId(1)].tasks == ()
    assert found[CompanyId(2)].tasks == (task_record(9, 2),)


def test_rows_of_an_unchanged_invoice_need_not_be_read_again(store: Store) -> None:
    first = reading(store)
    with store.write() as db:
        put_records(db, PORTAL, first, [invoice_record(30, 1), invoice_record(31, 1)])
    second = reading(store)
    changed = invoice_record(31, 1, updated="2026-12-01T10:00:00+03:00", rows=False)
    with store.write() as db:
        put_records(db, PORTAL, second, [invoice_record(30, 1, rows=False), changed])
    with store.read() as db:
        assert invoices_lacking_rows(db, PORTAL) == (changed,)
        assert invoices_lacking_rows(db, PORTAL, after=31) == ()
    with store.write() as db:
        put_companies(db, PORTAL, second, [company_record(1)])
    with store.read() as db:
        found = portfolios(db, PORTAL, [CompanyId(1)])[CompanyId(1)]
    assert found.invoices[0] == invoice_record(30, 1)


def test_rows_known_before_are_not_believed_when_the_sum_is_another(store: Store) -> None:
    first, second = reading(store), reading(store)
    changed = replace(invoice_record(30, 1, rows=False), total=Decimal(5))
    with store.write() as db:
        put_records(db, PORTAL, first, [invoice_record(30, 1)])
        put_records(db, PORTAL, second, [changed])
        assert invoices_lacking_rows(db, PORTAL) == (changed,)


def test_companies_come_in_chunks_in_the_order_of_ids(store: Store) -> None:
    first = reading(store)
    with store.write() as db:
        put_companies(db, PORTAL, first, [company_record(n) for n in range(120, 0, -1)])
    seen: list[int] = []
    with store.read() as db:
        while chunk := company_ids(db, PORTAL, after=seen[-1] if seen else 0, limit=50):
            seen.extend(chunk)
        assert company_count(db, PORTAL) == 120
    assert seen == list(range(1, 121))


def test_companies_that_name_one_account_find_each_other(store: Store) -> None:
    first = reading(store)
    with store.write() as db:
        put_companies(
            db,
            PORTAL,
            first,
            [
                company_record(1, account="25292"),
                company_record(2, account=" 25292 ", connection="Stavros1", skip=True),
                company_record(3, account="25292", connection="stavros2"),
                company_record(4, account="", partner=True),
                company_record(5, partner=True),
                company_record(6, partner=True, skip=True),
            ],
        )
    key = (connection_key(" STAVROS1"), account_key("25292 "))
    assert key == ("stavros1", "25292")
    with store.read() as db:
        found = neighbours(db, PORTAL, [("stavros1", "25292"), ("stavros1", "none")])
        assert [one.company for one in found["stavros1", "25292"]] == [1, 2]
        assert found["stavros1", "25292"][1].skip
        assert found.keys() == {("stavros1", "25292")}
        assert neighbours(db, PORTAL, []) == {}
        assert [one.company for one in partners(db, PORTAL)] == [5]
