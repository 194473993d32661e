"""`account/*`: what an account uses, whether it is blocked, and blocking it."""

from __future__ import annotations

from datetime import UTC, datetime

from stavbill.sandbox.wialon.model import EVERYTHING, Account, Fleet
from stavbill.sandbox.wialon.session import Session
from stavbill.sandbox.wialon.switches import Switches
from stavbill.sandbox.wialon.wire import ApiError, Json, Params

OWN_ONLY = 0x4
DETAILED = 0x2


class Accounts:
    """The billing side of resources. Source: wialon.md §3."""

    def __init__(self, fleet: Fleet, switches: Switches) -> None:
        """Keep the fleet."""
        self._fleet, self._switches = fleet, switches

    def get_account_data(self, session: Session, params: Params) -> Json:
        """Answer for one id with its object, for a list with objects keyed by id as text."""
        if self._switches.account_data_needs_everything and session.token.flags != EVERYTHING:
            raise ApiError(7)
        wanted, kind = params.ids("itemId"), params.integer("type")
        if isinstance(wanted, int):
            return self._data(session, wanted, kind)
        out: dict[str, Json] = {}
        for each in wanted:
            try:
                out[str(each)] = self._data(session, each, kind)
            except ApiError as refused:
                if not self._switches.inaccessible_account_is_missing:
                    out[str(each)] = refused.body()
        return out

    def own_account_data(self, session: Session, params: Params) -> Json:
        """Answer `core/get_account_data`: the same for the token's own account."""
        return self._data(session, session.user.account_id, params.integer("type"))

    def _data(self, session: Session, account_id: int, kind: int) -> dict[str, Json]:
        account = self._visible(session, account_id)
        parent = self._fleet.accounts.get(account.parent_id or 0)
        out: dict[str, Json] = {}
        if parent is not None:
            out |= {
                "parentAccountId": parent.id,
                "parentAccountName": parent.name,
                "parentEnabled": int(not self._above_is_disabled(account)),
            }
        out |= {
            "plan": "base",
            "enabled": int(not account.disabled),
            "switchTime": account.disabled_changed_at,
            "created": account.created_at,
            "flags": 0,
            "balance": f"{account.balance} RUB",
            "daysCounter": account.days,
            "dealerRights": int(account.dealer),
            "managable": int(session.token.flags == EVERYTHING),
            "subPlans": [],
        }
        services = self._services(account, own_only=bool(kind & OWN_ONLY))
        if kind & DETAILED:
            settings: dict[str, Json] = {"balance": float(account.balance)}
            settings |= {part: {"flags": 0, "historyPeriod": 0, "services": services}
                         for part in ("plan", "personal", "combined")}  # fmt: skip
            out["settings"] = settings
        else:
            out["services"] = services
        return out

    def _visible(self, session: Session, account_id: int) -> Account:
        account = self._fleet.accounts.get(account_id)
        if account is None or not account.is_account or not session.sees(self._fleet, account):
            raise ApiError(7)
        return account

    def _above_is_disabled(self, account: Account) -> bool:
        above = self._fleet.chain(account.id)[1:]
        return any(self._fleet.accounts[each].disabled for each in above)

    def _services(self, account: Account, *, own_only: bool) -> dict[str, Json]:
        covered = (account.id,) if own_only else self._fleet.subtree(account.id)
        counts = [self._fleet.usage(each) for each in covered]
        active, idle = sum(each[0] for each in counts), sum(each[1] for each in counts)
        usage = {"avl_unit": active + idle}
        if self._switches.usage_by_account:
            usage |= {"activated_units": active, "seasonal_units": idle}
        return {
            name: {"type": 2, "usage": count, "maxUsage": -1, "cost": "", "interval": 2}
            for name, count in usage.items()
        }

    def enable_account(self, session: Session, params: Params, now: datetime) -> Json:
        """Block or unblock; needs a token of -1. Answer: `{}`."""
        account_id, enable = params.integer("itemId"), params.integer("enable")
        if enable not in (0, 1):
            raise ApiError(4, "enable")
        if session.token.flags != EVERYTHING:
            raise ApiError(7)
        account = self._visible(session, account_id)
        if account.disabled == bool(enable):
            account.disabled = not enable
            account.disabled_changed_at = int(now.astimezone(UTC).timestamp())
            self._fleet.touched()
        return {}
