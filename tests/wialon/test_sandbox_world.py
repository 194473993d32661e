"""The sandbox's whole world of Wialon hosts, read over HTTP and compared with what it holds."""

from __future__ import annotations

from pydantic import SecretStr

from stavbill.plan.records import UnitRecord, UnitState
from stavbill.sandbox.serve import running_sandbox
from stavbill.wialon.check import check_connection
from stavbill.wialon.connection import Connection
from stavbill.wialon.reader import open_reader

ACTIVE = {UnitState.ACTIVE, UnitState.ACTIVE_STALE_MARK}


async def test_every_host_of_the_sandbox_is_read_whole() -> None:
    async with running_sandbox(companies=60, seed=7) as sandbox:
        clock = sandbox.clock
        for name, host in sandbox.wialon.items():
            connection = Connection(
                name=name,
                url=sandbox.wialon_urls[name],
                token=SecretStr(sandbox.tokens[name]),
                page_size=50,
            )
            checked = await check_connection(connection, clock)
            units: dict[int, UnitRecord] = {}
            async with open_reader(connection, clock) as reader:
                accounts = {
                    account.account: account async for page in reader.accounts() for account in page
                }
                unclear: dict[int, str] = {}
                async for page in reader.units(accounts, unclear=unclear):
                    units |= {unit.unit: unit for unit in page}

            held = {unit.id: unit for unit in host.fleet.units.values()}
            dark = {unit.id: unit for unit in held.values() if unit.state_hidden}
            clear = held.keys() - dark.keys()
            assert checked.units == len(held)
            assert accounts.keys() == {
                each.id for each in host.fleet.accounts.values() if each.is_account
            }
            assert unclear.keys() == {unit.account_id for unit in dark.values()}
            assert {(unit.unit, unit.name, unit.account) for unit in units.values()} == {
                (each, held[each].name, held[each].account_id) for each in clear
            }
            assert {unit.unit for unit in units.values() if unit.state in ACTIVE} == {
                each for each in clear if held[each].active
            }
