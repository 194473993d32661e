"""The world's accounts and units as Wialon services, one for each connection."""

from __future__ import annotations

from collections.abc import Mapping

from stavbill.sandbox.clock import SandboxClock
from stavbill.sandbox.wialon.host import WialonHost
from stavbill.sandbox.wialon.model import EVERYTHING, Account, Field, Fleet, Token, Unit, User
from stavbill.sandbox.world.build import World
from stavbill.sandbox.world.model import Account as WorldAccount
from stavbill.sandbox.world.model import Cluster
from stavbill.sandbox.world.model import Unit as WorldUnit
from stavbill.sandbox.world.setting import TOP_ACCOUNTS

BORN = 1_600_000_000
DAY_S = 86_400
FIRST_FIELD = 2
"""Fields of the world bear no numbers; the host counts them from here within each unit."""


class WialonFurnisher:
    """Takes clusters in, gives hosts out."""

    def __init__(self, world: World, clock: SandboxClock) -> None:
        """Open a service for each connection, with its top account, its user and its token."""
        self._now = int(clock.now().timestamp())
        self.hosts: dict[str, WialonHost] = {}
        self._service_of: dict[int, str] = {}
        for connection in world.connections:
            fleet = Fleet()
            fleet.add(User(connection.user_id, connection.name, connection.account_id))
            fleet.add(
                Account(
                    connection.account_id,
                    connection.name,
                    connection.user_id,
                    dealer=True,
                    created_at=BORN,
                ),
                # A resource that is no account, as every service has some.
                Account(
                    connection.account_id + 100,
                    f"{connection.name} шаблоны",
                    connection.user_id,
                    is_account=False,
                    owner_id=connection.account_id,
                    created_at=BORN,
                ),
            )
            fleet.add_token(Token(connection.token, connection.user_id))
            fleet.add_token(Token(connection.master_token, connection.user_id, EVERYTHING))
            self.hosts[connection.name] = WialonHost(fleet, clock)

    def add(self, cluster: Cluster) -> None:
        """Put a cluster's accounts and units into their services."""
        parents = {account.parent_id for account in cluster.accounts}
        for account in cluster.accounts:
            self._service_of[account.id] = account.connection
            fleet = self.hosts[account.connection].fleet
            fleet.add(self._account(account, dealer=account.id in parents))
        for unit in cluster.units:
            self.hosts[self._service_of[unit.account_id]].fleet.add(self._unit(unit))

    def _account(self, account: WorldAccount, *, dealer: bool) -> Account:
        top = TOP_ACCOUNTS[account.connection]
        user_id = self._user_of(account.connection)
        return Account(
            id=account.id,
            name=account.name,
            creator_id=user_id,
            parent_id=account.parent_id or top,
            dealer=dealer,
            created_at=BORN + account.id % 1000 * DAY_S,
            days=30,
        )

    def _unit(self, unit: WorldUnit) -> Unit:
        silent = unit.id % 11 == 0  # some never reported
        since = int(unit.deactivated_at.timestamp()) if unit.deactivated_at else 0
        return Unit(
            id=unit.id,
            name=unit.name,
            account_id=unit.account_id,
            creator_id=self._user_of(self._service_of[unit.account_id]),
            active=unit.active,
            state_hidden=unit.state_unknown,
            deactivated_at=since,
            created_at=BORN + unit.id % 1000 * DAY_S,
            last_message_at=None if silent else (since or self._now) - unit.id % 900,
            fields=tuple(
                Field(number, name, value)
                for number, (name, value) in enumerate(unit.fields, start=FIRST_FIELD)
            ),
        )

    def _user_of(self, connection: str) -> int:
        return next(iter(self.hosts[connection].fleet.users))


def furnished_hosts(world: World, clock: SandboxClock) -> Mapping[str, WialonHost]:
    """Return the Wialon hosts of a world by connection, without a portal."""
    furnisher = WialonFurnisher(world, clock)
    for cluster in world.clusters():
        furnisher.add(cluster)
    return furnisher.hosts
